package supervisor

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct sigaction (not libc's).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// quietSIGCHLD keeps the kernel from sending this process a SIGCHLD for each stop
// of a tracee, which Go's signal handler would receive on some thread or other,
// twice per traced call. The ends of children are still signalled. The Go runtime
// has no use for the signal, and os/exec waits without it.
var quietSIGCHLD = sync.OnceFunc(func() {
	const saNoCldStop = 1
	var sa sigaction
	call := func(new, old *sigaction) error {
		_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD),
			uintptr(unsafe.Pointer(new)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(sa.mask), 0, 0)
		if e != 0 {
			return e
		}
		return nil
	}
	if call(nil, &sa) != nil || sa.flags&saNoCldStop != 0 {
		return
	}
	sa.flags |= saNoCldStop
	call(&sa, nil) // failing means more signals, no more
})
