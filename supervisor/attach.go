package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// Attach returns a Cmd without a program, that watches processes which run already:
// see Cmd.Attach.
func Attach(pids ...int) *Cmd { return &Cmd{Attach: pids} }

// AttachContext is Attach; when ctx is done the processes are detached, and Wait returns
// its error.
func AttachContext(ctx context.Context, pids ...int) *Cmd {
	return &Cmd{Attach: pids, ctx: ctx}
}

// attachesOnly reports whether there is no program to start.
func (c *Cmd) attachesOnly() bool { return c.Path == "" && len(c.Attach) > 0 }

// watch begins to supervise: programs to be started, and processes to attach to.
func (l *loop) watch() error {
	usable := procfs.Usable
	if l.cmd.Enforce {
		usable = procfs.Own
	}
	if err := usable(); err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	if len(l.cmd.Attach) == 0 {
		return l.launch()
	}
	l.endWithThread()
	found, err := l.attachAll()
	if err != nil {
		return err
	}
	if l.cmd.attachesOnly() {
		err = l.prepareAttached()
	} else {
		err = l.launch()
	}
	if err != nil {
		return err
	}
	for _, p := range found {
		l.tellAttached(p)
	}
	return nil
}

// prepareAttached is what launch does besides, where nothing is launched.
func (l *loop) prepareAttached() error {
	quietSIGCHLD()
	bell, err := newDoorbell()
	if err != nil {
		return err
	}
	l.bell = bell
	l.wantFilter = l.wanted()
	l.inbox.mu.Lock()
	l.inbox.ring = bell.ring
	l.inbox.mu.Unlock()
	l.cmd.loop = l
	return nil
}

// attachAll seizes the processes that the Cmd names. It fails if none of them can be
// seized, or one cannot and the handlers are a policy; Warn is told of others.
func (l *loop) attachAll() (found []*Process, err error) {
	var errs []error
	for _, pid := range l.cmd.Attach {
		p, err := l.attach(pid)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("attaching: %w", err))
		case !slices.Contains(found, p):
			found = append(found, p)
		}
	}
	if len(errs) > 0 && (len(found) == 0 || l.cmd.Enforce) {
		return nil, errors.Join(errs...)
	}
	for _, err := range errs {
		l.warn(err)
	}
	return found, nil
}

// attach seizes all threads of the process that pid, the id of any thread of it,
// belongs to.
func (l *loop) attach(pid int) (*Process, error) {
	status, err := procfs.ReadStatus(pid)
	if pid <= 0 || err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, unix.ESRCH)
	}
	if status.TGID == os.Getpid() {
		return nil, fmt.Errorf("process %d is this one: %w", pid, unix.EPERM)
	}
	p := l.processes[status.TGID]
	switch {
	case p == nil:
		p = &Process{loop: l, pid: status.TGID, attached: true, unfiltered: true}
		l.processes[p.pid] = p
	case !l.cmd.NoFollow || l.threads[pid] != nil:
		return p, nil
	}
	switch err := l.seize(pid); {
	case err == nil:
		l.seized(p, pid)
	case status.State != 'Z' || l.cmd.NoFollow: // a first thread that has ended may have left others
		if p.threads == 0 {
			delete(l.processes, p.pid)
		}
		return nil, err
	}
	if !l.cmd.NoFollow {
		err = l.seizeAll(p)
	}
	if p.threads == 0 {
		delete(l.processes, p.pid)
		return nil, fmt.Errorf("process %d: %w", pid, unix.ESRCH)
	}
	if err != nil {
		l.warn(err)
	}
	p.discover()
	return p, nil
}

func (l *loop) seize(tid int) error {
	return ptrace.SeizeRunning(tid, l.cmd.tracing(ptrace.AttachOptions))
}

// seized adds a thread that has just been seized.
func (l *loop) seized(p *Process, tid int) {
	t := l.newThread(tid, p)
	t.state.Attach()
	t.how = ptrace.Syscall
	t.fresh = true
	p.fresh++
	t.setRunning(true)
}

// seizeAll seizes the threads of an attached process that are not traced yet. While
// it does, those that it has not reached may create others; so it looks until there
// are no more. The error is of a thread that could not be seized.
func (l *loop) seizeAll(p *Process) (failed error) {
	refused := map[int]bool{}
	for again := true; again; {
		again = false
		tids, err := procfs.Threads(p.pid)
		if err != nil {
			return failed // it has ended
		}
		for _, tid := range tids {
			if l.threads[tid] != nil || refused[tid] {
				continue
			}
			again = true
			switch err := l.seize(tid); {
			case err == nil:
				l.seized(p, tid)
			case l.traces(tid):
				refused[tid] = true // new, and ours: its creator is about to tell
			default:
				refused[tid] = true
				if failed == nil && !ptrace.Gone(err) {
					failed = err
				}
			}
		}
	}
	return failed
}

// traces reports whether the calling thread traces tid.
func (l *loop) traces(tid int) bool {
	status, err := procfs.ReadStatus(tid)
	return err == nil && status.TracerPID == unix.Gettid()
}

// discover learns what the supervisor would know if it had been there from the
// start.
func (p *Process) discover() {
	tids, _ := procfs.Threads(p.pid)
	for _, tid := range tids {
		if s, err := procfs.ReadStatus(tid); err == nil && s.Seccomp != 0 {
			p.ownFilter = true
		}
	}
	dir := procfs.Path(p.pid, "fd")
	fds, _ := os.ReadDir(dir)
	for _, fd := range fds {
		if to, _ := os.Readlink(dir + "/" + fd.Name()); strings.HasSuffix(to, "[userfaultfd]") {
			p.userfaults = true
		}
	}
}

func (l *loop) tellAttached(p *Process) {
	if l.observer == nil {
		return
	}
	var threads []table.Thread
	if t := l.threads[p.pid]; t != nil {
		threads = append(threads, t)
	}
	for _, t := range l.threads {
		if t.proc == p && t.tid != p.pid {
			threads = append(threads, t)
		}
	}
	slices.SortFunc(threads[min(len(threads), 1):], func(a, b table.Thread) int { return a.TID() - b.TID() })
	l.guard(func() { l.observer.ProcessAttached(threads) })
}

// stoppedFirst notes a thread's first stop since it was seized. When all threads of its
// process have had theirs, none of them can be in the middle of creating another
// without being traced, and those that were created so meanwhile are found.
func (t *Thread) stoppedFirst() {
	t.fresh = false
	p, l := t.proc, t.loop
	if p.fresh--; p.fresh > 0 || l.letGo || l.cmd.NoFollow {
		return
	}
	known := map[int]bool{}
	for tid := range l.threads {
		known[tid] = true
	}
	if err := l.seizeAll(p); err != nil {
		l.warn(err)
	}
	if l.observer == nil {
		return
	}
	for tid, other := range l.threads {
		if !known[tid] {
			l.guard(func() { l.observer.ThreadStarted(other, t) })
		}
	}
}

// pretend has a call of an attached process answered that its handler has not let
// run. A number of -1, with which calls of others are answered, the program's own
// filter would see, and might end the program for. So another call runs in its place,
// that does nothing and that even strict mode allows.
func (t *Thread) pretend() {
	if nr, ok := table.Number(t.call.ABI(), "read"); ok {
		t.run(nr, [6]uint64{^uint64(0)})
	}
}
