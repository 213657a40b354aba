package paths

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Place is where a path leads.
type Place struct {
	Path  string // in the view: absolute, without "..", and with no link but perhaps at its end
	Mount *Mount // in which it lies
	// Host is where it is for the kernel, "" if the mount is an fs.FS.
	Host string
	// Name is its name in the mount's fs.FS.
	Name string
	// Exists: there is something at the end of the path, and Mode says what.
	Exists bool
	Mode   fs.FileMode
	// Moved: the program's own argument would not lead the kernel there.
	Moved bool
	// Magic: it is a link of /proc/PID that leads to an open file, a working
	// directory or the like, and is followed. Only the kernel can do that. Target is what the
	// link says: a path, or a name such as pipe:[7].
	Magic  bool
	Target string
	// Itself: the path is empty, and the place is what the descriptor stands for.
	Itself bool
	// Slash: the path ends in a slash, or in "." or "..": there must be a directory.
	Slash  bool
	Dot    bool // its last part is "." or ".."
	DotDot bool // it is ".."

	prefix string
	root   string      // what the thread's root directory is, seen from ours
	info   fs.FileInfo // what the mount's fs.FS has said, if it has
}

// OnHost returns the path at which this program has what is at Host: the thread may have
// another root.
func (p *Place) OnHost() string {
	if p.root == "" || p.root == "/" {
		return p.Host
	}
	return p.root + p.Host
}

// Held is a place that this program holds on to: whatever happens to its path meanwhile,
// Name leads the kernel to what was found there. It must be closed.
type Held struct {
	Name string   // for a call of the thread
	file *os.File // the object, or the directory in which it is, or would be
	last string   // its name there
}

// Close lets go.
func (h *Held) Close() error { return h.file.Close() }

// Path returns where this program has the place now.
func (h *Held) Path() (string, error) {
	dir, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(h.file.Fd())))
	return path.Join(dir, h.last), err
}

