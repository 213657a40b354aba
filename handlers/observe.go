package handlers

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

var _ table.Observer = (*Trace)(nil)

// ThreadStarted shows the first thread's execve, and tells of other threads.
func (t *Trace) ThreadStarted(x, by table.Thread) {
	if by == nil {
		t.threadOf(x)
		if l := t.opts.Launch; l != nil {
			c := l.call(x)
			t.capture(t.threadOf(x), x)
			t.Returned(c, table.Return(0), present, present)
		}
		return
	}
	// A stranger may have been seen before its parent's event.
	if t.threads[x.TID()] == nil {
		t.add(x.TID(), t.threads[by.TID()])
	}
	t.message(x.TID(), " attached")
}

// ProcessExeced moves a thread's state to its new id, if another thread than
// the process's first made the call.
func (t *Trace) ProcessExeced(x table.Thread, formerTID int) {
	tid := x.TID()
	if tid == formerTID {
		if th := t.threads[tid]; th != nil && t.opts.Text.Comm != nil {
			t.prefix(th) // its name has changed, and nothing else of it may be shown
		}
		return
	}
	caller := t.threads[formerTID]
	if caller == nil {
		caller = t.add(formerTID, nil)
	}
	leader := t.threads[tid]
	if leader != nil {
		t.abandon(leader)
	}
	if caller.stream.open == caller {
		t.buf = append(t.buf[:0], " <pid changed to "...)
		t.buf = strconv.AppendInt(t.buf, int64(tid), 10)
		t.buf = append(t.buf, " ...>"...)
		t.end(caller)
		caller.interrupted = true
	}
	if leader != nil {
		if t.opts.Quiet&QuietExec == 0 {
			t.begin(leader, present)
			t.buf = append(t.buf, "+++ superseded by execve in pid "...)
			t.buf = strconv.AppendInt(t.buf, int64(formerTID), 10)
			t.buf = append(t.buf, " +++"...)
			t.end(leader)
		}
		if leader.file != nil {
			// The file's name is that of the id, which the caller has now.
			caller.stream, leader.stream = leader.stream, caller.stream
			caller.file, leader.file = leader.file, caller.file
			caller.interrupted = true
		}
		t.remove(leader)
	}
	delete(t.threads, formerTID)
	t.name(caller, tid)
	t.latest = nil
}

// SignalDelivered shows a signal with its siginfo.
func (t *Trace) SignalDelivered(x table.Thread, info *table.Siginfo) {
	sig := unix.Signal(int32(binary.NativeEndian.Uint32(info[:4]))) // si_signo
	if !t.opts.Signals.Has(sig) {
		return
	}
	th := t.threadOf(x)
	call := th.ip
	if t.opts.IP {
		var regs table.Registers
		if r, ok := x.(table.RegisterReader); ok && r.Registers(&regs) == nil {
			th.ip = regs.IP
		}
	}
	t.begin(th, present)
	th.ip = call
	t.buf = append(t.buf, "--- "...)
	t.buf = appendSignal(t.buf, sig)
	t.buf = append(t.buf, ' ')
	t.buf = t.opts.Text.AppendSiginfo(t.buf, t.signal, x.TID(), info)
	t.buf = append(t.buf, " ---"...)
	stack := th.stack
	t.capture(th, x)
	t.endWithStack(th)
	th.stack = stack
}

// GroupStopped shows that a thread stands still.
func (t *Trace) GroupStopped(x table.Thread, sig unix.Signal) {
	if !t.opts.Signals.Has(sig) {
		return
	}
	th := t.threadOf(x)
	t.begin(th, present)
	t.buf = append(t.buf, "--- stopped by "...)
	t.buf = appendSignal(t.buf, sig)
	t.buf = append(t.buf, " ---"...)
	t.end(th)
}

// ThreadExited shows how a thread ended.
func (t *Trace) ThreadExited(x table.Thread, status unix.WaitStatus, superseded bool) {
	tid := x.TID()
	if superseded && tid == x.Process().PID() {
		// The thread that made the call takes the id over: ProcessExeced.
		return
	}
	th := t.threads[tid]
	if th == nil {
		return
	}
	t.abandon(th)
	th.ended = true
	if t.exitShown(status) {
		t.begin(th, present)
		t.buf = appendExit(t.buf, status)
		t.endWithStack(th) // of the call that has not returned
	}
	t.remove(th)
}

func (t *Trace) exitShown(status unix.WaitStatus) bool {
	if status.Signaled() {
		return t.opts.Signals.Has(status.Signal())
	}
	return t.opts.Quiet&QuietExit == 0
}

func appendExit(dst []byte, status unix.WaitStatus) []byte {
	if !status.Signaled() {
		dst = append(dst, "+++ exited with "...)
		dst = strconv.AppendInt(dst, int64(status.ExitStatus()), 10)
		return append(dst, " +++"...)
	}
	dst = append(dst, "+++ killed by "...)
	dst = appendSignal(dst, status.Signal())
	if status.CoreDump() {
		dst = append(dst, " (core dumped)"...)
	}
	return append(dst, " +++"...)
}

func appendSignal(dst []byte, sig unix.Signal) []byte {
	if name := decode.SignalName(int(sig)); name != "" {
		return append(dst, name...)
	}
	return strconv.AppendInt(dst, int64(sig), 10)
}
