package supervisor

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
)

// Cmd.NoFollow: what the threads that are watched create is left alone. A seccomp filter would
// be inherited, and a process with one of ours must be traced for ever: without a tracer
// RET_TRACE means ENOSYS (seccomp(2)). So there is none, as in processes that are attached to: the
// threads stop at the entry and the exit of each call, and what they create runs natively.

// following are the options by which what a tracee creates becomes one.
const following = unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACECLONE

// errFollow: a policy that new processes are not under is none.
var errFollow = errors.New("supervisor: Enforce and NoFollow contradict each other")

// tracing returns the options for the Cmd's tracees, of those that there would be otherwise.
func (c *Cmd) tracing(o ptrace.Options) ptrace.Options {
	if c.NoFollow {
		o &^= following | unix.PTRACE_O_TRACESECCOMP
	}
	return o
}

// unknown acts on an event of a thread that is not known, and need not be: a program may
// create children with CLONE_PTRACE, or CLONE_PARENT, which makes them ours. It returns the
// thread of which the event is after all.
func (l *loop) unknown(e ptrace.Event) *Thread {
	switch {
	case e.Dead():
		return nil
	case e.Kind == ptrace.ExecStop:
		// One that is watched, while its process's first thread is not, has taken that one's id.
		if former, err := ptrace.EventMessage(e.TID); err == nil && l.threads[int(former)] != nil {
			return l.threads[int(former)]
		}
	}
	sig := unix.Signal(0)
	if e.Kind == ptrace.SignalStop {
		sig = e.Signal
	}
	if err := ptrace.Detach(e.TID, sig); err != nil && !ptrace.Gone(err) {
		l.fail(err)
	}
	return nil
}
