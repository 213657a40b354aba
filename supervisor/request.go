package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A request is a call about which a thread asks through its area, without a stop,
// while we look at the areas anyway. The handler runs as for any call, with the
// position requested. If it answers by itself, that was all. If it wants something
// that needs the thread stopped (Native, Inject, Pin), or takes its time, the thread
// is sent to make the call after all, stops for it, and the handler goes on as one
// that came by the trap route.

// takeRequests starts the handlers of the calls that threads ask about.
func (d *direct) takeRequests() (n int) {
	if !d.asks || d.loop.killing {
		return 0
	}
	for _, t := range d.open {
		if t.inLayer() || !d.take(t) {
			continue
		}
		n++
		t.start((*Thread).handleRequests)
		if d.loop.killing {
			return n
		}
	}
	return n
}

// take makes the call that the thread asks about the one to be handled, if it asks.
func (d *direct) take(t *Thread) bool {
	// The area is the program's to write: what a filter of its own forbids must
	// not be had by asking.
	if t.slot == nil || t.strict || t.proc.ownFilter || t.proc.image.off {
		return false
	}
	asked, ok := t.slot.Requested()
	if !ok {
		return false
	}
	if d.records {
		d.drain() // what came before it
		if t.distrusted {
			t.slot.SendToTrap()
			return false
		}
	}
	h := d.loop.table.Lookup(ptrace.NativeABI, asked.Nr)
	if h == nil {
		t.slot.SendToTrap()
		return false
	}
	t.current = callState{position: requested}
	t.asked = asked
	ip := d.region.CallOf(asked.Site) + ptrace.SyscallInsnLen
	t.call.Reset(t, ptrace.NativeABI, asked.Nr, asked.Args, ip, asked.SP)
	if p, ok := h.(table.Passer); ok && t.passesQuietly(p) {
		t.current = callState{}
		t.slot.SendToTrap() // where it passes
		return false
	}
	t.handler = h
	return true
}

// How long the coroutine that has answered a request looks for the thread's next one: to go
// back to the loop, and to come here again, takes as long as a handler that does little.
const (
	againLooks = 32 // of which the threads have a share each
	inARow     = 8  // then it is the others' turn
)

// handleRequests is the job of a request, and of those that follow closely.
func (t *Thread) handleRequests() {
	for n := 1; t.handleRequest() && n < inARow && t.asksAgain(); n++ {
	}
}

// asksAgain looks for the thread's next request.
func (t *Thread) asksAgain() bool {
	d := t.loop.direct
	for range againLooks / max(len(d.open), 1) {
		if !t.admitted || d.loop.killing {
			return false
		}
		if d.take(t) {
			return true
		}
		spin()
	}
	return false
}

// handleRequest calls the handler, and reports whether the thread has its answer and runs.
func (t *Thread) handleRequest() bool {
	result := t.handler.Handle(&t.call)
	if _, blocked := result.Blocked(); blocked {
		t.demote()
	}
	if t.overtaken {
		return false
	}
	if t.current.position != requested {
		// It has become a trap.
		t.conclude(result)
		return false
	}
	if t.gone || t.loop.killing {
		return false
	}
	if result = t.sensible(result); result.Restarting() {
		result = table.Errno(unix.EINTR)
	}
	t.slot.Answer(result.Raw())
	t.current.position = pending // which is where the next one begins
	t.setRunning(true)
	t.deliverHeld()
	t.extendFilterIfWanted()
	if t.stopAgain {
		t.stopAgain = false
		t.loop.check(ptrace.Interrupt(t.tid), t)
		return false
	}
	return true
}

// demote makes a trap of the request that is being handled, if that is one.
func (t *Thread) demote() {
	if t.current.position != requested || t.gone || t.loop.killing {
		return
	}
	t.slot.SendToTrap()
	t.demoting = true
	for t.current.position == requested && !t.gone && !t.loop.killing {
		t.co.suspend()
	}
	t.demoting = false
}

// requestStopped acts on the seccomp stop of a thread whose request is being
// handled: it was sent there, or has waited too long for the answer.
func (t *Thread) requestStopped() {
	var info ptrace.SyscallInfo
	if !t.loop.check(ptrace.GetSyscallInfo(t.tid, &info), t) {
		return
	}
	abi, known := table.ABIOf(info.Arch, info.Nr())
	if !known || abi != t.call.ABI() || info.Nr() != t.asked.Nr || info.Args() != t.asked.Args {
		// Not the call that it has asked about, for which alone the handler's word
		// is good. It is handled as any other when that has come to its end.
		t.loop.distrust(t, execso.ErrCorrupt)
		t.current.position, t.overtaken = lost, true
		if t.demoting {
			t.runCoroutine()
		}
		return
	}
	if execso.IsWait(info.IP) && t.waited(&info) {
		return
	}
	t.current.info, t.current.position = info, pending
	if t.demoting {
		t.runCoroutine()
	}
}

// waited acts on the stop of a thread that has waited too long: it makes its call as
// if from where the program does. It reports whether the answer has come after all
// and the thread is on its way.
func (t *Thread) waited(info *ptrace.SyscallInfo) (answered bool) {
	var regs ptrace.Regs
	if t.slot == nil || !t.loop.check(regs.Get(t.tid), t) {
		return false
	}
	f := frameOf(&regs)
	switch t.slot.Translate(&f) {
	case execso.Returned:
		noCall(&regs)
		answered = true
	case execso.NotEntered:
		f.IP += ptrace.SyscallInsnLen
		f.CX = f.IP
		info.IP = f.IP
	default:
		return false // somebody has jumped there
	}
	setFrame(&regs, &f)
	if t.loop.check(regs.Set(t.tid), t) && answered {
		t.goOn(0)
	}
	return answered
}
