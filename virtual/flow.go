package virtual

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Limits of the kernel: of one call (MAX_RW_COUNT), and of a vector (UIO_MAXIOV).
const (
	maxCount  = 0x7ffff000
	maxVector = 1024
)

// piece is how much is moved at a time, in bytes.
const piece = 256 << 10

var pieces = sync.Pool{New: func() any { b := make([]byte, piece); return &b }}

// A span is a piece of the child's memory.
type span struct{ addr, size uint64 }

// spans reads which memory a read or write is about: argument 1 and 2 are a buffer and
// its size or, in calls with a v, a vector and how long that is. total is at most
// maxCount.
func spans(c *table.Call, vector bool) (s []span, total int, e unix.Errno) {
	if !vector {
		n := min(c.Arg(2), maxCount)
		if c.ABI().PointerBits() == 64 && !addressable(c.Arg(1), c.Arg(2)) {
			return nil, 0, unix.EFAULT // there is no such memory (fs/read_write.c, vfs_read)
		}
		return []span{{c.Arg(1), n}}, int(n), 0
	}
	count := c.Arg(2)
	if count > maxVector {
		return nil, 0, unix.EINVAL
	}
	word := uint64(c.ABI().PointerBits() / 8)
	b, err := c.Bytes(1, 2*word*count)
	if err != nil {
		return nil, 0, unix.EFAULT
	}
	load := func(b []byte) uint64 {
		if word == 4 {
			return uint64(binary.NativeEndian.Uint32(b))
		}
		return binary.NativeEndian.Uint64(b)
	}
	for ; len(b) > 0; b = b[2*word:] {
		x := span{load(b), load(b[word:])}
		if int64(x.size) < 0 || word == 4 && int32(x.size) < 0 {
			return nil, 0, unix.EINVAL
		}
		x.size = min(x.size, uint64(maxCount-total))
		total += int(x.size)
		s = append(s, x)
	}
	return s, total, 0
}

// addressable reports whether there may be such memory on any machine; most have less.
func addressable(addr, size uint64) bool {
	const most = 1 << 56
	return addr < most && size < most && addr+size <= most
}

// copyOut writes p to the spans, from their byte at on.
func copyOut(c *table.Call, s []span, at int, p []byte) (done int) {
	return move(s, at, p, c.WriteMemory)
}

// copyIn fills p from the spans, from their byte at on.
func copyIn(c *table.Call, s []span, at int, p []byte) (done int) {
	return move(s, at, p, c.ReadMemory)
}

func move(s []span, at int, p []byte, f func(uint64, []byte) (int, error)) (done int) {
	for _, x := range s {
		if uint64(at) >= x.size {
			at -= int(x.size)
			continue
		}
		n := min(int(x.size)-at, len(p)-done)
		if n == 0 {
			break
		}
		got, _ := f(x.addr+uint64(at), p[done:done+n])
		done += max(got, 0)
		if got < n {
			break
		}
		at = 0
	}
	return done
}

// vectored reports whether a call has a vector.
func vectored(c *table.Call) bool {
	switch c.Name() {
	case "readv", "writev", "preadv", "preadv2", "pwritev", "pwritev2":
		return true
	}
	return false
}

// current stands for the description's own position.
const current = -1

func (d *description) read(c *table.Call) table.Result { return d.readAt(c, current) }

func (d *description) write(c *table.Call) table.Result { return d.writeAt(c, current) }

func (d *description) readAt(c *table.Call, pos int64) table.Result {
	if !d.readable() {
		return table.Errno(unix.EBADF)
	}
	s, total, e := spans(c, vectored(c))
	if e != 0 {
		return table.Errno(e)
	}
	return d.flow(c, In, pos, func(pos *int64) table.Result {
		if !reaches(*pos, total) {
			return table.Errno(unix.EINVAL)
		}
		buf := pieces.Get().(*[]byte)
		defer pieces.Put(buf)
		next, e := d.source(pos)
		if e != 0 {
			return table.Errno(e)
		}
		done := 0
		for done < total {
			want := min(total-done, len(*buf))
			n, err := next((*buf)[:want])
			if !d.files.count(d.file, "Read", n, want) {
				return partly(done, unix.EIO)
			}
			if n == 0 && err == nil && d.ready.poller != nil {
				err = unix.EAGAIN
			}
			delivered := copyOut(c, s, done, (*buf)[:n])
			*pos += int64(delivered)
			done += delivered
			switch {
			case delivered < n:
				return partly(done, unix.EFAULT)
			case errors.Is(err, io.EOF):
				return table.Return(int64(done))
			case err != nil:
				return partly(done, d.files.errno(d.file, "Read", err))
			case n < want || d.ready.poller != nil:
				return table.Return(int64(done))
			}
		}
		return table.Return(int64(done))
	})
}

