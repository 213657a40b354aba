package supervisor

import (
	"reflect"
	"slices"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A count is what one of exec.so's counters counts: the calls of a number that began
// while a Tallier was its handler. A number that gets another one gets another
// counter, and calls that are under way keep the one that they began with.
type count struct {
	nr      int
	tallier table.Tallier
	// retired: no call that begins now is counted by it.
	retired bool
}

// countWith has the calls of a number counted for h from now on.
func (d *direct) countWith(nr int, h table.Tallier) {
	i := slices.IndexFunc(d.counts, func(c count) bool { return c.nr == nr && same(c.tallier, h) })
	if i < 0 {
		i = d.freeCounter()
		d.counts[i] = count{nr: nr, tallier: h}
	}
	d.counts[i].retired = false
	d.region.SetCounter(nr, i)
}

// retireCounts says that nothing is counted from now on but what countWith says.
func (d *direct) retireCounts() {
	for i := range d.counts {
		d.counts[i].retired = true
	}
}

// freeCounter returns a counter that is not in use. There are more of them than
// numbers that are counted and threads that count, together.
func (d *direct) freeCounter() int {
	if n := len(d.counts); n < execso.Counters {
		d.counts = append(d.counts, count{})
		return n
	}
	for i, c := range d.counts {
		if !c.retired || d.counting(i) {
			continue
		}
		for _, t := range d.loop.threads {
			if t.slot != nil {
				d.tallyOne(t, i)
				t.slot.ClearCounts(i)
			}
		}
		return i
	}
	panic("supervisor: all of exec.so's counters are in use")
}

// counting reports whether any thread may be in a call that the counter is to count.
func (d *direct) counting(counter int) bool {
	for _, t := range d.loop.threads {
		if t.slot != nil && t.slot.Counting(counter) {
			return true
		}
	}
	return false
}

// tally gives the Talliers what exec.so has counted of the thread.
func (d *direct) tally(t *Thread) {
	for i := range d.counts {
		d.tallyOne(t, i)
	}
}

func (d *direct) tallyOne(t *Thread, counter int) {
	if calls, errors := t.slot.Counts(counter); calls > 0 {
		c := &d.counts[counter]
		d.loop.guard(func() { c.tallier.Tally(ptrace.NativeABI, c.nr, calls, errors, 0) })
	}
}

// same reports whether two handlers are the same one, as far as that can be told.
func same(a, b table.Handler) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
