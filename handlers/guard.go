package handlers

import (
	"errors"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A guard lets calls go on with the files that were looked at, and no others: neither
// another thread that changes the path in memory, nor one that puts a symbolic link in
// a directory's place, makes the kernel come elsewhere.
//
// Files that are opened are opened by a path without symbolic links, where the kernel is told that
// there are none (openat2(2), RESOLVE_NO_SYMLINKS). For other calls this program holds
// the file, or its directory, and the call is led there through /proc. Where the
// program may not look at this process, because it has other ids, it is only the path that
// is fixed. What was executed is looked at again before it runs.
type guard struct {
	tree *paths.View
	// check decides about a place: the errno with which the call fails, or 0.
	check func(c *table.Call, a paths.Arg, p *paths.Place) unix.Errno
}

// guardedCalls are those in which paths are.
const guardedCalls = "%file,connect,bind,socketcall,open_by_handle_at"

// Flags that package unix does not name.
const (
	fasync        = 0o20000 // FASYNC, O_ASYNC
	resolveCached = 0x20    // RESOLVE_CACHED
)

// maxRaces is how often a call is looked at again because something has changed while it was.
const maxRaces = 16

func (g *guard) handle(c *table.Call, next table.Handler) table.Result {
	if err := unfold(c); err != nil {
		return failed(err)
	}
	switch c.Name() {
	case "connect", "bind", "sendto", "sendmsg", "sendmmsg":
		return g.socket(c, next)
	case "open_by_handle_at":
		return table.Errno(unix.EPERM) // a file without a path, for which one needs privileges
	}
	args := paths.ArgsOf(c)
	if len(args) == 0 {
		return next.Handle(c)
	}
	before := c.Args()
	nr := c.Nr()
	for range maxRaces {
		r, again := g.try(c, next, args)
		if !again {
			return r
		}
		for i, v := range before {
			c.SetArg(i, v)
		}
		c.SetNr(nr)
	}
	return table.Errno(unix.EAGAIN)
}

// try handles a call once. again: a path has changed meanwhile.
func (g *guard) try(c *table.Call, next table.Handler, args []paths.Arg) (r table.Result, again bool) {
	how := openHow(c)
	for _, a := range args {
		p, err := g.tree.Resolve(c, a)
		if errors.Is(err, paths.ErrOpaque) {
			if name, _ := c.Path(a.Path); name != "." || c.PinPath(a.Path, ".") != nil {
				return table.Errno(unix.ENOENT), false // in a deleted directory nothing is to be found
			}
			continue
		}
		if err != nil {
			return failed(err), false
		}
		if a.Use&paths.Write != 0 && isMemory(&p) {
			return table.Errno(unix.EACCES), false
		}
		if e := g.check(c, a, &p); e != 0 {
			return table.Errno(e), false
		}
		if p.Itself {
			if c.Arg(a.Path) != 0 {
				if err := c.PinPath(a.Path, ""); err != nil {
					return failed(err), false
				}
			}
			continue
		}
		if how != nil {
			return g.open(c, next, a, &p, *how)
		}
		if a.Use&paths.Execute != 0 {
			return g.execute(c, next, a, &p), false
		}
		if p.Magic || !mayLookAtUs(c.Thread()) {
			if err := c.PinPath(a.Path, p.ForKernel()); err != nil {
				return failed(err), false
			}
			continue
		}
		held, err := p.Hold(a.Follow)
		if err != nil {
			return table.Errno(paths.Errno(err)), errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOENT)
		}
		defer held.Close()
		now, err := held.Path()
		if err != nil || path.Clean(now) != path.Clean(p.OnHost()) {
			return table.Errno(unix.ENOENT), true
		}
		if err := c.PinPath(a.Path, held.Name); err != nil {
			return failed(err), false
		}
	}
	return next.Handle(c), false
}

// isMemory reports whether the place is a process's memory (proc_pid_mem(5)): by writing there it
// could change what was pinned.
func isMemory(p *paths.Place) bool {
	name, host := p.Outside(), p.Host
	if p.Magic {
		name, host = p.Target, p.Target
	}
	var st unix.Statfs_t
	return path.Base(host) == "mem" && unix.Statfs(name, &st) == nil && st.Type == unix.PROC_SUPER_MAGIC
}

