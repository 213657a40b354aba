package execso

import (
	"bytes"
	"slices"
)

// A Store is the writing of one aligned word of a program's code: all threads see it
// whole.
type Store struct{ Addr, Word uint64 }

// Stores returns by which stores, one after the other, code of JumpLen bytes is written at
// address addr, over the first bytes of an instruction, while threads may run there. words
// are what stands in the aligned word at addr&^7 and in the next.
//
// If all is in one word, one store does it. Else the instruction first becomes a jump to
// itself, in which threads wait; then what follows is written, which nobody runs; and last
// the beginning. A thread that a signal interrupts meanwhile stands at the instruction,
// as it should.
//
// ok is false if the words part between the first two bytes.
func Stores(addr uint64, words [2]uint64, code []byte) (list []Store, ok bool) {
	const size = 8
	first := addr &^ (size - 1)
	off := int(addr - first)
	if off == size-1 {
		return nil, false
	}
	b := le.AppendUint64(le.AppendUint64(nil, words[0]), words[1])
	store := func(n int) {
		list = append(list, Store{first + uint64(n*size), le.Uint64(b[n*size:])})
	}
	if off+len(code) <= size {
		copy(b[off:], code)
		store(0)
		return list, true
	}
	copy(b[off:], toItself)
	store(0)
	copy(b[off+len(toItself):], code[len(toItself):])
	store(1)
	copy(b[off:], code)
	store(0)
	return list, true
}

// toItself is a jump to itself.
var toItself = []byte{0xeb, 0xfe}

// HalfWritten reports whether code, read where such an instruction begins, is what all but the
// last of several stores leave: so it may be found in a copy of the memory.
func HalfWritten(code []byte) bool { return bytes.HasPrefix(code, toItself) }

// AnyTime reports whether the window may be written, and its bytes be given back, while
// the process's other threads run.
func (w *Window) AnyTime() bool {
	_, ok := Stores(w.Addr, [2]uint64{}, slices.Clip(w.original[:JumpLen]))
	return ok && w.Single && !w.CrossesLine()
}
