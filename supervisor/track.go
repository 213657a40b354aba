package supervisor

import (
	"github.com/k42trace/k42trace/process"
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
	return set
}

// track tells the thread's state of a call that run has the kernel make; nil if it has been
// made already, with the result that is known.
func (t *Thread) track(nr int, args [6]uint64, run func(*Thread, int, [6]uint64) table.Result) table.Result {
	abi := t.call.ABI()
	if run == nil && !t.loop.tracks(abi, nr) {
		return t.current.result
	}
	t.state.Begin(&t.op, abi, nr, args, t)
	result := t.current.result
	if run != nil {
		result = run(t, nr, args)
	}
	t.state.End(&t.op, result, t)
	return result
}