// execute lets the kernel execute a file. By then another may have its path: a process that executes
// what it may not is killed before it runs an instruction.
func (g *guard) execute(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	if e := g.checkLinker(c, a, p); e != 0 {
		return table.Errno(e)
	}
	if err := c.PinPath(a.Path, p.ForKernel()); err != nil {
		return failed(err)
	}
	r := next.Handle(c)
	if r.Failed() || r.Gone() {
		return r
	}
	pid := c.Process().PID()
	now, err := g.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, procfs.Path(pid, "exe"), paths.Arg{Follow: true})
	if err == nil && g.check(c, a, &now) != 0 {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return r
}

// checkLinker decides about the dynamic linker that the kernel will load for a program.
func (g *guard) checkLinker(c *table.Call, a paths.Arg, p *paths.Place) unix.Errno {
	f, err := openLook(p.Outside())
	if err != nil {
		return 0 // the kernel will say why not, or may read what we may not
	}
	defer f.Close()
	name := interp(f)
	if name == "" {
		return 0
	}
	linker, err := g.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, paths.Arg{Follow: true})
	if err != nil {
		return 0
	}
	return g.check(c, a, &linker)
}

// openHow returns what a call that opens a file by name asks for, as openat2(2) has it; nil for
// other calls.
func openHow(c *table.Call) *unix.OpenHow {
	how := &unix.OpenHow{}
	mode := uint64(0)
	switch c.Name() {
	case "open":
		mode = c.Arg(2)
	case "openat":
		mode = c.Arg(3)
	case "creat":
		mode = c.Arg(1)
	case "openat2":
		b, err := c.Bytes(2, min(c.Arg(3), table.PathMax))
		if err != nil || len(b) < 24 {
			return nil // the kernel will say so
		}
		how.Flags, how.Mode, how.Resolve = get(b[:8]), get(b[8:16]), get(b[16:24])
		return how
	default:
		return nil
	}
	// open(2) ignores what it does not know; openat2 refuses it.
	const known = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_APPEND |
		unix.O_NONBLOCK | unix.O_SYNC | fasync | unix.O_DIRECT | largeFile | unix.O_DIRECTORY |
		unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_CLOEXEC | unix.O_PATH | unix.O_TMPFILE
	how.Flags = uint64(paths.OpenFlags(c)) & known
	if how.Flags&unix.O_PATH != 0 {
		how.Flags &= unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	} else if how.Flags&unix.O_CREAT != 0 || how.Flags&unix.O_TMPFILE == unix.O_TMPFILE {
		how.Mode = mode & 0o7777
	}
	return how
}

// open opens a file that was looked at.
func (g *guard) open(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place, how unix.OpenHow) (r table.Result, again bool) {
	const keep = unix.RESOLVE_NO_MAGICLINKS | resolveCached
	how.Resolve &= keep
	if !p.Magic {
		// A link at the end is opened itself, with O_PATH, or refused: the flag says so to the kernel.
		how.Resolve |= unix.RESOLVE_NO_SYMLINKS
	}
	if nr, ok := table.Number(c.ABI(), "openat2"); ok {
		c.SetNr(nr)
	}
	at := unix.AT_FDCWD
	b := make([]byte, 24)
	put(b[:8], how.Flags)
	put(b[8:16], how.Mode)
	put(b[16:24], how.Resolve)
	c.SetArg(0, uint64(at))
	if err := c.PinPath(1, p.ForKernel()); err != nil {
		return failed(err), false
	}
	if err := c.Pin(2, b); err != nil {
		return failed(err), false
	}
	c.SetArg(3, uint64(len(b)))
	r = next.Handle(c)
	if r.Errno() == unix.ELOOP && !p.Magic && !(p.Exists && how.Flags&unix.O_NOFOLLOW != 0) {
		return r, true // there was no link a moment ago
	}
	return r, false
}

// mayLookAtUs reports whether the thread may follow links in our directory of /proc: it has our
// ids and our root. Capabilities that it has given up may refuse it all the same.
func mayLookAtUs(t table.Thread) bool {
	var ours, theirs unix.Stat_t
	if unix.Stat("/proc/self", &ours) != nil || unix.Stat(procfs.Dir(t.TID()), &theirs) != nil {
		return false
	}
	if ours.Uid != theirs.Uid || ours.Gid != theirs.Gid {
		return false
	}
	return paths.SameRoot(t.TID())
}

