package virtual

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A watcher learns from the kernel when the last descriptor of a placeholder is
// gone, in whatever process, or on its way over a socket: by inotify(7), of which
// IN_CLOSE comes with the end of an open file description, and IN_DELETE_SELF with the
// end of a memfd, which may have several, and mappings. Nothing of ours holds
// placeholders open meanwhile.
type watcher struct {
	file *os.File // the inotify instance
	raw  syscall.RawConn

	watched map[int32]*description // under Files.mu

	draining sync.Mutex // from reading events until they have been acted on
	buf      [32 * unix.SizeofInotifyEvent]byte
}

// The events that end a placeholder, by its kind.
const (
	socketEnds = unix.IN_CLOSE
	memfdEnds  = unix.IN_DELETE_SELF
)

func newWatcher() (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("virtual: inotify_init1: %w", err)
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "inotify"), watched: map[int32]*description{}}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		w.file.Close()
		return nil, err
	}
	return w, nil
}

// add watches the placeholder of which fd is a copy of ours, with Files.mu held.
func (w *watcher) add(fd int, ends uint32, d *description) error {
	var failed error
	err := w.raw.Control(func(inotify uintptr) {
		var wd int
		wd, failed = unix.InotifyAddWatch(int(inotify), fmt.Sprintf("/proc/self/fd/%d", fd), ends)
		if failed == nil {
			w.watched[int32(wd)] = d
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("virtual: inotify_add_watch: %w", err)
	}
	return nil
}

// run tells descriptions of their end until the last is gone.
func (w *watcher) run(f *Files) {
	defer w.file.Close()
	for {
		retired := false
		err := w.raw.Read(func(inotify uintptr) (done bool) {
			f.guarded(func() { w.drain(f, int(inotify)) })
			retired = f.retire(w)
			return retired
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			retired = f.retire(w)
			w.file.SetReadDeadline(time.Time{})
		case err != nil:
			f.warn(fmt.Errorf("virtual: waiting for inotify events: %w", err))
			return
		}
		if retired {
			return
		}
	}
}

// guarded runs do, in which Files are closed on a goroutine of ours. One that panics there ends
// the child tree as it would elsewhere, with the next call, and not the program that embeds us.
func (f *Files) guarded(do func()) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		err := fmt.Errorf("virtual: a file panicked in Close: %v\n%s", p, debug.Stack())
		f.warn(err)
		f.panicked.CompareAndSwap(nil, &err)
	}()
	do()
}

// nudge makes run look whether there is anything left to watch.
func (w *watcher) nudge() { w.file.SetReadDeadline(time.Unix(1, 0)) }

// catchUp acts on all that has ended until now: a call that another closing comes
// before must see its effect, as that of the kernel's own files.
func (w *watcher) catchUp(f *Files) {
	w.raw.Control(func(inotify uintptr) { w.drain(f, int(inotify)) })
}

func (w *watcher) drain(f *Files, inotify int) {
	w.draining.Lock()
	defer w.draining.Unlock()
	for {
		n, err := unix.Read(inotify, w.buf[:])
		if err != nil {
			return
		}
		for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			b = b[unix.SizeofInotifyEvent+binary.NativeEndian.Uint32(b[12:]):]
			if mask&(socketEnds|memfdEnds) != 0 {
				w.ended(f, inotify, wd)
			}
		}
	}
}

// ended acts on the end of a placeholder.
func (w *watcher) ended(f *Files, inotify int, wd int32) {
	f.mu.Lock()
	d := w.watched[wd]
	delete(w.watched, wd)
	f.mu.Unlock()
	if d == nil {
		return
	}
	// The watch of a socket holds its inode. (That of a memfd is gone already.)
	unix.InotifyRmWatch(inotify, uint32(wd))
	d.vanish()
}

// retire ends the watcher if there is nothing left to watch.
func (f *Files) retire(w *watcher) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) > 0 {
		return false
	}
	if f.watcher == w {
		f.watcher = nil
	}
	return true
}

// enrol makes a description known, and watches its placeholder.
func (f *Files) enrol(d *description, fd int, ends uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[d.id] != nil {
		return fmt.Errorf("virtual: a placeholder has become another's: %w", unix.EIO)
	}
	started := f.watcher == nil
	if started {
		w, err := newWatcher()
		if err != nil {
			return err
		}
		f.watcher = w
	}
	if err := f.watcher.add(fd, ends, d); err != nil {
		if started {
			f.watcher.file.Close()
			f.watcher = nil
		}
		return err
	}
	if f.known == nil {
		f.known = map[identity]*description{}
	}
	f.known[d.id] = d
	f.live.Store(int64(len(f.known)))
	if started {
		go f.watcher.run(f)
	}
	return nil
}
