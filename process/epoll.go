package process

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Watch is an entry of the interest list of an epoll instance (epoll(7)).
type Watch struct {
	FD     int   // the number that the file had when it was added
	File   *File // nil if the process has no descriptor of it any more
	Events uint32
	Data   uint64
}

// Watches returns the interest list of the epoll instance that fd stands for, nil if it is
// none. It is always the kernel that is asked: an entry ends when the last descriptor
// of its file is closed, which may be in a message under way, or a mapping.
func (f *FDs) Watches(fd int) []Watch {
	if s := f.get(fd); s == nil || s.file.kind != table.KindEpoll {
		return nil
	}
	tid := f.users.any()
	targets, _ := procfs.EpollTargets(tid, fd)
	var all []Watch
	nth := map[int]uint32{}
	for _, e := range targets {
		all = append(all, Watch{e.FD, f.target(tid, fd, e.FD, nth[e.FD]), e.Events, e.Data})
		nth[e.FD]++
	}
	return all
}

// target returns the file that is the nth in the interest list of epfd under a number.
func (f *FDs) target(tid, epfd, number int, nth uint32) *File {
	entry := [3]uint32{uint32(epfd), uint32(number), nth} // struct kcmp_epoll_slot
	is := func(fd int) bool {
		r, _, e := unix.Syscall6(unix.SYS_KCMP, uintptr(tid), uintptr(tid), kcmpEpollTarget, uintptr(fd), uintptr(unsafe.Pointer(&entry)), 0)
		return e == 0 && r == 0
	}
	if s := f.get(number); s != nil && is(number) { // mostly
		return s.file
	}
	for _, fd := range f.numbers() {
		if s := f.get(fd); s != nil && is(fd) {
			return s.file
		}
	}
	return nil
}
