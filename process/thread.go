package process

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Thread is the state of one thread.
type Thread struct {
	tree    *Tree
	tid     int
	fds     *FDs
	fs      *FS
	signals *Signals
	// leaving: it is in a call that may give it its own of these, and may have done so.
	leaving bool
}

// NewThread returns the state of a thread of which nothing is known yet.
func (tr *Tree) NewThread(tid int) *Thread {
	t := &Thread{tree: tr, tid: tid}
	tr.threads[t] = struct{}{}
	t.setFDs(&FDs{tree: tr})
	t.setFS(&FS{tree: tr})
	t.setSignals(&Signals{tree: tr})
	return t
}

// FDs returns its descriptors.
func (t *Thread) FDs() table.FDs { return t.fds }

// FS returns what its paths start from.
func (t *Thread) FS() table.FS { return t.fs }

// Signals returns its process's dispositions.
func (t *Thread) Signals() table.Dispositions { return t.signals }

// Blocked returns its signal mask. It is always the kernel that is asked: every delivery
// of a signal and every return from a handler changes it.
func (t *Thread) Blocked() uint64 {
	s, _ := procfs.ReadStatus(t.tid)
	return s.Blocked
}

// Begun tells that the thread is about to run its first instruction, and nobody else is
// there: whatever it has is looked at.
func (t *Thread) Begun() {
	if t.tree.tracked {
		t.fds.numbers()
		t.fs.Cwd()
		t.fs.Root()
	}
}

// Inherit tells that the thread was created by another, and has not run yet. siblings says
// that they belong to one process.
func (t *Thread) Inherit(by *Thread, siblings bool) {
	shares := func(kind int) bool {
		same, known := kcmp(t.tid, by.tid, kind, 0, 0)
		return same && known || siblings && !known
	}
	switch {
	case shares(kcmpFiles):
		t.setFDs(by.fds)
	case !t.tree.tracked:
	default:
		// If others may have changed the table since it was copied, what it was then
		// is seen in the copy alone.
		alone := !by.fds.shared() && by.fds.closing == 0 && !by.fds.unseen
		t.setFDs(by.fds.copy())
		if !alone {
			t.fds.check()
		}
	}
	if shares(kcmpFS) {
		t.setFS(by.fs)
	} else {
		t.ownFS(by.fs)
	}
	if shares(kcmpSighand) {
		t.setSignals(by.signals)
	} else {
		t.setSignals(by.signals.copy())
	}
}

// Adopt tells that the thread is there, stands still, and nobody knows who created it.
func (t *Thread) Adopt() {
	if !t.tree.tracked {
		return
	}
	for o := range t.tree.threads {
		if o == t {
			continue
		}
		if same, known := kcmp(t.tid, o.tid, kcmpFiles, 0, 0); same && known {
			t.setFDs(o.fds)
		}
		if same, known := kcmp(t.tid, o.tid, kcmpFS, 0, 0); same && known {
			t.setFS(o.fs)
		}
		if same, known := kcmp(t.tid, o.tid, kcmpSighand, 0, 0); same && known {
			t.setSignals(o.signals)
		}
	}
	if !t.fds.listed {
		t.fds.check()
	}
}

// Attach tells that the thread ran before anybody looked, and still runs: nothing is kept
// of it, and of those that come from it.
func (t *Thread) Attach() {
	t.Adopt()
	t.fds.unseen, t.fs.unseen, t.signals.unseen = true, true, true
}

// Adopted tells, some time after Adopt, who has created the thread. It may have run since.
func (t *Thread) Adopted(by *Thread) {
	if t.fs != by.fs && by.fs.virtual && !t.fs.moved {
		t.fs.SetCwd(by.fs.cwd)
	}
	if t.signals == by.signals {
		return
	}
	t.signals.learn()
	for i, d := range by.signals.on {
		if t.signals.on[i].Handler == table.UnknownHandler && d.Handler > table.SIGIGN {
			t.signals.on[i] = d
		}
	}
}

// Execed tells that the thread has executed another program, and is the only one of its
// process now.
func (t *Thread) Execed(tid int) {
	t.tid, t.leaving = tid, false
	if !t.tree.tracked {
		return
	}
	// execve(2): the descriptors are the thread's own from now on, the dispositions too.
	shared := t.fds.shared()
	if len(t.fds.users) > 1 {
		t.setFDs(t.fds.copy())
	}
	if t.fds.execed(); shared {
		t.fds.check() // others may have changed them before or after that
	}
	if len(t.signals.users) > 1 {
		t.setSignals(t.signals.copy())
	}
	t.signals.execed()
}

// Forget tells that the thread has ended.
func (t *Thread) Forget() {
	delete(t.tree.threads, t)
	t.leaveFDs()
	t.leaveFS()
	delete(t.signals.users, t)
}

func (t *Thread) leaveFDs() {
	delete(t.fds.users, t)
	if t.fds.parted = true; len(t.fds.users) == 0 {
		t.fds.release()
	}
}

func (t *Thread) leaveFS() {
	delete(t.fs.users, t)
	t.fs.parted = true
}

func (t *Thread) setFDs(f *FDs) {
	f.users.add(t)
	if t.fds != nil && t.fds != f {
		t.leaveFDs()
	}
	t.fds = f
}

func (t *Thread) setFS(f *FS) {
	f.users.add(t)
	if t.fs != nil && t.fs != f {
		t.leaveFS()
	}
	t.fs = f
}

func (t *Thread) setSignals(s *Signals) {
	if t.signals != nil {
		delete(t.signals.users, t)
	}
	t.signals = s
	s.users.add(t)
}

// leave begins a call that may give the thread its own of what it shares.
func leave(t *Thread, _ *Op) { t.leaving = true }

// stayed ends such a call, if it has failed.
func stayed(t *Thread, _ *Op, res table.Result) { t.leaving = res.Gone() }

// endUnshare ends unshare(2).
func endUnshare(t *Thread, op *Op, res table.Result) {
	if stayed(t, op, res); res.Failed() {
		return
	}
	flags := uint32(op.args[0])
	if flags&unix.CLONE_FILES != 0 && t.fds.shared() {
		t.ownFDs()
	}
	// New user and mount namespaces come with an FS of one's own (unshare(2)).
	if flags&(unix.CLONE_FS|unix.CLONE_NEWUSER|unix.CLONE_NEWNS) != 0 && t.fs.shared() {
		t.ownFS(t.fs)
	}
	if flags&(unix.CLONE_NEWUSER|unix.CLONE_NEWNS) != 0 {
		t.fs.forget()
	}
}
