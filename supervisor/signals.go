package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// signalStop acts on a signal-delivery-stop: the signal is held while the thread
// is in the layer, else delivered.
func (t *Thread) signalStop(e ptrace.Event) {
	var info table.Siginfo
	if !t.loop.check(ptrace.GetSiginfo(t.tid, &info), t) {
		return
	}
	if t.current.settingUp && isFault(&info) {
		t.wake(e)
		return
	}
	if t.inLayer() || t.debt == owesCall {
		if !t.held.Hold(e.Signal, &info) {
			// SIGSTOP is never held.
			t.resume(t.how, e.Signal)
			return
		}
		t.resume(t.how, 0)
		return
	}
	if t.leaveExecso(&info) {
		t.goOn(0)
		return
	}
	if original, ok := t.held.Redelivered(e.Signal, &info); ok {
		info = *original
		if !t.loop.check(ptrace.SetSiginfo(t.tid, &info), t) {
			return
		}
	}
	if t.awaits != 0 {
		t.awaits = t.held.Raised() &^ t.blocked()
	}
	if o := t.loop.observer; o != nil && !t.released {
		t.loop.guard(func() { o.SignalDelivered(t, &info) })
		if t.loop.killing {
			return
		}
	}
	t.state.Delivered(e.Signal)
	t.spareInterrupted(e.Signal)
	t.forgetDeadline(e.Signal)
	if t.proc.image != nil {
		t.proc.image.signalled = true
	}
	t.goOn(e.Signal)
}

// isFault reports whether the signal is sent by the kernel for what the thread has just done.
func isFault(info *table.Siginfo) bool {
	return neverBlocked&(1<<(info.Signo()-1)) != 0 && info.Code() > 0
}

// deliverHeld raises the signals that were held again, in order. Their delivery
// stops follow when the thread goes on, and get their siginfo back there.
func (t *Thread) deliverHeld() {
	for _, sig := range t.held.Raise() {
		// ESRCH: it is dying.
		unix.Tgkill(t.proc.pid, t.tid, sig)
	}
}

// groupStop acts on a thread that takes part in a group-stop.
func (t *Thread) groupStop(e ptrace.Event) {
	if t.inLayer() {
		t.stopAgain = true
		t.resume(t.how, 0)
		return
	}
	if t.born {
		t.firstStop()
		if t.loop.killing {
			return
		}
	}
	t.stopped = true
	if t.released {
		if !t.tidies() {
			t.detach(0) // the group-stop stays in force
		}
		return
	}
	if o := t.loop.observer; o != nil {
		t.loop.guard(func() { o.GroupStopped(t, e.Signal) })
		if t.loop.killing {
			return
		}
	}
	t.loop.check(ptrace.Listen(t.tid), t)
}

// trapStop acts on a PTRACE_EVENT_STOP without a stopping signal: a new thread's
// first stop, the end of a group-stop, or an Interrupt of ours.
func (t *Thread) trapStop() {
	if t.inLayer() {
		t.proc.extending = false // it asks again when it leaves
		t.resume(t.how, 0)
		return
	}
	interrupted := !t.stopped && !t.born
	if t.born {
		t.firstStop()
		if t.loop.killing {
			return
		}
	}
	if t.released && t.tidies() {
		return
	}
	if t.extendFilterNow() {
		return
	}
	if interrupted {
		// An Interrupt of ours, or a SIGCONT that another thread takes.
		var regs ptrace.Regs
		if regs.Get(t.tid) == nil && regs.RestartInterrupted() {
			t.restart(&regs)
		}
	}
	t.goOn(0)
}
