package virtual

import (
	"io"
	"math"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Commands of fcntl64(2) of i386, whose struct flock64 has 64 bits (asm-generic/fcntl.h).
const (
	getLock64  = 12
	setLock64  = 13
	setLockW64 = 14
)

// A flockLayout says where in a struct flock the numbers are.
type flockLayout struct{ start, size, width int }

var (
	flock64Bit  = flockLayout{start: 8, size: 32, width: 8}
	flockOld    = flockLayout{start: 4, size: 16, width: 4} // of 32-bit programs
	flock64I386 = flockLayout{start: 4, size: 24, width: 8} // packed
)

const flockWhence = 2 // offset of l_whence, of 16 bits, in all of them

// flockOf returns the layout of the struct flock that fcntl(2) is given, and whether it is
// answered there; false for commands without one.
func flockOf(c *table.Call) (l flockLayout, asks, ok bool) {
	narrow := c.ABI() == table.I386
	switch c.Arg(1) {
	case unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		asks = c.Arg(1) == unix.F_OFD_GETLK
	case getLock64, setLock64, setLockW64:
		if !narrow {
			return l, false, false
		}
		asks = c.Arg(1) == getLock64
	case unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW:
		if asks = c.Arg(1) == unix.F_GETLK; narrow {
			return flockOld, asks, true
		}
	default:
		return l, false, false
	}
	if narrow {
		return flock64I386, asks, true
	}
	return flock64Bit, asks, true
}

// number returns l_start.
func (l flockLayout) number(b []byte) int64 {
	if l.width == 4 {
		return int64(int32(le.Uint32(b[l.start:])))
	}
	return int64(le.Uint64(b[l.start:]))
}

// lock acts on a lock on a part of the file. The kernel has it, on the placeholder, but knows
// neither the position nor the end from which the part may be counted.
func (d *description) lock(c *table.Call, l flockLayout, asks bool) table.Result {
	b, err := c.Bytes(2, uint64(l.size))
	if err != nil {
		return passOn
	}
	base := int64(0)
	switch le.Uint16(b[flockWhence:]) {
	case io.SeekCurrent:
		base = d.seek(0, io.SeekCurrent).Raw()
	case io.SeekEnd:
		base, _ = d.size()
	}
	if base <= 0 {
		return passOn // it is not counted from there, or from the same
	}
	start := l.number(b)
	if start > math.MaxInt64-base || l.width == 4 && start+base > math.MaxInt32 {
		return table.Errno(unix.EOVERFLOW)
	}
	moved := append([]byte(nil), b...)
	le.PutUint16(moved[flockWhence:], io.SeekStart)
	if start += base; l.width == 4 {
		le.PutUint32(moved[l.start:], uint32(start))
	} else {
		le.PutUint64(moved[l.start:], uint64(start))
	}
	if !asks {
		if err := c.Pin(2, moved); err != nil {
			return table.Errno(unix.EFAULT)
		}
		return passOn
	}
	// Of a lock that is in the way the kernel tells in the same struct; of none, only that.
	if n, err := c.WriteMemory(c.Arg(2), moved); err != nil || n < len(moved) {
		return table.Errno(unix.EFAULT)
	}
	r := c.Native()
	answer := make([]byte, l.size)
	if n, err := c.ReadMemory(c.Arg(2), answer); err != nil || n < len(answer) {
		return r
	}
	if r.Failed() || le.Uint16(answer) == unix.F_UNLCK {
		_, _ = c.WriteMemory(c.Arg(2)+flockWhence, b[flockWhence:l.start+l.width])
	}
	return r
}
