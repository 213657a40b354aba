package supervisor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// mapAtOnce maps the region into a thread's process, which has no other, and memory for
// trampolines near addr. The region's own code does it: a stop per call would take
// longer than many a program has calls. What maps that is lent the thread's memory at code,
// which is the program's, at the beginning of a page of its instructions.
func (t *Thread) mapAtOnce(mem *ptrace.MemoryFile, addr, code uint64) bool {
	d, i, s := t.loop.direct, t.proc.image, &t.current
	setup := d.region.Setup()
	if t.loop.cmd.Enforce && !t.loop.onlyLooks(loaderCalls) {
		return false // mapRegion will do it
	}
	if !t.mayMap() {
		i.off = true
		return false
	}
	old := make([]byte, len(setup.Loader))
	if _, err := mem.ReadAt(old, int64(code)); err != nil {
		return false
	}
	if _, err := mem.WriteAt(setup.Loader, int64(code)); err != nil {
		return false
	}
	regs := s.regs
	nr := s.info.Nr() // what has stopped, which it does again: not always execve
	enterSetup(&regs, setup, code, places(addr)[0], nr, d.key)
	err := t.deferSignals()
	if err == nil {
		err = regs.Set(t.tid)
	}
	if err == nil {
		err = t.setUp(setup, code)
	}
	faulted := errors.Is(err, errFaulted)
	if faulted {
		t.loop.warn(fmt.Errorf("%w: its calls trap", err))
		err = nil
	}
	if err == nil {
		err = regs.Get(t.tid)
	}
	if err == nil {
		_, err = mem.WriteAt(old, int64(code))
	}
	if !t.loop.check(err, t) {
		i.off = true
		return false
	}
	if faulted {
		// It stands outside any call, and may make others.
		i.off, s.position = true, outside
		if regs.IP()-execso.Base < execso.CodeSize {
			for _, m := range d.region.Mappings() {
				t.inject("munmap", m.Addr, m.Size)
			}
		}
		return false
	}
	i.end = d.region.End()
	near, opened, ok := leaveSetup(&regs)
	mapped := execso.IsHelp(regs.IP())
	// By the name of our file the program may have opened another.
	if i.mapped = ok && d.region.MappedIn(mem); i.mapped {
		if near != 0 {
			i.near = append(i.near, &nearArea{addr: near})
		}
		// The thread stands at the last stop of the setup code, and goes on from there.
		noCall(&s.regs)
		s.position = returning
		return true
	}
	// To make other calls it must be at an exit stop.
	i.off = opened // else mapRegion may find another way
	if t.loop.check(ptrace.Answer(t.tid, ptrace.NativeABI, table.Errno(unix.ENOSYS)), t) {
		s.position = outside
		_, err := ptrace.FinishCall(t.step, nil)
		if t.loop.check(err, t) && mapped {
			m := d.region.Mappings()[0]
			t.inject("munmap", m.Addr, m.Size)
		}
	}
	return false
}

// mapFromHere is mapAtOnce for a thread at the exit stop of a call that it made in the middle of a
// program. It lends the page of the call.
func (t *Thread) mapFromHere() bool {
	s := &t.current
	call := s.info.IP - ptrace.SyscallInsnLen
	if s.position != outside || s.execed || t.call.ABI() != ptrace.NativeABI || ptrace.IsVsyscall(s.info.IP) || !t.ownCode(call) {
		return false
	}
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return false // it is gone
	}
	defer mem.Close()
	if !t.loop.check(t.save(), t) {
		return false
	}
	regs := s.regs
	if !t.mapAtOnce(mem, call, call&^(pageSize-1)) {
		return false
	}
	// Others than an execve are gone on from at an exit stop, and may start again.
	s.position = outside
	err = s.regs.Set(t.tid)
	s.regs = regs
	if err == nil {
		_, err = ptrace.FinishCall(t.step, nil)
	}
	return t.loop.check(err, t)
}

// ownCode reports whether addr is in code of a file that neither the program can write to nor
// anybody else sees.
func (t *Thread) ownCode(addr uint64) bool {
	m, err := procfs.MappingAt(t.tid, addr)
	if err == nil {
		return m.Execute && !m.Write && !m.Shared && m.Inode != 0
	}
	t.proc.image.text, _ = t.mappings()
	_, ok := t.proc.image.moduleOf(addr)
	return ok
}

// setUp lets the thread run the loader, which is at code, and the setup code to their end.
// Calls that the filter does not exempt stop, and go on.
func (t *Thread) setUp(setup execso.Setup, code uint64) error {
	t.current.settingUp = true
	defer func() { t.current.settingUp = false }()
	for {
		e, err := t.step(ptrace.Cont)
		if err != nil {
			return err
		}
		if e.Kind == ptrace.SignalStop {
			return fmt.Errorf("thread %d: signal %d: %w", t.tid, e.Signal, errFaulted)
		}
		if e.Kind != ptrace.SeccompStop {
			continue
		}
		var info ptrace.SyscallInfo
		if err := ptrace.GetSyscallInfo(t.tid, &info); err != nil {
			return err
		}
		if execso.IsHelp(info.IP) {
			return nil
		}
		if t.loop.direct.region.IsSite(info.IP) {
			continue // of the setup code
		}
		if info.IP == code+uint64(setup.Name) {
			return nil // behind the loader's last instruction: it has failed
		}
		// The loader's memory is the program's.
		if info.IP-code > uint64(len(setup.Loader)) || !loaderCalls.Has(ptrace.NativeABI, info.Nr()) {
			return fmt.Errorf("thread %d: %w", t.tid, ptrace.ErrTampered)
		}
	}
}

// errFaulted: what maps the region could not run. It would fault again and again.
var errFaulted = errors.New("a fault while the region was being mapped")

// loaderCalls are the calls that the loader makes in the program's place.
var loaderCalls = nativeCalls("openat", "mmap", "close")
