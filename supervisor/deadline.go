package supervisor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A keptDeadline is that of a call with table.Resumes that a signal has interrupted.
// The kernel has restart_syscall(2) for the like, which goes on where the call was.
// Here the call itself is restarted, before the program has run an instruction; it is
// recognised by all that it was, and has its old deadline again.
type keptDeadline struct {
	until  time.Time // zero: none is kept
	nr     int
	args   [6]uint64
	ip, sp uint64
}

// is reports whether the call is the one whose deadline is kept.
func (k *keptDeadline) is(c *table.Call) bool {
	return !k.until.IsZero() && k.nr == c.Nr() && k.args == c.Args() && k.ip == c.IP() && k.sp == c.SP()
}

// resumeDeadline gives a call that begins its old deadline, if it has had one.
func (t *Thread) resumeDeadline() {
	if t.kept.is(&t.call) {
		t.current.until = t.kept.until
	}
	t.kept = keptDeadline{}
}

// deadline returns when the wait of the present call ends.
func (t *Thread) deadline(w *table.Wait) time.Time {
	if until := t.current.until; w.Signal == table.Resumes && !until.IsZero() {
		return until
	}
	return w.Deadline
}

// keepDeadline keeps the deadline of a wait that a signal has interrupted.
func (t *Thread) keepDeadline(b *blockedCall) {
	w, _ := b.result.Blocked()
	if w.Signal != table.Resumes || b.until.IsZero() {
		return
	}
	info := &t.current.info
	var made table.Call // not as the handler has left it
	made.Reset(t, t.call.ABI(), info.Nr(), info.Args(), info.IP, info.SP)
	t.kept = keptDeadline{b.until, made.Nr(), made.Args(), made.IP(), made.SP()}
}

// forgetDeadline forgets it when a signal is delivered for which the program has a
// handler: then the call fails with EINTR, and the next like it is a new one.
func (t *Thread) forgetDeadline(sig unix.Signal) {
	if t.kept.until.IsZero() {
		return
	}
	status, err := procfs.ReadStatus(t.tid)
	if err != nil || status.Caught&(1<<(sig-1)) != 0 {
		t.kept = keptDeadline{}
	}
}
