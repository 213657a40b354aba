package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// mapAtOnce is mapRegion for a thread that has just executed a program, and gets memory
// for trampolines too, near addr. Most of it is done by code in the region
// itself: a stop per call would take longer than many a program has calls.
func (t *Thread) mapAtOnce(addr uint64) bool {
	i := t.proc.image
	setup, ok := t.loop.direct.region.Setup()
	if !ok {
		return false // it comes to that later, if at all
	}
	if !t.mayMap() {
		i.off = true
		return false
	}
	code := t.loop.direct.region.Mappings()[0]
	fd, ok := t.openOurs(code.FD, unix.O_RDONLY)
	if !ok {
		return false // mapRegion may find another way, if it comes to that
	}
	near := places(addr)[0] // if it is free
	const flags = unix.MAP_SHARED | unix.MAP_FIXED_NOREPLACE
	r := t.inject("mmap", code.Addr, code.Size, uint64(code.Prot), flags, uint64(fd), 0)
	if r.Failed() || uint64(r.Raw()) != code.Addr {
		t.inject("close", uint64(fd))
		i.off = true
		return false
	}
	near, ok, err := t.setUp(setup, fd, near)
	i.end = t.loop.direct.region.End()
	if i.mapped, i.off = ok, !ok; !ok {
		t.loop.check(err, t)
		return false
	}
	if near != 0 {
		i.near = append(i.near, &nearArea{addr: near})
	}
	return true
}

// setUp has the thread run the region's setup code. It returns where memory for
// trampolines is now, 0 if there is none, and whether the region is there.
func (t *Thread) setUp(setup execso.Setup, fd int, near uint64) (there uint64, ok bool, err error) {
	s := &t.current
	regs := s.regs
	nr, _ := table.Number(ptrace.NativeABI, "execve") // whose handler we are in: it stops
	enterSetup(&regs, setup, fd, near, nr)
	if err := regs.Set(t.tid); err != nil {
		return 0, false, err
	}
	for {
		e, err := t.step(ptrace.Cont)
		if err != nil {
			return 0, false, err
		}
		if e.Kind != ptrace.SeccompStop {
			continue
		}
		// Calls that the filter does not exempt stop, and go on.
		var info ptrace.SyscallInfo
		if err := ptrace.GetSyscallInfo(t.tid, &info); err != nil {
			return 0, false, err
		}
		if execso.IsHelp(info.IP) {
			break
		}
	}
	if err := regs.Get(t.tid); err != nil {
		return 0, false, err
	}
	// It must be at an exit stop, as after any call that is injected.
	if err := ptrace.Answer(t.tid, ptrace.NativeABI, table.Errno(unix.ENOSYS)); err != nil {
		return 0, false, err
	}
	if _, err := ptrace.FinishCall(t.step); err != nil {
		return 0, false, err
	}
	if there, ok = leaveSetup(&regs); !ok {
		for _, m := range t.loop.direct.region.Mappings() {
			t.inject("munmap", m.Addr, m.Size)
		}
	}
	return there, ok, nil
}
