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
	"iter"
	"slices"

	"github.com/k42trace/k42trace/table"
)

// A Tree is the state of all processes of one Cmd.
type Tree struct {
	// tracked: whoever owns the Tree tells it of all that changes it. Otherwise nothing
	// is kept.
	tracked bool
	// eager: what a call brings is looked at when it ends. Later it may be gone.
	eager bool
	// details: also what sockets are connected to is looked at then.
	details bool

	// past: what is told now has happened a while ago.
	past bool

	threads map[*Thread]struct{}
	// files are the open file descriptions whose inodes are known, by these.
	files map[table.FileID][]*File
	// all is a list of those that have descriptors, and unasked how many of them nobody has
	// asked yet what they are.
	all     *File
	unasked int
	names   uint64 // generation of the names in the file system
	// finds counts the files that were found where no call had made them.
	finds uint64

	// virtual are the open file descriptions that are virtual, by their inodes.
	virtual map[table.FileID]*File
}

// NewTree returns an empty Tree. tracked says that it will be told of all that changes
// its state; otherwise it asks /proc every time.
func NewTree(tracked bool) *Tree {
	return &Tree{
		tracked: tracked, names: 1, threads: map[*Thread]struct{}{}, files: map[table.FileID][]*File{},
		virtual: map[table.FileID]*File{},
	}
}

// Tracked reports whether the Tree is told of all that changes its state.
func (tr *Tree) Tracked() bool { return tr.tracked }

// SetEager says whether what calls bring is looked at when they end, and not when somebody
// asks: where names are wanted by those who are told of calls later than they are made.
func (tr *Tree) SetEager(eager bool) { tr.eager = eager }

// SetDetails says whether the addresses of sockets are wanted: see FDs.Detail.
func (tr *Tree) SetDetails(details bool) { tr.details = details }

// SetPast says whether what is told from now on has happened a while ago, so that /proc
// does not show it any more. It returns what held before.
func (tr *Tree) SetPast(past bool) (before bool) {
	before, tr.past = tr.past, past
	return before
}

// tables yields all descriptor tables.
func (tr *Tree) tables() iter.Seq[*FDs] {
	return func(yield func(*FDs) bool) {
		seen := map[*FDs]bool{}
		for t := range tr.threads {
			if !seen[t.fds] {
				seen[t.fds] = true
				if !yield(t.fds) {
					return
				}
			}
		}
	}
}

// same returns the open file description that f, just found as descriptor fd of thread
// tid, is one of, nil if it is a new one.
func (tr *Tree) same(f *File, tid, fd int) *File {
	if v := tr.virtual[f.id]; v != nil {
		return v
	}
	tr.learnAll()
	for _, thorough := range []bool{false, true} {
		// Anonymous inodes are shared by all files of their kind.
		if thorough && len(tr.files[f.id]) > maxCandidates {
			break
		}
		for _, o := range tr.files[f.id] {
			if o.is(tid, fd, thorough) {
				return o
			}
		}
	}
	return nil
}

// maxCandidates is how many files are compared with one that was found by all descriptors
// that they have, and not by one each.
const maxCandidates = 256

// learnAll asks of all files what they are, so that they can be found by that.
func (tr *Tree) learnAll() {
	if tr.unasked == 0 {
		return
	}
	for fds := range tr.tables() {
		for fd, s := range fds.slots.all() {
			if !s.file.known && !fds.changing(s) {
				fds.learn(fd, s.file)
			}
		}
	}
}

// list notes that f has descriptors.
func (tr *Tree) list(f *File) {
	if f.listed {
		return
	}
	if f.listed = true; !f.known {
		f.unasked = true
		tr.unasked++
	}
	if f.next = tr.all; f.next != nil {
		f.next.prev = f
	}
	tr.all = f
}

// unlist notes that f has no descriptors any more.
func (tr *Tree) unlist(f *File) {
	if !f.listed {
		return
	}
	tr.asked(f)
	if f.next != nil {
		f.next.prev = f.prev
	}
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		tr.all = f.next
	}
	f.next, f.prev, f.listed = nil, nil, false
}

// asked notes that f need not be asked what it is.
func (tr *Tree) asked(f *File) {
	if f.unasked {
		f.unasked = false
		tr.unasked--
	}
}

// index makes f one that can be found.
func (tr *Tree) index(f *File) {
	if !tr.tracked || f.indexed || f.refs == 0 || f.id == (table.FileID{}) {
		return
	}
	f.indexed = true
	tr.asked(f)
	tr.files[f.id] = append(tr.files[f.id], f)
}

// drop takes a reference to f away.
func (tr *Tree) drop(f *File) {
	if f.refs--; f.refs > 0 {
		return
	}
	tr.unlist(f)
	if !f.indexed {
		return
	}
	f.indexed = false
	others := slices.DeleteFunc(tr.files[f.id], func(o *File) bool { return o == f })
	if len(others) == 0 {
		delete(tr.files, f.id)
	} else {
		tr.files[f.id] = others
	}
}

// suspect tells that descriptors may have come into any process.
func (tr *Tree) suspect() {
	for t := range tr.threads {
		t.fds.listed = false
	}
}

// users are the threads that share something. Any of them can be asked for it in /proc.
type users map[*Thread]struct{}

func (u *users) add(t *Thread) {
	if *u == nil {
		*u = users{}
	}
	(*u)[t] = struct{}{}
}

// any returns the id of one of them, 0 if there is none. One that may be about to have its
// own is only asked if there is no other.
func (u users) any() (tid int) {
	for t := range u {
		if tid = t.tid; !t.leaving {
			return tid
		}
	}
	return tid
}

// some calls f with ids of them until one can tell what is asked: of one that is about to
// end, /proc shows nothing.
func (u users) some(f func(tid int) bool) bool {
	const tries = 4
	n := 0
	for t := range u {
		if t.leaving {
			continue
		}
		if f(t.tid) {
			return true
		}
		if n++; n == tries {
			return false
		}
	}
	return n == 0 && f(u.any())
}