// Hold takes hold of a place: of the file itself, if the call follows links, and
// otherwise of its directory. It fails with ELOOP or ENOENT if something has changed since the
// place was found. The thread may use the name if it may look at this process (ptrace(2),
// "Ptrace access mode checking").
func (p *Place) Hold(follow bool) (*Held, error) {
	name, h, root := p.Host, &Held{}, unix.AT_FDCWD
	if p.prefix != "" {
		fd, err := unix.Open(p.prefix, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		defer unix.Close(fd)
		root = fd
	}
	if !p.Exists || !follow && !p.Dot {
		name, h.last = path.Split(name)
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if root != unix.AT_FDCWD {
		name = "." + name // Host begins with a slash
	}
	fd, err := unix.Openat2(root, name, &how)
	if err != nil {
		return nil, err
	}
	h.file = os.NewFile(uintptr(fd), name)
	h.Name = procfs.FDPath(os.Getpid(), fd)
	if h.last != "" {
		h.Name += "/" + h.last
	}
	switch {
	case p.Dot:
		h.Name += "/."
	case p.Slash:
		h.Name += "/"
	}
	return h, nil
}

// Outside returns where this program finds what is at Host: the thread may have another
// root than we have.
func (p *Place) Outside() string { return p.prefix + p.Host }

// ForKernel returns the path that leads the kernel, in a call of the thread, to the place.
func (p *Place) ForKernel() string {
	switch {
	case p.Dot && p.Host != "/":
		return p.Host + "/."
	case p.Slash && p.Host != "/":
		return p.Host + "/"
	}
	return p.Host
}

// MountPoint reports whether something is mounted at the place.
func (p *Place) MountPoint() bool { return p.Mount != nil && p.Path == p.Mount.At && !p.Itself }

// Virtual reports whether the kernel has nothing at the place.
func (p *Place) Virtual() bool { return p.Mount != nil && p.Mount.FS != nil }

// ErrOpaque says that a path begins in or leads through what has no path itself: a
// directory that was deleted, for example. The kernel alone can follow it.
var ErrOpaque = errors.New("path through a place without a name")

// maxLinks is how many symbolic links the kernel follows in one path (MAXSYMLINKS).
const maxLinks = 40

// nameMax is the longest that one part of a path may be (NAME_MAX).
const nameMax = 255

// A walk is the resolution of one path.
type walk struct {
	v      *View
	t      table.Thread
	prefix string // what leads this program to the thread's root
	root   string // what /proc says of that root, if it is another
	links  int
	moved  bool
	// resolve and base are what openat2(2) asks for, and what may not be left then.
	resolve uint64
	base    string
	rest    []string // what is still to be walked, the next at the end
}

// Resolve tells where the path argument a of the call leads. Its errors are those of
// path_resolution(7), and ErrOpaque.
func (v *View) Resolve(c *table.Call, a Arg) (Place, error) {
	dir := unix.AT_FDCWD
	if a.Dir >= 0 {
		dir = c.FD(a.Dir)
	}
	var name string
	if c.Arg(a.Path) != 0 || !a.Empty {
		var err error
		if name, err = c.Path(a.Path); err != nil {
			return Place{}, err
		}
	}
	return v.ResolveAt(c.Thread(), dir, name, a)
}

// ResolveAt is Resolve for a path that is known, relative to the descriptor dir.
func (v *View) ResolveAt(t table.Thread, dir int, name string, a Arg) (Place, error) {
	if name == "" && !a.Empty {
		return Place{}, unix.ENOENT
	}
	w := &walk{v: v, t: t}
	if !v.Mounted() { // who has a view of its own keeps the root that it has
		w.prefix, w.root = rootPrefix(t.TID())
	}
	start := "/"
	var err error
	if !strings.HasPrefix(name, "/") || a.Resolve&inRoot != 0 {
		at, err := v.DescriptorName(t, dir)
		if err != nil {
			return Place{}, unix.EBADF
		}
		if name == "" {
			return w.itself(at)
		}
		if start, err = w.shown(at); err != nil {
			return Place{}, err
		}
	}
	if start, err = w.confine(start, name, a.Resolve); err != nil {
		return Place{Moved: w.moved}, err
	}
	w.push(name)
	plain := strings.TrimRight(name, "/")
	last := plain[strings.LastIndexByte(plain, '/')+1:]
	dot := last == "." || last == ".."
	slash := dot || plain != "" && len(plain) < len(name)
	p, err := w.run(start, a.Follow || dot || slash && !a.Named)
	if dot && err == nil && !p.Magic {
		switch {
		case !p.Exists:
			err = unix.ENOENT
		case !p.Mode.IsDir():
			err = unix.ENOTDIR
		}
	}
	if err != nil {
		return Place{Moved: w.moved}, err
	}
	p.Slash, p.Dot, p.DotDot = slash, dot, last == ".."
	return p, nil
}

// What openat2(2) asks of a path's resolution.
const (
	noXDev     = 0x01 // RESOLVE_NO_XDEV
	noMagic    = 0x02 // RESOLVE_NO_MAGICLINKS
	noSymlinks = 0x04 // RESOLVE_NO_SYMLINKS
	beneath    = 0x08 // RESOLVE_BENEATH
	inRoot     = 0x10 // RESOLVE_IN_ROOT
)

// Resolvable reports whether openat2(2) takes the RESOLVE_... bits.
func Resolvable(resolve uint64) bool {
	const cached = 0x20 // RESOLVE_CACHED
	return resolve&^(noXDev|noMagic|noSymlinks|beneath|inRoot|cached) == 0 && resolve&(beneath|inRoot) != beneath|inRoot
}

// confine keeps the walk to what openat2(2) was asked for.
func (w *walk) confine(start, name string, resolve uint64) (string, error) {
	w.resolve, w.base = resolve, "/"
	if resolve&(beneath|inRoot) != 0 {
		w.base = start
	}
	if resolve&beneath != 0 && name[0] == '/' {
		return "", unix.EXDEV
	}
	return start, nil
}

// DescriptorName returns what /proc says that the thread's descriptor is, or its working
// directory, for AT_FDCWD.
func DescriptorName(t table.Thread, fd int) (string, error) {
	proc := procfs.Dir(t.TID())
	if fd == unix.AT_FDCWD {
		return os.Readlink(proc + "/cwd")
	}
	return os.Readlink(proc + "/fd/" + strconv.Itoa(fd))
}

// shown returns where in the view the directory is that the kernel calls name.
func (w *walk) shown(name string) (string, error) {
	if at, ok := w.v.placeholder(name); ok {
		return at, nil
	}
	if !strings.HasPrefix(name, "/") {
		return "", ErrOpaque
	}
	// Seen from our root: the thread may have another.
	if rest, ok := below(w.root, name); w.prefix != "" && ok {
		name = "/" + strings.TrimPrefix(rest, "/")
	}
	if strings.HasSuffix(name, " (deleted)") {
		if _, err := os.Lstat(w.prefix + name); err != nil {
			return "", ErrOpaque
		}
	}
	at, ok := w.v.Shown(name)
	if !ok {
		return "", ErrOpaque
	}
	return at, nil
}

// itself is the place that an empty path leads to.
func (w *walk) itself(name string) (Place, error) {
	p := Place{Itself: true, Exists: true, Host: name, prefix: w.prefix} // name is seen from our root
	at, err := w.shown(name)
	if err != nil {
		p.Path = name
		return p, nil
	}
	m, rest := w.v.mountOf(at)
	p.Path, p.Mount = at, m
	if _, ok := w.v.placeholder(name); ok {
		if m.FS == nil {
			m, rest = w.v.ghosts, at
		}
		p.Mount, p.Host, p.Name = m, "", m.name(rest)
		if info, err := lstatFS(m.FS, p.Name); err == nil {
			p.Mode, p.info = info.Mode(), info
		}
	}
	return p, nil
}

// push puts the parts of a path in front of what is to be walked.
func (w *walk) push(name string) {
	parts := strings.Split(name, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i] != "" && parts[i] != "." {
			w.rest = append(w.rest, parts[i])
		}
	}
}

// run walks from the directory cur of the view.
func (w *walk) run(cur string, follow bool) (Place, error) {
	here, err := w.lookStart(cur)
	if err != nil {
		return Place{}, err
	}
	for len(w.rest) > 0 {
		name := w.rest[len(w.rest)-1]
		w.rest = w.rest[:len(w.rest)-1]
		last := len(w.rest) == 0
		switch {
		case !here.Exists:
			return Place{}, unix.ENOENT
		case !here.Mode.IsDir():
			return Place{}, unix.ENOTDIR
		}
		if name == ".." {
			if here.Path == w.base {
				if w.resolve&beneath != 0 {
					return Place{}, unix.EXDEV
				}
				continue
			}
			above, err := w.lookDir(path.Dir(here.Path))
			if err != nil {
				return Place{}, err
			}
			if w.crosses(&here, &above) {
				return Place{}, unix.EXDEV
			}
			here = above
			continue
		}
		if here.Virtual() && len(name) > nameMax {
			return Place{}, unix.ENAMETOOLONG
		}
		next, err := w.look(path.Join(here.Path, name))
		if err != nil {
			return Place{}, err
		}
		switch {
		case !next.Exists && last:
			if m, rest := w.v.mountOf(next.Path); here.Virtual() && !next.Virtual() && rest != "" {
				next.Mount, next.Host, next.Name = here.Mount, "", m.name(rest)
			}
		case !next.Exists:
			return Place{}, unix.ENOENT
		case next.Mode&fs.ModeSymlink != 0 && (!last || follow):
			at, magic, err := w.follow(&next, here.Path)
			if err != nil {
				return Place{}, err
			}
			if !magic {
				if next, err = w.lookDir(at); err != nil {
					return Place{}, err
				}
				break
			}
			if last {
				next.Moved = w.moved
				return next, nil
			}
			if at, err = w.shown(next.Target); err != nil {
				return Place{}, err
			}
			if next, err = w.look(at); err != nil {
				return Place{}, err
			}
		case !last && !next.Mode.IsDir():
			return Place{}, unix.ENOTDIR
		}
		if w.crosses(&here, &next) {
			return Place{}, unix.EXDEV
		}
		here = next
	}
	here.Moved = w.moved
	return here, nil
}

// crosses reports whether a step from one place to another leaves a mount, and must not: one of
// the view or, as the kernel may be given another path for the places, of the host. What is not
// there is where its directory is.
func (w *walk) crosses(from, to *Place) bool {
	if w.resolve&noXDev == 0 || !to.Exists {
		return false
	}
	a, _ := w.v.mountOf(from.Path)
	b, _ := w.v.mountOf(to.Path)
	if a != b || from.Virtual() || to.Virtual() {
		return a != b
	}
	return mountID(from.Outside()) != mountID(to.Outside())
}

// mountID returns the kernel's number for the mount in which a file of the host is, 0 if it
// does not tell (before Linux 5.8).
func mountID(name string) uint64 {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &st); err != nil {
		return 0
	}
	return st.Mnt_id
}

