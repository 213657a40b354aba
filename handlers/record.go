package handlers

import (
	"time"

	"github.com/k42trace/k42trace/table"
)

var _ table.Recorder = (*Trace)(nil)

// Entered begins the line of a call that was recorded and has not returned.
func (t *Trace) Entered(c *table.Call, at time.Time) {
	t.enter(t.threadOf(c.Thread()), c, at)
}

// Returned ends the line that Entered began, or else writes the whole line.
func (t *Trace) Returned(c *table.Call, res table.Result, entered, left time.Time) {
	th := t.threadOf(c.Thread())
	if th.inCall {
		t.leave(th, c, res, entered, left, nil)
		return
	}
	if !t.opts.Statuses.has(res) {
		return
	}
	t.beginCall(th, c, entered)
	if !t.repeat(th, c, res) {
		t.describe(th, c)
		t.exit(th, c, res, th.stream.column, entered, left, nil)
		return
	}
	t.endCall(th, c, res, entered, left, nil)
}

// repeat appends what describe and conclude would, from memory if it can. It reports whether
// it has done so.
func (t *Trace) repeat(th *thread, c *table.Call, res table.Result) bool {
	if t.lines == nil || c.Nr() == t.restart[c.ABI()] {
		return false
	}
	from := len(t.buf)
	text, ok := t.lines.find(c, res, th.stream.column+from)
	if !ok {
		return false
	}
	if text != nil {
		t.buf = append(t.buf, text...)
		th.resumes, th.last = false, c.Name()
		return true
	}
	t.describe(th, c)
	t.conclude(th, c, res, th.stream.column)
	if _, whole := c.Recorded(); whole {
		t.lines.keep(t.buf[from:], th.event)
	}
	return true
}

// WantsTimes reports whether the options ask for any time.
func (t *Trace) WantsTimes() bool {
	return t.opts.Clock != ClockNone || t.opts.Relative || t.opts.Duration
}

// Limits returns the limits of the text's strings and arrays.
func (t *Trace) Limits() (text, elements int) { return t.styles.limits() }
