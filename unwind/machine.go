package unwind

import "github.com/k42trace/k42trace/table"

// A machine is how DWARF numbers the registers that a walk needs.
type machine struct {
	sp, fp uint64
	word   int // bytes of an address
}

// machineOf returns nil for what cannot be unwound.
func machineOf(abi table.ABI) *machine {
	switch abi {
	case table.AMD64:
		return &machine{sp: 7, fp: 6, word: 8}
	case table.I386:
		return &machine{sp: 4, fp: 5, word: 4}
	case table.ARM64:
		return &machine{sp: 31, fp: 29, word: 8}
	}
	return nil
}

// registers are those of one frame, by number; what is not in known has been lost on
// the way.
type registers struct {
	value [table.NumRegisters]uint64
	known uint64 // bit n: value[n]
	pc    uint64
}

func (r *registers) get(n uint64) (uint64, bool) {
	if n >= uint64(len(r.value)) || r.known&(1<<n) == 0 {
		return 0, false
	}
	return r.value[n], true
}

func (r *registers) set(n, v uint64) {
	if n < uint64(len(r.value)) {
		r.value[n] = v
		r.known |= 1 << n
	}
}
