// Package process keeps what the kernel keeps behind the system calls of each process:
// its descriptors and what they refer to, what its paths start from, its signal
// dispositions and masks. Handlers reach it as table.FDs, table.FS and
// table.Dispositions.
//
// It owns this state and how calls change it. It does not own how it learns of calls,
// births, execs and deaths (package supervisor tells it), nor what virtual files do. What
// nobody has told it, it reads from /proc when it is asked, once.
//
// Nothing in it is safe for use by several goroutines: it belongs to the tracing thread.
package process

import (
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Tree is the state of all processes of one Cmd.
type Tree struct {
	// tracked: whoever owns the Tree tells it of all that changes it. Otherwise nothing
	// is kept.
	tracked bool
	// virtual are the open file descriptions that are virtual, by their inodes.
	virtual map[table.FileID]*File
}

// NewTree returns an empty Tree. tracked says that it will be told of all that changes
// its state; otherwise it asks /proc every time.
func NewTree(tracked bool) *Tree {
	return &Tree{tracked: tracked, virtual: map[table.FileID]*File{}}
}

// A Thread is the state of one thread.
type Thread struct {
	tree    *Tree
	tid     int
	fds     *FDs
	fs      *FS
	signals *Signals

	blocked      uint64
	blockedKnown bool
}

// NewThread returns the state of a thread of which nothing is known yet.
func (tr *Tree) NewThread(tid int) *Thread {
	t := &Thread{tree: tr, tid: tid}
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

// Blocked returns its signal mask.
func (t *Thread) Blocked() uint64 {
	if !t.blockedKnown {
		s, err := procfs.ReadStatus(t.tid)
		if err != nil {
			return 0
		}
		t.blocked, t.blockedKnown = s.Blocked, t.tree.tracked
		return s.Blocked
	}
	return t.blocked
}

// Rename gives the thread another id: after an exec, its process's.
func (t *Thread) Rename(tid int) { t.tid = tid }

// Forget tells that the thread has ended.
func (t *Thread) Forget() {
	t.fds.users.remove(t)
	t.fs.users.remove(t)
	t.signals.users.remove(t)
}

func (t *Thread) setFDs(f *FDs) {
	if t.fds != nil {
		t.fds.users.remove(t)
	}
	t.fds = f
	f.users.add(t)
}

func (t *Thread) setFS(f *FS) {
	if t.fs != nil {
		t.fs.users.remove(t)
	}
	t.fs = f
	f.users.add(t)
}

func (t *Thread) setSignals(s *Signals) {
	if t.signals != nil {
		t.signals.users.remove(t)
	}
	t.signals = s
	s.users.add(t)
}

// Users are the threads that share something. Any of them can be asked for it in /proc.
type users map[*Thread]struct{}

func (u *users) add(t *Thread) {
	if *u == nil {
		*u = users{}
	}
	(*u)[t] = struct{}{}
}

func (u *users) remove(t *Thread) { delete(*u, t) }

// any returns the id of one of them, 0 if there is none.
func (u users) any() int {
	for t := range u {
		return t.tid
	}
	return 0
}
