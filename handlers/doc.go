// Package handlers holds ready-made handlers for a table.Table: Trace writes
// what programs do in the format of strace, Count sums it up, View and MountFS show other
// files, Deny, ReadOnly and Loopback are policies, Identity and Clock change what programs are told,
// Touched records, and small ones answer, delay and rewrite calls. docs/HANDLERS.md has them all.
//
// It owns what these handlers do and how a trace's lines are laid out. It does
// not own how arguments become text (decode), nor files and their errors (the
// command), nor how calls get here (supervisor).
package handlers
