package ptrace

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// AttachOptions are those of tracees that ran before the supervisor came and go on
// after it: without PTRACE_O_EXITKILL. Their filters are their own, so that a
// RET_TRACE in one of them means ENOSYS, as it did before: without
// PTRACE_O_TRACESECCOMP.
const AttachOptions = DefaultOptions &^ (unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESECCOMP)

// ErrTraced: somebody else traces the thread.
var ErrTraced = errors.New("is being traced already")

// SeizeRunning makes a tracee of a thread that may be anybody's, and asks it to
// stop: a TrapStop or GroupStop follows when it can. The error says why in words
// for a user, and is an ErrPermission, ErrTraced or ESRCH.
func SeizeRunning(tid int, o Options) error {
	if err := Seize(tid, o); err != nil {
		if errors.Is(err, unix.EPERM) {
			return refusal(tid, err)
		}
		return fmt.Errorf("process %d: %w", tid, err)
	}
	if err := Interrupt(tid); err != nil && !Gone(err) {
		return err
	}
	return nil
}

// refusal says why the kernel refuses to let tid be traced (ptrace(2), "Ptrace
// access mode checking"; kernel/ptrace.c, ptrace_attach). It tells no reason.
func refusal(tid int, err error) error {
	status, e := procfs.ReadStatus(tid)
	if e != nil {
		return fmt.Errorf("process %d: %w", tid, unix.ESRCH)
	}
	if t := status.TracerPID; t != 0 {
		return fmt.Errorf("process %d %w, by %d (%w)", tid, ErrTraced, t, err)
	}
	why := "its privileges are not covered by ours, or a security module forbids it"
	scope, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	switch yama := strings.TrimSpace(string(scope)); {
	case status.State == 'Z' || status.State == 'X':
		return fmt.Errorf("process %d has ended: %w", tid, unix.ESRCH)
	case status.KernelThread:
		why = "it is a thread of the kernel"
	case yama == "3":
		why = "kernel.yama.ptrace_scope is 3, which forbids all tracing until reboot"
	case unix.Geteuid() == 0:
	case status.UID != unix.Getuid():
		why = fmt.Sprintf("it runs as user %d", status.UID)
	case yama == "1":
		why = "kernel.yama.ptrace_scope is 1: only root may attach to what it has not started"
	case yama == "2":
		why = "kernel.yama.ptrace_scope is 2: only root may attach"
	}
	return fmt.Errorf("%w process %d: %s (%w)", ErrPermission, tid, why, err)
}
