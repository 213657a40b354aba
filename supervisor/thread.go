package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/signaldefer"
	"github.com/k42trace/k42trace/table"
)

// A Thread is one thread of the child tree. It implements table.Thread for
// observers and, with what is in call.go, table.Engine for handlers.
type Thread struct {
	loop *loop
	tid  int
	proc *Process
	gone bool // it has died
	// running: it was let go and has not stopped since, outside handled calls.
	running bool

	co   *coroutine    // nil until the thread first has a job for it
	job  func(*Thread) // what the coroutine does next
	busy bool          // it is in the middle of it
	// waiting: the call that is being handled waits, and nothing of ours with it.
	waiting *blockedCall
	// kept is what a call that is to be resumed has of its time.
	kept   keptDeadline
	spared *sparedWait // nil: no call has been made to start again
	strict bool        // it is in strict mode

	how   ptrace.Resumption // with which the thread was last resumed
	event ptrace.Event      // for which the coroutine was resumed

	call    table.Call // the call that is being handled
	handler table.Handler
	current callState

	// entry is the call seen at its entry stop in a process with filters of its
	// own, until its seccomp or exit stop tells what became of it.
	entry     ptrace.SyscallInfo
	entrySeen bool

	// Of the direct route: the thread's place in the region, nil if there is none
	// for it; whether it may write to its ring; what that has told.
	slot     *execso.Slot
	admitted bool
	// distrusted: it has written nonsense there, and its calls trap.
	distrusted bool
	asked      execso.Asked // the call of its last request
	overtaken  bool         // it has stopped for another call than it asked about
	demoting   bool         // the handler of its request waits for it to stop
	rec        record
	files      *fileTable // what is known of its descriptors; nil if nothing

	state *process.Thread // what the kernel keeps for it
	op    process.Op      // the call that changes it

	held signaldefer.Queue
	// stopAgain: the thread has to pass through signal delivery when it leaves
	// the layer, for a group-stop that was passed over or a call to restart.
	stopAgain bool

	parkSeq uint64 // of the Park it is in; 0: none
	parks   uint64

	// stopped: it has been in a group-stop since its last call or SIGCONT.
	stopped bool

	// inKernel: of an unfiltered process, it is between the entry and the exit of a call.
	inKernel bool
	fresh    bool // it was seized, and has not stopped since
	// Of an attached process that is let go: the handlers know no more of it;
	// what is to be done before it can go; signals whose delivery it awaits.
	released bool
	debt     debt
	awaits   uint64
	stranded bool // its handler has panicked in the middle of a call

	// born: the event of its first stop is still to come.
	born bool
	// fix: argument registers to be put back before it first runs, because the
	// call that created it had been changed; and the address behind the program's own
	// instruction, as it may have been made by another.
	fix    *[6]uint64
	fixABI table.ABI
	fixIP  uint64
}

var _ table.Engine = (*Thread)(nil)

// TID returns the thread id.
func (t *Thread) TID() int { return t.tid }

// Process returns the process that the thread belongs to now.
func (t *Thread) Process() table.Process { return t.proc }

// FDs returns the thread's descriptors: see table.Thread.
func (t *Thread) FDs() table.FDs { return t.state.FDs() }

// FS returns what the thread's paths start from.
func (t *Thread) FS() table.FS { return t.state.FS() }

// Blocked returns the thread's signal mask.
func (t *Thread) Blocked() uint64 { return t.state.Blocked() }

// Route tells how calls of this thread reach their handlers.
func (t *Thread) Route() table.Route {
	if t.current.position == requested {
		return table.RouteDirect
	}
	return table.RouteTrap
}

// ReadMemory reads child memory: see table.Memory.
func (t *Thread) ReadMemory(addr uint64, p []byte) (int, error) {
	if t.gone {
		return 0, unix.ESRCH
	}
	if t.proc.userfaults {
		return ptrace.PeekMemory(t.tid, addr, p)
	}
	return ptrace.ReadMemory(t.tid, addr, p)
}

// ReadRanges reads several pieces of child memory: see table.Memory.
func (t *Thread) ReadRanges(r []table.Range) {
	if t.gone {
		for i := range r {
			r[i].N = 0
		}
		return
	}
	if t.proc.userfaults {
		for i := range r {
			r[i].N, _ = ptrace.PeekMemory(t.tid, r[i].Addr, r[i].Buf)
		}
		return
	}
	ptrace.ReadRanges(t.tid, r)
}

