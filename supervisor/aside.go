package supervisor

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// asideAfter is how long nothing has come of threads that run when it is asked whether they do:
// one that we have let go may wait for the core on which we look at its ring, and we
// for its events.
const asideAfter = idleAfter / 4

// stepAside moves the tracing thread to another core, if one is free and it is in the way of a thread
// that could be recording. The scheduler would do so some milliseconds later. Who asks and gets no
// answer stops, and gives us its core.
func (d *direct) stepAside() {
	if !d.records || procfs.Runnable() > runtime.NumCPU() {
		return
	}
	const most = 4 // that are asked for
	asked := 0
	for _, t := range d.open {
		if !t.running {
			continue
		}
		if s, err := procfs.ReadStat(t.tid); err == nil && s.State == 'R' && s.Processor == thisCore() {

			leaveCore(s.Processor)
			return
		}
		if asked++; asked == most {
			return
		}
	}
}

// thisCore returns the CPU that the calling thread runs on.
func thisCore() int {
	var cpu uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return -1
	}
	return int(cpu)
}

// leaveCore moves the calling thread from a CPU to any other that it may be on, if there is
// one.
func leaveCore(cpu int) {
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil {
		return
	}
	others := allowed
	others.Clear(cpu)
	if others.Count() > 0 && unix.SchedSetaffinity(0, &others) == nil {
		_ = unix.SchedSetaffinity(0, &allowed)
	}
}
