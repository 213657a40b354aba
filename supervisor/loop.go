package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A loop is the supervisor of one Cmd: one goroutine, locked to the thread that
// is the tracer, which waits for events of the child tree and acts on each. All
// its fields belong to that thread unless they say otherwise.
type loop struct {
	cmd      *Cmd
	table    *table.Table
	observer table.Observer // nil if nobody wants to know

	threads   map[int]*Thread
	processes map[int]*Process
	tree      *process.Tree // what the kernel keeps for them
	last      *Thread       // of the last event: the next is likely its too
	// strangers are new threads that stopped before the event of the thread
	// that created them came, by id.
	strangers map[int]ptrace.Event
	// lossy: a thread has died otherwise than by its own exit, as far as we can
	// tell. What it created just before may never be told.
	lossy bool
	// stillborn are the ids of new threads that died before that event came.
	stillborn map[int]bool

	queue  []ptrace.Event // taken from the kernel, not yet acted on
	events int            // since others were last looked for: see next

	idle []*coroutine // of threads that have died

	root  *Process
	usage *unix.Rusage // where wait4 puts what the last one used, if wanted
	// rootUsage is what the first process has used, when it has ended.
	rootUsage *unix.Rusage
	bell      *doorbell
	place     placement
	// running counts the threads that run outside handled calls.
	running int

	wantFilter *table.Set
	direct     *direct // nil: every call with a handler traps
	killing    bool
	letGo      bool // attached processes are to be released
	releasing  bool // they are being
	thread     int  // the tracing thread, if it is to end with the loop
	panicked   bool // a handler or observer has, and may hold what others would wait for

	inbox inbox
	ctx   context.Context // ends with the loop
	end   context.CancelFunc

	// Read by Wait after done.
	done            chan struct{}
	state           *ProcessState
	err             error
	killedByContext bool
	parked          sync.WaitGroup // goroutines of Park
}

