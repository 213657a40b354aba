package main

import (
	"fmt"
	"strconv"

	"github.com/k42trace/k42trace/unwind"
)

// stacks is what of the stacks of calls is shown: -k.
type stacks struct {
	wanted  bool
	sources bool // with places in the source: -kk
	limit   int  // frames; 0: unwind.MaxFrames
}

// add is -k, which may be given twice.
func (s *stacks) add(string) error {
	s.wanted, s.sources = true, s.wanted
	return nil
}

// set is --stack-trace=.
func (s *stacks) set(what string) error {
	switch what {
	case noArgument, "symbol":
		s.wanted, s.sources = true, false
	case "source":
		s.wanted, s.sources = true, true
	default:
		return fmt.Errorf("%q is neither symbol nor source", what)
	}
	return nil
}

// setLimit is --stack-trace-frame-limit=.
func (s *stacks) setLimit(n string) error {
	limit, err := strconv.ParseInt(n, 10, 31)
	if err != nil || limit <= 0 {
		return fmt.Errorf("%q is not a number of 1 or more", n)
	}
	s.limit = int(limit)
	return nil
}

// unwinder returns what finds the stacks, nil if none are wanted.
func (s *stacks) unwinder() *unwind.Unwinder {
	if !s.wanted {
		return nil
	}
	u := unwind.New()
	u.Limit, u.Sources = s.limit, s.sources
	return u
}
