package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
)

// Exit statuses of our own, those of env(1).
const (
	statusOwnError   = 125
	statusCannotExec = 126
	statusNotFound   = 127
)

// A statusError is an error with the exit status that tells of it.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// find looks a program up as execvp(3) does. It tells what execve would fail
// with as long as nothing has been started.
func find(name string) (string, error) {
	if name == "" {
		return "", &statusError{statusNotFound, errors.New("\"\": command not found")}
	}
	if strings.ContainsRune(name, '/') {
		return name, executable(name, name)
	}
	var denied error
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if !filepath.IsAbs(path) {
			path = "." + string(filepath.Separator) + path
		}
		err := executable(path, name)
		if err == nil {
			return path, nil
		}
		if denied == nil && errors.Is(err, fs.ErrPermission) {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", &statusError{statusNotFound, fmt.Errorf("%s: command not found", name)}
}

// executable returns nil if path can be executed as far as its inode tells.
func executable(path, name string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &statusError{statusNotFound, fmt.Errorf("%s: no such file or directory", name)}
	case err != nil:
		return &statusError{statusCannotExec, fmt.Errorf("%s: %w", name, cause(err))}
	case info.IsDir():
		return &statusError{statusCannotExec, fmt.Errorf("%s: is a directory", name)}
	}
	if unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) != nil {
		return &statusError{statusCannotExec, fmt.Errorf("%s: not executable: %w", name, unix.EACCES)}
	}
	return nil
}

// startError says in a user's words why the program could not be started.
func startError(opts *options, path string, err error) error {
	name := opts.command[0]
	var pathErr *fs.PathError
	switch {
	case !errors.As(err, &pathErr):
		return err // tracing failed, not the exec
	case errors.Is(err, unix.EPERM) && opts.user.credential != nil && unix.Geteuid() != 0:
		return fmt.Errorf("-u/--user: only root can run programs as somebody else: %w", unix.EPERM)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EACCES):
		if why := traceError(); why != nil {
			return why
		}
	}
	switch {
	case errors.Is(err, unix.ENOEXEC):
		return &statusError{statusCannotExec, fmt.Errorf("%s: exec format error%s", name, foreign(path))}
	case errors.Is(err, fs.ErrNotExist):
		// The file itself is there: find saw it.
		return &statusError{statusNotFound, fmt.Errorf("%s: its interpreter does not exist", name)}
	}
	return &statusError{statusCannotExec, fmt.Errorf("%s: %w", name, cause(err))}
}

// traceError returns why no program can be traced here, nil if one can. The child
// between fork and exec reports errors of ptrace(2) as if they were execve's.
func traceError() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		hint := "a container's seccomp filter or a security module forbids ptrace(2)"
		if scope, e := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); e == nil && strings.TrimSpace(string(scope)) == "3" {
			hint = "kernel.yama.ptrace_scope is 3, which forbids all tracing until reboot"
		}
		return fmt.Errorf("no permission to trace: %s: %w", hint, cause(err))
	}
	// It stands at its exec and has not run.
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return nil
}

// foreign tells for which machine an executable was made, if not for this one.
func foreign(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ": neither a program nor a script that begins with #!"
	}
	defer f.Close()
	return fmt.Sprintf(": made for %v, this machine is %s", f.Machine, runtime.GOARCH)
}

// cause returns the innermost error: a path in front is said already.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// An ending is how this process ends: with status, or killed by signal.
type ending struct {
	status int
	signal unix.Signal
}

// endingOf passes on how the program ended.
func endingOf(cmd *supervisor.Cmd, err error) ending {
	var exit *supervisor.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, context.Canceled) {
		return complain(err)
	}
	if cmd.ProcessState == nil {
		return ending{status: statusOwnError}
	}
	ws := cmd.ProcessState.WaitStatus()
	if ws.Signaled() {
		return ending{signal: ws.Signal()}
	}
	return ending{status: ws.ExitStatus()}
}

// leave ends this process.
func (e ending) leave() {
	if e.signal != 0 {
		dieOf(e.signal)
		e.status = 128 + int(e.signal)
	}
	os.Exit(e.status)
}

// dieOf ends this process by sig as if the signal had not been caught, but
// without a core dump: the program has left its own.
func dieOf(sig unix.Signal) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	// Not signal.Reset: the runtime keeps handlers of its own.
	var dfl struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&dfl)), 0, 8, 0, 0)
	set := uint64(1) << (sig - 1)
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, uintptr(unsafe.Pointer(&set)), 0, 8, 0, 0)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
}
