package supervisor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A ProcessState tells how the first process ended.
type ProcessState struct {
	pid    int
	status unix.WaitStatus
	usage  *unix.Rusage
}

// PID returns the process id that the process had.
func (p *ProcessState) PID() int { return p.pid }

// WaitStatus returns the status as wait4(2) gave it.
func (p *ProcessState) WaitStatus() unix.WaitStatus { return p.status }

// Rusage returns the resources that the process and those of its children that it
// waited for have used, nil unless Cmd.WantRusage was set.
func (p *ProcessState) Rusage() *unix.Rusage { return p.usage }

// ExitCode returns the exit status, and -1 if a signal ended the process.
func (p *ProcessState) ExitCode() int { return p.status.ExitStatus() }

// Success reports whether the process exited with 0.
func (p *ProcessState) Success() bool { return p.status.Exited() && p.status.ExitStatus() == 0 }

// String describes the end as os.ProcessState does: "exit status 1".
func (p *ProcessState) String() string {
	switch {
	case p == nil:
		return "<nil>"
	case p.status.Exited():
		return fmt.Sprintf("exit status %d", p.status.ExitStatus())
	case p.status.CoreDump():
		return fmt.Sprintf("signal: %v (core dumped)", p.status.Signal())
	}
	return fmt.Sprintf("signal: %v", p.status.Signal())
}

// An ExitError says that the first process did not exit with 0.
type ExitError struct{ *ProcessState }

func (e *ExitError) Error() string { return e.ProcessState.String() }

// A PanicError says that a handler or observer panicked. The whole child tree
// was killed.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the handler's coroutine
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("handler panicked: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
