package main

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// An output is one file to which a trace is written.
//
// A file that nobody watches gets its text in large pieces, but never later than
// flushDelay. What is read together with the program's own output (a terminal, a
// pipe, stderr) gets each text at once.
//
// A failing write is no reason to disturb the program: the text is lost, the
// lines are counted, and where the file takes text again it says how many.
type output struct {
	mu      sync.Mutex
	file    *os.File // nil: everything is lost
	fd      int
	batched bool
	delay   time.Duration // how long text may stay in buf
	buf     []byte
	timer   *time.Timer // runs only while buf has something
	armed   bool
	ending  bool

	loss loss
	gap  int  // lines lost since text was last written
	cut  bool // the file ends within a line
	dead bool // the reader is gone
}

// loss is what could not be written, and why.
type loss struct {
	lines int
	err   error // the first
}

const (
	flushSize  = 64 << 10
	flushDelay = 100 * time.Millisecond
)

// newOutput returns an output to f. If shared, the program writes there too.
func newOutput(f *os.File, shared bool) *output {
	o := &output{file: f, fd: -1, delay: flushDelay}
	if f == nil {
		return o
	}
	o.fd = int(f.Fd())
	var st unix.Stat_t
	if unix.Fstat(o.fd, &st) == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			o.batched = !shared
		case unix.S_IFCHR:
			o.batched = !isTerminal(o.fd)
		}
	}
	return o
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

func regular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// Write takes text. It never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.batched {
		o.put(p)
		return len(p), nil
	}
	if len(o.buf)+len(p) > flushSize {
		o.flush()
	}
	o.buf = append(o.buf, p...)
	if !o.armed && !o.ending {
		o.armed = true
		if o.timer == nil {
			o.timer = time.AfterFunc(o.delay, o.late)
		} else {
			o.timer.Reset(o.delay)
		}
	}
	return len(p), nil
}

// late is the timer's function.
func (o *output) late() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.armed = false
	o.flush()
}

// flush writes the buffer out.
func (o *output) flush() {
	if len(o.buf) > 0 {
		o.put(o.buf)
		o.buf = o.buf[:0]
	}
}

// put writes p to the file, and what has been lost before it.
func (o *output) put(p []byte) {
	if o.gap > 0 && !o.note() {
		o.lose(p)
		return
	}
	if o.dead || o.file == nil {
		o.lose(p)
		return
	}
	n, err := writeAll(o.fd, p)
	if n > 0 {
		o.cut = p[n-1] != '\n'
	}
	if err != nil {
		o.fail(err)
		o.lose(p[n:])
	}
}

func (o *output) fail(err error) {
	if o.loss.err == nil {
		o.loss.err = err
	}
	if err == unix.EPIPE {
		o.dead = true
	}
}

func (o *output) lose(p []byte) {
	lines := bytes.Count(p, []byte{'\n'})
	o.loss.lines += lines
	o.gap += lines
}

// note writes that lines are missing at this place.
func (o *output) note() bool {
	if o.dead || o.file == nil {
		return false
	}
	text := noteText(o.gap, o.loss.err)
	if o.cut {
		text = "\n" + text
	}
	n, err := writeAll(o.fd, []byte(text))
	if n > 0 {
		o.cut = text[n-1] != '\n'
	}
	if err != nil {
		o.fail(err)
		return false
	}
	o.gap = 0
	return true
}

func noteText(lines int, err error) string {
	what := "lines"
	if lines == 1 {
		what = "line"
	}
	return fmt.Sprintf("k42trace: %v: %d %s lost here\n", err, lines, what)
}

// close writes out what is left and closes the file, unless it is stderr. It
// returns what has been lost.
func (o *output) close() loss {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ending = true
	if o.timer != nil {
		o.timer.Stop()
	}
	o.flush()
	if o.gap > 0 && !o.note() {
		o.lastWord()
	}
	if o.file != nil && o.file != os.Stderr {
		if err := o.file.Close(); err != nil && o.loss.err == nil {
			o.loss.err = err
		}
		o.file = nil
	}
	return o.loss
}

// lastWord makes the trace say at its end what was lost, where there is no room
// for another line: in place of its last ones.
func (o *output) lastWord() {
	if o.dead || o.file == nil || !regular(o.file) {
		return
	}
	var tail [4096]byte
	size, err := unix.Seek(o.fd, 0, unix.SEEK_END)
	if err != nil {
		return
	}
	from := max(size-int64(len(tail)), 0)
	n, err := unix.Pread(o.fd, tail[:min(int64(len(tail)), size-from)], from)
	if err != nil || n == 0 {
		return
	}
	text := tail[:n]
	const longest = 200 // what the note may need
	at := bytes.LastIndexByte(text[:max(n-longest, 0)], '\n') + 1
	if n < longest {
		return
	}
	replaced := bytes.Count(text[at:], []byte{'\n'})
	o.loss.lines += replaced
	o.gap += replaced
	// An offset means nothing to a file that is open to append.
	flags, err := unix.FcntlInt(uintptr(o.fd), unix.F_GETFL, 0)
	if err != nil {
		return
	}
	if _, err := unix.FcntlInt(uintptr(o.fd), unix.F_SETFL, flags&^unix.O_APPEND); err != nil {
		return
	}
	note := noteText(o.gap, o.loss.err)
	if m, err := unix.Pwrite(o.fd, []byte(note), from+int64(at)); err == nil && m == len(note) {
		_ = unix.Ftruncate(o.fd, from+int64(at+m))
		o.gap = 0
	}
}

// writeAll writes p whole, waiting where the descriptor does not wait itself:
// stderr may be shared with those who have made it non-blocking. It returns how
// much has been written.
func writeAll(fd int, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := unix.Write(fd, p[n:])
		n += max(m, 0)
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, -1)
		default:
			return n, err
		}
	}
	return n, nil
}
