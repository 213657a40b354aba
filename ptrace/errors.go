package ptrace

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors that the launch can fail with, for errors.Is.
var (
	// ErrPermission: this process may not trace its child.
	ErrPermission = errors.New("no permission to trace")
	// ErrUnsupported: the kernel lacks something; see UnsupportedError.
	ErrUnsupported = errors.New("not supported by this kernel")
)

// An UnsupportedError names the feature that the kernel lacks. It is an
// ErrUnsupported.
type UnsupportedError struct {
	Feature string // "PTRACE_GET_SYSCALL_INFO"
	Since   string // kernel version that brought it: "5.3"
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: the kernel has none (needs Linux %s or newer, this is %s)",
		e.Feature, e.Since, kernelRelease())
}

// Is reports that e is an ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// Gone reports whether err says that the tracee is dead or dying.
func Gone(err error) bool { return errors.Is(err, unix.ESRCH) }

// requestError wraps what a failed request was about.
func requestError(request string, tid int, err error) error {
	if err == unix.ESRCH {
		return err // the hot, normal case: a dying thread
	}
	return fmt.Errorf("%s of thread %d: %w", request, tid, err)
}

func permissionError(pid int, err error) error {
	hint := "a seccomp filter or security module around this process forbids ptrace(2)"
	if b, e := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); e == nil {
		if s := strings.TrimSpace(string(b)); s == "3" {
			hint = "kernel.yama.ptrace_scope is 3, which forbids all tracing until reboot"
		}
	}
	return fmt.Errorf("%w process %d: %s (%w)", ErrPermission, pid, hint, err)
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