// follow reads a symbolic link and puts what it says in front of what is to be
// walked; it returns where that begins.
func (w *walk) follow(p *Place, dir string) (at string, magic bool, err error) {
	if w.links++; w.links > maxLinks || w.resolve&noSymlinks != 0 {
		return "", false, unix.ELOOP
	}
	var target string
	switch {
	case p.Virtual():
		target, err = readLinkFS(p.Mount.FS, p.Name)
	case p.Host == "/proc/self":
		target, _ = w.ids()
	case p.Host == "/proc/thread-self":
		pid, tid := w.ids()
		target = pid + "/task/" + tid
	default:
		if target, err = os.Readlink(p.Outside()); err == nil && isMagic(p.Host) {
			if w.resolve&noMagic != 0 {
				return "", false, unix.ELOOP
			}
			if at, ok := w.v.placeholder(target); ok {
				return at, false, nil
			}
			p.Magic, p.Target = true, target
			return "", true, nil
		}
	}
	if err != nil {
		return "", false, Errno(err)
	}
	if target == "" {
		return "", false, unix.ENOENT
	}
	w.push(target)
	if target[0] == '/' {
		if w.resolve&beneath != 0 {
			return "", false, unix.EXDEV
		}
		return w.base, false, nil
	}
	return dir, false, nil
}

