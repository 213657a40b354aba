package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// forkStop acts on a thread that has created another thread or process.
func (t *Thread) forkStop(e ptrace.Event) {
	msg, err := ptrace.EventMessage(t.tid)
	// A thread killed in this stop may have nothing to tell any more; then
	// adoptOrphans finds what it created.
	if err == nil && msg > 0 {
		t.loop.created(t, int(msg), e.Kind)
		if t.loop.killing && !t.proc.attached {
			return
		}
	}
	t.resume(t.how, 0)
}

// created adds the new thread tid that by has created.
func (l *loop) created(by *Thread, tid int, kind ptrace.Kind) {
	if t := l.threads[tid]; t != nil { // adopted already
		t.state.Adopted(by.state)
		if p := t.proc; p != by.proc && p.guessed {
			p.guessed = false
			if p.parent != by.proc.pid { // a wrong guess
				p.inherit(by.proc, kind)
				if !t.born {
					t.confirm()
				}
			}
		}
		return
	}
	if (l.lossy || l.stillborn[tid]) && !procfs.Alive(tid) {
		// Killed before its first stop, or adopted, run and dead already.
		delete(l.stillborn, tid)
		return
	}
	var proc *Process
	// CLONE_THREAD or not: ask whether the new thread is in its creator's group.
	if kind == ptrace.CloneStop && unix.Tgkill(by.proc.pid, tid, 0) == nil {
		proc = by.proc
	}
	t := l.newThread(tid, proc)
	t.state.Inherit(by.state, proc != nil)
	if proc == nil {
		t.proc.inherit(by.proc, kind)
	}
	if by.changing() {
		args := by.current.info.Args()
		t.fix, t.fixABI, t.fixIP = &args, by.call.ABI(), by.current.info.IP
	}
	t.findFiles(by)
	l.welcome(t, by)
}

// inherit gives a new process what it has from its creator.
func (p *Process) inherit(from *Process, kind ptrace.Kind) {
	p.parent = from.pid
	p.attached, p.unfiltered = from.attached, from.unfiltered
	p.filter = from.filter
	p.ownFilter = from.ownFilter
	p.userfaults = from.userfaults
	p.sites = from.sites
	shares := sharesMemory(p.pid, from.pid, kind)
	p.inheritImage(from, shares)
	if !shares {
		// A copy of the memory has copies of the pages; a process that shares
		// the memory must not use the same ones at the same time.
		p.pinned = from.pinned
		p.pins = append([]pinArea(nil), from.pins...)
		p.waits = from.waits.copied()
	}
}

// welcome tells of a new thread and, if it has already stopped, lets it run.
func (l *loop) welcome(t, by *Thread) {
	t.born = true
	if l.direct != nil {
		l.direct.crowded()
	}
	if l.releasing && t.proc.attached {
		t.released = true
	} else if l.killing {
		unix.Kill(t.tid, unix.SIGKILL)
	} else if l.observer != nil {
		l.guard(func() {
			if by == nil {
				l.observer.ThreadStarted(t, nil)
			} else {
				l.observer.ThreadStarted(t, by)
			}
		})
	}
	if e, ok := l.strangers[t.tid]; ok {
		delete(l.strangers, t.tid)
		l.dispatch(e)
	}
}

// firstStop prepares a thread for its first instruction.
func (t *Thread) firstStop() {
	t.born = false
	t.confirm()
	defer t.settle()
	if t.fix == nil {
		return
	}
	var regs ptrace.Regs
	err := regs.Get(t.tid)
	if err == nil {
		for i, v := range t.fix {
			regs.SetArg(t.fixABI, i, v)
		}
		regs.SetIP(t.fixIP)
		// x0 of arm64 is the result register too.
		err = regs.Set(t.tid)
	}
	t.fix = nil
	t.loop.check(err, t)
}

// stranger acts on an event of a thread that is not known: new, and faster than
// the event of its creator; or dead and forgotten already.
func (l *loop) stranger(e ptrace.Event) {
	if e.Dead() {
		delete(l.strangers, e.TID)
		l.stillborn[e.TID] = true
		return
	}
	delete(l.stillborn, e.TID)
	if l.killing && len(l.cmd.Attach) == 0 {
		unix.Kill(e.TID, unix.SIGKILL)
		return
	}
	l.strangers[e.TID] = e
	if l.bell.pid == 0 { // all others are dead, but the tree lives on in this one
		if err := l.bell.hang(); err != nil {
			l.fail(err)
			return
		}
	}
	l.adopt(e.TID)
}

// adoptOrphans takes in strangers after a thread has died: it may have created
// them and been killed before it could tell.
func (l *loop) adoptOrphans() {
	for tid := range l.strangers {
		l.adopt(tid)
	}
}

// adopt takes in a stranger if its creator may have died without a word. The
// creator cannot be told from /proc: an orphan has a new parent. If it lives
// after all, its event will correct what was guessed.
func (l *loop) adopt(tid int) {
	if !l.lossy {
		return
	}
	status, err := procfs.ReadStatus(tid)
	if err != nil {
		// Killed meanwhile; its end will be reported.
		delete(l.strangers, tid)
		return
	}
	proc := l.processes[status.TGID]
	creator := proc
	if creator == nil {
		creator = l.processes[status.PPID]
	}
	if creator == nil {
		creator = l.root
	}
	if creator == nil {
		// Of an attached process that has ended, as all that is traced here.
		creator = &Process{loop: l, attached: true, unfiltered: true}
	}
	for _, t := range l.threads {
		if t.proc == creator && t.changing() {
			return // its event is needed to undo the change in the new thread
		}
	}
	t := l.newThread(tid, proc)
	t.state.Adopt()
	if proc == nil {
		t.proc.inherit(creator, ptrace.CloneStop)
		t.proc.guessed = true
		if i := t.proc.image; i != nil {
			i.unsure = true
		}
	}
	l.welcome(t, l.threads[creator.pid])
}
