package process

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

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
	// unseen: nobody tells of what changes it.
	unseen bool
	// inherited: the process may have begun without handlers (CLONE_CLEAR_SIGHAND).
	inherited bool
	// underway are the calls that change it and have not returned, which the kernel may
	// have done or not; contested: several were at the same time, in an order that nobody
	// has seen.
	underway  int
	contested bool
	on        [numSignals]table.Disposition
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
	if s.known && !s.inherited && !s.unseen && !s.contested && s.underway == 0 || s.tree.past {
		return
	}
	s.users.some(func(tid int) bool {
		status, err := procfs.ReadStatus(tid)
		if err != nil {
			return false
		}
		for i := range s.on {
			s.set(i, status.Ignored>>i&1 != 0, status.Caught>>i&1 != 0)
		}
		s.known, s.inherited = s.tree.tracked, false
		s.contested = s.contested && s.underway > 0
		return true
	})
}

// set makes the disposition of signal i+1 one of what /proc says, if it is not.
func (s *Signals) set(i int, ignored, caught bool) {
	d := &s.on[i]
	switch {
	case ignored:
		if d.Handler != table.SIGIGN {
			*d = table.Disposition{Handler: table.SIGIGN}
		}
	case caught:
		if d.Handler == table.SIGDFL || d.Handler == table.SIGIGN {
			*d = table.Disposition{Handler: table.UnknownHandler}
		}
	case d.Handler != table.SIGDFL:
		*d = table.Disposition{}
	}
}

// copy returns what a process gets that does not share it.
func (s *Signals) copy() *Signals {
	c := *s
	c.users = nil
	c.inherited = true
	c.underway = 0
	return &c
}

// execed takes the handlers away, which were in a memory that is gone.
func (s *Signals) execed() {
	for i := range s.on {
		if s.on[i].Handler != table.SIGIGN {
			s.on[i] = table.Disposition{}
		}
	}
}

// Delivered tells that a signal is about to reach the thread, whose handler may be good for
// one time only.
func (t *Thread) Delivered(sig unix.Signal) {
	i := int(sig) - 1
	if !t.tree.tracked || i < 0 || i >= numSignals {
		return
	}
	if d := &t.signals.on[i]; d.Flags&saResetHand != 0 && d.Handler > table.SIGIGN {
		*d = table.Disposition{}
	}
}

// Flags of sigaction(2).
const (
	saResetHand = 0x80000000
	saNoDefer   = 0x40000000
)

// unblockable cannot be blocked.
const unblockable = 1<<(unix.SIGKILL-1) | 1<<(unix.SIGSTOP-1)

// beginSigaction reads the new disposition, which the call may overwrite with the old one.
func beginSigaction(t *Thread, op *Op) {
	// struct sigaction of the kernel: handler, flags, restorer, mask.
	word := uint64(op.abi.PointerBits() / 8)
	if b := op.sigaction(3*word + 8); b != nil {
		op.dispose(t, table.Disposition{
			Handler: op.number(b, 0), Flags: op.number(b, word), Mask: binary.NativeEndian.Uint64(b[3*word:]),
		})
	}
}

// beginOldSigaction is the same for sigaction(2) of i386: handler, mask, flags, restorer.
func beginOldSigaction(t *Thread, op *Op) {
	if b := op.sigaction(16); b != nil {
		op.dispose(t, table.Disposition{Handler: op.number(b, 0), Mask: op.number(b, 4), Flags: op.number(b, 8)})
	}
}

// dispose notes what the call is to set.
func (op *Op) dispose(t *Thread, d table.Disposition) {
	op.disposition, op.signals = &d, t.signals
	op.signals.contested = op.signals.contested || op.signals.underway > 0
	op.signals.underway++
}

// sigaction reads the struct that argument 1 points to, nil if there is none.
func (op *Op) sigaction(size uint64) []byte {
	b := make([]byte, size)
	if n, _ := op.mem.ReadMemory(op.args[1], b); op.args[1] == 0 || uint64(n) < size {
		return nil
	}
	return b
}

// number returns the long at an offset.
func (op *Op) number(b []byte, at uint64) uint64 {
	if op.abi.PointerBits() == 32 {
		return uint64(binary.NativeEndian.Uint32(b[at:]))
	}
	return binary.NativeEndian.Uint64(b[at:])
}

func endSigaction(t *Thread, op *Op, res table.Result) {
	if op.disposition == nil {
		return
	}
	op.signals.underway--
	if !res.Failed() {
		t.disposed(int(int32(op.args[0])), *op.disposition)
	}
}

// endSignal ends signal(2), of i386 alone.
func endSignal(t *Thread, op *Op, _ table.Result) {
	t.disposed(int(int32(op.args[0])), table.Disposition{Handler: op.args[1], Flags: saResetHand | saNoDefer})
}

func (t *Thread) disposed(sig int, d table.Disposition) {
	if sig < 1 || sig > numSignals {
		return
	}
	d.Mask &^= unblockable
	t.signals.on[sig-1] = d
	t.signals.learn() // if others have set it meanwhile, perhaps after this call has
}
