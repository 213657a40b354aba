package supervisor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/seccomp"
	"github.com/k42trace/k42trace/signaldefer"
	"github.com/k42trace/k42trace/table"
)

// launch starts the program and brings it to its first instruction: seized, with
// our filter. Nothing of a program that cannot be brought there is left behind.
func (l *loop) launch() error {
	if err := ptrace.SeccompTrace.Err(); err != nil {
		return err
	}
	quietSIGCHLD()
	bell, err := newDoorbell()
	if err != nil {
		return err
	}
	l.bell = bell
	// While the new process comes up there is time for what it will need.
	var program seccomp.Program
	routes := make(chan error, 1)
	go func() {
		var err error
		program, err = l.setUpRoutes()
		routes <- err
	}()
	l.cmd.inner = l.cmd.newInner()
	if err := l.cmd.inner.Start(); err != nil {
		<-routes
		l.direct.close()
		bell.close()
		bell.release()
		return err
	}
	pid := l.cmd.inner.Process.Pid
	in := &launcher{loop: l, pid: pid}
	if err = <-routes; err == nil {
		in.program = program
		err = in.prepare()
	}
	if err != nil {
		unix.Kill(pid, unix.SIGKILL)
		for {
			if e, err := ptrace.Wait(pid, nil); err != nil || e.Dead() {
				break
			}
		}
		l.direct.close()
		bell.close()
		bell.release()
		l.cmd.waitCopies()
		return err
	}
	l.inbox.mu.Lock()
	l.inbox.ring = bell.ring
	l.inbox.mu.Unlock()

	t := l.newThread(pid, nil)
	l.root = t.proc
	t.proc.filter, t.proc.unfiltered = l.wantFilter, l.cmd.NoFollow
	if l.cmd.NoFollow {
		t.state.Attach() // threads that nobody watches will change it
	} else {
		t.state.Begun()
	}
	if l.direct != nil {
		t.proc.image = newImage()
		t.settle()
	}
	l.cmd.loop, l.cmd.Process = l, l.root // handlers may use them
	if l.observer != nil {
		l.guard(func() { l.observer.ThreadStarted(t, nil) })
	}
	if !l.killing {
		t.held = in.held
		t.leave()
	}
	return nil
}

// setUpRoutes decides which calls stop, and sets up the direct route for others.
func (l *loop) setUpRoutes() (seccomp.Program, error) {
	l.wantFilter = l.wanted()
	l.tree.SetEager(l.cmd.TrackNames && l.cmd.Route != RouteTrap)
	l.tree.SetDetails(l.cmd.TrackSockets)
	if err := l.setUpDirect(); err != nil {
		return nil, err
	}
	return l.policy(l.wantFilter)
}

// A launcher runs calls in the new process before anything else does, waiting
// for each on the spot.
type launcher struct {
	loop *loop
	pid  int
	regs ptrace.Regs
	site uint64
	mode table.ABI
	held signaldefer.Queue

	program seccomp.Program
}

func (in *launcher) prepare() error {
	if err := ptrace.SeizeExeced(in.pid, in.loop.cmd.tracing(ptrace.DefaultOptions)); err != nil {
		return err
	}
	var info ptrace.SyscallInfo
	if err := ptrace.GetSyscallInfo(in.pid, &info); err != nil {
		return err
	}
	abi, ok := table.ABIOf(info.Arch, 0)
	if !ok {
		return fmt.Errorf("process %d: architecture %#x: %w", in.pid, info.Arch, errors.ErrUnsupported)
	}
	in.mode = abi
	if err := in.regs.Get(in.pid); err != nil {
		return err
	}
	site, restore, err := in.entrySite()
	if err != nil {
		return err
	}
	in.site = site

	// Only now does nobody need it any more: PTRACE_O_EXITKILL is in force.
	deathsig := uint64(0)
	if a := in.loop.cmd.SysProcAttr; a != nil {
		deathsig = uint64(a.Pdeathsig)
	}
	if _, err := in.callByName("prctl", unix.PR_SET_PDEATHSIG, deathsig, 0, 0, 0); err != nil {
		return err
	}
	if !in.loop.cmd.NoFollow {
		if err := in.loop.installFilter(in, in.program, false); err != nil {
			return err
		}
	}
	if err := in.setSignals(); err != nil {
		return err
	}
	if in.loop.cmd.indirect() {
		return in.exec()
	}
	if err := restore(); err != nil {
		return err
	}
	return in.regs.Set(in.pid)
}

