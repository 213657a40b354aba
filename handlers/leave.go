package handlers

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Leave is middleware and an Observer that stops looking at processes: at those that
// execute another program, or at all when there have been enough calls. Nothing more is
// heard of them, and their calls run as if they had no handler.
type Leave struct {
	AtExec bool // leave processes that execute a program
	// Limit, if not 0, is after how many calls that end as in Statuses all are left;
	// Reached is called then, if set.
	Limit    int
	Statuses Statuses
	Reached  func()
	// Launched: the exec with which the program began counts too.
	Launched bool

	next    table.Observer
	threads map[int]table.Thread // that are looked at
	left    map[int]bool         // processes
	over    bool                 // all are left
	calls   int
}

// Observe returns an Observer that passes on to next what is to be heard. Leave needs
// it to work.
func (l *Leave) Observe(next table.Observer) table.Observer {
	l.next, l.threads, l.left = next, map[int]table.Thread{}, map[int]bool{}
	return (*leaveObserver)(l)
}

// Wrap lets the calls reach next that are looked at.
func (l *Leave) Wrap(next table.Handler) table.Handler { return leaveHandler{l, next} }

type leaveHandler struct {
	leave *Leave
	next  table.Handler
}

var _ table.Stopper = leaveHandler{}

// Stops makes the calls come by the trap route: they have to be counted in order.
func (leaveHandler) Stops() {}

func (h leaveHandler) Handle(c *table.Call) table.Result {
	l := h.leave
	if l.hasLeft(c.Thread()) {
		return c.Native()
	}
	return h.next.Handle(c).After(func(res table.Result) table.Result {
		l.count(res)
		return res
	})
}

func (l *Leave) count(res table.Result) {
	if l.Limit > 0 && !l.over && l.Statuses.has(res) {
		if l.calls++; l.calls == l.Limit {
			l.leaveAll()
		}
	}
}

func (l *Leave) hasLeft(t table.Thread) bool { return l.over || l.left[t.Process().PID()] }

func (l *Leave) leaveAll() {
	l.over = true
	for _, tid := range slices.Sorted(maps.Keys(l.threads)) {
		l.next.ThreadDetached(l.threads[tid])
	}
	clear(l.threads)
	if l.Reached != nil {
		l.Reached()
	}
}

type leaveObserver Leave

func (o *leaveObserver) hears(t table.Thread) bool { return !(*Leave)(o).hasLeft(t) }

func (o *leaveObserver) ThreadStarted(t, by table.Thread) {
	pid := t.Process().PID()
	switch {
	case o.over:
		return
	case by != nil && o.left[by.Process().PID()]:
		o.left[pid] = true
		return
	case by == nil || by.Process().PID() != pid:
		delete(o.left, pid) // of one that had the same id
	}
	o.threads[t.TID()] = t
	o.next.ThreadStarted(t, by)
	if by == nil && o.Launched {
		(*Leave)(o).count(table.Return(0))
	}
}

func (o *leaveObserver) ProcessAttached(threads []table.Thread) {
	for _, t := range threads {
		o.threads[t.TID()] = t
	}
	o.next.ProcessAttached(threads)
}

func (o *leaveObserver) ThreadDetached(t table.Thread) {
	if o.hears(t) {
		delete(o.threads, t.TID())
		o.next.ThreadDetached(t)
	}
}

func (o *leaveObserver) ProcessExeced(t table.Thread, former int) {
	if !o.hears(t) {
		return
	}
	delete(o.threads, former)
	o.next.ProcessExeced(t, former)
	if !o.AtExec {
		o.threads[t.TID()] = t
		return
	}
	o.left[t.Process().PID()] = true
	delete(o.threads, t.TID())
	o.next.ThreadDetached(t)
}

func (o *leaveObserver) SignalDelivered(t table.Thread, info *table.Siginfo) {
	if o.hears(t) {
		o.next.SignalDelivered(t, info)
	}
}

func (o *leaveObserver) GroupStopped(t table.Thread, sig unix.Signal) {
	if o.hears(t) {
		o.next.GroupStopped(t, sig)
	}
}

func (o *leaveObserver) ThreadExited(t table.Thread, status unix.WaitStatus, superseded bool) {
	if o.hears(t) {
		delete(o.threads, t.TID())
		o.next.ThreadExited(t, status, superseded)
	}
}
