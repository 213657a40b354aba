package process

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// about is the beginning of a call about the descriptor in an argument.
func about(arg int) func(*Thread, *Op) {
	return func(t *Thread, op *Op) { op.slot = op.fds.slots.at(op.fd(arg)) }
}

// opened tells that a call has made the descriptor fd.
func (t *Thread) opened(op *Op, fd, flags int, cloexec bool) {
	o := &struct {
		file File
		slot slot
	}{file: File{tree: t.tree, flags: flags, name: op.opened.Name, named: t.tree.names}, slot: slot{cloexec: cloexec}}
	s := &o.slot
	s.file = &o.file
	if is := &op.opened; is.Known {
		s.file.isA(table.FileID{Dev: is.Dev, Ino: is.Ino}, is.Rdev, is.Mode)
	}
	op.fds.put(fd, s)
	if s.file.known {
		t.tree.index(s.file)
	}
	if op.doubtful || op.doubt() {
		t.arrived(op.fds, fd)
	} else if t.tree.eager && !t.tree.past {
		op.fds.learn(fd, s.file)
	}
}

// made tells that a call has made fd, and a new open file description.
func (t *Thread) made(fds *FDs, fd int) {
	if fd >= 0 {
		fds.remove(fd)
		fds.find(fd, true)
	}
}

// arrived tells that fd stands for something else, which others may have too.
func (t *Thread) arrived(fds *FDs, fd int) {
	switch s := fds.slots.at(fd); {
	case fd < 0:
	case !t.tree.past:
		fds.remove(fd)
		fds.discover(fd)
	case s != nil:
		s.doubtful = true
	default:
		fds.listed = false
	}
}

// endGetFD ends pidfd_getfd(2).
func endGetFD(t *Thread, op *Op, res table.Result) { t.arrived(op.fds, int(res.Value())) }

func beginClose(t *Thread, op *Op) {
	if about(0)(t, op); op.slot == nil {
		op.closing()
	}
	op.closesSlot(op.slot)
}

func endClose(t *Thread, op *Op, res table.Result) {
	if closed(res) {
		t.closed(op, op.fd(0), op.slot)
	}
}

// closed tells that a call has closed s, which fd stood for when it began. By now the
// number may stand for something else: it is free long before the call returns.
func (t *Thread) closed(op *Op, fd int, s *slot) {
	switch now := op.fds.slots.at(fd); {
	case now == nil:
	case now == s:
		op.fds.remove(fd)
	case s == nil || op.doubt():
		t.arrived(op.fds, fd)
	}
}

// closeRangeUnshare and closeRangeCloexec are flags of close_range(2).
const (
	closeRangeUnshare = 1 << 1
	closeRangeCloexec = 1 << 2
)

func beginCloseRange(t *Thread, op *Op) {
	op.closing()
	op.others = op.inRange()
	t.leaving = uint32(op.args[2])&closeRangeUnshare != 0
	for _, o := range op.others {
		op.closesSlot(o.slot)
	}
}

// inRange returns the slots that close_range(2) is about.
func (op *Op) inRange() (all []numbered) {
	first, last := uint64(uint32(op.args[0])), uint64(uint32(op.args[1]))
	for fd, s := range op.fds.slots.all() {
		if uint64(fd) >= first && uint64(fd) <= last {
			all = append(all, numbered{fd, s})
		}
	}
	return all
}

func endCloseRange(t *Thread, op *Op, res table.Result) {
	t.leaving = false
	if res.Failed() {
		return
	}
	flags := uint32(op.args[2])
	if flags&closeRangeUnshare != 0 && t.fds.shared() {
		t.ownFDs()
		return
	}
	for _, o := range op.others {
		if flags&closeRangeCloexec == 0 {
			t.closed(op, o.fd, o.slot)
		} else if op.fds.slots.at(o.fd) == o.slot {
			o.slot.cloexec = true
		}
	}
	if len(t.fds.users) > 1 {
		// What others have made meanwhile may have been met or not.
		for _, o := range op.inRange() {
			if !slices.Contains(op.others, o) {
				t.arrived(op.fds, o.fd)
			}
		}
	}
}

// ownFDs gives the thread its own copy of its descriptors, as the kernel has just done,
// while others may have changed the original.
func (t *Thread) ownFDs() {
	t.setFDs(t.fds.copy())
	t.fds.check()
}

// copied tells that the descriptor to is a copy of that which the call is about.
func (t *Thread) copied(op *Op, to int, cloexec bool) {
	if op.slot != nil {
		op.fds.put(to, &slot{file: op.slot.file, cloexec: cloexec})
	}
	if op.slot == nil || op.doubt() {
		t.arrived(op.fds, to)
	}
}

func endDup(t *Thread, op *Op, res table.Result) { t.copied(op, int(res.Value()), false) }

func beginDup2(t *Thread, op *Op) {
	about(0)(t, op)
	op.closing()
	if s := op.fds.slots.at(op.fd(1)); s != nil {
		op.others = append(op.others, numbered{op.fd(1), s})
		op.closesSlot(s)
	}
}

