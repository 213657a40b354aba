package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"

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
	if t.busy {
		if !t.held.Hold(e.Signal, &info) {
			// SIGSTOP is never held.
			t.resume(t.how, e.Signal)
			return
		}
		t.resume(t.how, 0)
		return
	}
	if original, ok := t.held.Redelivered(e.Signal, &info); ok {
		info = *original
		if !t.loop.check(ptrace.SetSiginfo(t.tid, &info), t) {
			return
		}
	}
	if o := t.loop.observer; o != nil {
		t.loop.guard(func() { o.SignalDelivered(t, &info) })
		if t.loop.killing {
			return
		}
	}
	t.spareInterrupted(e.Signal)
	t.goOn(e.Signal)
}

// spareInterrupted restarts a call that a signal has interrupted though the
// program ignores it. Without a tracer such a signal is not even queued
// (kernel/signal.c, sig_ignored), so calls that fail with EINTR whatever SA_RESTART
// says, as epoll_wait does, must not learn of it, unless it ends a group-stop, which
// interrupts them too. A timeout begins anew.
func (t *Thread) spareInterrupted(sig unix.Signal) {
	stopped := t.stopped
	if sig == unix.SIGCONT {
		t.stopped = false
	}
	var regs ptrace.Regs
	if stopped || regs.Get(t.tid) != nil || !regs.RestartInterrupted() {
		return
	}
	ignored, caught := dispositions(t.tid)
	bit := uint64(1) << (sig - 1)
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT: // whose default it is
		if caught&bit != 0 {
			return
		}
	default:
		if ignored&bit == 0 {
			return
		}
	}
	t.loop.check(regs.Set(t.tid), t)
}

// dispositions returns the ignored and the caught signals of the thread's process:
// SigIgn and SigCgt of /proc/TID/status. What cannot be read counts as caught.
func dispositions(tid int) (ignored, caught uint64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0, ^uint64(0)
	}
	field := func(name string) uint64 {
		_, rest, _ := strings.Cut(string(b), name+":\t")
		value, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.ParseUint(value, 16, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return field("SigIgn"), field("SigCgt")
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
	if t.busy {
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
	if t.busy {
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
	if t.extendFilterNow() {
		return
	}
	if interrupted {
		// An Interrupt of ours, or a SIGCONT that another thread takes.
		var regs ptrace.Regs
		if regs.Get(t.tid) == nil && regs.RestartInterrupted() {
			t.loop.check(regs.Set(t.tid), t)
		}
	}
	t.goOn(0)
}
