package table

// A Thread is one thread of the child, as handlers and observers see it.
type Thread interface {
	// TID returns the thread id in the supervisor's pid namespace.
	TID() int
	// Process returns the process that the thread belongs to now.
	Process() Process
	// FDs, FS and Blocked are the thread's own, which only differ from those of the
	// other threads of its process where it has made it so: descriptors, what paths
	// start from, and the signals that it has blocked (bit 0 is signal 1).
	FDs() FDs
	FS() FS
	Blocked() uint64
	Memory
}

// A Process is one thread group of the child.
type Process interface {
	// PID returns the thread-group id in the supervisor's pid namespace.
	PID() int
	// Parent returns the PID of the process that created this one, as far as
	// it was traced; 0 for the first process.
	Parent() int
	// FDs, FS and Signals are those of the process, which means of its first thread:
	// see Thread for the others'.
	FDs() FDs
	FS() FS
	Signals() Dispositions
}

// Memory is a thread's address space. Addresses and lengths come from the child
// and may be anything; the methods fail with EFAULT, and with ESRCH when the
// thread is gone, never panic.
type Memory interface {
	// ReadMemory reads up to len(p) bytes at addr. It returns how many bytes
	// could be read before the first unreadable page, and EFAULT if none.
	ReadMemory(addr uint64, p []byte) (int, error)
	// ReadRanges reads several ranges, in one system call where they are all
	// readable. Ranges[i].N tells how much of each was read.
	ReadRanges(ranges []Range)
	// WriteMemory writes p at addr, as the child itself could: read-only pages
	// are not written. It returns how many bytes were written.
	WriteMemory(addr uint64, p []byte) (int, error)
}

// A Range is a piece of child memory to be read.
type Range struct {
	Addr uint64
	Buf  []byte // where to; its length is how much is wanted
	N    int    // how much of Buf was read
}
