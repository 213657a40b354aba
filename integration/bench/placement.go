package main

import (
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// A placement says where a tracer and its child run.
type placement uint8

const (
	// scheduled leaves both to the scheduler.
	scheduled placement = iota
	// followed leaves both to the scheduler, but k42trace may move its tracing
	// thread to its child's core: supervisor.PlaceAuto, what it does unasked.
	followed
	// unfollowed takes CAP_SYS_NICE away, without which k42trace does not follow.
	unfollowed
	// oneCore restricts the tracer, and so its child, to one core, as taskset(1).
	oneCore
)

func (p placement) String() string {
	switch p {
	case followed:
		if !maySetPolicy() {
			return "scheduler (may not follow)"
		}
		return "tracer follows child"
	case unfollowed:
		return "scheduler, not following"
	case oneCore:
		return fmt.Sprintf("both on core %d", core())
	}
	return "scheduler"
}

// core is the one of oneCore: the last that we may use. Interrupts tend to go to
// the first.
func core() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0
	}
	for cpu := len(set)*64 - 1; cpu > 0; cpu-- {
		if set.IsSet(cpu) {
			return cpu
		}
	}
	return 0
}

// maySetPolicy reports whether k42trace, started by us, has CAP_SYS_NICE.
func maySetPolicy() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_NICE) != 0
}

// start starts cmd so placed.
func (p placement) start(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// The new process inherits affinity and capabilities of the thread that
		// makes it. Not unlocked, so the thread ends with the goroutine.
		runtime.LockOSThread()
		if err := p.apply(); err != nil {
			started <- fmt.Errorf("placement %q: %w", p, err)
			return
		}
		started <- cmd.Start()
	}()
	return <-started
}

// apply places the calling thread.
func (p placement) apply() error {
	switch p {
	case unfollowed:
		if maySetPolicy() {
			return unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_NICE, 0, 0, 0)
		}
	case oneCore:
		var set unix.CPUSet
		set.Set(core())
		return unix.SchedSetaffinity(0, &set)
	}
	return nil
}
