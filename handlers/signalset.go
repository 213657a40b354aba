package handlers

import "golang.org/x/sys/unix"

// A SignalSet is a set of signals. A nil set has them all.
type SignalSet uint64

// Add puts sig into the set.
func (s *SignalSet) Add(sig unix.Signal) { *s |= 1 << (uint(sig) - 1) }

// Has reports whether sig is in the set.
func (s *SignalSet) Has(sig unix.Signal) bool {
	return s == nil || *s&(1<<(uint(sig)-1)) != 0
}