// socket acts on calls whose address may be a path (unix(7)). Also one that is none is copied:
// nobody can make a path of it any more.
func (g *guard) socket(c *table.Call, next table.Handler) table.Result {
	var held []func()
	defer func() {
		for _, release := range held {
			release()
		}
	}()
	checked := func(addr []byte) ([]byte, error) {
		b, release, err := g.address(c, addr)
		held = append(held, release)
		return b, err
	}
	at, size, ok := addressArg(c)
	if !ok {
		fix := func(m *message) error {
			if m.name() == 0 || m.size() == 0 {
				return nil
			}
			p, ok := readPeer(c.Thread(), m.name(), min(m.size(), sizeSockaddr))
			if !ok {
				return unix.EFAULT
			}
			b, err := checked(p.bytes)
			if err != nil {
				return err
			}
			return m.address(c, b)
		}
		if c.Name() == "sendmmsg" {
			return sendMany(c, fix)
		}
		return sendOne(c, next, fix)
	}
	if n := c.Arg(size); c.Arg(at) == 0 || n < sizeFamily || n > sizeSockaddr {
		return next.Handle(c) // is none, or one that the kernel refuses
	}
	p, ok := readPeer(c.Thread(), c.Arg(at), c.Arg(size))
	if !ok {
		return table.Errno(unix.EFAULT) // though it may have become readable meanwhile
	}
	addr, err := checked(p.bytes)
	if err == nil {
		err = c.Pin(at, addr)
	}
	if err != nil {
		return failed(err)
	}
	c.SetArg(size, uint64(len(addr)))
	return next.Handle(c)
}

// address returns the address that the kernel is to get for one that the program has given.
func (g *guard) address(c *table.Call, addr []byte) (b []byte, release func(), err error) {
	release = func() {}
	name, ok := unixPath(addr)
	if !ok {
		return addr, release, nil
	}
	a := paths.Arg{Follow: true, Use: paths.Connect}
	if c.Name() == "bind" {
		a = paths.Arg{Use: paths.Make}
	}
	p, err := g.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, a)
	if err != nil {
		return nil, release, err
	}
	if e := g.check(c, a, &p); e != 0 {
		return nil, release, e
	}
	return addressOf(&p, addr)
}

// An inode is what stat(2) knows a file by.
type inode struct{ dev, ino uint64 }

func inodeOf(name string) (inode, bool) {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil {
		return inode{}, false
	}
	return inode{st.Dev, st.Ino}, true
}

// An area is a set of files: some and all that is below them. They are known by
// their paths and, so that another path leads to the same, by their inodes.
type area []string

// newArea returns the area of paths of the host, absolute or from our working directory.
func newArea(names []string) area {
	var a area
	for _, n := range names {
		if !path.IsAbs(n) {
			if dir, err := os.Getwd(); err == nil {
				n = path.Join(dir, n)
			}
		}
		a = append(a, path.Clean(n))
		if p, err := paths.NewView().Find(n, true); err == nil && p.Path != path.Clean(n) {
			a = append(a, p.Path)
		}
	}
	return a
}

// holds reports whether the place is in the area.
func (a area) holds(p *paths.Place) bool {
	name := p.OnHost()
	if p.Magic {
		name = p.Target
		if !path.IsAbs(name) {
			return false // a pipe, a socket
		}
	}
	if a.covers(name) {
		return true
	}
	var roots []inode
	for _, n := range a {
		if id, ok := inodeOf(n); ok {
			roots = append(roots, id)
		}
	}
	if len(roots) == 0 {
		return false
	}
	outside := p.Outside()
	if p.Magic || p.Itself {
		outside = name
	}
	for {
		if id, ok := inodeOf(outside); ok {
			for _, r := range roots {
				if id == r {
					return true
				}
			}
		}
		parent := path.Dir(outside)
		if parent == outside || parent == procfs.Dir(os.Getpid()) {
			return false
		}
		outside = parent
	}
}

// covers reports whether the path is in the area.
func (a area) covers(name string) bool {
	for _, n := range a {
		if n == "/" || name == n || len(name) > len(n) && name[:len(n)] == n && name[len(n)] == '/' {
			return true
		}
	}
	return false
}

// leads reports whether something of the area is below the path: to rename that would take
// it elsewhere.
func (a area) leads(name string) bool {
	for _, n := range a {
		if len(n) > len(name) && n[:len(name)] == name && (name == "/" || n[len(name)] == '/') {
			return true
		}
	}
	return false
}

// wrap is the guard as middleware.
func (g *guard) wrap(next table.Handler) table.Handler {
	return trapped{&passing{g.handle, func(*table.Call) bool { return false }, next}}
}