func newLoop(c *Cmd) *loop {
	l := &loop{
		cmd: c, table: c.Table, observer: c.Observer,
		tree:      process.NewTree(c.Track),
		threads:   map[int]*Thread{},
		processes: map[int]*Process{},
		strangers: map[int]ptrace.Event{},
		stillborn: map[int]bool{},
		done:      make(chan struct{}),
		place:     placement{mode: c.Placement},
	}
	if c.WantRusage {
		l.usage = &unix.Rusage{}
	}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

// start launches the program and lets the loop run; it returns when the program
// is about to run its first instruction.
func (l *loop) start() error {
	started := make(chan error, 1)
	// All requests must come from the thread that seized the tracees, and its
	// end would kill them (PTRACE_O_EXITKILL).
	onOwnThread(func() {
		defer l.end()
		// A change while we launch must not be missed.
		var early atomic.Bool
		unwatch := l.table.Watch(func() {
			early.Store(true)
			l.inbox.post(message{kind: tableChanged})
		})
		if err := l.watch(); err != nil {
			unwatch()
			started <- err
			return
		}
		if early.Load() {
			l.inbox.post(message{kind: tableChanged})
		}
		uncancel := context.AfterFunc(l.cmd.ctx, func() { l.inbox.post(message{kind: killTree}) })
		started <- nil
		// Deferred, so that a handler's Goexit cannot leave Wait hanging.
		defer func() {
			l.drainTree()
			uncancel()
			unwatch()
			l.endCoroutines()
			l.direct.close()
			l.place.leave()
			l.bell.close()
			l.inbox.close()
			l.bell.release()
			if l.state == nil && l.root != nil {
				l.state = &ProcessState{pid: l.root.pid, status: unix.WaitStatus(unix.SIGKILL)}
			}
			close(l.done)
		}()
		l.run()
	})
	err := <-started
	if err != nil {
		l.awaitThread()
	}
	return err
}

// run acts on events until the last thread of the tree is gone.
func (l *loop) run() {
	for {
		if l.letGo && !l.releasing {
			l.release()
		}
		if l.releasing && l.released() && (len(l.threads) > 0 || l.root == nil) {
			l.forgetAttached()
			return
		}
		e, err := l.next()
		if err != nil {
			if !errors.Is(err, unix.ECHILD) {
				l.fail(err)
			}
			return
		}
		if e.TID == l.bell.pid {
			l.bell.rung(l)
			l.drainInbox()
		} else {
			l.dispatch(e)
		}
		if len(l.threads) == 0 && len(l.strangers) == 0 {
			// A new thread whose creator was killed before it could tell may
			// still be to come: only ECHILD says that nobody is left.
			l.bell.close()
			if l.cmd.NoFollow {
				return
			}
		}
	}
}

// fairness is after how many events those of other threads are looked for.
const fairness = 8

// next waits for the next event.
//
// wait4 returns the first tracee of its list that has something to tell. One
// that makes call after call always has, by the time we come back, and those
// behind it in the list would wait for ever. So now and then, before it is
// resumed, the events of all others are taken too.
func (l *loop) next() (ptrace.Event, error) {
	for len(l.queue) > 0 {
		e := l.queue[0]
		l.queue = l.queue[1:]
		if t := l.threads[e.TID]; t == nil || t.tid != t.proc.pid || t.proc.threads == 1 || !ptrace.Stale(e) {
			return e, nil
		}
	}
	e, err := l.wait()
	l.noteUsage(e)
	if l.events++; err == nil && l.events >= fairness && len(l.threads) > 1 && !e.Dead() {
		l.events, l.queue = 0, append(l.queue[:0], e)
		for {
			other, ok := ptrace.Poll(-1, l.usage)
			if !ok {
				break
			}
			l.noteUsage(other)
			if other.Kind == ptrace.ExecStop {
				if former, err := ptrace.EventMessage(other.TID); err == nil {
					l.usurped(other.TID, int(former))
				}
			}
			l.queue = append(l.queue, other)
		}
		e, l.queue = l.queue[0], l.queue[1:]
	}
	return e, err
}

// usurped learns that an exec stop has been taken from the kernel while other events wait. If
// the thread has taken the id of its process's first one, that is dead, and its stops that wait are
// over. Nothing may be done to it any more: it would be done to the new program. Until the
// stop was taken the kernel has seen to that (kernel/ptrace.c, looks_like_a_spurious_pid).
func (l *loop) usurped(tid, former int) {
	leader := l.threads[tid]
	if former == tid || leader == nil || l.threads[former] == nil {
		return
	}
	leader.gone = true
	l.queue = slices.DeleteFunc(l.queue, func(e ptrace.Event) bool { return e.TID == tid && !e.Dead() })
}

// wait waits for an event, and serves the direct route meanwhile.
func (l *loop) wait() (ptrace.Event, error) {
	if l.direct != nil {
		if e, ok := l.direct.poll(); ok {
			return e, nil
		}
	}
	return l.place.wait(l.usage)
}

// noteUsage keeps the resources that the first process has used.
func (l *loop) noteUsage(e ptrace.Event) {
	if l.usage != nil && e.Dead() && l.isRoot(e.TID) {
		usage := *l.usage
		l.rootUsage = &usage
	}
}

// isRoot reports whether tid is the first process of all that was started.
func (l *loop) isRoot(tid int) bool { return l.root != nil && tid == l.root.pid }

// dispatch acts on one event of a tracee.
func (l *loop) dispatch(e ptrace.Event) {
	t := l.last
	if t == nil || t.tid != e.TID || t.gone {
		t = l.threads[e.TID]
	}
	if t == nil && l.cmd.NoFollow {
		if t = l.unknown(e); t == nil {
			return
		}
	}
	if t == nil {
		l.stranger(e)
		return
	}
	l.last = t
	t.setRunning(false)
	if l.direct != nil {
		// What was recorded came before this.
		n := l.direct.drain() + l.direct.drainOne(t)
		l.direct.stopped(n)
		switch {
		case len(l.direct.entered) == 0:
		case e.Kind == ptrace.GroupStop:
			l.direct.tellEntered(nil)
		default:
			l.direct.tellEntered(t)
		}
	}
	if e.Dead() {
		l.threadDied(t, e)
		return
	}
	if l.killing && !t.proc.attached {
		return // SIGKILL is on its way to it
	}
	if t.fresh {
		t.stoppedFirst()
	}
	l.place.stopped(t.tid)
	switch e.Kind {
	case ptrace.SeccompStop:
		if l.direct == nil || !l.direct.watching {
			l.place.observe(t.tid, l.alone())
		}
		t.seccompStop(e)
	case ptrace.SyscallStop:
		t.syscallStop(e)
	case ptrace.SignalStop:
		t.signalStop(e)
	case ptrace.GroupStop:
		t.groupStop(e)
	case ptrace.TrapStop:
		t.trapStop()
	case ptrace.ForkStop, ptrace.VforkStop, ptrace.CloneStop:
		t.forkStop(e)
	case ptrace.ExecStop:
		l.execStop(t, e)
	default:
		t.resume(t.how, 0)
	}
}

// alone reports whether no other thread of the child runs, now that one has stopped.
func (l *loop) alone() bool {
	const many = 16 // of which some do
	if l.running == 0 || l.running > many || l.direct == nil {
		return l.running == 0
	}
	return l.running == l.direct.inside()
}

// threadDied forgets a thread.
func (l *loop) threadDied(t *Thread, e ptrace.Event) {
	l.bury(t, e.Status, false)
	if l.isRoot(t.tid) {
		l.state = &ProcessState{pid: t.tid, status: e.Status, usage: l.rootUsage}
	}
	l.adoptOrphans()
}

// bury ends what is left of a thread that is gone: its handler, its coroutine.
func (l *loop) bury(t *Thread, status unix.WaitStatus, superseded bool) {
	delete(l.threads, t.tid)
	t.proc.threads--
	t.proc.extending = false // if it was to do that, another will
	if t.fresh {
		t.fresh = false
		t.proc.fresh--
	}
	if superseded || status.Signaled() || t.proc.threads > 0 {
		l.lossy, t.proc.lossy = true, true
	}
	if t.proc.threads == 0 {
		delete(l.processes, t.proc.pid)
	}
	t.setRunning(false)
	t.state.Forget()
	l.place.whom.died(t.tid)
	t.gone = true
	t.endSpared()
	l.direct.forget(t)
	t.dropFiles()
	if t.proc.threads == 0 && l.direct != nil {
		l.direct.leave(t.proc)
	}
	t.endCall()
	if l.observer != nil && !l.killing && !t.released {
		l.guard(func() { l.observer.ThreadExited(t, status, superseded) })
	}
}

// guard runs an observer's method; a panic in it kills the tree, as a handler's.
func (l *loop) guard(f func()) {
	ok := false
	defer l.caught(&ok)
	f()
	ok = true
}

// caught is deferred by those who call what is not ours; ok says that it has returned.
func (l *loop) caught(ok *bool) {
	if !*ok {
		l.failPanic(recover())
	}
}

// failPanic kills the tree because of a panic (or, if value is nil, a
// runtime.Goexit) in a handler or observer. It is called while the panicking
// stack still stands.
func (l *loop) failPanic(value any) {
	l.panicked = true
	if value == nil {
		value = errors.New("runtime.Goexit called")
	}
	l.fail(&PanicError{Value: value, Stack: debug.Stack()})
}

// fail kills the tree and makes Wait return err, if it is the first failure.
func (l *loop) fail(err error) {
	if l.err == nil {
		l.err = err
	}
	l.kill()
}

// kill sends SIGKILL to every process of the tree. Their ends come as events.
// Processes that were not started by us are let go instead.
func (l *loop) kill() {
	if len(l.cmd.Attach) > 0 {
		l.letGo = true
	}
	if l.cmd.attachesOnly() {
		return
	}
	l.killing = true
	for pid, p := range l.processes {
		if !p.attached {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
	for tid := range l.strangers {
		l.killStranger(tid)
	}
}

// killStranger kills a new thread whose creator is not known; if it may be an
// attached process's, the end of the tracing thread will do that if it is not.
func (l *loop) killStranger(tid int) {
	if len(l.cmd.Attach) == 0 {
		unix.Kill(tid, unix.SIGKILL)
		delete(l.strangers, tid)
	}
}

// drainTree makes sure that nobody is left when the loop has ended early.
func (l *loop) drainTree() {
	if len(l.threads) == 0 {
		return
	}
	if l.err == nil {
		l.err = errors.New("supervisor: the event loop was ended")
	}
	l.kill()
	l.bell.close()
	l.run()
}

// check fails the loop for an error that is neither success nor a dying thread.
func (l *loop) check(err error, t *Thread) bool {
	if err == nil {
		return true
	}
	if !ptrace.Gone(err) {
		l.fail(fmt.Errorf("supervisor: thread %d: %w", t.tid, err))
	}
	return false
}
