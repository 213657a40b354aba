package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/table"
)

// A watch counts, for each thread, by which route one of its calls came, and keeps of
// the threads that have ended how many there were. All but samples belongs to the
// tracing thread until Wait has returned.
type watch struct {
	*handlers.Trace
	alive    map[int]*routes
	threads  int // that have ended
	execs    int
	direct   int // threads with calls that came directly
	trapped  int // threads that made calls, all of which have trapped
	calls    [2]int
	warnings []error

	samples []usage // one after each round
}

// routes are the counts of one thread: by the trap and directly.
type routes [2]int

func newWatch(t *handlers.Trace) *watch { return &watch{Trace: t, alive: map[int]*routes{}} }

// counted is the call by which it is told.
const counted = "getppid"

func (w *watch) count(t *table.Table) error {
	set, err := table.ParseSet(counted)
	if err != nil {
		return err
	}
	t.Use(set, func(next table.Handler) table.Handler { return counter{next, next.(table.Recorder), w} })
	return nil
}

// A counter counts, and has the trace told of it too.
type counter struct {
	table.Handler
	table.Recorder
	w *watch
}

func (c counter) Handle(call *table.Call) table.Result {
	c.w.add(call, 0)
	return c.Handler.Handle(call)
}

func (c counter) Returned(call *table.Call, r table.Result, entered, returned time.Time) {
	c.w.add(call, 1)
	c.Recorder.Returned(call, r, entered, returned)
}

func (w *watch) add(c *table.Call, route int) {
	tid := c.Thread().TID()
	n := w.alive[tid]
	if n == nil {
		n = &routes{}
		w.alive[tid] = n
	}
	n[route]++
}

// ThreadExited adds the thread's counts up.
func (w *watch) ThreadExited(t table.Thread, status unix.WaitStatus, superseded bool) {
	w.threads++
	if n := w.alive[t.TID()]; n != nil {
		if n[1] > 0 {
			w.direct++
		} else {
			w.trapped++
		}
		w.calls[0] += n[0]
		w.calls[1] += n[1]
		delete(w.alive, t.TID())
	}
	w.Trace.ThreadExited(t, status, superseded)
}

// ProcessExeced counts.
func (w *watch) ProcessExeced(t table.Thread, former int) {
	w.execs++
	w.Trace.ProcessExeced(t, former)
}

func (w *watch) warned(err error) { w.warnings = append(w.warnings, err) }

func (w *watch) sample(u usage) { w.samples = append(w.samples, u) }

func (w *watch) String() string {
	return fmt.Sprintf("%d threads have ended, %d execs; %d threads made calls directly, %d by traps alone; %s: %d directly, %d by traps",
		w.threads, w.execs, w.direct, w.trapped, counted, w.calls[1], w.calls[0])
}

// complaint says what is wrong with the run.
func (w *watch) complaint() error {
	errs := slices.Clone(w.warnings)
	if len(w.alive) > 0 {
		errs = append(errs, fmt.Errorf("of %d threads the end is not known", len(w.alive)))
	}
	// Threads without a place in the region, and programs without their sites, make
	// all their calls by traps.
	if w.trapped > w.threads/1000 {
		errs = append(errs, fmt.Errorf("%d of %d threads had no direct route", w.trapped, w.threads))
	}
	// When a third of it is over, all that is kept for reuse is there.
	if n := len(w.samples); n >= 9 {
		early, late := most(w.samples[:n/3]), most(w.samples[2*n/3:])
		if late.heap > early.heap+early.heap/10+1<<20 || late.resident > early.resident+early.resident/10+4<<20 {
			errs = append(errs, fmt.Errorf("memory has grown: %v in the first third, %v in the last", early, late))
		}
		if late.descriptors > early.descriptors || late.goroutines > early.goroutines+4 || late.mappings > early.mappings+8 || late.program > early.program+4 || late.threads > early.threads+4 {
			errs = append(errs, fmt.Errorf("%v in the first third, %v in the last", early, late))
		}
	}
	return errors.Join(errs...)
}
