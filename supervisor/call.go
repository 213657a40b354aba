package supervisor

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A position says where a thread stands in the call that is being handled.
type position uint8

const (
	pending   position = iota // at its seccomp stop: the kernel has yet to run it
	outside                   // at an exit stop: of it, or of an injected call
	returning                 // its result is known, its exit stop not yet come: see returning.go
	decided                   // the program's own filter has settled it: result is known
	lost                      // it will never return
	requested                 // it asks through its area, and has not stopped: see request.go
)

// callState is what the supervisor knows of the call that is being handled.
type callState struct {
	position position
	info     ptrace.SyscallInfo
	result   table.Result // of the last call that ran, for decided of this one
	// saved: regs are the registers to be restored, because something else
	// than the program's own call has run or its arguments were changed.
	saved   bool
	regs    ptrace.Regs
	changed bool // the arguments that the kernel saw are not the program's
	// Of the call as the program made it, or as its handler changed it: whether
	// it is in the kernel, has returned, and with what.
	inNative, ran bool
	own           table.Result
	denied        bool // without us the call would end with ENOSYS
	faults        bool // a call from the vsyscall page that ends in SIGSEGV
	execed        bool // a successful exec: a new image, nothing to restore
	pins          []pinArea
	settingUp     bool      // it runs what maps the region: see setup.go
	deferred      bool      // all signals are blocked: see defer.go
	mask          uint64    // the program's own
	began         time.Time // when it entered the kernel, of timedCalls
	until         time.Time // the deadline that the call had before a signal interrupted it
	again         bool      // it has waited for a descriptor
}

// seccompStop acts on a call that a filter reported.
func (t *Thread) seccompStop(e ptrace.Event) {
	if t.waiting != nil {
		t.blockedStop()
		return
	}
	if t.busy {
		if t.current.position == requested {
			t.requestStopped()
		} else {
			t.wake(e) // an injected call that is itself on the list
		}
		return
	}
	t.entrySeen, t.stopped = false, false
	t.current = callState{}
	info := &t.current.info
	if !t.loop.check(ptrace.GetSyscallInfo(t.tid, info), t) {
		return
	}
	if d := t.loop.direct; d != nil {
		// What has a handler now may be a call that exec.so makes for itself.
		if execso.IsHelp(info.IP) || t.slot != nil && t.slot.Naming() && d.region.IsSite(info.IP) {
			t.help()
			return
		}
		if execso.IsWait(info.IP) && t.waited(info) {
			return
		}
		d.admit(t)
	}
	if t.proc.ownFilter && !ours(info) {
		// The program's own filter says RET_TRACE, which without a tracer
		// means ENOSYS (seccomp(2)).
		t.current.denied = true
	}
	t.begin(info)
}

// syscallStop acts on an entry or exit stop, which come while a call is being
// handled, or all the time in a process with filters of its own.
func (t *Thread) syscallStop(e ptrace.Event) {
	if t.waiting != nil {
		t.blockedStop()
		return
	}
	if t.busy {
		t.wake(e)
		return
	}
	var info ptrace.SyscallInfo
	if !t.loop.check(ptrace.GetSyscallInfo(t.tid, &info), t) {
		return
	}
	var result table.Result
	if info.Op == ptrace.OpEntry {
		t.sparedEntry()
	} else {
		result = t.sparedExit(info.Result())
	}
	switch {
	case t.released:
		t.releasedSyscallStop(&info)
	case info.Op == ptrace.OpEntry && t.proc.unfiltered:
		// It has no filter of ours: this is where its calls are seen.
		t.stopped, t.inKernel = false, true
		t.current = callState{info: info}
		t.loop.place.observe(t.tid, t.loop.running == 0)
		t.begin(&t.current.info)
	case info.Op == ptrace.OpEntry:
		t.entry, t.entrySeen = info, true
		t.resume(ptrace.Syscall, 0)
	case t.entrySeen:
		t.entrySeen = false
		t.current = callState{position: decided, info: t.entry, result: result}
		t.begin(&t.entry)
	default:
		t.inKernel = false
		t.goOn(0)
	}
}

// begin looks the call up and starts its handler.
func (t *Thread) begin(info *ptrace.SyscallInfo) {
	abi, known := table.ABIOf(info.Arch, info.Nr())
	if !known {
		t.refuse()
		return
	}
	h := t.loop.table.Lookup(abi, info.Nr())
	if h == nil {
		if !t.needed(abi, info) {
			t.proceed()
			return
		}
		h = table.Native
	}
	t.call.Reset(t, abi, info.Nr(), info.Args(), info.IP, info.SP)
	if p, ok := h.(table.Passer); ok && t.passes(p, abi, info) {
		t.proceed()
		return
	}
	t.resumeDeadline()
	t.handler = h
	t.start((*Thread).handle)
}

// needed reports whether the supervisor itself has to do something about a call that no
// handler wants.
func (t *Thread) needed(abi table.ABI, info *ptrace.SyscallInfo) bool {
	switch t.current.position {
	case pending:
		return t.current.denied || t.strict || t.loop.hooked(t, abi, info)
	case decided:
		return t.loop.tracks(abi, info.Nr())
	}
	return false
}

