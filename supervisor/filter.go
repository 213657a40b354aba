package supervisor

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/seccomp"
	"github.com/k42trace/k42trace/table"
)

// A caller runs calls, by name, in a thread that stands outside any.
type caller interface {
	abi() table.ABI
	callByName(name string, args ...uint64) (table.Result, error)
	memoryOf() int // thread id, for its memory
}

// enterByName is ptrace.Enter by a call's name.
func enterByName(tid int, base ptrace.Regs, abi table.ABI, site uint64, step ptrace.StepFunc, name string, args []uint64) (table.Result, error) {
	nr, ok := table.Number(abi, name)
	if !ok {
		return table.Errno(unix.ENOSYS), nil
	}
	var a [6]uint64
	copy(a[:], args)
	return ptrace.Enter(tid, base, abi, site, nr, a, step)
}

// mmapName is the name of the call that maps memory with six arguments.
func mmapName(abi table.ABI) string {
	if abi == table.I386 {
		return "mmap2"
	}
	return "mmap"
}

// policy returns what the filter has to report for the present table.
func (l *loop) policy(trace *table.Set) (seccomp.Program, error) {
	p := seccomp.Policy{Native: ptrace.NativeABI, Trace: trace, Rules: hookRules(l.cmd.Enforce)}
	if l.direct != nil {
		p.Rules = append(p.Rules, seccomp.RewritingRules()...)
		if l.direct.remembers {
			p.Rules = append(p.Rules, seccomp.IdentityRules()...)
		}
		start, end := l.direct.region.Exempt()
		p.Exempt = []seccomp.AddressRange{{Start: start, End: end}}
		l.direct.exempted = l.direct.exempt()
		p.ExemptSet, p.ExemptKey = l.direct.exempted, l.direct.key
	}
	return p.Assemble()
}

// ours reports whether a seccomp stop comes from our filter and not from one of
// the program's own.
func ours(info *ptrace.SyscallInfo) bool {
	switch info.FilterData() {
	case seccomp.TraceData, seccomp.TraceForeign:
		return true
	}
	return false
}

// installFilter puts our filter on the caller's thread, or on all threads of its
// process. A filter can never be taken away; routes that vanish from the table
// just pass.
func (l *loop) installFilter(c caller, program seccomp.Program, allThreads bool) error {
	code := program.Bytes()
	const headerSize = 16
	size := (uint64(headerSize+len(code)) + pinPage - 1) &^ (pinPage - 1)
	addr, err := scratch(c, size)
	if err != nil {
		return err
	}
	image := make([]byte, headerSize, headerSize+len(code))
	copy(image, program.Header(c.abi(), addr+headerSize))
	image = append(image, code...)
	if _, err := ptrace.WriteMemory(c.memoryOf(), addr, image); err != nil {
		if err := ptrace.ForceWrite(c.memoryOf(), addr, image); err != nil {
			return fmt.Errorf("installing the filter: %w", err)
		}
	}
	r, err := l.loadFilter(c, addr, allThreads)
	if err != nil {
		return err
	}
	if r.Failed() {
		return fmt.Errorf("installing the filter: seccomp: %w", r.Err())
	}
	_, err = c.callByName("munmap", addr, size)
	return err
}

// scratch maps memory in the child for what is to be passed to a call.
func scratch(c caller, size uint64) (uint64, error) {
	r, err := c.callByName(mmapName(c.abi()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
	if err != nil {
		return 0, err
	}
	addr, err := address(c.abi(), r)
	if err != nil {
		return 0, fmt.Errorf("mapping memory in the child: %w", err)
	}
	return addr, nil
}

// loadFilter calls seccomp(2) in the child. Without CAP_SYS_ADMIN that needs
// no_new_privs, which is set only then: the program could see it.
func (l *loop) loadFilter(c caller, header uint64, allThreads bool) (r table.Result, err error) {
	noNewPrivs := false
	for _, flags := range seccomp.Flags(allThreads) {
		for {
			r, err = c.callByName("seccomp", seccomp.SetModeFilter, uint64(flags), header)
			if err != nil {
				return r, err
			}
			if r.Errno() != unix.EACCES || noNewPrivs {
				break
			}
			noNewPrivs = true
			if _, err = c.callByName("prctl", unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				return r, err
			}
		}
		if r.Errno() != unix.EINVAL {
			break
		}
	}
	if r.Value() > 0 || allThreads && r.Errno() == unix.ESRCH {
		// A thread with a filter of its own could not be synchronised. ESRCH would be
		// taken for the death of the one that called.
		r = table.Errno(unix.EBUSY)
	}
	return r, nil
}
