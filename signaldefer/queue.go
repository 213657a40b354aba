// Package signaldefer keeps the signals that reach a thread while it is in the
// layer: in a handler's call or a call that the handler injected.
//
// It owns their order and their siginfo. It does not own the raising and the
// stops: the supervisor asks what to raise and, at each delivery stop, what the
// signal's siginfo was. See DESIGN.md, "Signals", and signal(7).
package signaldefer

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// SIGRTMIN as the kernel counts; libc keeps the first few for itself.
const sigrtmin = 32

// A Queue holds the deferred signals of one thread. The zero Queue is empty.
type Queue struct {
	held   []entry // not raised again yet
	raised []entry // raised, their delivery stops still to come
}

type entry struct {
	sig  unix.Signal
	info table.Siginfo
}

// Hold keeps a signal for later. It refuses SIGKILL and SIGSTOP, which nothing
// may defer. A standard signal that is held already is not held twice, as the
// kernel does not queue it twice.
func (q *Queue) Hold(sig unix.Signal, info *table.Siginfo) bool {
	if sig == unix.SIGKILL || sig == unix.SIGSTOP {
		return false
	}
	// One that was raised for redelivery and came in another call: hold the
	// original again.
	if original, ok := q.Redelivered(sig, info); ok {
		info = original
	}
	if sig < sigrtmin && slices.ContainsFunc(q.held, func(e entry) bool { return e.sig == sig }) {
		return true
	}
	q.held = append(q.held, entry{sig, *info})
	return true
}

// Raise returns the signals to be raised again, in order: synchronous faults
// first, then standard signals, then real-time ones by number and, among equals,
// by arrival. The queue waits for their delivery stops.
func (q *Queue) Raise() []unix.Signal {
	if len(q.held) == 0 {
		return nil
	}
	slices.SortStableFunc(q.held, func(a, b entry) int { return rank(a.sig) - rank(b.sig) })
	var sigs []unix.Signal
	for _, e := range q.held {
		sigs = append(sigs, e.sig)
	}
	q.raised = append(q.raised, q.held...)
	q.held = nil
	return sigs
}

// Raised returns the signals whose delivery stops are still to come; signal n is
// bit n-1.
func (q *Queue) Raised() (mask uint64) {
	for _, e := range q.raised {
		mask |= 1 << (e.sig - 1)
	}
	return mask
}

// Redelivered returns the original siginfo if the signal at a delivery stop is
// one that was raised again, and forgets it. A standard signal of another
// sender may have come first and taken our raise's place: then the held one is
// part of it, as two pending signals of one number are.
func (q *Queue) Redelivered(sig unix.Signal, info *table.Siginfo) (*table.Siginfo, bool) {
	i := slices.IndexFunc(q.raised, func(e entry) bool { return e.sig == sig })
	if i < 0 {
		return nil, false
	}
	ours := raisedByUs(info)
	if !ours && sig >= sigrtmin {
		return nil, false
	}
	e := q.raised[i]
	q.raised = slices.Delete(q.raised, i, i+1)
	if !ours {
		return nil, false
	}
	return &e.info, true
}

// synchronous signals are dequeued first (kernel/signal.c, SYNCHRONOUS_MASK).
func rank(sig unix.Signal) int {
	switch sig {
	case unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGTRAP, unix.SIGFPE, unix.SIGSYS:
		return int(sig) - 64
	}
	return int(sig)
}

// siTkill is SI_TKILL: sent by tgkill(2).
const siTkill = -6

// raisedByUs reports whether the siginfo is that of our own tgkill. Seen from
// a child's pid namespace, our pid is 0.
func raisedByUs(info *table.Siginfo) bool {
	code := int32(binary.NativeEndian.Uint32(info[8:]))
	pid := int(int32(binary.NativeEndian.Uint32(info[16:])))
	return code == siTkill && (pid == unix.Getpid() || pid == 0)
}
