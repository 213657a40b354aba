package process

import (
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// FDs is a descriptor table. Threads that share one in the kernel share one here.
type FDs struct {
	tree  *Tree
	users users
	slots slots
	// listed: slots holds all that is open, and not just what was asked for.
	listed bool
	// unseen: it may change by what nobody tells of, such as io_uring.
	unseen bool
	// closing counts the calls under way that close what is not certain, and closings
	// how many of them have begun and ended: see Op.doubt.
	closing  int
	closings uint64
	// parted: somebody has left it since its only user was last seen to begin a call. What
	// the kernel has copied since may be what it was before the other's last change.
	parted bool
}

// A slot is an open descriptor. A descriptor that is closed and opened again is
// another slot.
type slot struct {
	file     *File
	cloexec  bool
	closing  bool // a call under way closes it
	doubtful bool // it may stand for something else: to be asked when that can be
}

var _ table.FDs = (*FDs)(nil)

// Get returns what fd stands for.
func (f *FDs) Get(fd int) (table.Descriptor, bool) {
	s := f.get(fd)
	if s == nil {
		return table.Descriptor{}, false
	}
	return table.Descriptor{Number: fd, CloseOnExec: s.cloexec, File: s.file}, true
}

// Name returns the name of what fd stands for.
func (f *FDs) Name(fd int) (name string, ok bool) {
	if f.tree.tracked && (!f.unseen || f.tree.past) || len(f.tree.virtual) > 0 {
		s := f.get(fd)
		if s == nil {
			return "", false
		}
		name = s.file.Name() // empty: it was too long for the kernel, or nobody has asked in time
		return name, name != ""
	}
	ok = fd >= 0 && f.users.some(func(tid int) bool {
		var err error
		name, err = procfs.FDLink(tid, fd)
		return err == nil
	})
	return name, ok
}

// File returns the open file description of fd, nil if it is not open.
func (f *FDs) File(fd int) *File {
	if s := f.get(fd); s != nil {
		return s.file
	}
	return nil
}

// get returns the slot of fd with a file that is known, as far as that can be had.
func (f *FDs) get(fd int) *slot {
	if fd < 0 {
		return nil
	}
	s := f.slots.at(fd)
	if s == nil || f.unseen || !f.tree.tracked {
		return f.discover(fd)
	}
	if f.tree.past {
		return s
	}
	if s.doubtful {
		f.remove(fd)
		return f.discover(fd)
	}
	if !s.file.fresh() {
		f.learn(fd, s.file)
		s.doubtful = f.changing(s)
	}
	return s
}

// changing reports whether by now the descriptor may stand for something else in the kernel.
func (f *FDs) changing(s *slot) bool { return s.closing || f.closing > 0 }

// learn asks /proc for the file of fd.
func (f *FDs) learn(fd int, file *File) {
	if f.users.some(func(tid int) bool { return file.learn(tid, fd) }) {
		f.tree.index(file)
	}
}

// discover asks /proc for a descriptor of which nothing is known.
func (f *FDs) discover(fd int) *slot { return f.find(fd, false) }

// find is discover for one that may be known to be new.
func (f *FDs) find(fd int, isNew bool) *slot {
	if f.tree.past {
		return f.slots.at(fd) // what /proc shows may be what came later
	}
	file := &File{tree: f.tree}
	flags, gone := 0, false
	if !f.users.some(func(tid int) bool {
		if !file.learn(tid, fd) {
			return false
		}
		var err error
		flags, err = procfs.FDFlags(tid, fd)
		gone = err != nil
		if !isNew {
			if other := f.tree.same(file, tid, fd); other != nil {
				other.name, other.named = file.name, file.named // the present one
				file = other
			} else {
				f.tree.finds++
			}
		}
		return true
	}) {
		f.remove(fd)
		return nil
	}
	file.flags = flags &^ unix.O_CLOEXEC
	s := &slot{file: file, cloexec: flags&unix.O_CLOEXEC != 0}
	s.doubtful = gone || f.changing(s)
	if f.tree.tracked {
		f.put(fd, s)
		f.tree.index(file)
	}
	return s
}

// put makes fd stand for s.
func (f *FDs) put(fd int, s *slot) {
	s.file.refs++
	if s.file.at == nil {
		s.file.at, s.file.number = f, fd
	}
	f.tree.list(s.file)
	f.remove(fd)
	f.slots.set(fd, s)
}

// remove makes fd stand for nothing.
func (f *FDs) remove(fd int) {
	if s := f.slots.at(fd); s != nil {
		f.slots.clear(fd)
		f.tree.drop(s.file)
	}
}

// shared reports whether others share the table, or have done so since its only user was last
// seen to begin a call.
func (f *FDs) shared() bool { return f.parted || len(f.users) > 1 }

// copy returns a table that stands for the same: what fork(2) makes.
func (f *FDs) copy() *FDs {
	c := &FDs{tree: f.tree, listed: f.listed, unseen: f.unseen}
	for fd, s := range f.slots.all() {
		s.file.refs++
		c.slots.set(fd, &slot{file: s.file, cloexec: s.cloexec})
	}
	return c
}

// release tells that nobody uses the table any more.
func (f *FDs) release() {
	for _, s := range f.slots.all() {
		f.tree.drop(s.file)
	}
	f.slots = slots{}
}

// execed closes what is to be closed on exec.
func (f *FDs) execed() {
	for fd, s := range f.slots.all() {
		if s.cloexec {
			f.remove(fd)
		}
	}
}

// check compares a copy of a table that was changing with what the kernel has made of it.
func (f *FDs) check() {
	tid := f.users.any()
	fds, err := procfs.FDs(tid)
	if err != nil {
		return
	}
	thought := f.slots
	f.slots = slots{}
	for _, fd := range fds {
		if s := thought.at(fd); s != nil && s.file.is(tid, fd, true) {
			if flags, err := procfs.FDFlags(tid, fd); err == nil {
				s.cloexec = flags&unix.O_CLOEXEC != 0
			}
			f.put(fd, s)
			continue
		}
		f.discover(fd)
	}
	for _, s := range thought.all() {
		f.tree.drop(s.file)
	}
	f.listed = true
}

// All yields all open descriptors.
func (f *FDs) All() iter.Seq[table.Descriptor] {
	return func(yield func(table.Descriptor) bool) {
		for _, fd := range f.numbers() {
			if d, ok := f.Get(fd); ok && !yield(d) {
				return
			}
		}
	}
}

// numbers returns the numbers of all open descriptors, in order.
func (f *FDs) numbers() []int {
	if f.listed && !f.unseen {
		return f.slots.numbers()
	}
	fds, err := procfs.FDs(f.users.any())
	if err != nil || !f.tree.tracked {
		return fds
	}
	for fd := range f.slots.all() {
		if _, found := slices.BinarySearch(fds, fd); !found {
			f.remove(fd)
		}
	}
	for _, fd := range fds {
		f.get(fd)
	}
	f.listed = true
	return fds
}

// SetVirtual makes the open file description of fd a virtual one, or none.
func (f *FDs) SetVirtual(fd int, name string, v any) error {
	s := f.get(fd)
	if s == nil {
		return fmt.Errorf("process: descriptor %d of thread %d: %w", fd, f.users.any(), unix.EBADF)
	}
	s.file.virtual = &virtual{v, name}
	if v == nil {
		s.file.virtual = nil
		delete(f.tree.virtual, s.file.id)
	} else {
		f.tree.virtual[s.file.id] = s.file
	}
	return nil
}

// ForgetVirtual tells that no descriptor of the file is left, here or on its way in a
// message.
func (f *FDs) ForgetVirtual(id table.FileID) {
	if v := f.tree.virtual[id]; v != nil {
		v.virtual = nil
		delete(f.tree.virtual, id)
	}
}
