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
func startError(path, name string, err error) error {
	var pathErr *fs.PathError
	switch {
	case !errors.As(err, &pathErr) && !errors.Is(err, exec.ErrNotFound):
		return err // tracing failed, not the exec
	case errors.Is(err, unix.ENOEXEC):
		return &statusError{statusCannotExec, fmt.Errorf("%s: exec format error%s", name, foreign(path))}
	case errors.Is(err, fs.ErrNotExist):
		// The file itself is there: find saw it.
		return &statusError{statusNotFound, fmt.Errorf("%s: its interpreter does not exist", name)}
	}
	return &statusError{statusCannotExec, fmt.Errorf("%s: %w", name, cause(err))}
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
