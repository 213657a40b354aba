package supervisor

import (
	"container/heap"
	"fmt"
	"slices"
	"time"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A drainer takes what exec.so has recorded, in order, and tells the Recorders.
type drainer struct {
	// open are the threads that may write to their rings. It is emptied when
	// nothing has come for a while: then the next call of each traps, and that
	// is how we learn of it.
	open []*Thread
	// quiet are those of which something may come though they are not open: the
	// end of a call, or the beginning of one that was under way when its ring was
	// shut.
	quiet []*Thread
	// entered are threads whose call has begun and has not been told, in order.
	// It is told when it returns, or when something else is to be told first.
	entered []*Thread
	ready   readiness
	merging bool
	late    []*Thread // whose events have come while others were told
	// recorders are the handlers of calls that are recorded, or were: such a call may
	// be about to tell that it begins.
	recorders [execso.Numbers]table.Recorder
	clock     stampClock
	loop      *loop
	serving   bool // we look at the rings, and for requests

	watching bool // looking at the rings pays
	stops    int  // since that was decided
	recent   int  // events since then

	ticking      *time.Timer
	ticks        bool      // it is running
	noCore       int       // looks in a row at which no core was free for that
	crowdedUntil time.Time // no core is free for looking at the rings
	crowdRest    time.Duration
}

// A record is what a thread's ring has told and the Recorders have yet to hear.
type record struct {
	next execso.Event // the one to come next, if has
	has  bool
	call table.Call
	// recorder hears of the call: the one that was its handler when it began.
	recorder table.Recorder
	op       process.Op // what it changes of the state that is kept
	engine   recorded
	inCall   bool // between the two events of a call
	told     bool // Entered has been called for it
	entered  uint64
}

func (d *drainer) init(l *loop) { d.loop = l }

// readiness is a heap of threads with events, by the time of the next.
type readiness []*Thread

func (r readiness) Len() int           { return len(r) }
func (r readiness) Less(i, j int) bool { return r[i].rec.next.Stamp < r[j].rec.next.Stamp }
func (r readiness) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *readiness) Push(x any)        { *r = append(*r, x.(*Thread)) }
func (r *readiness) Pop() any {
	old := *r
	x := old[len(old)-1]
	*r = old[:len(old)-1]
	return x
}

// admit lets the thread use exec.so's services.
func (d *direct) admit(t *Thread) {
	if t.slot == nil || t.distrusted || !t.proc.image.mapped || t.proc.image.off {
		return
	}
	t.slot.Open()
	if t.admitted {
		return
	}
	t.admitted = true
	d.quiet = without(d.quiet, t)
	if d.records || d.asks {
		d.tellServing(t)
		d.open = append(d.open, t)
	}
}

// drain tells what has been recorded up to now, and returns how many events there
// were. Of a thread that is stopped that is all; drainOne makes sure of it. Threads that
// go on recording, faster than we tell, do not keep us.
func (d *drainer) drain() int {
	switch len(d.open) + len(d.quiet) {
	case 0:
		return 0
	case len(d.open):
		if len(d.open) == 1 {
			// The hot way: one thread's events are in order.
			return d.drainOne(d.open[0])
		}
	}
	return d.merge()
}

// merge is drain for several threads: what they have published is put in order by its
// stamps. What comes while we look, at one ring after the other, is left for the next
// time, as something older may be in a ring that we have looked at.
func (d *drainer) merge() int {
	defer d.loop.tree.SetPast(d.loop.tree.SetPast(true))
	limit := execso.Now()
	for range 4 {
		spin() // what has an older stamp is published by now
	}
	d.ready, d.late = d.ready[:0], d.late[:0]
	for _, list := range [...][]*Thread{d.open, d.quiet} {
		for _, t := range list {
			t.look()
			if d.fetch(t) {
				d.ready = append(d.ready, t)
			}
		}
	}
	heap.Init(&d.ready)
	d.merging = true
	n := 0
	for len(d.ready) > 0 && d.ready[0].rec.next.Stamp < limit {
		t := d.ready[0]
		d.tell(t)
		n++
		if d.fetch(t) {
			heap.Fix(&d.ready, 0)
		} else {
			heap.Pop(&d.ready)
		}
		for _, t := range d.late {
			heap.Push(&d.ready, t)
		}
		d.late = d.late[:0]
	}
	d.merging = false
	// Nothing is of the future; but who writes nonsense may say so.
	now := execso.Now()
	for _, t := range d.ready {
		t.rec.next.Stamp = min(t.rec.next.Stamp, now)
	}
	return n
}