// passes reports whether the call, which t.call describes, needs no handling.
func (t *Thread) passes(p table.Passer, abi table.ABI, info *ptrace.SyscallInfo) (pass bool) {
	return t.current.position == pending && !t.needed(abi, info) && t.passesQuietly(p)
}

// passesQuietly asks a handler whether it lets the call pass.
func (t *Thread) passesQuietly(p table.Passer) (pass bool) {
	t.loop.guard(func() { pass = p.Passes(&t.call) })
	return pass && !t.gone && !t.loop.killing
}

// proceed lets a call that nobody wants run.
func (t *Thread) proceed() {
	if t.gone || t.current.position == lost {
		return
	}
	t.goOn(0)
}

// refuse answers a call of an architecture without a table.
func (t *Thread) refuse() {
	if t.current.position == pending && !t.proc.unfiltered {
		t.loop.check(ptrace.Answer(t.tid, ptrace.NativeABI, table.Errno(unix.ENOSYS)), t)
	}
	t.proceed()
}

// handle is the job of a call: its handler, from before the call to its end.
func (t *Thread) handle() {
	if t.loop.direct != nil && t.current.position == pending && creates(t.call.ABI(), t.call.Nr()) {
		t.prepareThreads()
	}
	if t.othersMayExec() {
		t.learn()
	}
	forbidden := t.forbidden()
	result := t.handler.Handle(&t.call)
	if forbidden && !t.gone && !t.loop.killing {
		t.dieOfStrict()
	}
	t.conclude(result)
}

// conclude acts on what a handler has returned: a result, or Block.
func (t *Thread) conclude(result table.Result) {
	if _, blocked := result.Blocked(); blocked {
		var done bool
		if result, done = t.block(result); !done {
			return
		}
	}
	result = t.sensible(result)
	t.remember(result)
	t.shorten()
	t.finish(result)
}

// Native runs the call as c describes it now: see table.Call.
func (t *Thread) Native(c *table.Call) table.Result {
	s := &t.current
	t.demote()
	switch {
	case t.gone, t.loop.killing, s.position == lost:
		return table.Gone()
	case s.position == decided:
		t.track(s.info.Nr(), s.info.Args(), nil)
		s.ran, s.own = true, s.result // which is what the program's filter says
		return s.result
	case s.denied:
		return table.Errno(unix.ENOSYS)
	case t.forbidden():
		return t.dieOfStrict()
	}
	nr, args, err := t.beforeNative(c)
	if err != nil {
		return table.Errno(errnoOf(err))
	}
	if r, ok := t.answered(c, nr, args); ok {
		return r
	}
	if t.wantsStrict(c, nr, args) {
		return t.enterStrict(c)
	}
	if ptrace.IsVsyscall(s.info.IP) {
		return t.vsyscall(nr, args)
	}
	s.inNative = true
	t.beginTimed(c.ABI(), nr)
	result := t.sparedResult(t.run(nr, args))
	s.inNative = false
	if !t.gone {
		s.ran, s.own = true, result
	}
	t.afterCall(c.ABI(), nr, args, result)
	return result
}

// Inject runs another call in the thread: see table.Call.
func (t *Thread) Inject(c *table.Call, nr int, args [6]uint64) table.Result {
	t.demote()
	switch s := &t.current; {
	case t.gone, t.loop.killing, s.position == lost:
		return table.Gone()
	case creates(c.ABI(), nr):
		// The new thread would come to life in the middle of our work.
		return table.Errno(unix.EINVAL)
	case s.position == pending && ptrace.IsVsyscall(s.info.IP):
		return table.Errno(unix.ENOSYS) // has no exit stop
	case s.execed && t.executedOther(c.ABI()):
		return table.Errno(unix.ENOSYS)
	}
	t.beforeCall(c.ABI(), nr, args)
	for {
		r := t.run(nr, args)
		t.afterCall(c.ABI(), nr, args, r)
		// A stop has interrupted it; the program's signals wait (see defer.go).
		if e := r.Errno(); e != table.ERESTARTSYS && e != table.ERESTARTNOINTR {
			if r.Restarting() {
				return table.Errno(unix.EINTR)
			}
			return r
		}
	}
}

// executedOther reports whether the program that the thread has executed has another
// ABI than the call that did it: with its numbers nothing can be asked any more.
func (t *Thread) executedOther(abi table.ABI) bool {
	var now ptrace.Regs
	return now.Get(t.tid) == nil && now.Mode32() != (abi == table.I386)
}

// run has the kernel run one call of the present call's ABI, from wherever the
// thread stands, and leaves it at the exit stop.
func (t *Thread) run(nr int, args [6]uint64) table.Result {
	if t.files != nil && t.call.ABI() == ptrace.NativeABI {
		if kind := pollOf(nr); kind != noPoll {
			t.learnPolled(kind, args)
		}
	}
	left := t.leaves(nr, args)
	var result table.Result
	if t.loop.tracks(t.call.ABI(), nr) {
		result = t.track(nr, args, (*Thread).runCall)
	} else {
		result = t.runCall(nr, args)
	}
	t.hasLeft(left, args, result)
	return result
}

