package virtual

import (
	"encoding/binary"
	"io"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// settable are the flags that F_SETFL changes (fs/fcntl.c, SETFL_MASK).
const settable = unix.O_APPEND | unix.O_NONBLOCK | unix.O_DIRECT | unix.O_NOATIME | unix.O_ASYNC

// fcntl answers what is the File's and not the placeholder's: its flags, and from where a lock
// counts. Dups and all else are the kernel's.
func (d *description) fcntl(c *table.Call) table.Result {
	switch c.Arg(1) {
	case unix.F_GETFL:
		return table.Return(int64(d.flags.Load()))
	case unix.F_SETFL:
		// The placeholder has them too, for who waits for it.
		if r := c.Native(); r.Failed() {
			return r
		}
		d.setFlags(uint32(c.Arg(2)))
		return table.Return(0)
	}
	if l, asks, ok := flockOf(c); ok {
		return d.lock(c, l, asks)
	}
	return passOn
}

func (d *description) setFlags(flags uint32) {
	d.flags.Store(d.flags.Load()&^settable | flags&settable)
}

// Requests that the kernel answers for every descriptor (asm-generic/ioctls.h).
const (
	ioNbio  = 0x5421
	ioNclex = 0x5450
	ioClex  = 0x5451
	ioAsync = 0x5452
	ioNread = 0x541b // of regular files only
)

func (d *description) ioctl(c *table.Call) table.Result {
	request := uint32(c.Arg(1))
	switch request {
	case ioClex, ioNclex:
		return passOn
	case ioNbio, ioAsync:
		flag := uint32(unix.O_NONBLOCK)
		if request == ioAsync {
			flag = unix.O_ASYNC
		}
		b, err := c.Bytes(2, 4)
		if err != nil {
			return table.Errno(unix.EFAULT)
		}
		if r := c.Native(); r.Failed() {
			return r
		}
		flags := d.flags.Load() &^ flag
		if binary.NativeEndian.Uint32(b) != 0 {
			flags |= flag
		}
		d.setFlags(flags)
		return table.Return(0)
	}
	f, ok := d.file.(Ioctler)
	switch {
	case !ok && request == ioNread:
		return d.unread(c)
	case !ok:
		return table.Errno(unix.ENOTTY)
	}
	return d.files.result(d.file, "Ioctl", f.Ioctl(c, request, c.Arg(2)))
}

// unread tells how much of a regular file is behind the position (fs/ioctl.c, file_ioctl).
func (d *description) unread(c *table.Call) table.Result {
	st, e := d.attributes()
	pos := d.seek(0, io.SeekCurrent)
	if e != 0 || st.Mode&unix.S_IFMT != unix.S_IFREG || pos.Failed() {
		return table.Errno(unix.ENOTTY)
	}
	b := binary.NativeEndian.AppendUint32(nil, uint32(st.Size-pos.Raw()))
	if n, err := c.WriteMemory(c.Arg(2), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(0)
}

func (d *description) truncate(c *table.Call) table.Result {
	size := c.Int(1)
	if c.Name() == "ftruncate64" && c.ABI() == table.I386 {
		size = int64(c.Arg(1) | c.Arg(2)<<32)
	}
	f, ok := d.file.(Truncater)
	if size < 0 || !ok || !d.writable() {
		return table.Errno(unix.EINVAL)
	}
	if err := f.Truncate(size); err != nil {
		return table.Errno(d.files.errno(d.file, "Truncate", err))
	}
	return table.Return(0)
}

func (d *description) sync(c *table.Call) table.Result {
	f, ok := d.file.(Syncer)
	if !ok {
		if d.ready.poller != nil {
			return table.Errno(unix.EINVAL) // as pipes, sockets and terminals
		}
		return table.Return(0)
	}
	if err := f.Sync(); err != nil {
		return table.Errno(d.files.errno(d.file, "Sync", err))
	}
	return table.Return(0)
}
