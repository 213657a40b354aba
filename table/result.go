package table

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A Result is what a system call gives back: a value or an errno, as the kernel
// leaves it in the result register.
type Result struct {
	raw     int64
	gone    bool
	exact   bool     // whatever it is
	value   bool     // shown as one
	blocked *blocked // it is Block: see block.go
}

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
func Gone() Result { return Result{raw: -int64(unix.ESRCH), gone: true} }

// Exactly is r, to be given to the program even if it is nonsense: an errno that there
// is not, or more bytes than the call asked for. Otherwise such a result becomes EIO.
func (r Result) Exactly() Result {
	r.exact = true
	return r
}

// Nonsense reports whether r is no result that c can have, and says why: if r is not
// Exactly what is wanted. It is for engines.
func (r Result) Nonsense(c *Call) (why string, is bool) {
	switch {
	case r.exact, r.gone, r.blocked != nil, r.Restarting():
		return "", false
	case r.Failed():
		if unix.ErrnoName(r.Errno()) == "" {
			return fmt.Sprintf("errno %d, which there is not", int(r.Errno())), true
		}
		return "", false
	}
	most, ok := c.most()
	if ok && (r.raw < 0 || uint64(r.raw) > most) {
		return fmt.Sprintf("%d, of %d bytes", r.raw, most), true
	}
	if most, ok = c.mostItems(); ok && (r.raw < 0 || uint64(r.raw) > most) {
		return fmt.Sprintf("%d, of at most %d", r.raw, most), true
	}
	return "", false
}

// mostItems returns what a call returns at most, if it is one that returns how many of the
// program's structs it has filled in.
func (c *Call) mostItems() (n uint64, ok bool) {
	if c.sig == nil {
		return 0, false
	}
	switch c.sig.Name {
	case "poll", "ppoll", "ppoll_time64":
		return uint64(uint32(c.Arg(1))), true
	case "epoll_wait", "epoll_pwait", "epoll_pwait2", "recvmmsg", "recvmmsg_time64", "sendmmsg":
		return uint64(uint32(c.Arg(2))), true
	case "io_getevents", "io_pgetevents", "io_pgetevents_time64":
		return c.Arg(2), true
	}
	return 0, false
}

// most returns how many bytes a call moves at most, if it is one that returns how many
// it has moved.
func (c *Call) most() (n uint64, ok bool) {
	if c.sig == nil {
		return 0, false
	}
	switch c.sig.Name {
	case "recvfrom":
		return c.Arg(2), c.Arg(3)&unix.MSG_TRUNC == 0 // which asks for the message's whole size
	case "read", "write", "pread64", "pwrite64", "getdents", "getdents64", "sendto":
		return c.Arg(2), true
	case "readlink": // the size is an int
		return uint64(uint32(c.Arg(2))), true
	case "readlinkat":
		return uint64(uint32(c.Arg(3))), true
	case "sendfile", "sendfile64":
		return c.Arg(3), true
	case "getrandom", "getcwd":
		return c.Arg(1), true
	}
	return 0, false
}

// Raw returns the register value: negative errnos for failures.
func (r Result) Raw() int64 { return r.raw }

// Gone reports that the thread did not live to see the result. A handler need
// not care: whatever it still asks of the thread fails with ESRCH.
func (r Result) Gone() bool { return r.gone }

// Failed reports whether the call failed.
func (r Result) Failed() bool { return r.raw < 0 && r.raw >= -maxErrno }

// AsValue is r, shown as what a call returned even if it is a number that the program takes
// for an errno: so values are shown that were injected.
func (r Result) AsValue() Result {
	r.value = true
	return r
}

// ShownFailed reports whether r is shown as a failure: it is one, and not AsValue.
func (r Result) ShownFailed() bool { return r.Failed() && !r.value }

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
