package virtual

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Open makes file a new descriptor of the process that makes the call c, and returns
// its number, as open(2) would, or why that was not possible: EMFILE and ENFILE as
// ever. flags are those of open(2): the access mode, O_CLOEXEC, O_NONBLOCK, O_APPEND; others
// are kept to be told. It injects calls. If it fails, file is not closed.
func (f *Files) Open(c *table.Call, file File, flags int) table.Result {
	d := &description{files: f, file: file}
	d.flags.Store(statusFlags(c, flags))
	poller, waits := file.(Poller)
	if !waits {
		return f.openMemfd(c, d, flags)
	}
	return f.openSocket(c, d, poller, flags)
}

// statusFlags returns what stays of the flags of open(2) (fs/open.c, do_dentry_open).
func statusFlags(c *table.Call, flags int) uint32 {
	if c.ABI().PointerBits() == 64 {
		flags |= largeFile
	}
	return uint32(flags) &^ (unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_CLOEXEC)
}

// openMemfd gives d a memfd as placeholder.
func (f *Files) openMemfd(c *table.Call, d *description, flags int) table.Result {
	name := "virtual"
	if n, ok := d.file.(interface{ Name() string }); ok {
		name = n.Name()
	}
	const maxName = 249 // mm/memfd.c, MFD_NAME_MAX_LEN
	before := c.RawArg(0)
	err := c.PinPath(0, name[:min(len(name), maxName)])
	at := c.RawArg(0)
	c.SetArg(0, before)
	if err != nil {
		return f.failed(err)
	}
	var how uint64
	if flags&unix.O_CLOEXEC != 0 {
		how |= unix.MFD_CLOEXEC
	}
	r := c.Inject("memfd_create", at, how)
	if r.Failed() {
		return r
	}
	return f.settle(c, d, r, func(copied int) error {
		return f.enrol(d, copied, memfdEnds)
	})
}

// openSocket gives d a socket as placeholder.
func (f *Files) openSocket(c *table.Call, d *description, p Poller, flags int) table.Result {
	kind := uint64(unix.SOCK_STREAM)
	if flags&unix.O_NONBLOCK != 0 {
		kind |= unix.SOCK_NONBLOCK
	}
	if flags&unix.O_CLOEXEC != 0 {
		kind |= unix.SOCK_CLOEXEC
	}
	r := newSocket(c, kind)
	if r.Failed() {
		return r
	}
	r = f.settle(c, d, r, func(copied int) error {
		// It does not wait while we connect it, whoever else may connect to us. It ends as it
		// was made, which is what is kept of it (Cmd.Track).
		if err := unix.SetNonblock(copied, true); err != nil {
			return err
		}
		peer, err := connectHere(copied)
		if errors.Is(err, unix.ECONNREFUSED) {
			peer, err = connectThere(c, copied)
		}
		if err != nil {
			return err
		}
		d.ready.peer, d.ready.poller = peer, p
		if flags&unix.O_NONBLOCK == 0 {
			if err := unix.SetNonblock(copied, false); err != nil {
				return err
			}
		}
		if err := f.enrol(d, copied, socketEnds); err != nil {
			return err
		}
		p.Notify(d.ready.grown)
		return d.ready.sync(func() (int, error) { return unix.Dup(copied) })
	})
	return r
}

// newSocket makes the thread create a stream socket.
func newSocket(c *table.Call, kind uint64) table.Result {
	return c.Inject("socket", unix.AF_UNIX, kind, 0)
}

