// Package ptrace is a typed layer over ptrace(2) and wait4(2).
//
// It owns the requests, the decoding of wait statuses into events, registers
// behind one method set per architecture, child memory, the seized launch, and
// the injection of single calls. It does not own the event loop or any policy:
// which thread is resumed when, and what a stop means for the program, is
// package supervisor's business.
//
// Every request must come from the thread that seized the tracee; callers lock
// their goroutine to it. Every request may fail with ESRCH because the tracee
// was killed meanwhile (ptrace(2), "Death under ptrace"): that is no error, the
// death itself is reported by Wait. Gone recognises it.
package ptrace
