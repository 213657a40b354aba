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
	t.entry(th, c, entered)
	t.exit(th, c, res, th.stream.column, entered, left, nil)
}

// WantsTimes reports whether the options ask for any time.
func (t *Trace) WantsTimes() bool {
	return t.opts.Clock != ClockNone || t.opts.Relative || t.opts.Duration
}

// Limits returns the limits of the text's strings and arrays.
func (t *Trace) Limits() (text, elements int) { return t.styles.limits() }
