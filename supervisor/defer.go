package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// While a thread is in the layer, its signals wait where they are best kept: in the
// kernel's queues, blocked. There they keep their order, siginfo and place among what
// all threads may take, can be seen to be pending, and survive an exec. Before a thread
// makes a call that its program has not made, all its signals are blocked
// (PTRACE_SETSIGMASK); when the program's own call enters the kernel, or the call that
// is being handled is over, the mask is the program's again, and the kernel delivers.
//
// Faults, and SIGSYS, which a filter of the program may send for an injected call, are
// not blocked: the kernel kills who is sent one that he blocks. They are held, and
// raised again (package signaldefer), as are signals that were on their way already.

// neverBlocked are the signals that are never blocked: SIGILL, SIGTRAP, SIGBUS, SIGFPE,
// SIGSEGV, SIGSYS (kernel/signal.c, SYNCHRONOUS_MASK).
const neverBlocked = 1<<(unix.SIGILL-1) | 1<<(unix.SIGTRAP-1) | 1<<(unix.SIGBUS-1) |
	1<<(unix.SIGFPE-1) | 1<<(unix.SIGSEGV-1) | 1<<(unix.SIGSYS-1)

// deferSignals blocks the signals of the stopped thread.
func (t *Thread) deferSignals() error {
	s := &t.current
	if s.deferred {
		return nil
	}
	mask, err := ptrace.GetSigmask(t.tid)
	if err == nil {
		err = ptrace.SetSigmask(t.tid, mask|^uint64(neverBlocked))
	}
	if err == nil {
		s.mask, s.deferred = mask, true
	}
	return err
}

// admitSignals gives the stopped thread its own mask again.
func (t *Thread) admitSignals() {
	s := &t.current
	if !s.deferred {
		return
	}
	s.deferred = false
	t.loop.check(ptrace.SetSigmask(t.tid, s.mask), t)
}

// stepOwn is step for a call that is the program's own, from where it enters the
// kernel on.
func (t *Thread) stepOwn(how ptrace.Resumption) (ptrace.Event, error) {
	e, err := t.step(how)
	if err == nil && e.Kind == ptrace.SyscallStop {
		t.admitSignals()
	}
	return e, err
}

// needsMask reports whether a call looks at, or changes, the mask of blocked signals
// or what is pending: even injected, it must find them as the program has them.
func needsMask(abi table.ABI, nr int) bool {
	sig := table.SignatureOf(abi, nr)
	if sig == nil {
		return false
	}
	switch sig.Name {
	case "rt_sigprocmask", "sigprocmask", "sgetmask", "ssetmask", "rt_sigreturn", "sigreturn",
		"rt_sigpending", "sigpending", "rt_sigtimedwait", "rt_sigtimedwait_time64",
		"rt_sigsuspend", "sigsuspend", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64",
		"epoll_pwait", "epoll_pwait2", "io_pgetevents", "io_pgetevents_time64", "signalfd", "signalfd4":
		return true
	}
	return false
}
