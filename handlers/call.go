package handlers

import (
	"time"

	"github.com/k42trace/k42trace/table"
)

// present, as the time of a line, stands for the time at which it is written. It
// is what a Trace gets that wants no times.
var present time.Time

// enter writes what is known before the call runs, and leaves the line open.
func (t *Trace) enter(th *thread, c *table.Call, at time.Time) {
	t.entry(th, c, at)
	th.inCall, th.interrupted, th.exits = true, false, false
	if !t.opts.Statuses.all() {
		th.staged = append(th.staged[:0], t.buf...)
		return
	}
	th.stream.open = th
	t.write(th)
}

// entry begins the line of a call.
func (t *Trace) entry(th *thread, c *table.Call, at time.Time) {
	t.beginCall(th, c, at)
	t.describe(th, c)
}

// beginCall begins the line of a call with what comes before its name.
func (t *Trace) beginCall(th *thread, c *table.Call, at time.Time) {
	if abi := c.ABI(); abi != th.abi {
		t.personality(th, abi, at)
	}
	th.nr, th.ip = c.Nr(), c.IP()
	t.begin(th, at)
}

// describe appends the name of a call and what is known before it runs.
func (t *Trace) describe(th *thread, c *table.Call) {
	if th.resumes = c.Nr() == t.restart[c.ABI()]; th.resumes {
		t.buf = append(t.buf, "restart_syscall("...)
		t.buf = th.appendResumed(t.buf)
		th.incomplete = false
		return
	}
	t.styles.choose(th.event, c)
	th.event.Entry(c)
	from := len(t.buf)
	t.buf = t.opts.Text.AppendEntry(t.buf, th.event)
	th.incomplete = incomplete(t.buf[from:], c.Signature())
}

// incomplete reports whether an entry's text waits for arguments.
func incomplete(entry []byte, sig *table.Signature) bool {
	switch entry[len(entry)-1] {
	case ' ':
		return true
	case '(':
		return sig != nil && len(sig.Args) > 0
	}
	return false
}

// appendResumed appends the argument that strace shows for restart_syscall.
func (th *thread) appendResumed(dst []byte) []byte {
	dst = append(dst, "<... resuming interrupted "...)
	if th.last == "" {
		dst = append(dst, "system call"...)
	} else {
		dst = append(dst, th.last...)
	}
	return append(dst, " ...>"...)
}

// leave writes the rest of a call's line; d is what has been injected, nil for
// nothing.
func (t *Trace) leave(th *thread, c *table.Call, res table.Result, entered, left time.Time, d *dose) {
	if !th.inCall {
		return // it was written when the thread ended
	}
	th.inCall = false
	if !t.opts.Statuses.has(res) {
		th.stack = callStack{}
		return
	}
	if t.opts.Duration && left.IsZero() {
		left = time.Now()
	}
	t.exit(th, c, res, t.goOn(th, left), entered, left, d)
}

// goOn makes the line of a call the current one, of which written bytes are out.
func (t *Trace) goOn(th *thread, at time.Time) (written int) {
	if t.opts.Statuses.all() {
		return t.resume(th, at)
	}
	t.buf = append(th.stream.interrupt(t.buf[:0]), th.staged...)
	return 0
}

// exit ends the line of a call, of which written bytes are not in buf, and hands
// it over.
func (t *Trace) exit(th *thread, c *table.Call, res table.Result, written int, entered, left time.Time, d *dose) {
	if res.Gone() {
		t.lost(th, written)
		return
	}
	t.conclude(th, c, res, written)
	t.endCall(th, c, res, entered, left, d)
}

// conclude appends what is known when a call has returned.
func (t *Trace) conclude(th *thread, c *table.Call, res table.Result, written int) {
	th.event.Exit(c, res)
	if th.resumes {
		t.buf = append(t.buf, ')')
	} else {
		t.buf = t.opts.Text.AppendExit(t.buf, th.event)
		th.last = ""
		if sig, _ := th.event.Call(); sig != nil {
			th.last = th.event.Name()
		}
	}
	t.result(written)
	t.buf = t.opts.Text.AppendResult(t.buf, th.event)
}

// endCall ends the line of a call with what comes behind its result.
func (t *Trace) endCall(th *thread, c *table.Call, res table.Result, entered, left time.Time, d *dose) {
	t.buf = t.remark(t.buf, c, res)
	t.buf = d.append(t.buf)
	if t.opts.Duration {
		t.buf = append(t.buf, " <"...)
		t.buf = appendSeconds(t.buf, left.Sub(entered), 0, t.opts.DurationPrecision)
		t.buf = append(t.buf, '>')
	}
	if t.opts.Reads != nil || t.opts.Writes != nil {
		t.buf = append(t.buf, '\n')
		t.buf = t.dump(t.buf, th.event, c, res)
		t.buf = t.buf[:len(t.buf)-1] // end ends the line
	}
	t.endWithStack(th)
}

// lost ends the line of a call that never returned.
func (t *Trace) lost(th *thread, written int) {
	if th.incomplete {
		t.buf = append(t.buf, unfinished...)
	}
	t.buf = append(t.buf, ')')
	t.result(written)
	t.buf = append(t.buf, "= ?"...)
	t.end(th)
}

// abandon ends the line of the call in which a thread was when it ended.
func (t *Trace) abandon(th *thread) {
	if th.inCall {
		th.inCall = false
		if t.opts.Statuses.has(table.Gone()) {
			t.lost(th, t.goOn(th, present))
		}
	}
}
