package supervisor

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/table"
)

// A Process is a thread group of the child tree. It implements table.Process.
// All fields but pid belong to the tracing thread.
type Process struct {
	loop    *loop
	pid     int
	parent  int
	threads int // living threads

	filter *table.Set // what its seccomp filters report
	// ownFilter: the program has put filters of its own under which calls may
	// end before ours sees them, so its calls are watched at entry and exit.
	ownFilter bool
	// userfaults: reading its memory may wait for one of its threads to resolve
	// a fault, if it is read in a way that can wait.
	userfaults bool
	pinned     uint64    // bytes of address space given to pins so far
	pins       []pinArea // free ones
	waits      waitSlots
	sites      [table.NumABI]uint64
	guessed    bool   // it was adopted: who created it may yet turn out to be another
	lossy      bool   // a thread of it has died that may have had a child to tell of
	attached   bool   // it ran before us, or was created by one that did
	unfiltered bool   // it has no filter of ours: each of its calls stops
	fresh      int    // threads of it that have not stopped since they were seized
	extending  bool   // a thread was interrupted to extend the filter
	image      *image // what the direct route knows of its memory; nil without one
}

var _ table.Process = (*Process)(nil)

// PID returns the thread-group id.
func (p *Process) PID() int { return p.pid }

// Parent returns the PID of the process that created this one, 0 for the first.
func (p *Process) Parent() int { return p.parent }

// leader returns the state of the first thread, or of another if that is gone.
func (p *Process) leader() *process.Thread {
	if t := p.loop.threads[p.pid]; t != nil {
		return t.state
	}
	for _, t := range p.loop.threads {
		if t.proc == p {
			return t.state
		}
	}
	return p.loop.tree.NewThread(p.pid) // of a zombie, /proc shows nothing either
}

// FDs returns the process's descriptors: see table.Process.
func (p *Process) FDs() table.FDs { return p.leader().FDs() }

// FS returns what the process's paths start from.
func (p *Process) FS() table.FS { return p.leader().FS() }

// Signals returns the process's signal dispositions.
func (p *Process) Signals() table.Dispositions { return p.leader().Signals() }

// Signal sends sig to the process as kill(2) would. On the Cmd's
// first process it may be called from any goroutine, and fails with os.ErrProcessDone after
// the process has ended; on others only from a handler.
func (p *Process) Signal(sig os.Signal) error {
	if p != p.loop.root {
		s, ok := sig.(syscall.Signal)
		if !ok {
			return os.ErrInvalid
		}
		return unix.Kill(p.pid, s)
	}
	// os.Process signals through a pidfd, which cannot hit a reused pid.
	return p.loop.cmd.inner.Process.Signal(sig)
}

// Kill is Signal with SIGKILL.
func (p *Process) Kill() error { return p.Signal(os.Kill) }
