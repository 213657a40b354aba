package supervisor

import (
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// To detach, a tracer has to stop a thread, and to stop it is to interrupt the call
// in which it waits. There is one other way: when the tracing thread ends, the kernel
// frees what it traced, as it is, without waking anybody (kernel/ptrace.c,
// exit_ptrace). Signals that were about to be delivered are delivered, group-stops stay in
// force, and threads that no signal could stop, as one in vfork, are freed as well. So
// that is what happens when nothing but attached processes is left. Before,
// only those threads are stopped whose registers or memory have to be put back.

// Detach lets the processes of Attach, and what they have created since, go on without
// the supervisor; Wait returns when the rest, if there was a program to start, has
// ended. It may be called from any goroutine after Start.
func (c *Cmd) Detach() {
	if c.loop != nil {
		c.loop.inbox.post(message{kind: letGo})
	}
}

// endWithThread sees to it that the calling thread, the tracing one, ends with its
// goroutine.
func (l *loop) endWithThread() {
	runtime.LockOSThread() // once more than is unlocked
	l.thread = unix.Gettid()
}

// awaitThread waits until the tracing thread has ended, if it was to end: then
// nothing is traced any more. Nobody tells of the end of a thread; it is a matter of
// microseconds.
func (l *loop) awaitThread() {
	for l.thread != 0 && unix.Tgkill(unix.Getpid(), l.thread, 0) == nil {
		time.Sleep(50 * time.Microsecond)
	}
}

// A debt is what has to be done in a thread before it may go on without us.
type debt uint8

const (
	noDebt       debt = iota
	owesCall          // registers, at the exit stop of the call in which it is
	owesDelivery      // a stop in signal delivery, which alone restarts calls
)

// release begins to let all attached processes go.
func (l *loop) release() {
	l.releasing = true
	mixed := l.launchedLeft()
	for _, tid := range slices.Sorted(maps.Keys(l.threads)) {
		if t := l.threads[tid]; t != nil && t.proc.attached {
			t.release()
			if !t.gone && (mixed || len(t.proc.pins) > 0) {
				l.check(ptrace.Interrupt(t.tid), t)
			}
		}
	}
}

func (l *loop) launchedLeft() bool {
	for _, p := range l.processes {
		if !p.attached {
			return true
		}
	}
	return false
}

// released reports whether nothing is left to be done but to end the tracing thread.
// A stop of which wait4 has told must be answered: a signal that was about to be
// delivered would be lost (kernel/exit.c, wait_task_stopped, takes its number).
func (l *loop) released() bool {
	if len(l.queue) > 0 {
		return false
	}
	for _, t := range l.threads {
		if !t.proc.attached || !t.clean() || t.fresh && t.stoppable() {
			return false
		}
	}
	return true
}

// stoppable reports whether a thread that has not stopped since it was seized will do so
// soon. The call that it was asked to leave for that may have failed with EINTR already,
// which only the stop can mend. One that waits uninterruptibly, as in vfork, has not
// been disturbed.
func (t *Thread) stoppable() bool {
	status, err := procfs.ReadStatus(t.tid)
	return err == nil && status.State != 'D'
}

// forgetAttached drops what is known of the processes that the thread's end frees.
func (l *loop) forgetAttached() {
	for _, t := range l.threads {
		if t.proc.attached {
			t.forget()
		}
	}
	clear(l.strangers)
}

// release ends what a thread's handler does, as the thread's death would, and begins
// to undo what it has done.
func (t *Thread) release() {
	if t.released {
		return
	}
	t.released = true
	if o := t.loop.observer; o != nil {
		t.loop.guard(func() { o.ThreadDetached(t) })
	}
	s := &t.current
	inCall := t.inLayer() || t.stranded
	running := t.waiting != nil || t.busy && t.parkSeq == 0
	native := s.inNative
	t.gone = true // to the handler
	t.endCall()
	t.gone, t.stranded = false, false
	if !inCall {
		t.awaits = t.held.Raised() &^ t.blocked()
		return
	}
	switch {
	case running && s.saved:
		s.inNative = native
		t.debt = owesCall
		t.loop.check(ptrace.Interrupt(t.tid), t)
	case running:
	case s.saved:
		t.putBack()
		t.goOn(0)
	default:
		t.goOn(0)
	}
}

// putBack undoes, at an exit stop, what a handler has done to the thread's
// registers: they are those after the program's call, or, if it has not run, before it.
func (t *Thread) putBack() {
	s := &t.current
	regs := s.regs
	if s.ran {
		regs.SetResult(s.own)
	} else {
		abi := t.call.ABI()
		regs.SetEntry(abi, s.info.IP-ptrace.SyscallInsnLen, s.info.Nr(), s.info.Args())
	}
	s.saved = false
	if !t.loop.check(regs.Set(t.tid), t) {
		return
	}
	t.admitSignals()
	t.deliverHeld()
	t.awaits = t.held.Raised() &^ t.blocked()
	t.debt = owesDelivery
}

func (t *Thread) blocked() uint64 {
	status, err := procfs.ReadStatus(t.tid)
	if err != nil {
		return ^uint64(0)
	}
	return status.Blocked
}

// clean reports whether the thread may go on without us. What is in its process's
// memory may be taken away by any of its threads.
func (t *Thread) clean() bool {
	return !t.inLayer() && t.debt == noDebt && t.awaits == 0 && t.fix == nil && len(t.proc.pins) == 0
}

// departs reports whether a thread of those that are released, which stands still, is
// to be detached. If something has to be done before, it sees to it that the thread
// stops for it: any stop takes the place of an Interrupt from before.
func (t *Thread) departs() bool {
	if t.clean() {
		return true
	}
	if t.debt != noDebt || len(t.proc.pins) > 0 {
		t.loop.check(ptrace.Interrupt(t.tid), t)
	}
	return false
}

// releasedSyscallStop acts on the stops of a thread that is being released.
func (t *Thread) releasedSyscallStop(info *ptrace.SyscallInfo) {
	exit := info.Op != ptrace.OpEntry
	if exit && t.debt == owesCall {
		if s := &t.current; s.inNative {
			s.ran, s.own = true, info.Result()
		}
		t.putBack()
	}
	if exit && (info.Result().Restarting() || info.Result().Errno() == unix.EINTR) {
		// What interrupted it comes next, and decides what it returns.
		t.debt = owesDelivery
	}
	t.goOn(0)
}

// detach lets a thread that stands still go on untraced.
func (t *Thread) detach(sig unix.Signal) {
	t.loop.check(ptrace.Detach(t.tid, sig), t)
	t.forget()
}

// forget drops what is known of a thread that is not ours any more.
func (t *Thread) forget() {
	l := t.loop
	t.setRunning(false)
	delete(l.threads, t.tid)
	if t.proc.threads--; t.proc.threads == 0 {
		delete(l.processes, t.proc.pid)
	}
	l.place.whom.died(t.tid)
	t.gone = true
	t.endCall()
}

// tidies reports whether a released thread, in a TrapStop or GroupStop, has begun
// something that has to be done before it may go.
func (t *Thread) tidies() bool {
	t.debt = noDebt
	if len(t.proc.pins) == 0 {
		return false
	}
	t.start((*Thread).unmapPins)
	return true
}

// unmapPins takes away, the memory that was mapped into an attached
// process for checked arguments.
func (t *Thread) unmapPins() {
	t.current = callState{}
	c, err := t.caller()
	for err == nil && len(t.proc.pins) > 0 {
		area := t.proc.pins[0]
		t.proc.pins = t.proc.pins[1:]
		_, err = c.callByName("munmap", area.addr, area.size)
	}
	if err == nil {
		err = c.regs.Set(t.tid)
	}
	if t.loop.check(err, t) {
		t.stopAgain = true // as it was stopped before
		t.leave()
	}
}
