package table

import (
	"golang.org/x/sys/unix"
)

// A Result is what a system call gives back: a value or an errno, as the kernel
// leaves it in the result register.
//
// (It has few fields so that the compiler keeps it in registers: structs of more than four are
// copied from place to place in memory.)
type Result struct {
	raw     int64
	marks   marks
	blocked *blocked // it is Block: see block.go
}

// marks say what else there is to a Result.
type marks uint8

const (
	gone  marks = 1 << iota
	exact       // whatever it is
	value       // shown as one
)

// maxErrno bounds the errno range of a raw result (linux/err.h, MAX_ERRNO).
const maxErrno = 4095

// Return is the result of a call that succeeded with the value v.
func Return(v int64) Result { return Result{raw: v} }

// Errno is the result of a call that failed with e. Errno(0) is success with 0.
func Errno(e unix.Errno) Result { return Result{raw: -int64(e)} }

// FromRaw is the result that the register value raw stands for.
func FromRaw(raw int64) Result { return Result{raw: raw} }

// Gone is the result of a call that never returned: the thread ended in it
// (exit, a fatal signal, an exec by another thread) or it has no result to give.
func Gone() Result { return Result{raw: -int64(unix.ESRCH), marks: gone} }

// Exactly is r, to be given to the program even if it is nonsense: an errno that there
// is not, or more bytes than the call asked for. Otherwise such a result becomes EIO.
func (r Result) Exactly() Result {
	r.marks |= exact
	return r
}

// Raw returns the register value: negative errnos for failures.
func (r Result) Raw() int64 { return r.raw }

// Gone reports that the thread did not live to see the result. A handler need
// not care: whatever it still asks of the thread fails with ESRCH.
func (r Result) Gone() bool { return r.marks&gone != 0 }

// Failed reports whether the call failed.
func (r Result) Failed() bool { return r.raw < 0 && r.raw >= -maxErrno }

// AsValue is r, shown as what a call returned even if it is a number that the program takes
// for an errno: so values are shown that were injected.
func (r Result) AsValue() Result {
	r.marks |= value
	return r
}

// ShownFailed reports whether r is shown as a failure: it is one, and not AsValue.
func (r Result) ShownFailed() bool { return r.Failed() && r.marks&value == 0 }

// Errno returns the errno of a failed call and 0 for one that succeeded.
func (r Result) Errno() unix.Errno {
	if r.Failed() {
		return unix.Errno(-r.raw)
	}
	return 0
}

// Err returns the errno of a failed call as an error and nil for success.
func (r Result) Err() error {
	if r.Failed() {
		return unix.Errno(-r.raw)
	}
	return nil
}

// Value returns the value of a call that succeeded and -1 for one that failed,
// as libc would.
func (r Result) Value() int64 {
	if r.Failed() {
		return -1
	}
	return r.raw
}

// Errnos with which the kernel marks a call that a signal interrupted and that
// it may restart (linux/errno.h). No program ever sees them; a handler does,
// as the result of Native, and returns them unchanged.
const (
	ERESTARTSYS           = unix.Errno(512)
	ERESTARTNOINTR        = unix.Errno(513)
	ERESTARTNOHAND        = unix.Errno(514)
	ERESTART_RESTARTBLOCK = unix.Errno(516)
)

// Restarting reports whether a signal interrupted the call in a way that lets
// the kernel restart it or turn it into EINTR.
func (r Result) Restarting() bool {
	switch r.Errno() {
	case ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK:
		return true
	}
	return false
}
