package supervisor

import (
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Scheduling policies (sched(7)).
const (
	schedOther       = 0
	schedIdle        = 5
	schedResetOnFork = 0x40000000 // the doorbell is not to inherit it
)

// setPolicy sets the scheduling policy of the calling thread.
func setPolicy(policy uintptr) error { return setPolicyOf(0, policy) }

// setPolicyOf sets that of a thread of ours.
func setPolicyOf(tid int, policy uintptr) error {
	var param struct{ priority int32 }
	_, _, e := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), policy, uintptr(unsafe.Pointer(&param)))
	if e != 0 {
		return e
	}
	return nil
}

// policyOf returns the scheduling policy of a thread of ours.
func policyOf(tid int) uintptr {
	r, _, _ := unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, uintptr(tid), 0, 0)
	return r &^ schedResetOnFork
}

// mayFollow reports whether a thread of ours may become SCHED_IDLE and come back
// from it, which needs CAP_SYS_NICE, outside user namespaces, or RLIMIT_NICE. It
// tries on a thread that is thrown away.
var mayFollow = sync.OnceValue(func() bool {
	result := make(chan bool)
	go tryIdle(result)
	return <-result
})

func tryIdle(result chan<- bool) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The main thread cannot be thrown away. Held, it is not the next one's.
		defer runtime.UnlockOSThread()
		other := make(chan bool)
		go tryIdle(other)
		result <- <-other
		return
	}
	// Never unlocked: the thread ends with the goroutine.
	result <- setPolicy(schedIdle|schedResetOnFork) == nil && setPolicy(schedOther) == nil
}
