package process

import (
	"iter"
	"maps"
	"slices"
)

// slots are the open descriptors of a table, by their numbers: low ones in a slice, since
// that is where nearly all are, and every call looks there.
type slots struct {
	low  []*slot
	high map[int]*slot
}

// maxLow bounds the slice, of which every process may have one.
const maxLow = 4096

// at returns what is at a number, which may be any, nil if there is nothing.
func (s *slots) at(fd int) *slot {
	if uint(fd) < uint(len(s.low)) {
		return s.low[fd]
	}
	return s.high[fd]
}

// set puts something there.
func (s *slots) set(fd int, to *slot) {
	if uint(fd) >= maxLow {
		if s.high == nil {
			s.high = map[int]*slot{}
		}
		s.high[fd] = to
		return
	}
	if fd >= len(s.low) {
		s.low = slices.Grow(s.low, fd+1-len(s.low))
		s.low = s.low[:min(cap(s.low), maxLow)]
	}
	s.low[fd] = to
}

// clear takes it away.
func (s *slots) clear(fd int) {
	if uint(fd) < uint(len(s.low)) {
		s.low[fd] = nil
	} else {
		delete(s.high, fd)
	}
}

// all yields everything, the low numbers in order. What is yielded may be cleared.
func (s *slots) all() iter.Seq2[int, *slot] {
	return func(yield func(int, *slot) bool) {
		for fd, to := range s.low {
			if to != nil && !yield(fd, to) {
				return
			}
		}
		for fd, to := range s.high {
			if !yield(fd, to) {
				return
			}
		}
	}
}

// numbers returns where something is, in order.
func (s *slots) numbers() (fds []int) {
	for fd, to := range s.low {
		if to != nil {
			fds = append(fds, fd)
		}
	}
	return append(fds, slices.Sorted(maps.Keys(s.high))...)
}
