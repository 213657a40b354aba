package table

import "golang.org/x/sys/unix"

// A Tamperer is an Engine that can do to its thread what a debugger can, whatever
// the program has arranged. An Engine of a call that is over is none.
type Tamperer interface {
	Engine
	// Raise makes sig pending for the thread.
	Raise(sig unix.Signal) error
	// Poke writes memory whatever its protection.
	Poke(addr uint64, p []byte) error
}

// Raise sends the calling thread a signal of the kernel's (si_code SI_KERNEL). It is
// pending when Native runs, so that a call that would wait is interrupted at once,
// and reaches the program when the handler has returned.
func (c *Call) Raise(sig unix.Signal) error {
	if t, ok := c.engine.(Tamperer); ok {
		return t.Raise(sig)
	}
	return unix.EOPNOTSUPP
}

// Poke writes p to the child's memory as a debugger does: also where the child
// itself cannot write, but not to shared memory that it cannot. Where memory ends in the
// middle, as much is written as there is; it fails if that is nothing.
func (c *Call) Poke(addr uint64, p []byte) error {
	if t, ok := c.engine.(Tamperer); ok {
		return t.Poke(addr, p)
	}
	return unix.EOPNOTSUPP
}
