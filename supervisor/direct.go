package supervisor

import (
	"fmt"
	"math/rand/v2"
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
	served  *table.Set // calls that exec.so may make: the filter exempts them
	service [execso.Numbers]execso.Service
	wants   bool // some Recorder wants times
	stamped bool // events carry the time
	records bool // there are calls that are recorded
	// remembers: there are calls whose results are kept, so that those that change
	// them have to be seen.
	remembers bool
	asks      bool       // there are calls about which handlers are asked: see request.go
	exempted  *table.Set // calls that the newest filter lets pass there
	key       uint32     // with which it lets them pass everywhere: for setup.go. 0: not at all
	// inquires: exec.so may ask what descriptors are.
	inquires bool
	mounts   uint64         // our mount namespace, 0 if /proc is none of ours
	files    bool           // what descriptors are is to be known: see files.go
	blind    bool           // and cannot be, any more
	resident table.Resident // who tells what a descriptor is; nil: nobody
	// seesReturns: rt_sigreturn traps.
	seesReturns bool

	counts   []count          // by exec.so's counters
	orphaned []*image         // of processes that were killed
	plans    map[planKey]plan // of files that any of the programs has mapped
	linkers  []linker

	drainer
}

// setUpDirect prepares the direct route, if it may be taken and anything would go
// that way.
func (l *loop) setUpDirect() error {
	if l.cmd.Route == RouteTrap || len(l.cmd.Attach) > 0 || l.cmd.NoFollow {
		return nil
	}
	err := DirectSupported()
	if err == nil {
		if !l.serves() {
			return nil
		}
		var region *execso.Region
		if region, err = execso.New(); err == nil {
			l.direct = &direct{loop: l, region: region, plans: map[planKey]plan{}}
			l.direct.drainer.init(l)
			if !l.cmd.Enforce {
				l.direct.key = rand.Uint32() | 1<<31 // of no pointer's, which may be there
			}
			if l.wantsFiles() {
				if err := region.AddFiles(); err != nil {
					return fmt.Errorf("the direct route: %w", err)
				}
				l.direct.files = true
				l.wantFilter = l.wanted()
			}
			if oneCore() {
				l.direct.crowdedUntil = time.Now().AddDate(100, 0, 0)
			}
			l.direct.served, l.direct.inquires, l.direct.mounts = l.exemptible(), l.mayInquire(), ourMounts()
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

// tableChanged adapts to another table. It returns true if a call that the filter
// exempts has got a handler that decides: see extendFilters.
func (d *direct) tableChanged() (narrowed bool) {
	d.drain()
	for _, t := range d.loop.threads {
		t.forgetKnown() // of the handlers of before
	}
	remembered := d.remembers
	now := d.loop.exemptible()
	keep := &table.Set{}
	for nr := range d.served.Numbers(ptrace.NativeABI) {
		if h := d.loop.handlerOf(nr); h == nil || now.Has(ptrace.NativeABI, nr) {
			keep.Add(ptrace.NativeABI, nr)
		}
	}
	d.served = keep
	if d.inquires && !d.loop.mayInquire() {
		d.inquires = false
		d.looking(true)
	}
	d.serve()
	return !d.exempt().Contains(d.exempted) || d.remembers && !remembered
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
	if t.files == nil {
		t.findFiles(nil)
	}
	t.useFiles()
	slot := t.slot
	if slot == nil {
		slot = d.region.NullSlot() // all its calls trap
	}
	var regs ptrace.Regs
	if !t.loop.check(regs.Get(t.tid), t) {
		return
	}
	if base, selected := regs.AreaBase(); selected || base != 0 && !execso.IsArea(base) {
		t.restore() // it is the program's, from its creator
		return
	}
	if !t.loop.check(ptrace.SetAreaBase(t.tid, slot.GS()), t) {
		return
	}
	if t.slot != nil {
		t.slot.Shut() // until it is admitted
	}
	t.names()
	d.admit(t)
}