// endDup2 ends dup2(2) and dup3(2), with flags in an argument.
func endDup2(flags int) func(*Thread, *Op, table.Result) {
	return func(t *Thread, op *Op, res table.Result) {
		if op.fd(0) != op.fd(1) {
			t.copied(op, int(res.Value()), socketFlags(op, flags)&unix.O_CLOEXEC != 0)
		}
	}
}

// setFL is what fcntl(2) with F_SETFL can change (fs/fcntl.c, SETFL_MASK).
const setFL = unix.O_APPEND | unix.O_NONBLOCK | unix.O_DIRECT | unix.O_NOATIME

func beginFcntl(t *Thread, op *Op) {
	about(0)(t, op)
	switch uint32(op.args[1]) {
	case unix.F_SETFD:
		if len(op.fds.users) > 1 {
			op.closing() // or rather changes it, as others may
		}
	case unix.F_SETFL:
		op.begunSetting()
	}
}

func endFcntl(t *Thread, op *Op, res table.Result) {
	switch uint32(op.args[1]) {
	case unix.F_DUPFD:
		t.copied(op, int(res.Value()), false)
	case unix.F_DUPFD_CLOEXEC:
		t.copied(op, int(res.Value()), true)
	case unix.F_SETFD:
		if op.steady() {
			op.slot.cloexec = op.args[2]&unix.FD_CLOEXEC != 0
		} else {
			t.arrived(op.fds, op.fd(0))
		}
	case unix.F_SETFL:
		if op.steady() {
			op.slot.file.setFlags(setFL|unix.O_ASYNC, int(uint32(op.args[2])))
		} else {
			t.arrived(op.fds, op.fd(0))
		}
	}
}

// steady reports whether the descriptor that the call is about is still what it was when
// the call began.
func (op *Op) steady() bool {
	return op.slot != nil && op.fds.slots.at(op.fd(0)) == op.slot && !op.doubt()
}

// setFlags makes those of its flags that are in mask those of value. O_ASYNC is for some
// kinds of files only, which the others do not say: so the kernel is asked.
func (f *File) setFlags(mask, value int) {
	f.asks = f.asks || (f.flags^value)&mask&unix.O_ASYNC != 0
	f.flags = f.flags&^mask | value&mask
}

// Requests of ioctl(2) that change descriptors (asm-generic/ioctls.h, linux/seccomp.h).
const (
	fioclex     = 0x5451
	fionclex    = 0x5450
	fionbio     = 0x5421
	fioasync    = 0x5452
	notifyAddFD = 0x40182103
)

func beginIoctl(t *Thread, op *Op) {
	about(0)(t, op)
	switch uint32(op.args[1]) {
	case fioclex, fionclex:
		if len(op.fds.users) > 1 {
			op.closing()
		}
	case fionbio, fioasync:
		op.begunSetting()
	}
}

func endIoctl(t *Thread, op *Op, res table.Result) {
	request := uint32(op.args[1])
	switch {
	case request == notifyAddFD:
		t.tree.suspect()
	case !op.steady():
		switch request {
		case fioclex, fionclex, fionbio, fioasync:
			t.arrived(op.fds, op.fd(0))
		}
	case request == fioclex, request == fionclex:
		op.slot.cloexec = request == fioclex
	case request == fionbio, request == fioasync:
		flag := unix.O_NONBLOCK
		if request == fioasync {
			flag = unix.O_ASYNC
		}
		if on, ok := op.word(op.args[2]); ok {
			value := 0
			if on != 0 {
				value = flag
			}
			op.slot.file.setFlags(flag, value)
		}
	}
	// Some return descriptors.
	if fd := res.Value(); fd > 2 && fd < 1<<20 && op.fds.slots.at(int(fd)) == nil {
		op.fds.discover(int(fd))
	}
}

// endSignalfd ends signalfd(2), which makes a new descriptor only if it is given none.
func endSignalfd(t *Thread, op *Op, res table.Result) {
	if op.fd(0) == -1 {
		t.made(op.fds, int(res.Value()))
	}
}

// endURing ends io_uring_setup(2): what is submitted there opens and closes files unseen.
func endURing(t *Thread, op *Op, res table.Result) {
	t.made(op.fds, int(res.Value()))
	op.fds.unseen = true
}

// endBPF ends bpf(2), whose commands mostly return descriptors, and 0 otherwise.
func endBPF(t *Thread, op *Op, res table.Result) {
	if fd := int(res.Value()); fd > 0 && op.fds.slots.at(fd) == nil {
		op.fds.discover(fd)
	}
}

// endRuleset ends landlock_create_ruleset(2), which with flags returns no descriptor.
func endRuleset(t *Thread, op *Op, res table.Result) {
	if uint32(op.args[2]) == 0 {
		t.made(op.fds, int(res.Value()))
	}
}

// endSeccomp ends seccomp(2), which may return a listener.
func endSeccomp(t *Thread, op *Op, res table.Result) {
	if uint32(op.args[0]) == unix.SECCOMP_SET_MODE_FILTER && uint32(op.args[1])&unix.SECCOMP_FILTER_FLAG_NEW_LISTENER != 0 {
		t.made(op.fds, int(res.Value()))
	}
}
