package virtual

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// An operation answers a call on a virtual descriptor.
type operation struct {
	fd   int // which argument the descriptor is, or inMemory
	call func(d *description, c *table.Call) table.Result
}

// inMemory says that the descriptor is the first of those arguments to which argument 1 points:
// of i386's socketcall(2).
const inMemory = -1

// operations are the calls that mean something else on a virtual descriptor than on
// its placeholder. All others the kernel does: dup, close, poll, flock, ...
var operations = map[string]operation{}

func init() {
	add := func(fd int, call func(*description, *table.Call) table.Result, names ...string) {
		for _, name := range names {
			operations[name] = operation{fd, call}
		}
	}
	add(0, (*description).read, "read", "readv")
	add(0, (*description).write, "write", "writev")
	add(0, (*description).pread, "pread64", "preadv", "preadv2")
	add(0, (*description).pwrite, "pwrite64", "pwritev", "pwritev2")
	add(0, (*description).lseek, "lseek", "_llseek")
	add(0, (*description).stat, "fstat", "fstat64")
	add(0, (*description).statAt, "newfstatat", "fstatat64", "statx")
	add(0, (*description).truncate, "ftruncate", "ftruncate64")
	add(0, (*description).sync, "fsync", "fdatasync", "sync_file_range")
	add(0, (*description).fcntl, "fcntl", "fcntl64")
	add(0, (*description).ioctl, "ioctl")
	// The old mmap of i386, which nobody calls who could help it, maps the placeholder.
	add(4, (*description).mmap, "mmap", "mmap2")
	// Advice, which we are free to ignore.
	add(0, advice(unix.ESPIPE), "fadvise64", "fadvise64_64")
	add(0, advice(unix.EINVAL), "readahead")
	// The kernel cannot copy what it does not have; programs then do it by read and
	// write.
	add(0, answer(unix.EINVAL), "splice", "tee", "copy_file_range")
	add(0, answer(unix.EBADF), "vmsplice") // of what is no pipe
	add(0, answer(unix.EINVAL), "sendfile", "sendfile64")
	add(0, answer(unix.EOPNOTSUPP), "fallocate", "fgetxattr", "fsetxattr", "flistxattr", "fremovexattr")
	add(0, answer(unix.EPERM), "fchmod", "fchown", "fchown32")
	// Its placeholder may be a socket, or may not: programs shall not see.
	add(0, answer(unix.ENOTSOCK), "recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg", "send", "recv",
		"bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown")
	add(inMemory, answer(unix.ENOTSOCK), "socketcall")
	add(0, answer(unix.ENOTDIR), "getdents", "getdents64", "fchdir")
}

// second are the calls that may have another virtual descriptor in a second argument.
var second = map[string]operation{
	"splice":          {2, answer(unix.EINVAL)},
	"tee":             {1, answer(unix.EINVAL)},
	"copy_file_range": {2, answer(unix.EINVAL)},
	"sendfile":        {1, answer(unix.EINVAL)},
	"sendfile64":      {1, answer(unix.EINVAL)},
}

func answer(e unix.Errno) func(*description, *table.Call) table.Result {
	return func(*description, *table.Call) table.Result { return table.Errno(e) }
}

// advice answers advice about what is read, which a Poller's kind of file refuses with e.
func advice(e unix.Errno) func(*description, *table.Call) table.Result {
	return func(d *description, _ *table.Call) table.Result {
		if d.ready.poller != nil {
			return table.Errno(e)
		}
		return table.Return(0)
	}
}

// Install puts the calls that virtual descriptors answer into tbl, in front of the
// handlers that are there: those get the calls on all other descriptors.
func (f *Files) Install(tbl *table.Table) {
	for name := range operations {
		var set table.Set
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, name); ok {
				set.Add(abi, nr)
			}
		}
		tbl.Use(&set, f.handle(name))
	}
}

// handle returns what is put in front of the handler of the calls of a name.
func (f *Files) handle(name string) table.Middleware {
	h := handler{files: f, op: operations[name]}
	h.other, h.two = second[name]
	return func(next table.Handler) table.Handler {
		h := h
		h.next = next
		return &h
	}
}

