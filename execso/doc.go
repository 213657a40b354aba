// Package execso is the direct route's in-process half: what stands in the memory
// of a traced program so that its system calls need not stop it.
//
// It owns the region's layout, the entry code, the threads' slots with the rings
// in which calls are recorded, how the program's system-call instructions are
// rewritten, and what a thread that is interrupted in our code would have been doing
// without us. It does not own how any of that gets into a process, or when: package
// supervisor does, with ptrace requests, of which this package knows nothing.
package execso
