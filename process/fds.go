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
	slots map[int]*slot
	// listed: slots holds all that is open, and not just what was asked for.
	listed bool
}

// A slot is an open descriptor. A descriptor that is closed and opened again is
// another slot.
type slot struct {
	file    *File
	cloexec bool
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

func (f *FDs) get(fd int) *slot {
	if fd < 0 {
		return nil
	}
	s := f.slots[fd]
	if s == nil {
		return f.discover(fd)
	}
	if !s.file.known {
		s.file.learn(f.users.any(), fd)
	}
	return s
}

// discover asks /proc for a descriptor of which nothing is known.
func (f *FDs) discover(fd int) *slot {
	tid := f.users.any()
	file := &File{}
	if !file.learn(tid, fd) {
		return nil
	}
	s := &slot{file: file}
	if flags, err := procfs.FDFlags(tid, fd); err == nil {
		file.flags = flags &^ unix.O_CLOEXEC
		s.cloexec = flags&unix.O_CLOEXEC != 0
	}
	if v := f.tree.virtual[file.id]; v != nil {
		s.file = v
	}
	if f.tree.tracked {
		f.put(fd, s)
	}
	return s
}

func (f *FDs) put(fd int, s *slot) {
	if f.slots == nil {
		f.slots = map[int]*slot{}
	}
	f.slots[fd] = s
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
	var fds []int
	if !f.listed {
		fds, _ = procfs.FDs(f.users.any())
		if !f.tree.tracked {
			return fds
		}
		for _, fd := range fds {
			f.get(fd)
		}
		f.listed = true
		fds = fds[:0]
	}
	for fd := range f.slots {
		fds = append(fds, fd)
	}
	slices.Sort(fds)
	return fds
}

// SetVirtual makes the open file description of fd a virtual one, or none.
func (f *FDs) SetVirtual(fd int, name string, v any) error {
	s := f.get(fd)
	if s == nil {
		return fmt.Errorf("process: descriptor %d of thread %d: %w", fd, f.users.any(), unix.EBADF)
	}
	s.file.virtual, s.file.virtualName = v, name
	if v != nil {
		f.tree.virtual[s.file.id] = s.file
	} else {
		delete(f.tree.virtual, s.file.id)
	}
	return nil
}
