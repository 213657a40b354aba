package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// execStop acts on a successful exec. The thread has the id of its process now;
// if it was not the leader before, the stop is reported under the leader's id,
// and the leader and all other threads are gone (execve(2), "execve() and
// multithreaded"; ptrace(2), "execve(2) under ptrace").
func (l *loop) execStop(leader *Thread, e ptrace.Event) {
	former := e.TID
	if msg, err := ptrace.EventMessage(e.TID); err == nil && msg > 0 {
		former = int(msg)
	}
	t := leader
	if former != e.TID && l.threads[former] != nil {
		t = l.threads[former]
	}
	for _, other := range l.threads {
		if other.proc == t.proc && other != t {
			l.bury(other, unix.WaitStatus(0), other == leader)
		}
	}
	if former != t.proc.pid {
		delete(l.threads, former)
		t.tid = e.TID
		l.threads[t.tid] = t
	}
	l.last = t
	t.state.Execed(t.tid)

	l.place.execed(t.tid)
	if l.direct != nil {
		l.direct.expel(t)
		t.forgetKnown()
		t.newFiles()
		l.direct.leave(t.proc)
		t.proc.image, t.proc.lossy, t.proc.guessed = newImage(), false, false
		t.settle()
	}
	t.proc.pins, t.proc.waits = nil, waitSlots{}
	t.proc.sites = [table.NumABI]uint64{}
	if t.debt == owesCall {
		t.debt, t.current.saved = noDebt, false
	}
	if t.busy {
		s := &t.current
		s.execed, s.saved, s.pins = true, false, nil
	}
	if l.observer != nil {
		l.guard(func() { l.observer.ProcessExeced(t, former) })
		if l.killing {
			return
		}
	}
	if t.busy {
		t.wake(e)
		return
	}
	t.resume(t.how, 0)
}