// runCall is run for a call that changes nothing that is kept.
func (t *Thread) runCall(nr int, args [6]uint64) table.Result {
	s := &t.current
	if err := t.complete(); err != nil {
		t.loop.check(err, t)
		return table.Gone()
	}
	own := s.inNative || needsMask(t.call.ABI(), nr) // its signals may interrupt it
	var result table.Result
	var err error
	if !own || s.position != pending {
		err = t.deferSignals()
	}
	step := t.step
	if own {
		step = t.stepOwn
	}
	if err != nil {
		// It is dying.
	} else if s.position == pending {
		if nr != s.info.Nr() || args != s.info.Args() {
			if err = t.save(); err == nil {
				err = ptrace.SetCall(t.tid, t.call.ABI(), &s.info, nr, args)
			}
			s.changed = true
		}
		if r, ok := t.foretold(nr); ok && err == nil {
			s.position, s.result = returning, r
			return r
		}
		s.position = outside
		if err == nil {
			result, err = t.finishCall()
		}
	} else {
		var site uint64
		if err = t.save(); err == nil {
			if site, err = t.site(); err == nil {
				s.position = outside
				result, err = ptrace.Enter(t.tid, s.regs, t.call.ABI(), site, nr, args, step)
			}
		}
	}
	if err != nil {
		t.loop.check(err, t)
		return table.Gone()
	}
	s.result = result
	if s.saved && hookOf(t.call.ABI(), nr) == hookArea {
		// It may have moved the thread's own memory, which is to stay so.
		var now ptrace.Regs
		if t.loop.check(now.Get(t.tid), t) {
			s.regs.TakeBases(&now)
		}
	}
	if returnsElsewhere(t.call.ABI(), nr) {
		// sigreturn has set every register: these are the ones to keep.
		s.saved = false
		t.handlerReturned()
	}
	return result
}

// save keeps the registers for the end of the call.
func (t *Thread) save() error {
	s := &t.current
	if s.saved {
		return nil
	}
	if err := s.regs.Get(t.tid); err != nil {
		return err
	}
	s.saved = true
	return nil
}

// site returns the address of a system-call instruction of the call's ABI.
func (t *Thread) site() (uint64, error) {
	s := &t.current
	behind := s.info.IP - ptrace.SyscallInsnLen
	if !s.execed && !ptrace.IsVsyscall(s.info.IP) {
		if t.call.ABI() != table.I386 {
			return behind, nil
		}
		// A 32-bit call may have come by sysenter, which cannot be entered again. One by
		// int 0x80 may be a 64-bit program's, where the vDSO has no such thing.
		insn := ptrace.SyscallInsn(table.I386)
		b := make([]byte, len(insn))
		if n, err := t.ReadMemory(behind, b); err == nil && n == len(b) && bytes.Equal(b, insn) {
			return behind, nil
		}
	}
	// After an exec there is none behind us.
	return t.vdsoSite(t.call.ABI())
}

// finish makes result the call's result in the child and lets it go on.
func (t *Thread) finish(result table.Result) {
	s := &t.current
	t.unpin()
	if t.gone || t.loop.killing || s.position == lost {
		return
	}
	if result.Errno() != unix.EINTR {
		t.endSpared()
	}
	if s.position == pending && t.proc.unfiltered && t.proc.ownFilter {
		if t.pretend(); t.gone {
			return
		}
	}
	var err error
	switch {
	case s.faults && result.Gone():
	case s.position == pending:
		if result.Restarting() {
			// Nothing has run that the kernel could restart.
			result = table.Errno(unix.EINTR)
		}
		err = ptrace.Answer(t.tid, t.call.ABI(), result)
	case s.execed && !s.saved:
	case s.position == returning && !s.execed && result.Raw() != s.result.Raw():
		if err = t.complete(); err == nil {
			err = ptrace.SetResult(t.tid, result)
		}
	case s.saved:
		s.regs.SetResult(result)
		err = s.regs.Set(t.tid)
		// Restarts are made on the way through signal delivery only, and the
		// signal that was the reason may be held, or gone.
		t.stopAgain = t.stopAgain || result.Restarting()
	case result.Raw() != s.result.Raw():
		err = ptrace.SetResult(t.tid, result)
	}
	if t.loop.check(err, t) {
		t.inKernel = t.inKernel && s.position == pending // its exit is still to come
		t.leave()
	}
}

// leave lets the thread return from the outermost level of the layer.
func (t *Thread) leave() {
	t.emerge()
	t.goOn(0)
}

// emerge sees to it that what was put off while the thread was in the layer happens
// when it goes on.
func (t *Thread) emerge() {
	t.admitSignals()
	t.deliverHeld()
	if t.stopAgain {
		// It will stop again at once, in a group-stop if that is still on.
		t.stopAgain = false
		t.loop.check(ptrace.Interrupt(t.tid), t)
	}
	t.extendFilterIfWanted()
}

// errnoOf returns the errno in err, EFAULT if there is none.
func errnoOf(err error) unix.Errno {
	if e, ok := errors.AsType[unix.Errno](err); ok {
		return e
	}
	return unix.EFAULT
}
