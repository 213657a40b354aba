package handlers

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
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
// lets the call run it returns n itself, a table.Tallier.
func (n *Count) Wrap(next table.Handler) table.Handler {
	if runsOnly(next) {
		return n
	}
	return table.HandlerFunc(func(c *table.Call) table.Result { return n.count(c, next) })
}

func (n *Count) count(c *table.Call, next table.Handler) table.Result {
	abi, nr, tid := c.ABI(), c.Nr(), c.Thread().TID()
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
	} else {
		t = n.tally(abi, nr)
		t.calls++
	}
	t.spent += spent
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

// WriteTo writes what has been counted as strace -c does, the calls in which
// most time was spent first.
func (n *Count) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for abi := range table.NumABI {
		a := &n.abi[abi]
		var rows []tally
		for _, t := range a.known {
			if t.calls > 0 {
				rows = append(rows, t)
			}
		}
		for _, t := range a.unknown {
			rows = append(rows, *t)
		}
		if len(rows) == 0 {
			continue
		}
		if abi != hostABI {
			fmt.Fprintf(&b, "System call usage summary for %s mode:\n", mode(abi))
		}
		slices.SortFunc(rows, func(x, y tally) int {
			return cmp.Or(cmp.Compare(y.spent, x.spent), cmp.Compare(x.nr, y.nr))
		})
		writeSummary(&b, abi, rows)
	}
	return b.WriteTo(w)
}

func writeSummary(b *bytes.Buffer, abi table.ABI, rows []tally) {
	var total tally
	for _, r := range rows {
		total.calls += r.calls
		total.errors += r.errors
		total.spent += r.spent
	}
	header := [...]string{"% time", "seconds", "usecs/call", "calls", "errors", "syscall"}
	lines := [][len(header)]string{}
	for _, r := range rows {
		name := table.UnknownName(abi, r.nr)
		if sig := table.SignatureOf(abi, r.nr); sig != nil {
			name = sig.Name
		}
		lines = append(lines, summaryLine(r, total.spent, name))
	}
	last := summaryLine(total, total.spent, "total")

	width := [len(header)]int{6, 11, 11, 9, 9, 16}
	for _, line := range append(lines, last) {
		for i, cell := range line {
			width[i] = max(width[i], len(cell))
		}
	}
	rule := [len(header)]string{}
	for i, n := range width {
		rule[i] = string(bytes.Repeat([]byte{'-'}, n))
	}
	write := func(line [len(header)]string) {
		end := len(line) - 1
		for i, cell := range line[:end] {
			fmt.Fprintf(b, "%*s ", width[i], cell)
		}
		b.WriteString(line[end])
		b.WriteByte('\n')
	}
	write(header)
	write(rule)
	for _, line := range lines {
		write(line)
	}
	write(rule)
	write(last)
}

func summaryLine(t tally, all time.Duration, name string) [6]string {
	share := 0.0
	if all > 0 {
		share = 100 * float64(t.spent) / float64(all)
	}
	if name == "total" {
		share = 100
	}
	errors := ""
	if t.errors > 0 {
		errors = fmt.Sprint(t.errors)
	}
	return [6]string{
		fmt.Sprintf("%.2f", share),
		fmt.Sprintf("%.6f", t.spent.Seconds()),
		fmt.Sprint(int64(t.spent/time.Microsecond) / int64(max(t.calls, 1))),
		fmt.Sprint(t.calls),
		errors,
		name,
	}
}
