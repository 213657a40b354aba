// Package supervisor launches programs under ptrace and seccomp and gives their
// system calls to a transfer table.
//
// It owns the life of the child tree: launch, the event loop, the coroutines in
// which handlers run, signals, the end. It does not own what a handler does
// (table, handlers), the requests themselves (ptrace), or the filter (seccomp).
package supervisor

import (
	"context"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A Cmd is a program to be run with its system calls, and those of all that it
// starts, going through Table. It is shaped like os/exec.Cmd and cannot be
// reused after Start.
type Cmd struct {
	Path string   // the program; Command looks it up in PATH
	Args []string // with the program's name first
	Env  []string // nil: the supervisor's own
	Dir  string

	Stdin          io.Reader // as in os/exec: nil is the null device
	Stdout, Stderr io.Writer
	ExtraFiles     []*os.File
	SysProcAttr    *syscall.SysProcAttr // Ptrace and Foreground belong to us

	// Table decides what the calls do; nil is an empty table. It may change
	// while the program runs.
	Table *table.Table
	// Observer, if not nil, is told of threads, signals and exits.
	Observer table.Observer

	Err     error    // from looking up Path
	Process *Process // the first process, after Start

	ProcessState *ProcessState // after Wait

	ctx context.Context
}

// Command returns a Cmd to run name with args, looked up in PATH as
// os/exec.Command does.
func Command(name string, args ...string) *Cmd { panic("pending") }

// CommandContext is Command; when ctx is done the whole tree is killed.
func CommandContext(ctx context.Context, name string, args ...string) *Cmd { panic("pending") }

// Start starts the program. It returns when the program's first instruction is
// about to run, or why it could not be started: errors.Is tells exec.ErrNotFound,
// fs.ErrNotExist, fs.ErrPermission, unix.ENOEXEC, ptrace.ErrPermission,
// ptrace.ErrUnsupported.
func (c *Cmd) Start() error { panic("pending") }

// Wait waits until the program and every process that came from it have ended.
// The error is nil if the first process exited with 0, an *ExitError if it ended
// otherwise, and a *PanicError if a handler panicked.
func (c *Cmd) Wait() error { panic("pending") }

// Run is Start and Wait.
func (c *Cmd) Run() error { panic("pending") }

// A Process is a thread group of the child tree. It implements table.Process.
type Process struct{ pid int }

// PID returns the thread-group id.
func (p *Process) PID() int { return p.pid }

// Signal sends sig to the process as kill(2) would. It may be called from any
// goroutine, and fails with os.ErrProcessDone after the process has ended.
func (p *Process) Signal(sig os.Signal) error { panic("pending") }

// ProcessState tells how the first process ended.
type ProcessState struct {
	pid    int
	status unix.WaitStatus
	rusage unix.Rusage
}

// WaitStatus returns the status as wait4(2) gave it.
func (p *ProcessState) WaitStatus() unix.WaitStatus { return p.status }

// ExitCode returns the exit status, and -1 if a signal ended the process.
func (p *ProcessState) ExitCode() int { panic("pending") }
