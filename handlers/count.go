package handlers

import (
	"time"

	"github.com/k42trace/k42trace/table"
)

// Count counts calls, their errors, and the wall time spent in them, as
// strace -c -w does. It is a Handler or Middleware of one Cmd's Table, and
// must not be used from two goroutines.
//
// On the direct route exec.so does the counting, and Count gets the sums: it is a
// table.Tallier.
//
// restart_syscall is not a call of its own: its time and its outcome belong to
// the call that it resumes.
type Count struct {
	// Untimed leaves out the time spent in calls, which then cost less to count on
	// the direct route. It is set before the program starts.
	Untimed bool
	// Columns are those of the table; none means DefaultColumns.
	Columns []Column
	// Sort is the column by which rows are ordered.
	Sort Column
	// Overhead is how much of a call's time is the counting's, and is taken off.
	Overhead time.Duration

	abi [table.NumABI]struct {
		known   []tally // by number
		unknown map[int]*tally
	}
	restart [table.NumABI]int
	waiting map[int]*tally // by thread: calls that restart_syscall may resume
}

var _ table.Tallier = (*Count)(nil)

// A tally is the sum of all calls with one number.
type tally struct {
	nr            int
	calls, errors uint64
	spent         time.Duration
	min, max      time.Duration // of one call
}

// add counts the time of one call.
func (t *tally) add(spent time.Duration) {
	t.spent += spent
	if spent < t.min || t.calls == 1 {
		t.min = spent
	}
	t.max = max(t.max, spent)
}

// NewCount returns a Count of nothing yet.
func NewCount() *Count {
	n := &Count{waiting: map[int]*tally{}}
	for abi := range table.NumABI {
		n.abi[abi].unknown = map[int]*tally{}
		n.restart[abi] = -1
		if nr, ok := table.Number(abi, "restart_syscall"); ok {
			n.restart[abi] = nr
		}
	}
	return n
}

// Handle counts a call that has no other handler.
func (n *Count) Handle(c *table.Call) table.Result { return n.count(c, table.Native) }

// Wrap counts the calls that reach next. It is a table.Middleware. If next only
// lets the call run it returns n itself, a table.Tallier; if next only looks at it, a
// table.Recorder.
func (n *Count) Wrap(next table.Handler) table.Handler {
	if next == table.Native {
		return n
	}
	switch next := next.(type) {
	case table.Recorder:
		return countedRecorder{next, n}
	case table.Stopper:
		return countedStopper{next, n}
	}
	return table.HandlerFunc(func(c *table.Call) table.Result { return n.count(c, next) })
}

func (n *Count) count(c *table.Call, next table.Handler) table.Result {
	abi, nr, tid := c.ABI(), numberOf(c), c.Thread().TID()
	begin := time.Now()
	return next.Handle(c).After(func(res table.Result) table.Result {
		n.add(abi, nr, tid, res, time.Since(begin))
		return res
	})
}

func (n *Count) add(abi table.ABI, nr, tid int, res table.Result, spent time.Duration) {
	if res.Gone() {
		return // nothing to show for it; strace does not count it either
	}
	var t *tally
	if len(n.waiting) > 0 {
		t = n.waiting[tid]
		delete(n.waiting, tid)
	}
	if nr == n.restart[abi] && t != nil {
		t.errors--
		t.spent += spent
	} else {
		t = n.tally(abi, nr)
		t.calls++
		t.add(spent)
	}
	if res.Failed() {
		t.errors++
	}
	if res.Errno() == table.ERESTART_RESTARTBLOCK {
		n.waiting[tid] = t
	}
}

// Tally adds calls that were counted elsewhere.
func (n *Count) Tally(abi table.ABI, nr int, calls, errors uint64, spent time.Duration) {
	if calls == 0 {
		return
	}
	t := n.tally(abi, nr)
	t.calls += calls
	t.errors += errors
	t.spent += spent
}

// WantsTimes reports whether the table shows times.
func (n *Count) WantsTimes() bool { return !n.Untimed }

// A countedRecorder counts calls that are recorded for another.
type countedRecorder struct {
	table.Recorder
	count *Count
}

func (r countedRecorder) Handle(c *table.Call) table.Result { return r.count.count(c, r.Recorder) }

func (r countedRecorder) Returned(c *table.Call, res table.Result, entered, left time.Time) {
	r.Recorder.Returned(c, res, entered, left)
	r.count.Returned(c, res, entered, left)
}

func (r countedRecorder) WantsTimes() bool { return r.Recorder.WantsTimes() || r.count.WantsTimes() }

// A countedStopper counts calls that stop for another.
type countedStopper struct {
	table.Stopper
	count *Count
}

func (s countedStopper) Handle(c *table.Call) table.Result { return s.count.count(c, s.Stopper) }

var (
	_ table.Recorder = (*Count)(nil)
	_ table.Tallier  = (*Count)(nil)
)

// Entered does nothing: calls are counted when they return.
func (n *Count) Entered(*table.Call, time.Time) {}

// Returned counts a recorded call.
func (n *Count) Returned(c *table.Call, res table.Result, entered, left time.Time) {
	n.add(c.ABI(), c.Nr(), c.Thread().TID(), res, left.Sub(entered))
}

// Limits tells that no memory is looked at.
func (n *Count) Limits() (text, elements int) { return 0, 0 }

// Launched counts the execve with which the supervisor started the program.
func (n *Count) Launched() {
	nr, _ := table.Number(hostABI, "execve")
	n.tally(hostABI, nr).calls++
}

const maxKnown = 1024 // numbers that are counted in a slice

func (n *Count) tally(abi table.ABI, nr int) *tally {
	a := &n.abi[abi]
	i := nr
	if abi == table.X32 && nr >= 0 {
		i &^= table.X32Bit
	}
	if i < 0 || i >= maxKnown {
		t := a.unknown[nr]
		if t == nil {
			t = &tally{nr: nr}
			a.unknown[nr] = t
		}
		return t
	}
	if i >= len(a.known) {
		// Pointers into the old slice are in waiting only for the time of one
		// call; so the slice gets its full length at once.
		a.known = make([]tally, maxKnown)
	}
	a.known[i].nr = nr
	return &a.known[i]
}