// inside returns how many of the running threads are in a recorded call: that is, as
// far as we know, in the kernel.
func (d *drainer) inside() int {
	n := 0
	for _, list := range [...][]*Thread{d.open, d.quiet} {
		for _, t := range list {
			if t.running && t.rec.inCall {
				n++
			}
		}
	}
	return n
}

// drainOne tells what one thread has recorded.
func (d *drainer) drainOne(t *Thread) int {
	defer d.loop.tree.SetPast(d.loop.tree.SetPast(true))
	n := 0
	t.look()
	for d.fetch(t) {
		d.tell(t)
		n++
	}
	return n
}

// look finds out what the thread has recorded, for fetch.
func (t *Thread) look() {
	if t.slot != nil {
		t.slot.Look()
	}
}

// fetch takes the next event that look has seen out of the thread's ring, if there is
// one.
func (d *drainer) fetch(t *Thread) bool {
	r := &t.rec
	if r.has || t.slot == nil || t.distrusted {
		return r.has
	}
	ok, err := t.slot.Next(&r.next)
	if err != nil {
		d.loop.distrust(t, err)
		return false
	}
	r.has = ok
	return ok
}

// tell acts on the event at hand of a thread.
func (d *drainer) tell(t *Thread) {
	r := &t.rec
	e := &r.next
	r.has = false
	switch e.Kind {
	case execso.Enter:
		if r.inCall {
			// exec.so would have written the end of the one before.
			d.loop.distrust(t, execso.ErrCorrupt)
			return
		}
		d.tellEntered(nil)
		r.inCall, r.told, r.entered = true, false, e.Stamp
		r.recorder = d.recorders[e.Nr] // Slot.Next has looked at the number
		r.engine.Thread = t
		r.engine.settle(nil)
		ip, sp := d.loop.direct.region.CallOf(e.Site)+ptrace.SyscallInsnLen, uint64(0)
		r.call.Reset(&r.engine, ptrace.NativeABI, e.Nr, e.Args, ip, sp)
		d.entered = append(d.entered, t)
		if d.loop.tracks(ptrace.NativeABI, e.Nr) {
			t.state.Begin(&r.op, ptrace.NativeABI, e.Nr, e.Args, &r.engine)
		}
	case execso.Exit:
		if e.Opened.Name != nil {
			r.op.Opened(openedBy(&e.Opened))
		}
		d.returned(t, table.FromRaw(e.Result), e)
	}
}

// returned tells the end of the call that the thread is in, of which e has the time and the
// memory.
func (d *drainer) returned(t *Thread, res table.Result, e *execso.Event) {
	r := &t.rec
	if !r.inCall {
		return
	}
	r.inCall = false
	d.tellEntered(t)
	if len(d.entered) == 1 && d.entered[0] == t {
		d.entered = d.entered[:0] // mostly
	} else {
		d.entered = slices.DeleteFunc(d.entered, func(o *Thread) bool { return o == t })
	}
	r.engine.settleBy(e)
	if d.loop.cmd.Track {
		d.trackReturned(r, res)
	}
	if r.recorder != nil && !d.loop.panicked {
		d.tellReturned(r, res, e.Stamp)
	}
	r.engine.settle(nil)
}

// tellReturned calls a Recorder, whose panic kills the tree.
func (d *drainer) tellReturned(r *record, res table.Result, stamp uint64) {
	ok := false
	defer d.loop.caught(&ok)
	r.recorder.Returned(&r.call, res, d.clock.at(r.entered), d.clock.at(stamp))
	ok = true
}

