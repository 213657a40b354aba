package handlers

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Inject is middleware that does Injections to calls: makes them fail, be late, come
// with a signal, or find other memory than they had. It counts each thread's calls of
// each number for itself. Where several of its Injections mean the same invocation,
// the last of them is done.
//
// It must be told of threads that end: see Observe. A Trace around it shows what was
// injected.
type Inject struct {
	injections []Injection
	// Messages, if set, gets a line about what could not be done.
	Messages io.Writer

	threads map[int]map[invoked]int
}

// An invoked is what a thread's calls are counted by.
type invoked struct {
	injection int // the index of
	abi       table.ABI
	nr        int
}

// NewInject returns an Inject.
func NewInject(injections ...Injection) *Inject {
	return &Inject{injections: injections, threads: map[int]map[invoked]int{}}
}

// Calls returns the calls to which something may be done.
func (n *Inject) Calls() *table.Set {
	all := &table.Set{}
	for _, in := range n.injections {
		all.Union(in.Calls)
	}
	return all
}

// Wrap injects into the calls that reach next.
func (n *Inject) Wrap(next table.Handler) table.Handler { return &injected{n, next} }

// Observe returns an Observer that must hear of the threads, and passes on what it
// hears to next.
func (n *Inject) Observe(next table.Observer) table.Observer { return &injectObserver{next, n} }

type injectObserver struct {
	table.Observer
	inject *Inject
}

// ProcessExeced keeps the counts of the thread that made the call.
func (o *injectObserver) ProcessExeced(t table.Thread, former int) {
	if tid := t.TID(); tid != former {
		delete(o.inject.threads, tid)
		if counts, ok := o.inject.threads[former]; ok {
			o.inject.threads[tid] = counts
			delete(o.inject.threads, former)
		}
	}
	o.Observer.ProcessExeced(t, former)
}

// ThreadDetached forgets a thread's counts.
func (o *injectObserver) ThreadDetached(t table.Thread) {
	delete(o.inject.threads, t.TID())
	o.Observer.ThreadDetached(t)
}

// ThreadExited forgets a thread's counts.
func (o *injectObserver) ThreadExited(t table.Thread, status unix.WaitStatus, superseded bool) {
	if !superseded || t.TID() != t.Process().PID() {
		delete(o.inject.threads, t.TID())
	}
	o.Observer.ThreadExited(t, status, superseded)
}

// An injected is the handler of calls into which something may be injected.
type injected struct {
	inject *Inject
	next   table.Handler
}

var _ table.Stopper = (*injected)(nil)

// Stops makes the calls come by the trap route.
func (i *injected) Stops() {}

// Handle does to a call what its turn is.
func (i *injected) Handle(c *table.Call) table.Result {
	var d dose
	i.inject.take(c, &d)
	d.enter(c)
	return d.run(c, i.next).After(func(res table.Result) table.Result {
		d.leave(c, res)
		d.linger(c)
		return res
	})
}

// A dose is what is done to one call. The steps come in the order of its methods; a
// Trace writes the line between them.
type dose struct {
	*Injection
	inject *Inject
	poked  bool
}

// take counts the call, and finds out what is to be done to it.
func (n *Inject) take(c *table.Call, d *dose) {
	*d = dose{inject: n}
	abi, nr := c.ABI(), numberOf(c)
	for i := range n.injections {
		in := &n.injections[i]
		if !in.Calls.HasCall(c) {
			continue
		}
		if in.When.First != 0 {
			tid := c.Thread().TID()
			counts := n.threads[tid]
			if counts == nil {
				counts = map[invoked]int{}
				n.threads[tid] = counts
			}
			key := invoked{i, abi, nr}
			counts[key]++
			if !in.When.Has(counts[key]) {
				continue
			}
		}
		d.Injection = in
	}
}

// enter changes memory before anybody has looked at it.
func (d *dose) enter(c *table.Call) {
	if d.Injection != nil {
		d.poke(c, d.PokeEnter)
	}
}

// run lets the call run, or answers it.
func (d *dose) run(c *table.Call, next table.Handler) table.Result {
	if d.Injection == nil {
		return next.Handle(c)
	}
	if d.DelayEnter > 0 && wait(c, d.DelayEnter) != nil {
		return table.Gone()
	}
	if d.Signal != 0 {
		// ESRCH: it is gone, as the call will find out.
		_ = c.Raise(d.Signal)
	}
	if d.Answers {
		return d.Result.Exactly()
	}
	return next.Handle(c)
}

// leave changes memory before anybody has looked at what the call has made of it.
func (d *dose) leave(c *table.Call, res table.Result) {
	if d.Injection != nil && !res.Gone() {
		d.poke(c, d.PokeExit)
	}
}

// linger lets the thread wait after the call.
func (d *dose) linger(c *table.Call) {
	if d.Injection != nil && d.DelayExit > 0 {
		_ = wait(c, d.DelayExit)
	}
}

func (d *dose) poke(c *table.Call, pokes []Poke) {
	for _, p := range pokes {
		if sig := c.Signature(); sig != nil && p.Arg >= len(sig.Args) {
			// What is in the register is not the call's.
			if w := d.inject.Messages; w != nil {
				fmt.Fprintf(w, "k42trace: Failed to tamper with process %d: requested to tamper with argument #%d, but system call '%s' has only %d arguments\n",
					c.Thread().TID(), p.Arg+1, c.Name(), len(sig.Args))
			}
			continue
		}
		err := c.Poke(c.RawArg(p.Arg), p.Data)
		if err == nil {
			d.poked = true
		} else if w := d.inject.Messages; w != nil {
			fmt.Fprintf(w, "k42trace: thread %d: cannot write to argument %d of %s: %v\n", c.Thread().TID(), p.Arg+1, c.Name(), err)
		}
	}
}

// wait parks the call for some time.
func wait(c *table.Call, d time.Duration) error {
	return c.Park(func(ctx context.Context) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	})
}

// append appends what a trace says of the dose.
func (d *dose) append(dst []byte) []byte {
	if d == nil || d.Injection == nil {
		return dst
	}
	switch {
	case d.poked && d.Answers:
		dst = append(dst, " (INJECTED: args, retval)"...)
	case d.poked:
		dst = append(dst, " (INJECTED: args)"...)
	case d.Answers:
		dst = append(dst, " (INJECTED)"...)
	}
	if d.DelayEnter > 0 || d.DelayExit > 0 {
		dst = append(dst, " (DELAYED)"...)
	}
	return dst
}
