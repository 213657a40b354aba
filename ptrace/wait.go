package ptrace

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waitFlags: all kinds of children, and only those of the calling thread, so
// that neither the embedding program's children nor another supervisor's are
// reaped here (wait4(2), __WALL and __WNOTHREAD).
const waitFlags = unix.WALL | unix.WNOTHREAD

// Wait waits for the next event of any tracee or child of the calling thread, of
// pid alone if pid is not -1. usage, if not nil, receives the resources used by
// a process that ended. It fails with ECHILD if there is nothing to wait for.
func Wait(pid int, usage *unix.Rusage) (Event, error) {
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(pid, &status, waitFlags, usage)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Event{}, fmt.Errorf("wait4: %w", err)
		}
		return Decode(tid, status), nil
	}
}

// Poll returns the next event if there is one now.
func Poll(pid int, usage *unix.Rusage) (Event, bool) {
	var status uint32
	tid, _, e := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(pid), uintptr(unsafe.Pointer(&status)),
		waitFlags|unix.WNOHANG, uintptr(unsafe.Pointer(usage)), 0, 0)
	if e != 0 || tid == 0 {
		return Event{}, false
	}
	return Decode(int(tid), unix.WaitStatus(status)), true
}
