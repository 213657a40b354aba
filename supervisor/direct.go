package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A Routing says by which routes calls may reach their handlers.
type Routing uint8

const (
	// RouteAuto takes the direct route for calls whose handlers only look
	// (table.Recorder), where machine and kernel have what it needs.
	RouteAuto Routing = iota
	// RouteTrap stops every thread at every call that has a handler.
	RouteTrap
	// RouteDirect is RouteAuto, but Start fails where there is no direct route.
	RouteDirect
)

// direct is the direct route of one Cmd: exec.so's region, and what has been set up
// in it. It belongs to the tracing thread.
type direct struct {
	loop    *loop
	region  *execso.Region
	served  *table.Set // calls that exec.so may serve: the filter exempts them
	wants   bool       // some Recorder wants times
	stamped bool       // events carry the time
	// seesReturns: rt_sigreturn traps.
	seesReturns bool

	plans map[planKey]plan // of files that any of the programs has mapped

	drainer
}

// setUpDirect prepares the direct route, if it may be taken and anything would go
// that way.
func (l *loop) setUpDirect() error {
	if l.cmd.Route == RouteTrap {
		return nil
	}
	err := DirectSupported()
	if err == nil {
		if l.recordable().Empty() {
			return nil
		}
		var region *execso.Region
		if region, err = execso.New(); err == nil {
			l.direct = &direct{loop: l, region: region, plans: map[planKey]plan{}}
			l.direct.drainer.init(l)
			if oneCore() {
				l.direct.crowdedUntil = time.Now().AddDate(100, 0, 0)
			}
			l.direct.served = l.recordable()
			nr, _ := table.Number(ptrace.NativeABI, "rt_sigreturn")
			l.direct.seesReturns = l.wantFilter.Has(ptrace.NativeABI, nr)
			l.direct.serve()
			return nil
		}
	}
	if l.cmd.Route == RouteDirect {
		return fmt.Errorf("the direct route: %w", err)
	}
	return nil
}

// DirectSupported returns why there is no direct route on this machine, nil if there
// is one: execso.Supported and mseal(2).
func DirectSupported() error {
	if err := execso.Supported(); err != nil {
		return err
	}
	// What is mapped into a program must not be unmapped by it.
	return ptrace.Mseal.Err()
}

// recordable returns the calls whose handlers only look, and which exec.so can
// record.
func (l *loop) recordable() *table.Set {
	set := &table.Set{}
	for nr := range l.table.Routed().Numbers(ptrace.NativeABI) {
		if _, ok := l.table.Lookup(ptrace.NativeABI, nr).(table.Recorder); ok && execso.Servable(nr, execso.Record) {
			set.Add(ptrace.NativeABI, nr)
		}
	}
	return set
}

// exempt returns what the filter lets pass from exec.so's own instructions. A call
// that was blocked there and is resumed is restart_syscall there.
func (d *direct) exempt() *table.Set {
	set := &table.Set{}
	set.Union(d.served)
	if nr, ok := table.Number(ptrace.NativeABI, "restart_syscall"); ok {
		set.Add(ptrace.NativeABI, nr)
	}
	return set
}

// serve sets the services for the present table.
func (d *direct) serve() {
	d.wants = false
	for nr := range execso.Numbers {
		h := d.loop.table.Lookup(ptrace.NativeABI, nr)
		r, _ := h.(table.Recorder)
		switch {
		case r != nil && d.served.Has(ptrace.NativeABI, nr):
			d.wants = d.wants || r.WantsTimes()
		case h == nil && execso.Servable(nr, execso.Pass):
			d.region.SetService(nr, execso.Pass)
		default:
			d.region.SetService(nr, execso.Trap)
		}
	}
	d.clock.wanted = d.wants
	d.stamped = d.wants || len(d.loop.threads) > 1
	d.serveRecords()
}

// serveRecords sets the service of the calls that are recorded.
func (d *direct) serveRecords() {
	service := execso.Record
	if d.stamped {
		service = execso.RecordTimed
	}
	for nr := range d.served.Numbers(ptrace.NativeABI) {
		if _, ok := d.loop.table.Lookup(ptrace.NativeABI, nr).(table.Recorder); ok {
			d.region.SetService(nr, service)
		}
	}
}

// crowded makes events tell their time from now on: those of one thread are in
// order by themselves, those of several are not.
func (d *direct) crowded() {
	if !d.stamped {
		d.stamped = true
		d.serveRecords()
	}
}

// tableChanged adapts to another table. What is no longer only looked at traps
// from now on, by the filter too: then it returns true. See extendFilters.
func (d *direct) tableChanged() (narrowed bool) {
	d.drain()
	now := d.loop.recordable()
	keep := &table.Set{}
	for nr := range d.served.Numbers(ptrace.NativeABI) {
		if h := d.loop.table.Lookup(ptrace.NativeABI, nr); h == nil || now.Has(ptrace.NativeABI, nr) {
			keep.Add(ptrace.NativeABI, nr)
		}
	}
	narrowed = !keep.Contains(d.served)
	d.served = keep
	d.serve()
	return narrowed
}

// close gives the region back.
func (d *direct) close() {
	if d == nil {
		return
	}
	d.stopTicking()
	_ = d.region.Close()
}

// settle gives a thread that stands before its first instruction, or that of a new
// program, its place in the region.
func (t *Thread) settle() {
	d := t.loop.direct
	if d == nil {
		return
	}
	if t.slot == nil {
		t.slot = d.region.NewSlot()
	}
	slot := t.slot
	if slot == nil {
		slot = d.region.NullSlot() // all its calls trap
	}
	if err := ptrace.SetAreaBase(t.tid, slot.GS()); errors.Is(err, ptrace.ErrAreaTaken) {
		t.restore()
		return
	} else if !t.loop.check(err, t) {
		return
	}
	if t.slot != nil {
		t.slot.Shut() // until it is admitted
	}
	d.admit(t)
}
