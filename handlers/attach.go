package handlers

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
)

// attachedIn is the call that strace says an attached thread to be in, if that is one
// with a time limit: whichever it is, since it has not seen it begin.
const attachedIn = "read"

// ProcessAttached tells of a process that is watched from now on.
func (t *Trace) ProcessAttached(threads []table.Thread) {
	if len(threads) == 0 {
		return
	}
	for _, x := range threads {
		t.add(x.TID(), nil).last = attachedIn
	}
	text := " attached"
	if n := len(threads); n > 1 {
		text += " with " + strconv.Itoa(n) + " threads"
	}
	t.message(threads[0].Process().PID(), text)
}

// ThreadDetached ends the line of the call in which the thread is.
func (t *Trace) ThreadDetached(x table.Thread) {
	th := t.threads[x.TID()]
	if th == nil {
		return
	}
	if th.inCall && !t.opts.Statuses.all() && t.opts.Statuses&StatusDetached != 0 {
		t.goOn(th, present)
		_, _ = th.stream.out.Write(t.buf)
		th.stream.open = th
	}
	th.inCall = false
	if th.stream.open == th {
		t.buf = append(t.buf[:0], " <detached ...>"...)
		t.end(th)
	}
	t.remove(th)
	t.message(x.TID(), " detached")
}

// message tells the user of a thread or process.
func (t *Trace) message(id int, text string) {
	if t.opts.Messages == nil || t.opts.Quiet&QuietAttach != 0 {
		return
	}
	if t.opts.Out == t.opts.Messages {
		// The message is a line of its own, not in the midst of another.
		if t.buf = t.shared.interrupt(t.buf[:0]); len(t.buf) > 0 {
			_, _ = t.shared.out.Write(t.buf)
		}
	}
	t.buf = append(t.buf[:0], "k42trace: Process "...)
	t.buf = strconv.AppendInt(t.buf, int64(id), 10)
	t.buf = append(append(t.buf, text...), '\n')
	_, _ = t.opts.Messages.Write(t.buf)
}
