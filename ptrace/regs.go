package ptrace

import "github.com/k42trace/k42trace/table"

// Registers is what every architecture's Regs can do. At a stop inside a call
// the kernel keeps the number apart from the result register; a restart (and a
// stop at entry) uses it.
type Registers interface {
	// Get and Set read and write the registers of a stopped tracee.
	Get(tid int) error
	Set(tid int) error

	IP() uint64
	SetIP(uint64)
	SP() uint64

	// SetCall makes the registers those of a call at its entry: at an entry
	// or seccomp stop the kernel runs it in place of the pending one.
	SetCall(abi table.ABI, nr int, args [6]uint64)
	// SetEntry makes the registers those from which a system-call instruction
	// at site makes the call, when the tracee runs from an exit or other stop
	// outside calls. The kernel will not restart anything on the way.
	SetEntry(abi table.ABI, site uint64, nr int, args [6]uint64)
	// SetResult sets the result register.
	SetResult(r table.Result)
	// Result reads the result register.
	Result() table.Result
	// SetArg sets one argument register.
	SetArg(abi table.ABI, i int, v uint64)
	// RestartInterrupted makes a call that has just ended with EINTR start
	// again when the thread goes on, unless a handler is to run first. It
	// reports whether there was such a call.
	RestartInterrupted() bool
	// Call returns the call that has just ended, or is under way. One that 64-bit
	// code made by int 0x80 cannot be told from one of its own ABI.
	Call() (abi table.ABI, nr int, args [6]uint64)
	// Mode32 reports whether the thread runs 32-bit code.
	Mode32() bool
}

var _ Registers = (*Regs)(nil)
