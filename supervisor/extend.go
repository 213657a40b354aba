package supervisor

import (
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/seccomp"
	"github.com/k42trace/k42trace/table"
)

// extendFilters sees to it that calls which have got a handler while the program
// runs stop for it. A filter cannot be changed, but another can be put on top,
// by a thread of each process, for all its threads. Calls that lost their
// handler still stop, and pass.
func (l *loop) extendFilters() {
	want := l.wanted()
	narrowed := l.direct != nil && l.direct.tableChanged()
	if l.wantFilter.Contains(want) && !narrowed {
		return
	}
	want.Union(l.wantFilter)
	l.wantFilter = want
	for _, p := range l.processes {
		if p.extending || p.unfiltered {
			continue
		}
		for _, t := range l.threads {
			if t.proc == p && !t.born && !t.busy {
				p.extending = true
				l.check(ptrace.Interrupt(t.tid), t)
				break
			}
		}
	}
}

// filterLacks reports whether the thread's process has yet to get a filter for
// the present table.
func (t *Thread) filterLacks() bool { return t.proc.filter != t.loop.wantFilter && !t.proc.unfiltered }

// extendFilterIfWanted makes a thread that is about to leave the layer stop
// once more, outside any call, to extend the filter.
func (t *Thread) extendFilterIfWanted() {
	if t.filterLacks() && !t.proc.extending {
		t.proc.extending = true
		t.loop.check(ptrace.Interrupt(t.tid), t)
	}
}

// extendFilterNow extends the filter of the process of a thread that stands in a
// TrapStop, and reports whether it has taken over resuming it.
func (t *Thread) extendFilterNow() bool {
	if !t.filterLacks() {
		return false
	}
	t.start((*Thread).extendFilter)
	return true
}

// extendFilter is the job of extendFilterNow.
func (t *Thread) extendFilter() {
	t.current = callState{}
	p, want := t.proc, t.loop.wantFilter
	c, err := t.caller()
	var program seccomp.Program
	if err == nil {
		program, err = t.loop.policy(want)
	}
	if err == nil {
		err = t.loop.installFilter(c, program, true)
	}
	if err == nil {
		err = c.regs.Set(t.tid)
	}
	p.extending = false
	if !t.loop.check(err, t) {
		return
	}
	t.stopAgain = t.stopAgain || c.regs.Result().Restarting()
	p.filter = want
	t.leave()
}

// vdsoSite finds, once per process image, a system-call instruction of abi.
func (t *Thread) vdsoSite(abi table.ABI) (uint64, error) {
	if site := t.proc.sites[abi]; site != 0 {
		return site, nil
	}
	site, err := ptrace.FindSite(t.tid, abi)
	if err == nil {
		t.proc.sites[abi] = site
	}
	return site, err
}

// A threadCaller runs calls in a thread from within its coroutine.
type threadCaller struct {
	thread *Thread
	regs   ptrace.Regs
	site   uint64
	mode   table.ABI
}

// caller returns a threadCaller for a thread that stands in a TrapStop.
func (t *Thread) caller() (*threadCaller, error) {
	c := &threadCaller{thread: t}
	err := c.regs.Get(t.tid)
	if err == nil {
		c.mode = ptrace.NativeABI
		if c.regs.Mode32() {
			c.mode = table.I386
		}
		// A call that our interruption ended with EINTR, though no signal came,
		// starts again: the program must not notice.
		c.regs.RestartInterrupted()
		c.site, err = t.vdsoSite(c.mode)
	}
	return c, err
}

func (c *threadCaller) abi() table.ABI { return c.mode }

func (c *threadCaller) memoryOf() int { return c.thread.tid }

func (c *threadCaller) callByName(name string, args ...uint64) (table.Result, error) {
	return enterByName(c.thread.tid, c.regs, c.mode, c.site, c.thread.step, name, args)
}
