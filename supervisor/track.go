package supervisor

import (
	"time"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// tracks reports whether the calls of a number change the state that is kept, so that they
// stop or are recorded whether or not they have a handler.
func (l *loop) tracks(abi table.ABI, nr int) bool { return l.cmd.Track && process.Matters(abi, nr) }

// wanted returns the calls that the filter has to report for the present table.
func (l *loop) wanted() *table.Set {
	set := l.table.Routed()
	if l.cmd.Track {
		set.Union(process.Calls())
	}
	if l.knowsFiles() {
		set.Union(filesCalls())
	}
	return set
}

// track tells the thread's state of a call that run has the kernel make; nil if it has been
// made already, with the result that is known.
func (t *Thread) track(nr int, args [6]uint64, run func(*Thread, int, [6]uint64) table.Result) table.Result {
	abi := t.call.ABI()
	if run == nil && !t.loop.tracks(abi, nr) {
		return t.current.result
	}
	looks := process.Looks(abi, nr)
	if looks {
		t.loop.direct.looking(false)
	}
	t.state.Begin(&t.op, abi, nr, args, t)
	result := t.current.result
	if run != nil {
		result = run(t, nr, args)
	}
	t.state.End(&t.op, result, t)
	if looks {
		t.loop.direct.looking(true)
	}
	return result
}

// trackReturned tells the state of a recorded call that has returned. Where the call has
// changed what its own arguments stand for, its Recorder hears of its beginning first.
func (d *drainer) trackReturned(r *record, res table.Result) {
	if r.op.Replaces() && !r.told && r.recorder != nil && !d.loop.panicked {
		r.told = true
		d.loop.guard(func() { r.recorder.Entered(&r.call, d.clock.at(r.entered)) })
	}
	r.engine.state.End(&r.op, res, &r.engine)
}

// watcher is the Recorder of calls that nobody wants to hear of but the state that is
// kept.
type watcher struct{ table.Handler }

var watch table.Recorder = watcher{table.Native}

// Entered does nothing.
func (watcher) Entered(*table.Call, time.Time) {}

// Returned does nothing.
func (watcher) Returned(*table.Call, table.Result, time.Time, time.Time) {}

// WantsTimes returns false.
func (watcher) WantsTimes() bool { return false }

// Limits returns that the memory is not looked at.
func (watcher) Limits() (text, elements int) { return 0, 0 }

// handlerOf returns the handler of a number for the direct route.
func (l *loop) handlerOf(nr int) table.Handler {
	h := l.table.Lookup(ptrace.NativeABI, nr)
	if h == nil && l.tracks(ptrace.NativeABI, nr) {
		return watch
	}
	return h
}

// tracksBy returns what exec.so may do about a call that changes the state that is kept,
// where s is what it would do otherwise: it has to be told of each, and what has arrived has
// to be looked at before it can go again.
func (l *loop) tracksBy(nr int, s execso.Service) execso.Service {
	if !l.tracks(ptrace.NativeABI, nr) {
		return s
	}
	if makesCalls(s) && (s != execso.Record || l.tree.Arrives(ptrace.NativeABI, nr)) {
		return execso.Trap
	}
	if l.tree.Names(ptrace.NativeABI, nr) && !execso.Names(nr) {
		return execso.Trap
	}
	return s
}
