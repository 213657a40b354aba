// Package handlers holds ready-made handlers for a table.Table: Trace writes
// what programs do in the format of strace, Count sums it up, and small ones
// deny, redirect, answer, delay and rewrite calls.
//
// It owns what these handlers do and how a trace's lines are laid out. It does
// not own how arguments become text (decode), nor files and their errors (the
// command), nor how calls get here (supervisor).
package handlers
