package virtual_test

import (
	"io"
	"maps"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/virtual"
)

// A fifo is a pipe with a name, in Go.
type fifo struct {
	mu      sync.Mutex
	buf     []byte
	readers map[*fifoEnd]bool
	writers map[*fifoEnd]bool
	had     bool // there has been a writer
}

// fifoSize is how much a pipe of the kernel holds.
const fifoSize = 65536

func newFifo() *fifo {
	return &fifo{readers: map[*fifoEnd]bool{}, writers: map[*fifoEnd]bool{}}
}

// A fifoEnd is one end of a fifo.
type fifoEnd struct {
	virtual.Notifier
	fifo   *fifo
	writes bool
}

func (f *fifo) open(writes bool) *fifoEnd {
	e := &fifoEnd{fifo: f, writes: writes}
	f.mu.Lock()
	if writes {
		f.writers[e] = true
		f.had = true
	} else {
		f.readers[e] = true
	}
	f.mu.Unlock()
	return e
}

// Readiness returns what an end is ready for.
func (e *fifoEnd) Readiness() (now virtual.Events) {
	f := e.fifo
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.writes {
		if len(f.buf) < fifoSize || len(f.readers) == 0 {
			now |= virtual.Out
		}
		return now
	}
	if len(f.buf) > 0 {
		now |= virtual.In
	}
	if len(f.writers) == 0 && f.had {
		now |= virtual.Hup
	}
	return now
}

// tell tells the ends of one kind.
func (f *fifo) tell(writes bool) {
	f.mu.Lock()
	ends := f.readers
	if writes {
		ends = f.writers
	}
	ends = maps.Clone(ends)
	f.mu.Unlock()
	for x := range ends {
		x.Changed()
	}
}

func (e *fifoEnd) Read(p []byte) (int, error) {
	f := e.fifo
	f.mu.Lock()
	n := copy(p, f.buf)
	f.buf = f.buf[n:]
	ended := len(f.writers) == 0 && f.had
	f.mu.Unlock()
	if n == 0 {
		if ended {
			return 0, io.EOF
		}
		return 0, unix.EAGAIN
	}
	f.tell(true)
	return n, nil
}

func (e *fifoEnd) Write(p []byte) (int, error) {
	f := e.fifo
	f.mu.Lock()
	if len(f.readers) == 0 {
		f.mu.Unlock()
		return 0, unix.EPIPE
	}
	n := min(len(p), fifoSize-len(f.buf))
	f.buf = append(f.buf, p[:n]...)
	f.mu.Unlock()
	f.tell(false)
	if n < len(p) {
		return n, unix.EAGAIN
	}
	return n, nil
}

func (e *fifoEnd) Close() error {
	f := e.fifo
	f.mu.Lock()
	delete(f.readers, e)
	delete(f.writers, e)
	if len(f.readers)+len(f.writers) == 0 {
		f.buf, f.had = nil, false
	}
	f.mu.Unlock()
	f.tell(!e.writes)
	return nil
}