// isMagic reports whether a symbolic link with that path leads to an object, not to a
// path: all those of the directories of processes do (proc(5)).
func isMagic(host string) bool {
	rest, ok := strings.CutPrefix(host, "/proc/")
	if !ok {
		return false
	}
	pid, rest, ok := strings.Cut(rest, "/")
	_, err := strconv.Atoi(pid)
	return ok && err == nil && rest != ""
}

// lookDir is look for what is known to be a directory: it is looked at only if it may be one
// that just leads to a mount.
func (w *walk) lookDir(at string) (Place, error) {
	m, rest := w.v.mountOf(at)
	if m.FS != nil || at != "/" && w.v.leadsToMount(at) {
		return w.look(at)
	}
	if m != w.v.root || m.Host != "/" {
		w.moved = true
	}
	return Place{Path: at, Mount: m, Host: m.host(rest), Exists: true, Mode: fs.ModeDir, prefix: w.prefix, root: w.root}, nil
}

// lookStart looks at where a path starts: a directory, unless the descriptor is another file's, which
// the kernel will find out if the path goes on below it.
func (w *walk) lookStart(at string) (Place, error) {
	if n := len(w.rest); at != "/" && (n == 0 || w.rest[n-1] == "..") {
		return w.look(at)
	}
	return w.lookDir(at)
}

// look looks at what the view has at a path whose directories are there.
func (w *walk) look(at string) (Place, error) {
	m, rest := w.v.mountOf(at)
	p := Place{Path: at, Mount: m, prefix: w.prefix, root: w.root}
	var err error
	if m.FS != nil {
		p.Name = m.name(rest)
		err = p.statFS()
	} else {
		p.Host = m.host(rest)
		p.Mode, err = modeOf(p.Outside())
	}
	if err != nil && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)) && w.v.leadsToMount(at) {
		m = w.v.ghosts
		p.Mount, p.Host, p.Name = m, "", m.name(at)
		err = p.statFS()
	}
	if m != w.v.root || m.Host != "/" {
		w.moved = true
	}
	switch {
	case err == nil:
		p.Exists = true
	case errors.Is(err, fs.ErrNotExist):
	default:
		return Place{}, Errno(err)
	}
	return p, nil
}

// rootPrefix returns the path by which this program finds the root directory of a thread,
// and what /proc says that it is; nothing if it is its own.
func rootPrefix(tid int) (prefix, text string) {
	proc := procfs.Dir(tid)
	root, err := os.Readlink(proc + "/root")
	if err != nil || root == "/" && sameNamespace(proc) {
		return "", ""
	}
	return proc + "/root", root
}

func sameNamespace(proc string) bool {
	theirs, err := os.Readlink(proc + "/ns/mnt")
	if err != nil {
		return true
	}
	ours, err := os.Readlink("/proc/self/ns/mnt")
	return err != nil || theirs == ours
}