// WriteMemory writes child memory: see table.Memory.
func (t *Thread) WriteMemory(addr uint64, p []byte) (int, error) {
	if t.gone {
		return 0, unix.ESRCH
	}
	return ptrace.WriteMemory(t.tid, addr, p)
}

// newThread adds a thread to the tree; proc is nil for the first of a process.
func (l *loop) newThread(tid int, proc *Process) *Thread {
	t := &Thread{loop: l, tid: tid, proc: proc, state: l.tree.NewThread(tid)}
	if proc == nil {
		t.proc = &Process{loop: l, pid: tid}
		l.processes[tid] = t.proc
	}
	t.proc.threads++
	l.threads[tid] = t
	return t
}

// resume lets the stopped thread run.
func (t *Thread) resume(how ptrace.Resumption, sig unix.Signal) {
	t.how = how
	if t.released && !t.busy && t.departs() {
		t.detach(sig)
		return
	}
	t.loop.check(ptrace.Resume(t.tid, how, sig), t)
}

// setRunning notes whether the thread runs outside any handled call.
func (t *Thread) setRunning(running bool) {
	if t.running != running {
		t.running = running
		if running {
			t.loop.running++
		} else {
			t.loop.running--
		}
	}
}

// goOn lets the thread run outside any call that is being handled.
func (t *Thread) goOn(sig unix.Signal) {
	t.setRunning(true)
	if t.proc.ownFilter || t.proc.unfiltered || t.spared != nil {
		t.resume(ptrace.Syscall, sig)
	} else {
		t.resume(ptrace.Cont, sig)
	}
}

// start begins a job in the thread's coroutine.
func (t *Thread) start(job func(*Thread)) {
	t.job, t.busy = job, true
	if t.co == nil {
		t.co = t.loop.coroutine()
		t.co.thread = t
	}
	t.runCoroutine()
}

// inLayer reports whether a call of the thread is being handled, and is not over.
func (t *Thread) inLayer() bool { return t.busy || t.waiting != nil }

// runCoroutine lets the thread's job go on until it waits for a stop or is done.
func (t *Thread) runCoroutine() {
	t.co.next()
	if t.waiting != nil && t.co != nil {
		t.loop.retire(t.co) // nothing of it waits: see block.go
		t.co = nil
	}
	if t.overtaken && !t.busy && !t.gone && !t.loop.killing {
		t.overtaken = false
		t.seccompStop(ptrace.Event{})
	}
}

func (t *Thread) doJob() {
	ok := false
	defer func() {
		t.busy = false
		if !ok {
			t.stranded = !t.gone
			t.loop.failPanic(recover())
		}
	}()
	t.job(t)
	ok = true
}

// step lets the thread run and suspends the coroutine until the stop that it
// waits for. It fails with ESRCH if the thread died instead.
func (t *Thread) step(how ptrace.Resumption) (ptrace.Event, error) {
	if t.gone || t.loop.killing && !t.proc.attached {
		return ptrace.Event{}, unix.ESRCH
	}
	t.resume(how, 0)
	t.co.suspend()
	if t.gone || t.loop.killing && !t.proc.attached {
		return ptrace.Event{}, unix.ESRCH
	}
	return t.event, nil
}

// changing reports whether the thread's call is, or may be, another than the program's.
func (t *Thread) changing() bool {
	return (t.busy || t.debt == owesCall) && t.current.changed
}

// wake gives a stop to the coroutine that waits for it.
func (t *Thread) wake(e ptrace.Event) {
	t.event = e
	t.runCoroutine()
}

// endCall lets the coroutine of a thread that has died run to its end: whatever
// it still asks for fails with ESRCH.
func (t *Thread) endCall() {
	if t.entrySeen && !t.busy {
		// The program's own filter killed it in a call that was not shown yet.
		t.entrySeen = false
		t.current = callState{position: lost}
		t.begin(&t.entry)
	}
	if t.waiting != nil {
		t.abandonWait()
	}
	for t.busy {
		t.co.next()
	}
	if t.co != nil {
		t.loop.retire(t.co)
		t.co = nil
	}
}
