package table

import "iter"

// maxNumber bounds the numbers that a Set and a Table can name one by one; all
// others together are "unknown numbers".
const maxNumber = 1024

// A Set is a set of system calls of all ABIs. The zero Set is empty.
type Set struct {
	bits  [NumABI][maxNumber / 64]uint64
	other [NumABI]bool // all numbers beyond maxNumber or without a signature
	// folded are the calls that i386's socketcall and ipc stand for: bits, by their Folded.
	folded uint64
}

// Add puts the call nr of abi into the set. Numbers that no table knows and that
// are out of range stand for all such numbers.
func (s *Set) Add(abi ABI, nr int) {
	if abi == X32 && nr >= 0 {
		nr &^= X32Bit
	}
	if nr < 0 || nr >= maxNumber {
		s.other[abi] = true
		return
	}
	s.bits[abi][nr/64] |= 1 << (nr % 64)
}

// AddUnknown puts all numbers of abi that have no signature into the set.
func (s *Set) AddUnknown(abi ABI) { s.other[abi] = true }

// Remove takes the call nr of abi out of the set.
func (s *Set) Remove(abi ABI, nr int) {
	if abi == X32 && nr >= 0 {
		nr &^= X32Bit
	}
	if nr >= 0 && nr < maxNumber {
		s.bits[abi][nr/64] &^= 1 << (nr % 64)
	}
}

// Has reports whether the call nr of abi is in the set.
func (s *Set) Has(abi ABI, nr int) bool {
	if abi == X32 && nr >= 0 {
		nr &^= X32Bit
	}
	if nr < 0 || nr >= maxNumber {
		return s.other[abi]
	}
	if s.bits[abi][nr/64]&(1<<(nr%64)) != 0 {
		return true
	}
	return s.other[abi] && SignatureOf(abi, nr) == nil
}

// HasUnknown reports whether unknown numbers of abi are in the set.
func (s *Set) HasUnknown(abi ABI) bool { return s.other[abi] }

// Numbers returns the numbers of abi that are in the set, without X32Bit, in
// order; unknown numbers beside those added one by one are not among them.
func (s *Set) Numbers(abi ABI) iter.Seq[int] { return s.numbers(abi) }

// Union adds all calls of o to s.
func (s *Set) Union(o *Set) {
	for abi := range NumABI {
		for i := range s.bits[abi] {
			s.bits[abi][i] |= o.bits[abi][i]
		}
		s.other[abi] = s.other[abi] || o.other[abi]
	}
	s.folded |= o.folded
}

// Intersect returns the calls that are both in s and in o.
func (s *Set) Intersect(o *Set) *Set {
	both := &Set{folded: s.folded & o.folded}
	for abi := range NumABI {
		for i := range s.bits[abi] {
			both.bits[abi][i] = s.bits[abi][i] & o.bits[abi][i]
		}
		both.other[abi] = s.other[abi] && o.other[abi]
	}
	return both
}

// Contains reports whether all calls of o are in s.
func (s *Set) Contains(o *Set) bool {
	for abi := range NumABI {
		for i := range s.bits[abi] {
			if o.bits[abi][i]&^s.bits[abi][i] != 0 {
				return false
			}
		}
		if o.other[abi] && !s.other[abi] {
			return false
		}
	}
	return o.folded&^s.folded == 0
}

// Empty reports whether no call is in the set.
func (s *Set) Empty() bool {
	for abi := range NumABI {
		if !s.empty(abi) {
			return false
		}
	}
	return s.folded == 0
}

func (s *Set) empty(abi ABI) bool {
	return s.bits[abi] == [maxNumber / 64]uint64{} && !s.other[abi]
}

func (s *Set) numbers(abi ABI) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, word := range s.bits[abi] {
			for b := range 64 {
				if word&(1<<b) != 0 && !yield(i*64+b) {
					return
				}
			}
		}
	}
}
