package virtual

import (
	"encoding/binary"
	"io"
	"math"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// positioned reports whether the File has positions that we keep.
func (d *description) positioned() bool {
	switch d.file.(type) {
	case io.ReaderAt, io.WriterAt:
		return true
	}
	return false
}

// size returns the File's size, if it knows it.
func (d *description) size() (int64, bool) {
	s, ok := d.file.(Stater)
	if !ok {
		return 0, false
	}
	info, err := s.Stat()
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// offset reads the offset of a pread or pwrite, from argument 3 on.
func offset(c *table.Call) int64 {
	if c.ABI().PointerBits() == 64 || c.ABI() == table.X32 && c.Name()[1:] != "readv" && c.Name()[1:] != "writev" {
		return int64(c.Arg(3))
	}
	// In two halves, the lower one first.
	return int64(uint64(uint32(c.RawArg(3))) | c.RawArg(4)<<32)
}

// rwFlags returns the RWF_ flags of preadv2 and pwritev2.
func rwFlags(c *table.Call) uint32 {
	switch c.Name() {
	case "preadv2", "pwritev2":
		return uint32(c.RawArg(5))
	}
	return 0
}

// rwHarmless are the RWF_ flags that say how fast and how safe, and not what
// (RWF_HIPRI, RWF_DSYNC, RWF_SYNC).
const rwHarmless = 0x7

func (d *description) pread(c *table.Call) table.Result { return d.positional(c, d.readAt) }

func (d *description) pwrite(c *table.Call) table.Result { return d.positional(c, d.writeAt) }

func (d *description) positional(c *table.Call, f func(*table.Call, int64) table.Result) table.Result {
	pos, flags := offset(c), rwFlags(c)
	if flags&^rwHarmless != 0 {
		return table.Errno(unix.EOPNOTSUPP)
	}
	switch {
	case pos == -1 && (c.Name() == "preadv2" || c.Name() == "pwritev2"):
		return f(c, current)
	case pos < 0:
		return table.Errno(unix.EINVAL)
	case !d.positioned():
		return table.Errno(unix.ESPIPE)
	}
	return f(c, pos)
}

// reaches reports whether there can be size bytes from pos on (fs/read_write.c, rw_verify_area).
func reaches(pos int64, size int) bool { return pos <= math.MaxInt64-int64(size) }

// lseek is lseek, and _llseek of 32-bit programs.
func (d *description) lseek(c *table.Call) table.Result {
	if c.Name() == "_llseek" {
		pos := d.seek(int64(c.Arg(1)<<32|c.Arg(2)), int(c.Arg(4)))
		if pos.Failed() {
			return pos
		}
		b := binary.NativeEndian.AppendUint64(nil, uint64(pos.Raw()))
		if n, err := c.WriteMemory(c.Arg(3), b); err != nil || n < len(b) {
			return table.Errno(unix.EFAULT)
		}
		return table.Return(0)
	}
	pos := d.seek(c.Int(1), int(c.Arg(2)))
	if c.ABI() == table.I386 && pos.Raw() > 1<<31-1 {
		return table.Errno(unix.EOVERFLOW)
	}
	return pos
}

// What lseek(2) has beside io.Seek...
const (
	seekData = 3
	seekHole = 4
)

func (d *description) seek(off int64, whence int) table.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.positioned() {
		s, ok := d.file.(io.Seeker)
		if !ok || d.ready.poller != nil {
			return table.Errno(unix.ESPIPE)
		}
		if whence > io.SeekEnd {
			return table.Errno(unix.EINVAL)
		}
		pos, err := s.Seek(off, whence)
		switch {
		case err != nil:
			return table.Errno(d.files.errno(d.file, "Seek", err))
		case pos < 0:
			return table.Errno(unix.EINVAL)
		}
		return table.Return(pos)
	}
	return d.atPosition(func(pos *int64) table.Result { return d.seekFrom(pos, off, whence) })
}

// seekFrom is seek for a File whose position *pos is.
func (d *description) seekFrom(pos *int64, off int64, whence int) table.Result {
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = *pos
	case io.SeekEnd, seekData, seekHole:
		size, ok := d.size()
		if !ok {
			return table.Errno(unix.EINVAL)
		}
		if whence == io.SeekEnd {
			base = size
			break
		}
		// All is data, up to the end, where the hole is.
		if off < 0 || off >= size {
			return table.Errno(unix.ENXIO)
		}
		if whence == seekHole {
			off = size
		}
	default:
		return table.Errno(unix.EINVAL)
	}
	to := base + off
	if to < 0 { // also because it is too far
		return table.Errno(unix.EINVAL)
	}
	*pos = to
	return table.Return(to)
}
