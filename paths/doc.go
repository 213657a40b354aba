// Package paths tells where the path arguments of system calls lead.
//
// It owns which arguments are paths and how each call follows them (ArgsOf), the tree of
// files that a program is shown (View: the host's, with directories and io/fs file
// systems mounted over it), and the walk through it (View.Resolve) from a thread's
// root, working directory or descriptor, through "..", symbolic links and /proc/self. It
// does not own what is then done about the call: package handlers does.
package paths
