package supervisor

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// How a thread comes by a file that we have open.

// openOurs has the thread open it, by its name in /proc. A program of another user, or
// one that has no /proc, cannot.
func (t *Thread) openOurs(ours, mode int) (fd int, ok bool) {
	path := fmt.Appendf(nil, "%s%d\x00", procfs.Path(os.Getpid(), "fd/"), ours)
	at, giveBack, ok := t.borrow(len(path))
	if !ok {
		return 0, false
	}
	defer giveBack()
	if n, err := t.WriteMemory(at, path); err != nil || n < len(path) {
		return 0, false
	}
	cwd := unix.AT_FDCWD
	r := t.inject("openat", uint64(cwd), at, uint64(mode|unix.O_CLOEXEC), 0)
	return int(r.Value()), !r.Failed()
}

// passOurs sends it to the thread by a socket of the thread's own (unix(7),
// SCM_RIGHTS).
func (t *Thread) passOurs(ours, mode int) (fd int, ok bool) {
	file, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", ours), mode, 0)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	// struct msghdr, struct iovec, a byte; and what the kernel writes: the sockets'
	// descriptors, and a struct cmsghdr with one descriptor behind it.
	const iovOff, dataOff, pairOff, controlOff, size = 56, 72, 80, 88, 112
	at, giveBack, ok := t.borrow(size)
	if !ok {
		return 0, false
	}
	defer giveBack()
	r := t.inject("socketpair", unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0, at+pairOff)
	var pair [8]byte
	if n, err := t.ReadMemory(at+pairOff, pair[:]); r.Failed() || err != nil || n < len(pair) {
		return 0, false
	}
	from, to := binary.NativeEndian.Uint32(pair[:]), binary.NativeEndian.Uint32(pair[4:])
	defer func() {
		t.inject("close", uint64(from))
		t.inject("close", uint64(to))
	}()
	if err := sendBy(t.proc.pid, int(from), int(file.Fd())); err != nil {
		return 0, false
	}
	message := make([]byte, dataOff)
	for off, v := range map[int]uint64{16: at + iovOff, 24: 1, 32: at + controlOff, 40: size - controlOff, iovOff: at + dataOff, iovOff + 8: 1} {
		binary.NativeEndian.PutUint64(message[off:], v)
	}
	if n, err := t.WriteMemory(at, message); err != nil || n < len(message) {
		return 0, false
	}
	if t.inject("recvmsg", uint64(to), at, unix.MSG_CMSG_CLOEXEC).Failed() {
		return 0, false
	}
	control := make([]byte, size-controlOff)
	if n, err := t.ReadMemory(at+controlOff, control); err != nil || n < len(control) {
		return 0, false
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return 0, false
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, false
	}
	return fds[0], true
}

// sendBy sends a descriptor of ours through a socket of another process (pidfd_getfd(2)).
func sendBy(pid, socket, fd int) error {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(process)
	end, err := unix.PidfdGetfd(process, socket, 0)
	if err != nil {
		return err
	}
	defer unix.Close(end)
	return unix.Sendmsg(end, []byte{0}, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

// borrow takes some of the thread's memory, until giveBack: where no program keeps
// anything, but what is there may be another's. Go's stacks are short, and what lies
// under them is the heap's.
func (t *Thread) borrow(size int) (at uint64, giveBack func(), ok bool) {
	const belowRedZone = 512
	sp := t.call.SP()
	if t.current.execed {
		var regs ptrace.Regs
		if regs.Get(t.tid) != nil {
			return 0, nil, false
		}
		sp = regs.SP()
	}
	at = (sp - belowRedZone) &^ 15
	old := make([]byte, size)
	if n, err := t.ReadMemory(at, old); err != nil || n < len(old) {
		return 0, nil, false
	}
	return at, func() { _, _ = t.WriteMemory(at, old) }, true
}
