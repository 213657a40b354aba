package handlers

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Await is middleware and an Observer that looks at nothing until a process that has been
// attached to executes a program: then it is, to the next Observer, the first thread of a
// program that was started.
type Await struct {
	PID int // the process

	table.Observer // the next
	begun          bool
}

// Wrap lets the calls reach next that are made by the program.
func (a *Await) Wrap(next table.Handler) table.Handler { return awaiting{a, next} }

type awaiting struct {
	await *Await
	next  table.Handler
}

var _ table.Stopper = awaiting{}

// Stops makes the calls come by the trap route.
func (awaiting) Stops() {}

func (h awaiting) Handle(c *table.Call) table.Result {
	if !h.await.begun {
		return c.Native()
	}
	return h.next.Handle(c)
}

// ProcessExeced begins, or tells of the programs that follow.
func (a *Await) ProcessExeced(t table.Thread, former int) {
	switch {
	case a.begun:
		a.Observer.ProcessExeced(t, former)
	case t.Process().PID() == a.PID:
		a.begun = true
		a.Observer.ThreadStarted(t, nil)
	}
}

// ProcessAttached tells nothing: it is not yet the program.
func (a *Await) ProcessAttached([]table.Thread) {}

// ThreadStarted tells of the program's threads.
func (a *Await) ThreadStarted(t, by table.Thread) {
	if a.begun {
		a.Observer.ThreadStarted(t, by)
	}
}

// ThreadDetached tells of the program's threads.
func (a *Await) ThreadDetached(t table.Thread) {
	if a.begun {
		a.Observer.ThreadDetached(t)
	}
}

// SignalDelivered tells of the program's signals.
func (a *Await) SignalDelivered(t table.Thread, info *table.Siginfo) {
	if a.begun {
		a.Observer.SignalDelivered(t, info)
	}
}

// GroupStopped tells of the program's stops.
func (a *Await) GroupStopped(t table.Thread, sig unix.Signal) {
	if a.begun {
		a.Observer.GroupStopped(t, sig)
	}
}

// ThreadExited tells of the ends of the program's threads.
func (a *Await) ThreadExited(t table.Thread, status unix.WaitStatus, superseded bool) {
	if a.begun {
		a.Observer.ThreadExited(t, status, superseded)
	}
}
