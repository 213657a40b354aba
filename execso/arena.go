package execso

import "slices"

// A span is a piece of memory.
type span struct{ at, size int }

// An arena is the free pieces of memory, in order of their addresses. No two touch.
type arena []span

// granule is what sizes are rounded to, bytes.
const granule = 64

// take takes a piece of at least size bytes, which is positive: the first that is large
// enough.
func (a *arena) take(size int) (span, bool) {
	size = (size + granule - 1) &^ (granule - 1)
	for i := range *a {
		free := &(*a)[i]
		if free.size < size {
			continue
		}
		taken := span{free.at, size}
		free.at, free.size = free.at+size, free.size-size
		if free.size == 0 {
			*a = slices.Delete(*a, i, i+1)
		}
		return taken, true
	}
	return span{}, false
}

// give gives back what was taken.
func (a *arena) give(s span) {
	i, _ := slices.BinarySearchFunc(*a, s.at, func(f span, at int) int { return f.at - at })
	*a = slices.Insert(*a, i, s)
	if i+1 < len(*a) && s.at+s.size == (*a)[i+1].at {
		(*a)[i].size += (*a)[i+1].size
		*a = slices.Delete(*a, i+1, i+2)
	}
	if i > 0 && (*a)[i-1].at+(*a)[i-1].size == s.at {
		(*a)[i-1].size += (*a)[i].size
		*a = slices.Delete(*a, i, i+1)
	}
}