// A handler answers the calls of a name on virtual descriptors.
type handler struct {
	files     *Files
	op, other operation
	two       bool // there is another
	next      table.Handler
	found     finding // under files.mu
}

var (
	_ table.Passer   = (*handler)(nil)
	_ table.Resident = (*handler)(nil)
)

// Descriptor returns which argument is the descriptor: see table.Resident.
func (h *handler) Descriptor() int {
	if h.two || h.op.fd == inMemory {
		return -1
	}
	return h.op.fd
}

// Identify finds out what a descriptor is: see table.Resident.
func (h *handler) Identify(c *table.Call, fd int) (table.Kept, bool) {
	d, open := h.files.find(c, fd)
	if d == nil {
		return nil, open
	}
	defer d.release()
	return d.kept, d.kept != nil
}

// Others returns the handler of the calls on descriptors that are not virtual.
func (h *handler) Others() table.Handler { return h.next }

// Passes reports whether no descriptor of the call is virtual.
func (h *handler) Passes(c *table.Call) bool {
	if !table.Passes(h.next, c) {
		return false
	}
	_, d := h.use(c)
	if d == nil {
		return true
	}
	if !h.two && h.op.fd != inMemory {
		h.note(c, d)
	}
	d.release()
	return false
}

// A finding is what Passes has found of a call, for Handle, which mostly follows at once: to ask
// the kernel takes a sixth of the time of a call.
type finding struct {
	call   *table.Call
	serial uint64
	fd     int
	d      *description
}

// note keeps what has been found of a call.
func (h *handler) note(c *table.Call, d *description) {
	h.files.mu.Lock()
	h.found = finding{c, c.Serial(), c.FD(h.op.fd), d}
	h.files.mu.Unlock()
}

// noted is use for what has been noted of the call, nil if nothing has or the description is gone.
func (h *handler) noted(c *table.Call) *description {
	h.files.mu.Lock()
	defer h.files.mu.Unlock()
	n := h.found
	h.found = finding{}
	if n.d == nil || n.call != c || n.serial != c.Serial() || n.fd != c.FD(h.op.fd) || h.files.known[n.d.id] != n.d {
		return nil
	}
	n.d.users++
	return n.d
}

// use finds the virtual descriptor of a call, as Files.use does, and what is to be done.
func (h *handler) use(c *table.Call) (operation, *description) {
	if d := h.files.use(c, h.op.descriptor(c)); d != nil || !h.two {
		return h.op, d
	}
	return h.other, h.files.use(c, c.FD(h.other.fd))
}

// descriptor returns which descriptor the call is on, -1 for none.
func (op operation) descriptor(c *table.Call) int {
	if op.fd != inMemory {
		return c.FD(op.fd)
	}
	f, ok := c.Folded()
	if name := f.String(); !ok || name == "socket" || name == "socketpair" {
		return -1
	}
	b, err := c.Bytes(1, 4)
	if err != nil {
		return -1
	}
	return int(int32(le.Uint32(b)))
}

// Handle answers the call, if it is on a virtual descriptor.
func (h *handler) Handle(c *table.Call) table.Result {
	op, d := h.op, h.noted(c)
	if d == nil {
		op, d = h.use(c)
	}
	if d == nil {
		return h.next.Handle(c)
	}
	r := d.answer(c, op)
	if r == passOn {
		return h.next.Handle(c)
	}
	return r
}

// answer runs an operation, for which d is in use, and ends the use when the call is
// over.
func (d *description) answer(c *table.Call, op operation) (r table.Result) {
	waits := false
	defer func() {
		if !waits {
			d.release()
		}
	}()
	r = op.call(d, c)
	if _, waits = r.Blocked(); waits {
		r = r.After(func(r table.Result) table.Result {
			d.release()
			return r
		})
	}
	return r
}

// passOn is what an operation returns for a call that is not the File's business.
var passOn = table.FromRaw(-1 << 62)
