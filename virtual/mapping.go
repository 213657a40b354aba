package virtual

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// mmap lets the program map the placeholder, with the File's contents in it as they are
// at present. What the program writes there does not reach the File: shared mappings
// that can be written are refused. A File that waits, or has no ReadAt, cannot be
// mapped.
func (d *description) mmap(c *table.Call) table.Result {
	if c.Name() == "mmap" && c.ABI() == table.I386 {
		return passOn // its arguments are in memory
	}
	prot, flags := c.Arg(2), c.Arg(3)
	if flags&unix.MAP_ANONYMOUS != 0 {
		return passOn
	}
	r, ok := d.file.(io.ReaderAt)
	size, sized := d.size()
	if !ok || !sized || d.ready.poller != nil {
		return table.Errno(unix.ENODEV)
	}
	shared := flags&unix.MAP_TYPE != unix.MAP_PRIVATE
	if !d.readable() || shared && prot&unix.PROT_WRITE != 0 {
		return table.Errno(unix.EACCES)
	}
	if e := d.fill(c, r, size); e != 0 {
		return table.Errno(e)
	}
	return passOn
}

// fill writes the File's contents to its memfd.
func (d *description) fill(c *table.Call, r io.ReaderAt, size int64) unix.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	fd, err := d.placeholder(c, 4)
	if err != nil {
		return unix.EBADF
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, size); err != nil {
		return unix.ENODEV
	}
	buf := pieces.Get().(*[]byte)
	defer pieces.Put(buf)
	for at := int64(0); at < size; {
		want := int(min(int64(len(*buf)), size-at))
		n, err := r.ReadAt((*buf)[:want], at)
		if !d.files.count(d.file, "ReadAt", n, want) {
			return unix.EIO
		}
		if n > 0 {
			if _, err := unix.Pwrite(fd, (*buf)[:n], at); err != nil {
				return unix.ENOMEM
			}
			at += int64(n)
		}
		switch {
		case n == want:
		case err == nil || errors.Is(err, io.EOF):
			return 0 // shorter than it said
		default:
			return d.files.errno(d.file, "ReadAt", err)
		}
	}
	return 0
}
