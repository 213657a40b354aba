package decode

import (
	"sort"

	"github.com/k42trace/k42trace/table"
)

//go:generate go run ./gen

// SetByName returns the constant set that table.Arg.Set names, with the values of
// x86-64, i386 and x32. It is nil if there is no such set.
func SetByName(name string) *ConstSet { return findSet(sets[:], name) }

// SetFor is SetByName with the values that the constants have in abi.
func SetFor(abi table.ABI, name string) *ConstSet {
	if abi == table.ARM64 {
		if s := findSet(setsARM64[:], name); s != nil {
			return s
		}
	}
	return SetByName(name)
}

func findSet(in []ConstSet, name string) *ConstSet {
	i := sort.Search(len(in), func(i int) bool { return in[i].Name >= name })
	if i == len(in) || in[i].Name != name {
		return nil
	}
	return &in[i]
}
