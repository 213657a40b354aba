package handlers

import (
	"strconv"
	"time"

	"github.com/k42trace/k42trace/table"
)

// begin starts a line of th, as of the time at.
func (t *Trace) begin(th *thread, at time.Time) {
	s := th.stream
	t.buf = s.interrupt(t.buf[:0])
	s.column = -len(t.buf)
	if s == &t.shared && t.showsPID() {
		if t.opts.Text.Comm != nil {
			t.prefix(th) // it may have changed
		}
		t.buf = append(t.buf, th.prefix...)
	}
	if t.opts.Clock != ClockNone || t.opts.Relative {
		t.stamp(at)
	}
	if t.opts.Number {
		t.buf = append(t.buf, '[')
		t.buf = appendPadded(t.buf, int64(th.nr), 4, false)
		t.buf = append(t.buf, "] "...)
	}
	if t.opts.IP {
		t.buf = th.appendIP(t.buf)
	}
}

// appendIP appends where the thread is: behind the instruction of its last call.
func (th *thread) appendIP(dst []byte) []byte {
	width := th.abi.PointerBits() / 4
	dst = append(dst, '[')
	if th.ended {
		dst = append(dst, "????????????????"[:width]...)
	} else {
		for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
			dst = append(dst, "0123456789abcdef"[th.ip>>shift&15])
		}
	}
	return append(dst, "] "...)
}

// showsPID reports whether lines begin with the id of their thread.
func (t *Trace) showsPID() bool {
	switch t.opts.PID {
	case PIDNever:
		return false
	case PIDShared:
		return len(t.threads) > 1
	}
	return true
}

// resume makes the line of th's call the current one again. It returns how many
// bytes of it have been written before.
func (t *Trace) resume(th *thread, at time.Time) (written int) {
	if !th.interrupted && th.stream.open == th {
		t.buf = t.buf[:0]
		return th.stream.column
	}
	t.begin(th, at)
	written = th.stream.column // minus what is in buf of the line before
	t.buf = append(t.buf, "<... "...)
	if th.resumes {
		t.buf = append(t.buf, "restart_syscall"...)
	} else {
		t.buf = append(t.buf, th.event.Name()...)
	}
	t.buf = append(t.buf, " resumed>"...)
	return written
}

// result appends the space in front of the result. written is how many bytes of
// the line are not in buf.
func (t *Trace) result(written int) {
	t.buf = append(t.buf, ' ')
	t.buf = pad(t.buf, written+len(t.buf), t.column)
}

// write hands the text over, with an open line at its end.
func (t *Trace) write(th *thread) {
	th.stream.column += len(t.buf)
	_, _ = th.stream.out.Write(t.buf)
}

// end ends the line and hands the text over.
func (t *Trace) end(th *thread) {
	t.buf = append(t.buf, '\n')
	th.stream.open = nil
	_, _ = th.stream.out.Write(t.buf)
	if cap(t.buf) > maxKept {
		t.buf = nil
	}
}

// maxKept bounds the text buffer that is kept after an event.
const maxKept = 256 << 10

func (t *Trace) personality(th *thread, abi table.ABI, at time.Time) {
	th.abi = abi
	if t.opts.Quiet&QuietPersonality != 0 {
		return
	}
	t.begin(th, at)
	t.buf = append(t.buf, "[ Process PID="...)
	t.buf = strconv.AppendInt(t.buf, int64(th.tid), 10)
	t.buf = append(t.buf, " runs in "...)
	t.buf = append(t.buf, mode(abi)...)
	t.buf = append(t.buf, " mode. ]"...)
	t.end(th)
}

// mode returns strace's name of an ABI.
func mode(abi table.ABI) string {
	switch abi {
	case table.I386:
		return "32 bit"
	case table.X32:
		return "x32"
	}
	return "64 bit"
}
