package handlers

import (
	"fmt"
	"strconv"
	"strings"
)

// An FDSet is a set of descriptors. A nil set is empty.
type FDSet struct {
	invert bool
	fds    map[int]bool
}

// Has reports whether fd is in the set. What is no descriptor is in none.
func (s *FDSet) Has(fd int) bool { return s != nil && fd >= 0 && s.fds[fd] != s.invert }

// Empty reports whether no descriptor is in the set.
func (s *FDSet) Empty() bool { return s == nil || !s.invert && len(s.fds) == 0 }

// ParseFDs reads a set of descriptors as strace's -e read= has it: numbers with commas
// between them, all, none, a ! in front to invert.
func ParseFDs(s string) (*FDSet, error) {
	rest := strings.TrimLeft(s, "!")
	set := &FDSet{invert: (len(s)-len(rest))%2 == 1, fds: map[int]bool{}}
	for word := range strings.SplitSeq(rest, ",") {
		switch word {
		case "all":
			set.invert = !set.invert
			if len(set.fds) > 0 || strings.Contains(rest, ",") {
				return nil, fmt.Errorf("%q: all stands alone", s)
			}
			continue
		case "none":
			if strings.Contains(rest, ",") {
				return nil, fmt.Errorf("%q: none stands alone", s)
			}
			continue
		}
		fd, err := strconv.ParseUint(word, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q is not a descriptor: a number of 0 or more, all, or none", word)
		}
		set.fds[int(fd)] = true
	}
	return set, nil
}