// lstatFS is fs.Lstat, for which a name that no fs.FS can have is a name that is not there.
func lstatFS(fsys fs.FS, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	return fs.Lstat(fsys, name)
}

// readLinkFS is fs.ReadLink, which for file systems that do not know of links, such as
// zip archives, is what the file contains.
func readLinkFS(fsys fs.FS, name string) (string, error) {
	if _, ok := fsys.(fs.ReadLinkFS); ok {
		return fs.ReadLink(fsys, name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, table.PathMax))
	return string(text), err
}

// ReadLink returns what the symbolic link at the place says.
func (p *Place) ReadLink() (string, error) {
	if p.Virtual() {
		return readLinkFS(p.Mount.FS, p.Name)
	}
	return os.Readlink(p.Outside())
}

// Magical reports whether the place is itself a link of /proc/PID that leads to an open
// file or the like, and was not followed.
func (p *Place) Magical() bool {
	return !p.Virtual() && p.Mode&fs.ModeSymlink != 0 && isMagic(p.Host)
}

// Errno returns the errno that stands for an error of a file system.
func Errno(err error) unix.Errno {
	var errno unix.Errno
	switch {
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, fs.ErrNotExist):
		return unix.ENOENT
	case errors.Is(err, fs.ErrPermission):
		return unix.EACCES
	case errors.Is(err, fs.ErrInvalid):
		return unix.EINVAL
	}
	return unix.EIO
}

// statFS asks the mount's fs.FS about the place.
func (p *Place) statFS() error {
	info, err := lstatFS(p.Mount.FS, p.Name)
	if err == nil {
		p.Mode, p.info = info.Mode(), info
	}
	return err
}

// modeOf returns type and permissions of a file of the host. It is what a walk spends its
// time with.
func modeOf(name string) (fs.FileMode, error) {
	var st unix.Stat_t
	for {
		err := unix.Lstat(name, &st)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return 0, err
		}
	}
	mode := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	return mode, nil
}

// Stat returns what the place's file system tells of it; a link is not followed.
func (p *Place) Stat() (fs.FileInfo, error) {
	switch {
	case p.info != nil:
		return p.info, nil
	case p.Virtual():
		return lstatFS(p.Mount.FS, p.Name)
	}
	return os.Lstat(p.Outside())
}

// ReadDir returns the entries of a directory in an fs.FS.
func (p *Place) ReadDir() ([]fs.DirEntry, error) { return fs.ReadDir(p.Mount.FS, p.Name) }

// Look returns what the view has at a path without links but at its end, for nobody in
// particular.
func (v *View) Look(at string) (Place, error) { return (&walk{v: v}).look(at) }

// ReadFile returns the contents of a regular file in an fs.FS.
func (p *Place) ReadFile() ([]byte, error) { return fs.ReadFile(p.Mount.FS, p.Name) }

// Find is Resolve for a path that no thread has given: a relative one begins in our own
// working directory.
func (v *View) Find(name string, follow bool) (Place, error) {
	if name == "" {
		return Place{}, unix.ENOENT
	}
	w := &walk{v: v, base: "/"}
	start := "/"
	if name[0] != '/' {
		dir, err := os.Getwd()
		if err != nil {
			return Place{}, err
		}
		if start, err = w.shown(dir); err != nil {
			return Place{}, err
		}
	}
	w.push(name)
	return w.run(start, follow || strings.HasSuffix(name, "/"))
}

// ids returns the ids that /proc/self stands for.
func (w *walk) ids() (pid, tid string) {
	if w.t == nil {
		pid = strconv.Itoa(procfs.ID(os.Getpid()))
		return pid, pid
	}
	return strconv.Itoa(procfs.ID(w.t.Process().PID())), strconv.Itoa(procfs.ID(w.t.TID()))
}

// SameRoot reports whether a thread's paths begin where ours do.
func SameRoot(tid int) bool {
	prefix, _ := rootPrefix(tid)
	return prefix == ""
}

// StatFollowed is Stat, and tells of what a link of /proc leads to if it was followed.
func (p *Place) StatFollowed() (fs.FileInfo, error) {
	if p.Magic {
		return os.Stat(p.Outside())
	}
	return p.Stat()
}
