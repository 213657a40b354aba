package supervisor

import (
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A call's exit stop tells its result, and is where something else can be run after it. Of
// two calls the result is known before: an execve has succeeded at its exec-stop, and
// an rt_sigreturn returns what lies in its frame. Nothing needs to be run after most of them. So
// the thread stays there, in the position returning, and goes on without another stop,
// unless somebody asks for more.

// mayReturn reports whether the thread may go on without the exit stop of its call.
func (t *Thread) mayReturn() bool {
	return !t.proc.ownFilter && !t.proc.attached && t.spared == nil && !t.strict
}

// foretold returns the result of a call that has yet to run, if that is known. What it
// reads must still be so when the call runs: the thread is stopped, and others that write
// into its frame meanwhile make of its result what they like.
func (t *Thread) foretold(nr int) (table.Result, bool) {
	abi := t.call.ABI()
	if !returnsElsewhere(abi, nr) || t.current.changed || !t.mayReturn() {
		return table.Result{}, false
	}
	ip, result, ok := ptrace.SigreturnTo(t.tid, abi, t.current.info.SP)
	if !ok {
		return table.Result{}, false
	}
	if i := t.proc.image; i != nil && i.mapped && i.overwritten(ip) != nil {
		return table.Result{}, false // see handlerReturned
	}
	return result, true
}

// finishCall lets a call that the kernel has yet to run do so.
func (t *Thread) finishCall() (table.Result, error) {
	var execed bool
	stopAt := &execed
	if !t.mayReturn() {
		stopAt = nil
	}
	r, err := ptrace.FinishCall(t.step, stopAt)
	if execed {
		t.current.position = returning
	}
	return r, err
}

// complete has a thread in the position returning come to the exit stop after all.
func (t *Thread) complete() error {
	s := &t.current
	if s.position != returning {
		return nil
	}
	s.position = outside
	if s.saved {
		if err := s.regs.Set(t.tid); err != nil {
			return err
		}
	}
	if _, err := ptrace.FinishCall(t.step, nil); err != nil {
		return err
	}
	if !s.execed {
		t.handlerReturned()
	}
	return nil
}