// tellEntered tells of the calls that have begun and not returned, as something of
// another thread than except is to be told now.
func (d *drainer) tellEntered(except *Thread) {
	if len(d.entered) == 0 || len(d.entered) == 1 && d.entered[0] == except {
		return
	}
	defer d.loop.tree.SetPast(d.loop.tree.SetPast(true)) // they run meanwhile
	for _, t := range d.entered {
		if t == except {
			continue
		}
		t.rec.told = true
		if rec := t.rec.recorder; rec != nil && !d.loop.panicked {
			t.rec.engine.begin()
			d.loop.guard(func() { rec.Entered(&t.rec.call, d.clock.at(t.rec.entered)) })
			t.rec.engine.settle(nil)
		}
	}
	d.entered = slices.DeleteFunc(d.entered, func(o *Thread) bool { return o != except })
}

// forget tells the last of a thread that is gone, and gives its slot to others.
func (d *direct) forget(t *Thread) {
	if d == nil || t.slot == nil {
		return
	}
	d.drain()
	d.drainOne(t)
	d.tally(t)
	if t.rec.inCall {
		d.returned(t, table.Gone(), &execso.Event{Stamp: execso.Now()})
	}
	d.expel(t)
	t.slot.Free()
	t.slot = nil
}

// expel makes the thread's next call trap.
func (d *direct) expel(t *Thread) {
	d.quiet = without(d.quiet, t)
	if t.slot == nil || !t.admitted {
		return
	}
	t.slot.Shut()
	t.admitted = false
	d.open = without(d.open, t)
}

// without returns the list without t, and leaves the old one as it was: somebody may be
// going through it.
func without(list []*Thread, t *Thread) []*Thread {
	if !slices.Contains(list, t) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(o *Thread) bool { return o == t })
}

// shut makes the next call of every thread trap, after which there is nothing to
// look for. What has been recorded meanwhile is told, and calls that block now.
func (d *direct) shut() {
	for _, t := range d.open {
		t.slot.Shut()
		t.slot.Serving(false)
		t.slot.Drained(false)
		t.admitted = false
	}
	d.quiet, d.open = append(d.quiet, d.open...), d.open[:0]
	d.settleQuiet()
	if len(d.quiet) > 0 {
		// Who was on the way into a call, or out of it, has yet to say so.
		d.startTicking()
	}
}

// calm tells what has come since the rings were shut, and keeps in mind who is in a
// call.
func (d *direct) calm() {
	news := d.settleQuiet()
	d.quiet = slices.DeleteFunc(slices.Clone(d.quiet), func(t *Thread) bool { return !t.rec.inCall && !t.rec.has })
	if news > 0 || slices.ContainsFunc(d.quiet, func(t *Thread) bool { return t.rec.has }) {
		d.startTicking()
	}
}

// settleQuiet tells what has been recorded, also of calls that are under way. Their ends
// are going to be stops: nobody looks for them.
func (d *direct) settleQuiet() (events int) {
	events = d.drain()
	d.tellEntered(nil)
	for _, t := range d.quiet {
		if t.rec.inCall && !t.rec.has && t.slot != nil {
			t.slot.StopAtReturn()
		}
	}
	return events
}

// setServing tells the threads whether it pays to ask, and to wait for room in their rings: only
// while somebody looks.
func (d *direct) setServing(on bool) {
	if d.serving == on {
		return
	}
	d.serving = on
	for _, t := range d.open {
		d.tellServing(t)
	}
}

func (d *direct) tellServing(t *Thread) {
	t.slot.Serving(d.serving && d.asks)
	t.slot.Drained(d.serving && d.records)
}

// distrust ends the direct route for a thread that has written nonsense where only
// exec.so writes, and tells the user.
func (l *loop) distrust(t *Thread, err error) {
	l.direct.expel(t)
	// It keeps its slot, which others must not get while it can write there.
	t.distrusted = true
	l.direct.entered = without(l.direct.entered, t)
	t.rec.has, t.rec.inCall = false, false
	l.warn(fmt.Errorf("thread %d: %w; its calls trap from now on", t.tid, err))
}

// warn tells the Cmd's Warn function.
func (l *loop) warn(err error) {
	if f := l.cmd.Warn; f != nil {
		l.guard(func() { f(err) })
	}
}
