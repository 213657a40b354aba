// Package supervisor launches programs under ptrace and seccomp and gives their
// system calls to a transfer table.
//
// It owns the life of the child tree: launch, the event loop, the coroutines in
// which handlers run, signals, the end. It does not own what a handler does
// (table, handlers), the requests themselves (ptrace), or the filter (seccomp).
package supervisor

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
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
	SysProcAttr    *syscall.SysProcAttr // Ptrace and Pdeathsig belong to us

	// Attach are processes, by the id of any of their threads, that run already
	// and are watched from Start on, with all that they create, until they end or
	// are detached; besides the program, or, if Path is empty, instead of it.
	// They are not killed with the supervisor, nor because of an error or the end
	// of the context: then they are detached. They take the trap route, and so does
	// the program. While the Cmd runs, nobody else in this process may wait
	// for one of them that is a child of it: wait4(2) would tell him of its stops.
	Attach []int

	// NoFollow leaves alone what the watched threads create: new threads and processes run
	// natively, untraced, and may outlive the Cmd, which ends with the last thread that is
	// watched. Of a process to attach to, only the thread is watched whose id is given.
	// All calls of those that are watched stop twice: there is no filter, which would be
	// inherited, and no direct route. Enforce cannot be set too.
	NoFollow bool

	// Table decides what the calls do; nil is an empty table. It may change
	// while the program runs.
	Table *table.Table
	// Observer, if not nil, is told of threads, signals and exits.
	Observer table.Observer
	// Enforce says that the handlers are a policy, which the program must not
	// get around: arguments that the supervisor itself checks are pinned, and
	// io_uring_setup answers ENOSYS unless it has a handler.
	Enforce bool

	// Ignored are signals that the program shall find ignored, and Blocked those
	// that it shall find blocked: the Go runtime, from which it is forked, passes
	// on only some of what a parent has set up. SIGKILL and SIGSTOP can be
	// neither.
	Ignored []unix.Signal
	Blocked []unix.Signal
	// Route says by which routes calls may reach their handlers.
	Route Routing
	// Warn, if not nil, is told, on the tracing thread, what went wrong and did not
	// end the Cmd: a program that has overwritten what was recorded of it.
	Warn func(error)
	// Track says that the state of the processes is to be kept (table.FDs, table.FS,
	// table.Dispositions), which needs all calls that change it to be seen. Without it
	// the same questions are answered, from /proc each time.
	Track bool
	// TrackNames says that Recorders want to know the names of what descriptors refer to,
	// TrackFiles that they want the rest too that a table.File tells, and TrackSockets that
	// of sockets they want the addresses (process.FDs.Detail). By the direct route they hear
	// of calls when nobody could ask any more: so that is recorded with the calls that make
	// descriptors, but for sockets, whose threads stop to be asked. TrackNames is needed for
	// either.
	TrackNames, TrackFiles, TrackSockets bool
	// Placement says where the tracing thread may run.
	Placement Placement
	// WantRusage makes Wait tell the resources used. The kernel sums them up
	// at every stop, which costs some percent of the time of each.
	WantRusage bool

	Err     error    // from looking up Path
	Process *Process // the first process, after Start; nil if none was started

	ProcessState *ProcessState // after Wait; nil if none was started

	ctx   context.Context
	inner *exec.Cmd // plumbing of descriptors, and the fork
	loop  *loop

	copyErr firstError
}

// Command returns a Cmd to run name with args, looked up in PATH as
// os/exec.Command does.
func Command(name string, args ...string) *Cmd {
	c := exec.Command(name, args...)
	return &Cmd{Path: c.Path, Args: c.Args, Err: c.Err}
}

// CommandContext is Command; when ctx is done the whole tree is killed.
func CommandContext(ctx context.Context, name string, args ...string) *Cmd {
	c := Command(name, args...)
	c.ctx = ctx
	return c
}

// Start starts the program. It returns when the program's first instruction is
// about to run, or why it could not be started: errors.Is tells exec.ErrNotFound,
// fs.ErrNotExist, fs.ErrPermission, unix.ENOEXEC, ptrace.ErrPermission,
// ptrace.ErrUnsupported; of Attach also unix.ESRCH and ptrace.ErrTraced.
func (c *Cmd) Start() error {
	if c.loop != nil {
		return errors.New("supervisor: already started")
	}
	if c.Err != nil {
		return c.Err
	}
	if c.Table == nil {
		c.Table = table.New()
	}
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if c.NoFollow && c.Enforce {
		return errFollow
	}
	l := newLoop(c)
	return l.start()
}

// Wait waits until the program and every process that came from it have ended,
// and what they wrote has been copied, and until those of Attach have ended or are
// detached. The error is nil if the first process
// exited with 0, an *ExitError if it ended otherwise, a *PanicError if a handler
// panicked, and the context's if that ended it all.
func (c *Cmd) Wait() error {
	if c.loop == nil {
		return errors.New("supervisor: not started")
	}
	if c.ProcessState != nil {
		return errors.New("supervisor: Wait was already called")
	}
	l := c.loop
	<-l.done
	l.awaitThread()
	l.parked.Wait()
	c.ProcessState = l.state
	if c.inner != nil {
		if err := c.waitCopies(); err != nil && l.err == nil {
			l.err = err
		}
	}
	switch {
	case l.err != nil:
		return l.err
	case l.killedByContext:
		return c.ctx.Err()
	case l.state != nil && !l.state.Success():
		return &ExitError{l.state}
	}
	return nil
}

// Run is Start and Wait.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}