// setSignals sets the dispositions and the mask with which the program starts.
func (in *launcher) setSignals() error {
	cmd := in.loop.cmd
	if len(cmd.Blocked) > 0 {
		mask, err := ptrace.GetSigmask(in.pid)
		if err != nil {
			return err
		}
		for _, sig := range cmd.Blocked {
			mask |= 1 << (sig - 1)
		}
		if err := ptrace.SetSigmask(in.pid, mask); err != nil {
			return err
		}
	}
	if len(cmd.Ignored) == 0 {
		return nil
	}
	addr, err := scratch(in, pinPage)
	if err != nil {
		return err
	}
	// The kernel's struct sigaction begins with the handler, in all layouts.
	var ignore [32]byte
	ignore[0] = 1 // SIG_IGN
	if err := ptrace.ForceWrite(in.pid, addr, ignore[:]); err != nil {
		return err
	}
	const maskSize = 8
	for _, sig := range cmd.Ignored {
		r, err := in.callByName("rt_sigaction", uint64(sig), addr, 0, maskSize)
		if err != nil {
			return err
		}
		if r.Failed() {
			return fmt.Errorf("ignoring signal %d: %w", sig, r.Err())
		}
	}
	_, err = in.callByName("munmap", addr, pinPage)
	return err
}

// entrySite finds a system-call instruction: in the vDSO or, where there is none,
// written over the program's first instruction until restore is called.
func (in *launcher) entrySite() (site uint64, restore func() error, err error) {
	site, err = ptrace.FindSite(in.pid, in.mode)
	if err == nil {
		return site, func() error { return nil }, nil
	}
	site = in.regs.IP()
	insn := ptrace.SyscallInsn(in.mode)
	old := make([]byte, len(insn))
	if _, err := ptrace.ReadMemory(in.pid, site, old); err != nil {
		return 0, nil, fmt.Errorf("process %d: reading its first instruction: %w", in.pid, err)
	}
	if err := ptrace.ForceWrite(in.pid, site, insn); err != nil {
		return 0, nil, err
	}
	return site, func() error { return ptrace.ForceWrite(in.pid, site, old) }, nil
}

func (in *launcher) abi() table.ABI { return in.mode }

func (in *launcher) memoryOf() int { return in.pid }

func (in *launcher) callByName(name string, args ...uint64) (table.Result, error) {
	return enterByName(in.pid, in.regs, in.mode, in.site, in.step, name, args)
}

// step resumes the process and waits for its next stop in a call, on the spot:
// there are no other tracees yet.
func (in *launcher) step(how ptrace.Resumption) (ptrace.Event, error) {
	for {
		if err := ptrace.Resume(in.pid, how, 0); err != nil {
			return ptrace.Event{}, err
		}
		e, err := ptrace.Wait(in.pid, nil)
		if err != nil {
			return e, err
		}
		switch {
		case e.Dead():
			return e, fmt.Errorf("process %d was killed before its first instruction: %w", in.pid, unix.ESRCH)
		case e.Kind == ptrace.SignalStop:
			var info table.Siginfo
			if err := ptrace.GetSiginfo(in.pid, &info); err != nil {
				return e, err
			}
			in.held.Hold(e.Signal, &info)
		case e.Kind == ptrace.GroupStop, e.Kind == ptrace.TrapStop:
		default:
			return e, nil
		}
	}
}
