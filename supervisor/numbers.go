package supervisor

import (
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A numbered has what is said of calls by their names, for looking up by their numbers.
type numbered[T any] [table.NumABI][512 + 64]T

// byNumber finds the numbers of the names in every ABI.
func byNumber[T any](names map[string]T) *numbered[T] {
	n := &numbered[T]{}
	for name, v := range names {
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, name); ok {
				n[abi][nr&^table.X32Bit] = v
			}
		}
	}
	return n
}

// of returns what is said of a call; nothing of numbers that no name has.
func (n *numbered[T]) of(abi table.ABI, nr int) (v T) {
	if abi == table.X32 {
		nr &^= table.X32Bit
	}
	if nr < 0 || nr >= len(n[abi]) {
		return v
	}
	return n[abi][nr]
}

// nativeCalls returns those of the named calls that the machine's own ABI has.
func nativeCalls(names ...string) *table.Set {
	set := &table.Set{}
	for _, name := range names {
		if nr, ok := table.Number(ptrace.NativeABI, name); ok {
			set.Add(ptrace.NativeABI, nr)
		}
	}
	return set
}
