package virtual

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A readiness keeps a placeholder socket as ready as its File is: readable while
// there are bytes in its queue, which we put there; writable unless its own buffer is
// full of bytes, which we have not taken from there; hung up when we shut our end.
//
// What makes it more ready can be done from our end, at any time. What makes it less
// ready needs the placeholder itself, of which we keep no copy, since nobody could
// tell then when the child has closed its own. But a File gets less ready by being
// read and written by the child, and then a thread that has the descriptor is there.
// If it does so otherwise, poll(2) says for a while that it is ready, and the read
// waits after all; as can happen with a descriptor that two threads read.
type readiness struct {
	mu     sync.Mutex
	poller Poller // nil if it is always ready
	peer   int    // our end

	queued int    // bytes in the placeholder's queue
	full   bool   // the placeholder's buffer is full
	shut   Events // Hup and RdHup, as far as they have been said
	closed bool

	// more is done when the File gets more ready: see next.
	more context.Context
	tell context.CancelFunc

	kept table.Kept // on the direct route, where the program sees how ready it is; or nil
}

// show tells the program how ready the placeholder is (net/unix/af_unix.c, unix_poll).
func (r *readiness) show() {
	if r.kept == nil {
		return
	}
	var events uint16
	if r.queued > 0 || r.shut != 0 {
		events |= unix.POLLIN | pollReadNormal
	}
	if !r.full {
		events |= unix.POLLOUT | pollWriteNormal | pollWriteBand
	}
	r.kept.SetEvents(events | uint16(r.shut))
}

// next returns a Context that is done when one of the events may have come: for calls
// whose descriptor is gone.
func (r *readiness) next(want Events) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.more == nil {
		r.more, r.tell = context.WithCancel(context.Background())
	}
	more := r.more
	if r.poller.Readiness()&want != 0 {
		r.tell()
		r.more = nil
	}
	return more
}

// grown is what the Poller calls when more has come.
func (r *readiness) grown() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if r.more != nil {
		r.tell()
		r.more = nil
	}
	r.grow(r.poller.Readiness(), true)
}

// grow makes the placeholder as ready as now says, if it is less. If edge, it tells
// of what is ready once more.
func (r *readiness) grow(now Events, edge bool) {
	if now&In != 0 && (edge || r.queued == 0) {
		// When the queue is full, nobody has looked for hundreds of times.
		if n, err := unix.SendmsgN(r.peer, []byte{0}, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT); err == nil {
			r.queued += n
		}
	}
	if now&Out != 0 && r.full {
		drain(r.peer, -1)
		r.full = false
	}
	switch more := now &^ r.shut; {
	case more&Hup != 0:
		unix.Shutdown(r.peer, unix.SHUT_RDWR)
		r.shut |= Hup | RdHup
	case more&RdHup != 0:
		unix.Shutdown(r.peer, unix.SHUT_WR)
		r.shut |= RdHup
	}
	r.show()
}

// sync makes the placeholder exactly as ready as the File is. placeholder gives a copy
// of it, if one is needed.
func (r *readiness) sync(placeholder func() (int, error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.poller == nil || r.closed {
		return nil
	}
	now := r.poller.Readiness()
	excess := r.queued > 0 && now&In == 0 || r.queued > 1
	if excess || now&Out == 0 && !r.full {
		fd, err := placeholder()
		if errors.Is(err, errReplaced) {
			r.grow(now, false)
			return nil
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if excess {
			keep := 0
			if now&In != 0 {
				keep = 1
			}
			drain(fd, r.queued-keep)
			r.queued = keep
		}
		if now&Out == 0 && !r.full {
			if err := fill(fd); err != nil {
				return err
			}
			r.full = true
		}
	}
	r.grow(now, false)
	return nil
}

// drain takes n bytes from a socket's queue, all if n is negative.
func drain(fd, n int) {
	var buf [1024]byte
	for n != 0 {
		want := len(buf)
		if n > 0 {
			want = min(want, n)
		}
		got, _, err := unix.Recvfrom(fd, buf[:want], unix.MSG_DONTWAIT)
		if err != nil || got == 0 {
			return
		}
		if n > 0 {
			n -= got
		}
	}
}

// fill writes to a socket until it would have to wait.
func fill(fd int) error {
	// The least there can be, so that it is soon full.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 0); err != nil {
		return fmt.Errorf("virtual: setting the buffer of a placeholder: %w", err)
	}
	for {
		_, err := unix.SendmsgN(fd, []byte{0}, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EPIPE):
			return nil // full; or hung up, after which all are writable
		case err != nil:
			return fmt.Errorf("virtual: filling a placeholder: %w", err)
		}
	}
}

// close ends it. Our end is shut: if a copy of the placeholder is left anywhere after
// all, it has hung up.
func (r *readiness) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.poller == nil || r.closed {
		return
	}
	r.closed = true
	unix.Close(r.peer)
}