// partly is the result of a call that has moved done bytes before it failed.
func partly(done int, e unix.Errno) table.Result {
	if done > 0 {
		return table.Return(int64(done))
	}
	return table.Errno(e)
}

// source returns how the File is read from *pos on.
func (d *description) source(pos *int64) (func([]byte) (int, error), unix.Errno) {
	switch f := d.file.(type) {
	case io.ReaderAt:
		return func(p []byte) (int, error) {
			n, err := f.ReadAt(p, *pos)
			if n == len(p) {
				err = nil
			}
			return n, err
		}, 0
	case io.Reader:
		return f.Read, 0
	}
	return nil, unix.EINVAL
}

func (d *description) writeAt(c *table.Call, pos int64) table.Result {
	if !d.writable() {
		return table.Errno(unix.EBADF)
	}
	s, total, e := spans(c, vectored(c))
	if e != 0 {
		return table.Errno(e)
	}
	done := 0
	r := d.flow(c, Out, pos, func(pos *int64) table.Result {
		if d.has(unix.O_APPEND) {
			if size, ok := d.size(); ok {
				*pos = size
			}
		}
		if !reaches(*pos, total-done) {
			return partly(done, unix.EINVAL)
		}
		next, e := d.sink(pos)
		if e != 0 {
			return table.Errno(e)
		}
		buf := pieces.Get().(*[]byte)
		defer pieces.Put(buf)
		for done < total {
			want := min(total-done, len(*buf))
			got := copyIn(c, s, done, (*buf)[:want])
			if got == 0 {
				return partly(done, unix.EFAULT)
			}
			n, err := next((*buf)[:got])
			if !d.files.wrote(d.file, n, got, err) {
				return partly(done, unix.EIO)
			}
			*pos += int64(n)
			done += n
			switch {
			case errors.Is(err, unix.EAGAIN) && d.waits():
				return table.Errno(unix.EAGAIN) // for the rest
			case err != nil:
				return partly(done, d.files.errno(d.file, "Write", err))
			case got < want:
				return partly(done, unix.EFAULT)
			}
		}
		return table.Return(int64(done))
	})
	return r.After(func(r table.Result) table.Result {
		switch {
		case r.Errno() == unix.EPIPE:
			// As pipes and sockets do (pipe(7)).
			_ = c.Raise(unix.SIGPIPE) // ESRCH: it has ended
		case r.Restarting() && done > 0:
			return table.Return(int64(done)) // a signal came in the middle
		}
		return r
	})
}

// sink returns how the File is written to from *pos on.
func (d *description) sink(pos *int64) (func([]byte) (int, error), unix.Errno) {
	switch f := d.file.(type) {
	case io.WriterAt:
		return func(p []byte) (int, error) { return f.WriteAt(p, *pos) }, 0
	case io.Writer:
		return f.Write, 0
	}
	return nil, unix.EINVAL
}

// flow runs a read or write at pos, or at the description's position, which it then
// moves. op answers EAGAIN if it has to wait for want.
func (d *description) flow(c *table.Call, want Events, pos int64, op func(pos *int64) table.Result) table.Result {
	r := d.once(c, pos, op)
	if r.Errno() != unix.EAGAIN || !d.waits() {
		return r
	}
	return table.Block(d.wait(c, want, func() table.Result { return d.flow(c, want, pos, op) }))
}

// waits reports whether reads and writes wait for what is not there.
func (d *description) waits() bool {
	return d.ready.poller != nil && !d.has(unix.O_NONBLOCK)
}

// once runs op once, and sees to it that the placeholder is as ready as the File is
// afterwards.
func (d *description) once(c *table.Call, pos int64, op func(pos *int64) table.Result) table.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	var r table.Result
	if pos == current {
		r = d.atPosition(op)
	} else {
		r = op(&pos)
	}
	if err := d.ready.sync(func() (int, error) { return d.placeholder(c, 0) }); err != nil {
		d.files.warn(err)
	}
	return r
}

// wait returns the wait of a call for one of the events, after which again answers it.
func (d *description) wait(c *table.Call, want Events, again func() table.Result) table.Wait {
	w := table.Wait{
		FD: c.FD(0), Events: int16(want), Signal: table.Restarts,
		Again: func(*table.Call, table.Woken) table.Result { return again() },
	}
	if now := d.files.use(c, w.FD); now != nil {
		now.release()
		if now == d {
			return w
		}
	}
	// Another thread has closed the descriptor meanwhile. The call has the file still.
	w.Events, w.Context = 0, d.ready.next(want)
	return w
}
