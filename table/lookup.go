package table

import (
	"cmp"
	"slices"
)

//go:generate go run ./gen

// SignatureOf returns what is known of the call nr of abi, nil if nothing is.
// x32 numbers may come with X32Bit or without.
func SignatureOf(abi ABI, nr int) *Signature {
	if abi == X32 && nr >= 0 {
		nr &^= X32Bit
	}
	if uint(nr) >= numKnown || abi >= NumABI {
		return nil
	}
	return byNumber[abi][nr]
}

// Number returns the number of the call name in abi, and false if abi has none.
// x32 numbers come with X32Bit.
func Number(abi ABI, name string) (int, bool) {
	nr := number(abi, name)
	if nr < 0 {
		return 0, false
	}
	if abi == X32 {
		nr |= X32Bit
	}
	return nr, true
}

// number is Number without X32Bit; negative if abi has no such call.
func number(abi ABI, name string) int {
	i, ok := indexOf(name)
	if !ok || abi >= NumABI {
		return -1
	}
	return int(byName[i].nr[abi])
}

// indexOf finds a name in byName.
func indexOf(name string) (int, bool) {
	return slices.BinarySearchFunc(byName[:], name, func(e nameEntry, name string) int {
		return cmp.Compare(e.name, name)
	})
}

// A nameEntry gives a call's number in each ABI, without X32Bit, or -1.
type nameEntry struct {
	name string
	nr   [NumABI]int16
}
