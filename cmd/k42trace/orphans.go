package main

import (
	"os"
	"os/signal"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// Where this process is the first of its pid namespace, as in a container, or a subreaper
// (PR_SET_CHILD_SUBREAPER), it inherits the processes whose parents end. Nobody else waits for
// them, and the first process of a nested namespace, which may be traced, does not end before
// somebody has (pid_namespaces(7)).

// besideOrphans does work, and meanwhile waits for the orphans that this process may inherit.
//
// They are given to the first thread, on which work then must not start processes: the caller
// is locked to it.
func besideOrphans(work func() ending) ending {
	if !inheritsOrphans() {
		return work()
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGCHLD)
	defer signal.Stop(ends)
	done := make(chan ending)
	go func() { done <- work() }()
	for {
		select {
		case how := <-done:
			return how
		case <-ends:
			reapOrphans()
		}
	}
}

func inheritsOrphans() bool {
	var subreaper int32
	err := unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&subreaper)), 0, 0, 0)
	return os.Getpid() == 1 || err == nil && subreaper != 0
}

// reapOrphans waits for all children of the first thread that have ended. Not for any child: of
// those that are traced that would take what is the tracing thread's to know.
func reapOrphans() {
	for _, pid := range procfs.FirstChildren() {
		if status, err := procfs.ReadStatus(pid); err == nil && status.State == 'Z' && status.TracerPID == 0 {
			_, _ = unix.Wait4(pid, nil, unix.WNOHANG|unix.WALL, nil)
		}
	}
}
