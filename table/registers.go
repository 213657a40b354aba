package table

// NumRegisters is how many registers DWARF numbers, as far as they concern us.
const NumRegisters = 33

// Registers are the general registers of a thread that stands still, in the numbering
// that DWARF has for its machine.
type Registers struct {
	ABI   ABI // AMD64, I386 or ARM64, by the code that the thread runs
	IP    uint64
	Reg   [NumRegisters]uint64
	Known uint64 // bit n: Reg[n] is there
}

// A RegisterReader is a Thread whose registers can be read: at a call that came by the
// trap route, and in an Observer's methods.
type RegisterReader interface {
	// Registers reads them. It fails with ESRCH if the thread is gone.
	Registers(*Registers) error
}