// settle lets prepare work with a copy of the new placeholder, whose descriptor r is.
func (f *Files) settle(c *table.Call, d *description, r table.Result, prepare func(copied int) error) table.Result {
	if r.Gone() {
		return r
	}
	fd := int(r.Value())
	var err error
	begin := func(residence table.Residence) error {
		copied, err := copyOf(c, fd)
		if err != nil {
			return err
		}
		defer unix.Close(copied) // after it is watched: ours may have become the last
		var st unix.Stat_t
		if err = unix.Fstat(copied, &st); err != nil {
			return err
		}
		d.id = identityOf(&st)
		if residence != nil {
			d.keep(residence)
		}
		return prepare(copied)
	}
	if residence := c.Residence(); residence != nil {
		residence.Learn(fd, func() (table.Kept, bool) {
			err = begin(residence)
			return d.kept, err == nil && d.kept != nil
		})
	} else {
		err = begin(nil)
	}
	if err != nil {
		f.disown(d)
		c.Inject("close", uint64(fd))
		return f.failed(err)
	}
	return r
}

// copyOf returns a copy, in our process, of a descriptor of the calling thread.
func copyOf(c *table.Call, fd int) (int, error) {
	t := c.Thread()
	// The thread itself: its process's first thread may have other descriptors, or
	// be gone. Since Linux 6.9.
	pidfd, err := unix.PidfdOpen(t.TID(), unix.PIDFD_THREAD)
	if errors.Is(err, unix.EINVAL) {
		pidfd, err = unix.PidfdOpen(t.Process().PID(), 0)
	}
	if err != nil {
		return -1, fmt.Errorf("virtual: pidfd_open of %d: %w", t.TID(), err)
	}
	defer unix.Close(pidfd)
	copied, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return -1, fmt.Errorf("virtual: taking descriptor %d of thread %d: %w", fd, t.TID(), err)
	}
	return copied, nil
}

// errReplaced: the descriptor is not d's any more.
var errReplaced = errors.New("virtual: the descriptor has been closed or replaced, or its thread has ended")

// placeholder returns a copy, in our process, of d's placeholder, of which the call c
// has the descriptor in its argument arg.
func (d *description) placeholder(c *table.Call, arg int) (int, error) {
	fd, err := copyOf(c, c.FD(arg))
	if errors.Is(err, unix.EBADF) || errors.Is(err, unix.ESRCH) {
		return -1, errReplaced
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && identityOf(&st) == d.id {
		return fd, nil
	}
	unix.Close(fd)
	return -1, errReplaced
}

// connectHere connects the socket, which is a copy, to one of ours, which is
// returned. It fails with ECONNREFUSED if the socket is of another network namespace.
func connectHere(copied int) (peer int, err error) {
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("virtual: socket: %w", err)
	}
	defer unix.Close(l)
	return connectVia(l, copied)
}

// connectThere is connectHere in the network namespace of the child, by a socket that
// the thread creates for us.
func connectThere(c *table.Call, copied int) (peer int, err error) {
	r := newSocket(c, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if r.Failed() {
		return -1, fmt.Errorf("virtual: socket: %w", r.Err())
	}
	l, err := copyOf(c, int(r.Value()))
	c.Inject("close", uint64(r.Value()))
	if err != nil {
		return -1, err
	}
	defer unix.Close(l)
	return connectVia(l, copied)
}

// connectVia connects the socket to l, and returns the other end.
func connectVia(l, copied int) (peer int, err error) {
	// Without a name the kernel chooses one (unix(7), "Autobind").
	if err = unix.Bind(l, &unix.SockaddrUnix{}); err == nil {
		err = unix.Listen(l, 8)
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(l)
	}
	if err == nil {
		err = unix.Connect(copied, name)
	}
	for err == nil {
		peer, _, err = unix.Accept4(l, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err != nil {
			break
		}
		// Anybody may have connected. It is as we who called connect that ours did.
		cred, credErr := unix.GetsockoptUcred(peer, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if credErr == nil && int(cred.Pid) == os.Getpid() {
			return peer, nil
		}
		unix.Close(peer)
	}
	return -1, fmt.Errorf("virtual: connecting a placeholder: %w", err)
}

// failed is the result of a call that failed for a reason of ours.
func (f *Files) failed(err error) table.Result {
	var e unix.Errno
	if errors.As(err, &e) && e == unix.ESRCH {
		return table.Gone()
	}
	f.warn(err)
	if e == 0 {
		e = unix.EIO
	}
	return table.Errno(e)
}
