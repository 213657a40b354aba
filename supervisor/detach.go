package supervisor

import (
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// To detach, a tracer has to stop a thread, and to stop it is to interrupt the call
// in which it waits. There is one other way: when the tracing thread ends, the kernel
// frees what it traced, as it is (kernel/ptrace.c, exit_ptrace): no call is disturbed,
// signals that are about to be delivered are delivered, group-stops stay in force, and
// threads that no signal could stop, as one in vfork, are freed as well. So threads that are in
// the kernel wait for that, where nothing but attached processes is left.
//
// Those that run are stopped and detached, since they might be at the entry of a call just
// then. There a thread must not be freed, in either way: it is woken as if for a
// signal (__ptrace_unlink), and a call that the kernel cannot restart, as epoll_wait, would
// fail with EINTR.

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
			if !t.gone && (mixed || t.proc.littered()) {
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
	switch {
	case !inCall:
		t.awaits = t.held.Raised() &^ t.blocked()
		if !t.inKernel && !t.fresh {
			t.debt = owesDelivery
			t.loop.check(ptrace.Interrupt(t.tid), t)
		}
	case running && s.saved:
		s.inNative = native
		t.debt = owesCall
		t.loop.check(ptrace.Interrupt(t.tid), t)
	case running:
	case s.saved:
		t.putBack()
		t.goOn(0)
	default:
		t.debt = owesDelivery
		t.goOn(0)
	}
}

// putBack undoes, at an exit stop, what a handler has done to the thread's
// registers: they are those after the program's call, or, if it has not run, before it.
func (t *Thread) putBack() {
	s := &t.current
	regs, abi := s.regs, t.call.ABI()
	var err error
	switch {
	case s.inNative && s.ran && returnsElsewhere(abi, t.call.Nr()):
		// It has set them all.
	case s.ran:
		var now ptrace.Regs
		if err = now.Get(t.tid); err == nil {
			regs.TakeBases(&now)
			regs.SetResult(s.own)
			err = regs.Set(t.tid)
		}
	default:
		regs.SetEntry(abi, s.info.IP-ptrace.SyscallInsnLen, s.info.Nr(), s.info.Args())
		err = regs.Set(t.tid)
	}
	s.saved = false
	if !t.loop.check(err, t) {
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
	return !t.inLayer() && t.debt == noDebt && t.awaits == 0 && t.fix == nil && !t.proc.littered()
}

// departs reports whether a thread of those that are released, which stands still, is
// to be detached. If something has to be done before, it sees to it that the thread
// stops for it: any stop takes the place of an Interrupt from before.
func (t *Thread) departs() bool {
	if t.clean() {
		return true
	}
	if t.debt != noDebt || t.proc.littered() && !t.proc.owed() {
		t.loop.check(ptrace.Interrupt(t.tid), t)
	}
	return false
}

// releasedSyscallStop acts on the stops of a thread that is being released.
func (t *Thread) releasedSyscallStop(info *ptrace.SyscallInfo) {
	exit := info.Op != ptrace.OpEntry
	if !exit && t.debt == owesCall {
		// It has not run yet, and is not the program's.
		t.current.inNative = false
		t.loop.check(ptrace.Answer(t.tid, t.call.ABI(), table.Errno(unix.EINTR)), t)
	}
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
	if !exit && t.debt == noDebt {
		t.debt = owesDelivery // not here
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
	t.state.Forget()
	t.endCall()
}

// tidies reports whether a released thread, in a TrapStop or GroupStop, has begun
// something that has to be done before it may go.
func (t *Thread) tidies() bool {
	if t.debt == owesCall {
		// It was about to enter a call that is not the program's.
		t.current.inNative = false
		t.putBack()
	}
	t.debt = noDebt
	if !t.proc.littered() || t.proc.owed() {
		return false
	}
	t.start((*Thread).tidy)
	return true
}

// littered reports whether memory of ours is mapped in the process: for arguments that
// were checked, for calls that have waited.
func (p *Process) littered() bool { return len(p.pins)+len(p.waits.areas) > 0 }

// owed reports whether a thread of it is in a call that may need that memory.
func (p *Process) owed() bool {
	for _, t := range p.loop.threads {
		if t.proc == p && t.debt == owesCall {
			return true
		}
	}
	return false
}

// tidy takes it away.
func (t *Thread) tidy() {
	t.current = callState{}
	areas := t.proc.pins
	for _, addr := range t.proc.waits.areas {
		areas = append(areas, pinArea{addr, pinPage})
	}
	t.proc.pins, t.proc.waits = nil, waitSlots{}
	c, err := t.caller()
	for i := 0; err == nil && i < len(areas); i++ {
		_, err = c.callByName("munmap", areas[i].addr, areas[i].size)
	}
	if err == nil {
		err = c.regs.Set(t.tid)
	}
	if t.loop.check(err, t) {
		t.stopAgain = true // as it was stopped before
		t.leave()
	}
}
