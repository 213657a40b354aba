package virtual

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Files are the virtual descriptors of a child tree. The zero Files is empty and
// ready. Install puts their calls into a table, Open makes new ones.
type Files struct {
	// Warn, if not nil, is told of Files that answer nonsense, on any goroutine.
	Warn func(error)

	live     atomic.Int64          // len(known), without the lock
	panicked atomic.Pointer[error] // what a File has panicked with while nobody called
	mu       sync.Mutex
	known    map[identity]*description
	watcher  *watcher // runs while there are any
}

// An identity is what the kernel calls a file: that of the placeholder.
type identity struct{ dev, ino uint64 }

func identityOf(st *unix.Stat_t) identity {
	return identity{uint64(st.Dev), st.Ino}
}

// A description is an open file description: a File and what open(2) says belongs to
// it and not to descriptors. dup, fork and SCM_RIGHTS share it.
type description struct {
	files *Files
	file  File
	id    identity
	flags atomic.Uint32 // access mode and status flags, O_*

	mu  sync.Mutex // held over each operation, as the kernel's f_pos_lock
	pos int64      // of a File with ReadAt or WriteAt; of a fixed one, kept has it

	ready readiness

	kept  table.Kept // on the direct route, what programs know of it; or nil
	fixed bool       // they have its contents there

	// Under files.mu:
	users int  // calls that are being answered
	gone  bool // no descriptor is left
}

// Lookup returns the File of the descriptor fd of the calling thread, false if it is
// not virtual.
func (f *Files) Lookup(c *table.Call, fd int) (File, bool) {
	d := f.use(c, fd)
	if d == nil {
		return nil, false
	}
	defer d.release()
	return d.file, true
}

// use finds the description of a descriptor, nil if it is not virtual, and keeps it
// from being closed until release.
func (f *Files) use(c *table.Call, fd int) *description {
	if err := f.panicked.Load(); err != nil {
		panic(*err)
	}
	r := c.Residence()
	if fd < 0 || r == nil && f.live.Load() == 0 {
		return nil
	}
	if r == nil {
		d, _ := f.find(c, fd)
		return d
	}
	var d *description
	r.Learn(fd, func() (table.Kept, bool) {
		var open bool
		if d, open = f.find(c, fd); d == nil {
			return nil, open
		}
		return d.kept, d.kept != nil
	})
	return d
}

// find is use without telling the direct route what was found. open tells whether there is
// such a descriptor.
func (f *Files) find(c *table.Call, fd int) (d *description, open bool) {
	f.CatchUp()
	var st unix.Stat_t
	if unix.Stat(procfs.Path(c.Thread().TID(), "fd/"+strconv.Itoa(fd)), &st) != nil {
		return nil, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d = f.known[identityOf(&st)]; d != nil {
		d.users++
	}
	return d, true
}

// CatchUp closes the Files whose last descriptors are gone by now, which otherwise
// happens a little later. All calls on virtual descriptors do so first; who opens
// what another descriptor has, or had, may want to as well.
func (f *Files) CatchUp() {
	f.mu.Lock()
	w := f.watcher
	f.mu.Unlock()
	if w != nil {
		w.catchUp(f)
	}
}

// release ends what use began.
func (d *description) release() {
	f := d.files
	f.mu.Lock()
	d.users--
	last := d.gone && d.users == 0
	f.mu.Unlock()
	if last {
		d.close()
	}
}

// vanish notes that no descriptor is left.
func (d *description) vanish() {
	f := d.files
	f.mu.Lock()
	if d.gone {
		f.mu.Unlock()
		return
	}
	d.gone = true
	f.forget(d)
	last := d.users == 0
	f.mu.Unlock()
	if last {
		d.close()
	}
}

// forget makes a description unknown, with files.mu held.
func (f *Files) forget(d *description) {
	delete(f.known, d.id)
	f.live.Store(int64(len(f.known)))
	if len(f.known) == 0 {
		f.watcher.nudge()
	}
}

// disown forgets a description that has never become one: its File is not closed.
func (f *Files) disown(d *description) {
	f.mu.Lock()
	if f.known[d.id] == d {
		f.forget(d)
	}
	d.gone = true
	f.mu.Unlock()
	d.ready.close()
	d.forgo()
}

// forgo makes the description unknown in the programs.
func (d *description) forgo() {
	if d.kept != nil {
		d.kept.Close()
	}
}

// close ends the File, after its last use.
func (d *description) close() {
	d.ready.close()
	d.forgo()
	if err := d.file.Close(); err != nil {
		d.files.warn(fmt.Errorf("virtual file %T: Close: %w", d.file, err))
	}
}

// readable and writable report what the access mode allows.
func (d *description) readable() bool { return d.flags.Load()&unix.O_ACCMODE != unix.O_WRONLY }
func (d *description) writable() bool { return d.flags.Load()&unix.O_ACCMODE != unix.O_RDONLY }

func (d *description) has(flag uint32) bool { return d.flags.Load()&flag != 0 }
