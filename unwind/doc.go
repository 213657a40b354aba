// Package unwind finds the callers of a stopped thread: the stack of a system call.
//
// It owns the reading of unwinding information (DWARF's call-frame information in
// .eh_frame and .debug_frame), the walk over frames by it or, where there is none, by
// frame pointers, and the names of functions. It does not own registers and memory of
// the thread, which it is given, nor how a stack is shown.
//
// All that is read belongs to the program: its files, its memory, its registers.
// They may mean ill; a stack then ends early, and costs no more than the limits here say.
package unwind
