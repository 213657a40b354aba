package supervisor

import (
	"slices"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// serviceFor returns what exec.so does about the calls of a number, by what kind of
// handler they have. A handler that decides is asked, or the call traps: nothing
// of that depends on the program's good will, since the filter reports the call
// wherever it is made but in the services that make it themselves.
func (l *loop) serviceFor(nr int) execso.Service {
	return l.serviceBy(nr, l.handlerOf(nr))
}

// serviceBy is serviceFor for a handler at hand.
func (l *loop) serviceBy(nr int, h table.Handler) execso.Service {
	return l.filesBy(nr, h, l.tracksBy(nr, serviceOf(nr, h)))
}

// serviceOf is serviceFor for a handler at hand: the table may change at any moment.
func serviceOf(nr int, h table.Handler) execso.Service {
	service := execso.Trap
	switch h := h.(type) {
	case nil:
		service = execso.Pass
	case table.Stopper:
	case table.Tallier:
		service = execso.Count
		if _, ok := h.(table.Recorder); ok && h.WantsTimes() {
			service = execso.Record
		}
	case table.Recorder:
		service = execso.Record
	case table.Answerer:
		service = execso.Constant
	case table.Rememberer:
		service = execso.Known
	default:
		service = execso.Request
	}
	if !execso.Servable(nr, service) {
		return execso.Trap
	}
	// What a rule of the filter reports even from exec.so's own instructions would be
	// told twice. (Record looks at the arguments first.)
	switch hookOf(ptrace.NativeABI, nr) {
	case hookIdentity:
		if makesCalls(service) {
			return execso.Trap
		}
	case hookArea, hookWritable, hookAdvise, hookUserfault:
		if service == execso.Count {
			return execso.Trap
		}
	}
	return service
}

// makesCalls reports whether a service makes the call itself.
func makesCalls(s execso.Service) bool { return s == execso.Record || s == execso.Count }

// exempts reports whether a service makes the call where the filter must not look.
func exempts(s execso.Service) bool {
	return makesCalls(s) || s == execso.ByFile || s == execso.Poll || s == execso.Leave
}

// serves reports whether anything would go directly.
func (l *loop) serves() bool {
	for nr := range l.table.Routed().Numbers(ptrace.NativeABI) {
		if l.serviceFor(nr) != execso.Trap {
			return true
		}
	}
	return false
}

// serves reports whether exec.so does anything about the calls of a number but let
// them trap or pass.
func (d *direct) serves(nr int) bool {
	return nr >= 0 && nr < execso.Numbers && d.service[nr] != execso.Trap && d.service[nr] != execso.Pass
}

// exemptible returns the calls that exec.so makes itself, of handlers that only
// look or that leave them to the kernel.
func (l *loop) exemptible() *table.Set {
	set := &table.Set{}
	for nr := range l.wanted().Numbers(ptrace.NativeABI) {
		if exempts(l.serviceFor(nr)) {
			set.Add(ptrace.NativeABI, nr)
		}
	}
	return set
}

// onlyLooks reports whether no handler decides about any of the calls.
func (l *loop) onlyLooks(calls *table.Set) bool {
	for nr := range calls.Numbers(ptrace.NativeABI) {
		if s := serviceOf(nr, l.handlerOf(nr)); s != execso.Pass && !makesCalls(s) {
			return false
		}
	}
	return true
}

// exempt returns what the filter lets pass from exec.so's own instructions. A call
// that was blocked there and is resumed is restart_syscall there.
func (d *direct) exempt() *table.Set {
	set := &table.Set{}
	set.Union(d.served)
	if d.inquires {
		set.Union(inquiries)
	}
	if nr, ok := table.Number(ptrace.NativeABI, "restart_syscall"); ok {
		set.Add(ptrace.NativeABI, nr)
	}
	// The setup code seals.
	if nr, ok := table.Number(ptrace.NativeABI, "mseal"); ok {
		if _, looks := d.loop.handlerOf(nr).(table.Recorder); looks {
			set.Add(ptrace.NativeABI, nr)
		}
	}
	return set
}

// serve sets the services for the present table.
func (d *direct) serve() {
	d.wants, d.records, d.asks, d.remembers, d.resident = false, false, false, false, nil
	d.retireCounts()
	text, elements := 0, 0
	for nr := range execso.Numbers {
		h := d.loop.handlerOf(nr)
		s := d.loop.serviceBy(nr, h)
		if (s == execso.Request || s == execso.ByFile) && !d.loop.wantFilter.Has(ptrace.NativeABI, nr) {
			s = execso.Trap // it is not yet reported where it is made
		}
		if exempts(s) && !d.served.Has(ptrace.NativeABI, nr) {
			s = execso.Trap // the filter would report it to us, who would do it again
		}
		d.service[nr] = s
		switch s {
		case execso.Count:
			d.countWith(nr, h.(table.Tallier))
		case execso.Record:
			r := h.(table.Recorder)
			d.records, d.recorders[nr] = true, r
			d.wants = d.wants || r.WantsTimes()
			t, e := r.Limits()
			text, elements = max(text, t), max(elements, e)
		case execso.Constant:
			d.region.SetConstant(nr, h.(table.Answerer).Answer().Raw())
		case execso.Known:
			d.remembers = true
		case execso.ByFile:
			d.resident = h.(table.Resident)
			d.asks = true
		case execso.Request:
			d.asks = true
		}
	}
	d.clock.wanted = d.wants
	d.stamped = d.wants || len(d.loop.threads) > 1
	d.region.SetLimits(text, elements)
	d.setServices()
	if d.records || d.asks {
		for _, t := range d.loop.threads {
			if !t.admitted {
				continue
			}
			d.tellServing(t)
			if !slices.Contains(d.open, t) {
				d.open = append(d.open, t)
			}
		}
	}
}

// setServices puts the services in force.
func (d *direct) setServices() {
	for nr, s := range d.service {
		if s == execso.Record && d.stamped {
			s = execso.RecordTimed
		}
		d.region.SetService(nr, s)
	}
}

// crowded makes events tell their time from now on: those of one thread are in
// order by themselves, those of several are not.
func (d *direct) crowded() {
	if !d.stamped && d.records {
		d.stamped = true
		d.setServices()
	}
}
