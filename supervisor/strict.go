package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/seccomp"
	"github.com/k42trace/k42trace/table"
)

// Strict mode (seccomp(2), SECCOMP_SET_MODE_STRICT): a thread may read, write, exit
// and return from a signal handler, and any other call is its death. The kernel
// refuses it to threads that have a filter, as ours have; so it is put together of a
// filter of the thread's own, which reports all other calls, and of what we do with
// these.

// wantsStrict reports whether the call asks for strict mode as the kernel wants to
// be asked, in a process that has no filter of its own, which would exclude it.
func (t *Thread) wantsStrict(c *table.Call, nr int, args [6]uint64) bool {
	if t.proc.ownFilter || t.proc.unfiltered {
		return false
	}
	switch hookOf(c.ABI(), nr) {
	case hookPrctl:
		return uint32(args[0]) == unix.PR_SET_SECCOMP && uint32(args[1]) == unix.SECCOMP_MODE_STRICT
	case hookSeccomp:
		return uint32(args[0]) == unix.SECCOMP_SET_MODE_STRICT && uint32(args[1]) == 0 && args[2] == 0
	}
	return false
}

// enterStrict is the call that asks for strict mode.
func (t *Thread) enterStrict(c *table.Call) table.Result {
	var others table.Set
	for abi := range table.NumABI {
		others.AddUnknown(abi)
		for nr := range strictNumbers {
			if !strictAllows(abi, nr) {
				others.Add(abi, nr)
			}
		}
	}
	policy := seccomp.Policy{Native: ptrace.NativeABI, Trace: &others}
	program, err := policy.Assemble()
	if err == nil {
		err = t.loop.installFilter(callCaller{t, c}, program, false)
	}
	if err != nil {
		return table.Errno(errnoOf(err))
	}
	if strictDisablesTSC {
		c.Inject("prctl", unix.PR_SET_TSC, unix.PR_TSC_SIGSEGV)
	}
	t.strict = true
	t.restore()
	return table.Return(0)
}

// strictNumbers is beyond all numbers with a name.
const strictNumbers = 512

// strictAllows reports whether a thread in strict mode may make the call
// (kernel/seccomp.c, mode1_syscalls; include/asm-generic/seccomp.h).
func strictAllows(abi table.ABI, nr int) bool {
	names := [4]string{"read", "write", "exit", "rt_sigreturn"}
	switch abi {
	case table.X32:
		return false // compared with numbers of i386
	case table.I386:
		names[3] = "sigreturn"
	}
	for _, name := range names {
		if n, ok := table.Number(abi, name); ok && n == nr {
			return true
		}
	}
	return false
}

// forbidden reports whether the call that is being handled is one for which strict
// mode kills. What handlers make of it, and inject, is not the program's doing.
func (t *Thread) forbidden() bool {
	return t.strict && !strictAllows(t.call.ABI(), t.current.info.Nr())
}

// dieOfStrict ends the thread, not the process, by SIGKILL (__secure_computing_strict).
// A thread among others can only be made to exit: nobody sees how, unless it is the
// leader and all others exit without ending the process.
func (t *Thread) dieOfStrict() table.Result {
	if t.proc.threads > 1 {
		if nr, ok := table.Number(t.call.ABI(), "exit"); ok {
			t.run(nr, [6]uint64{uint64(unix.SIGKILL)})
		}
		return table.Gone()
	}
	unix.Kill(t.proc.pid, unix.SIGKILL)
	for !t.gone {
		t.co.suspend()
	}
	return table.Gone()
}

// A callCaller runs calls in a thread that is in the middle of one.
type callCaller struct {
	thread *Thread
	call   *table.Call
}

func (c callCaller) abi() table.ABI { return c.call.ABI() }

func (c callCaller) memoryOf() int { return c.thread.tid }

func (c callCaller) callByName(name string, args ...uint64) (table.Result, error) {
	r := c.call.Inject(name, args...)
	if r.Gone() {
		return r, unix.ESRCH
	}
	return r, nil
}
