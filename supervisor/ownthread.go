package supervisor

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onOwnThread runs f on a goroutine locked to a thread that has no children and
// will get none but f's. wait4 with __WNOTHREAD reports all children of the
// calling thread; those that the embedding program once started on it must not be
// among them.
func onOwnThread(f func()) {
	go tryOwnThread(f, func() {})
}

// tryOwnThread runs f on this goroutine's thread if it is fit, else on another;
// found is called when the thread has been chosen.
func tryOwnThread(f, found func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if fitThread() {
		found()
		f()
		return
	}
	// While this thread is locked the next goroutine gets another one.
	chosen := make(chan struct{})
	go tryOwnThread(f, func() { close(chosen) })
	<-chosen
	found()
}

// fitThread reports whether the calling thread may become a tracer: it has no
// children, and it is not the main thread, which inherits the children of
// threads that end (kernel/exit.c, find_new_reaper).
func fitThread() bool {
	if unix.Gettid() == unix.Getpid() {
		return false
	}
	var info [128]byte
	_, _, e := unix.RawSyscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info)),
		unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, 0, 0)
	return e == unix.ECHILD
}
