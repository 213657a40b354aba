package process

import (
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// numSignals is _NSIG.
const numSignals = 64

// Signals is what is to be done about signals.
type Signals struct {
	tree  *Tree
	users users
	known bool
	on    [numSignals]table.Disposition
}

var _ table.Dispositions = (*Signals)(nil)

// Get returns the disposition of a signal.
func (s *Signals) Get(sig int) (table.Disposition, bool) {
	if sig < 1 || sig > numSignals {
		return table.Disposition{}, false
	}
	s.learn()
	return s.on[sig-1], true
}

// learn asks /proc, which tells default, ignored and caught, not by what.
func (s *Signals) learn() {
	if s.known {
		return
	}
	status, err := procfs.ReadStatus(s.users.any())
	if err != nil {
		return
	}
	for i := range s.on {
		s.on[i] = table.Disposition{}
		switch bit := uint64(1) << i; {
		case status.Ignored&bit != 0:
			s.on[i].Handler = table.SIGIGN
		case status.Caught&bit != 0:
			s.on[i].Handler = table.UnknownHandler
		}
	}
	s.known = s.tree.tracked
}
