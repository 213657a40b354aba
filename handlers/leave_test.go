package handlers

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Of a process that executes a program nothing is heard any more, nor of what it
// creates; of another one with the same id later, all.
func TestLeaveAtExec(t *testing.T) {
	l := &Leave{AtExec: true}
	s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
	s.handler = l.Wrap(tr)
	o := l.Observe(tr)
	parent := s.thread(100)
	other := &script{t: t, pid: 200, handler: s.handler}
	child := other.thread(200)
	o.ThreadStarted(parent, nil)
	o.ThreadStarted(child, parent)
	child.call("execve", table.Return(0), func() { o.ProcessExeced(child, 200) }, 0, 0, 0)
	child.call("getpid", table.Return(200), nil)
	o.SignalDelivered(child, info(unix.SIGUSR1, 0))
	third := &script{t: t, pid: 300, handler: s.handler}
	grandchild := third.thread(300)
	o.ThreadStarted(grandchild, child)
	grandchild.call("getpid", table.Return(300), nil)
	o.ThreadExited(grandchild, status(0), false)
	o.ThreadExited(child, status(0), false)
	o.ThreadStarted(child, parent)
	child.call("getpid", table.Return(200), nil)
	parent.call("getpid", table.Return(100), nil)
	check(t, out, `
200   execve(NULL, NULL, NULL <detached ...>
200   getpid()                          = 200
100   getpid()                          = 100
`)
}

func TestLeaveAtLimit(t *testing.T) {
	reached := 0
	l := &Leave{Limit: 2, Statuses: StatusFailed, Reached: func() { reached++ }}
	s, tr, out := newTrace(t, TraceOptions{Statuses: StatusFailed})
	s.handler = l.Wrap(tr)
	o := l.Observe(tr)
	a := s.thread(100)
	o.ThreadStarted(a, nil)
	for range 3 {
		a.call("getpid", table.Return(100), nil)
		a.call("close", table.Errno(unix.EBADF), nil, 99)
	}
	o.ThreadExited(a, status(0), false)
	check(t, out, `
close(99)                               = -1 EBADF (Bad file descriptor)
close(99)                               = -1 EBADF (Bad file descriptor)
`)
	if reached != 1 {
		t.Errorf("reached %d times", reached)
	}
}
