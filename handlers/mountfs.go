package handlers

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// viewDev is the device of what a View has and the host has not: one of those without a
// major number, as of all file systems that are on no device.
var viewDev = unix.Mkdev(0, 0x4b42)

// virtual answers a call of which at least one path leads into an fs.FS. What it answers
// is what the kernel does on a file system that is mounted read-only.
func (v *View) virtual(c *table.Call, next table.Handler, args []paths.Arg, places []paths.Place) table.Result {
	a, p := args[0], &places[0]
	if invalid(c) {
		return table.Errno(unix.EINVAL)
	}
	if len(args) == 2 {
		return v.two(c, places)
	}
	switch c.Name() {
	case "open", "openat", "openat2", "creat":
		return v.open(c, next, a, p)
	case "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat":
		switch {
		case strings.HasPrefix(c.Name(), "symlink") && emptyPath(c, 0):
			return table.Errno(unix.ENOENT) // before it looks where the link is to be
		case p.Exists:
			return table.Errno(unix.EEXIST)
		case p.Slash && !strings.HasPrefix(c.Name(), "mkdir"):
			return table.Errno(unix.ENOENT) // only directories are made by such a path
		}
		return table.Errno(unix.EROFS)
	case "unlink", "unlinkat", "rmdir":
		return table.Errno(removal(c, p)) // before it looks for the file
	}
	switch {
	case !p.Exists:
		return table.Errno(unix.ENOENT)
	case p.Slash && !p.Mode.IsDir():
		return table.Errno(unix.ENOTDIR)
	}
	switch c.Name() {
	case "truncate", "truncate64":
		if p.Mode.IsDir() {
			return table.Errno(unix.EISDIR)
		}
		return table.Errno(unix.EROFS)
	case "access":
		return v.access(c, p, c.Arg(1))
	case "faccessat", "faccessat2":
		return v.access(c, p, c.Arg(2))
	case "readlink", "readlinkat":
		return v.readlink(c, p)
	case "execve", "execveat":
		return v.exec(c, next, a, p)
	case "getxattr", "lgetxattr", "getxattrat":
		return table.Errno(unix.EOPNOTSUPP)
	case "listxattr", "llistxattr", "listxattrat":
		return table.Return(0)
	case "chdir":
		if !p.Mode.IsDir() {
			return table.Errno(unix.ENOTDIR)
		}
		if p.Itself {
			return next.Handle(c)
		}
		return v.onStandIn(c, next, a, p)
	case "statfs", "statfs64":
		return v.statfs(c, next, a, p)
	case "inotify_add_watch":
		return v.watch(c, next, a, p)
	case "open_tree": // which without OPEN_TREE_CLONE is an open with O_PATH
		if p.Mode.IsRegular() {
			c.SetArg(2, c.Arg(2)&^unix.AT_SYMLINK_NOFOLLOW)
		}
		return v.onStandIn(c, next, a, p)
	}
	if l, i := statArg(c); l != nil {
		return v.stat(c, l, i, p)
	}
	if a.Use&(paths.Write|paths.Make) != 0 {
		return table.Errno(unix.EROFS)
	}
	return table.Errno(unix.EOPNOTSUPP)
}

// emptyPath reports whether argument i is an empty string.
func emptyPath(c *table.Call, i int) bool {
	name, err := c.Path(i)
	return err == nil && name == ""
}

// removal returns the errno with which unlink(2) or rmdir(2) refuses the place.
func removal(c *table.Call, p *paths.Place) unix.Errno {
	switch {
	case p.DotDot && removesDir(c):
		return unix.ENOTEMPTY
	case p.Dot && removesDir(c):
		return unix.EINVAL
	case p.Dot:
		return unix.EISDIR
	}
	return unix.EROFS
}

// two answers a call with two paths, of which one leads into an fs.FS, in the order in which the
// kernel looks (fs/namei.c, do_linkat and do_renameat2).
func (v *View) two(c *table.Call, places []paths.Place) table.Result {
	from, to := &places[0], &places[1]
	apart := from.Mount != to.Mount
	if strings.HasPrefix(c.Name(), "link") {
		switch {
		case !from.Exists && !from.Itself:
			return table.Errno(unix.ENOENT)
		case from.Slash && !from.Mode.IsDir():
			return table.Errno(unix.ENOTDIR)
		case to.Exists:
			return table.Errno(unix.EEXIST)
		case to.Slash:
			return table.Errno(unix.ENOENT)
		case apart && !to.Virtual():
			return table.Errno(unix.EXDEV)
		}
		return table.Errno(unix.EROFS)
	}
	switch {
	case apart:
		return table.Errno(unix.EXDEV)
	case from.Dot || to.Dot:
		return table.Errno(unix.EBUSY)
	}
	return table.Errno(unix.EROFS)
}

// attributes returns what stat(2) tells of a place in an fs.FS.
func (v *View) attributes(p *paths.Place) (*attr, error) {
	info, err := p.Stat()
	if err != nil {
		return nil, err
	}
	a := &attr{
		dev: viewDev, ino: paths.Ino(p.Path), mode: unixMode(readable(info.Mode())), nlink: 1,
		uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), size: info.Size(), blksize: 4096,
	}
	if uid, gid, ok := owner(info); ok {
		a.uid, a.gid = uid, gid
	}
	switch {
	case info.IsDir():
		a.nlink, a.size = 2, 4096
		entries, err := v.entries(p)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.kind == unix.DT_DIR {
				a.nlink++
			}
		}
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := p.ReadLink()
		if err != nil {
			return nil, err
		}
		a.size = int64(len(target))
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		a.blocks = uint64(a.size+4095) / 4096 * 8
	}
	t := info.ModTime()
	if t.IsZero() {
		t = v.began
	}
	a.mtime = timespec(t)
	a.atime, a.ctime, a.birthtime = a.mtime, a.mtime, a.mtime
	return a, nil
}

// readable gives permissions to what has none at all: in an fstest.MapFS, for example, of which
// nobody means that it cannot be read.
func readable(m fs.FileMode) fs.FileMode {
	switch {
	case m&fs.ModeSymlink != 0:
		return m | 0o777
	case m.Perm() != 0:
		return m
	case m.IsDir():
		return m | 0o555
	}
	return m | 0o444
}

// stat answers a call of the stat family.
func (v *View) stat(c *table.Call, l *statLayout, i int, p *paths.Place) table.Result {
	a, err := v.attributes(p)
	if err != nil {
		return table.Errno(paths.Errno(err))
	}
	a.ino = inodeNumber(c, a.ino)
	b := l.encode(a)
	if n, err := c.WriteMemory(c.Arg(i), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(0)
}

// inodeNumber returns an inode number of ours as the program can take it: many 32-bit programs
// fail with EOVERFLOW at one of more bits.
func inodeNumber(c *table.Call, ino uint64) uint64 {
	if c.ABI() == table.I386 {
		return (ino ^ ino>>32) & math.MaxUint32
	}
	return ino
}

// statfs tells of the file system of the stand-in, and that it is read-only.
func (v *View) statfs(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	return readOnlyStatfs(c, v.onStandIn(c, next, a, p))
}

// readOnlyStatfs says in what a statfs or fstatfs has told that the file system is read-only.
func readOnlyStatfs(c *table.Call, r table.Result) table.Result {
	if r.Failed() || r.Gone() {
		return r
	}
	// Of f_flags: in the struct statfs of all 64-bit machines, and in i386's two
	// (compat_statfs, compat_statfs64). The latter's size is an argument before it.
	buf, at, size := c.Arg(1), uint64(80), 8
	if c.ABI() == table.I386 {
		at, size = 44, 4
		if strings.HasSuffix(c.Name(), "64") {
			buf, at = c.Arg(2), 64
		}
	}
	b := make([]byte, size)
	if n, err := c.ReadMemory(buf+at, b); err == nil && n == len(b) {
		put(b, get(b)|unix.ST_RDONLY)
		_, _ = c.WriteMemory(buf+at, b)
	}
	return r
}

// access answers access(2).
func (v *View) access(c *table.Call, p *paths.Place, mode uint64) table.Result {
	if e := v.permit(c, p, uint32(mode)); e != 0 {
		return table.Errno(e)
	}
	if mode&unix.W_OK != 0 {
		return table.Errno(unix.EROFS)
	}
	return table.Return(0)
}

// permit returns the errno with which the thread is refused the place: bits are R_OK and
// X_OK. Capabilities are taken to be root's.
func (v *View) permit(c *table.Call, p *paths.Place, bits uint32) unix.Errno {
	bits &= unix.R_OK | unix.X_OK
	a, err := v.attributes(p)
	if err != nil {
		return paths.Errno(err)
	}
	uid, gid := credentials(c.Thread())
	granted := a.mode & 7
	switch {
	case uid == 0:
		granted = unix.R_OK
		if a.mode&0o111 != 0 || a.mode&unix.S_IFMT == unix.S_IFDIR {
			granted |= unix.X_OK
		}
	case uid == a.uid:
		granted = a.mode >> 6 & 7
	case gid == a.gid:
		granted = a.mode >> 3 & 7
	}
	if granted&bits != bits {
		return unix.EACCES
	}
	return 0
}

// readlink answers readlink(2).
func (v *View) readlink(c *table.Call, p *paths.Place) table.Result {
	switch {
	case p.Mode&fs.ModeSymlink != 0:
	case p.Itself:
		return table.Errno(unix.ENOENT)
	default:
		return table.Errno(unix.EINVAL)
	}
	target, err := p.ReadLink()
	if err != nil {
		return table.Errno(paths.Errno(err))
	}
	i := len(c.Signature().Args) - 2
	return write(c, i, target, c.Int(i+1))
}

// open answers a call that opens a place in an fs.FS.
func (v *View) open(c *table.Call, next table.Handler, a paths.Arg, p *paths.Place) table.Result {
	flags := paths.OpenFlags(c)
	if flags&unix.O_PATH != 0 {
		flags &= unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	}
	if e := v.openable(c, p, flags); e != 0 {
		return table.Errno(e)
	}
	if p.Mode.IsRegular() {
		return v.openFile(c, next, a, p)
	}
	return v.onStandIn(c, next, a, p)
}

// openable returns the errno with which open(2) refuses the place.
func (v *View) openable(c *table.Call, p *paths.Place, flags int) unix.Errno {
	has := func(bits int) bool { return flags&bits == bits }
	notDir := p.Exists && !p.Mode.IsDir()
	switch {
	case has(unix.O_CREAT) && p.Slash && !p.Dot:
		return unix.EISDIR
	case p.Slash && notDir:
		return unix.ENOTDIR
	case has(unix.O_TMPFILE) && p.Mode.IsDir():
		return unix.EROFS
	case !p.Exists && has(unix.O_CREAT):
		return unix.EROFS
	case !p.Exists:
		return unix.ENOENT
	case has(unix.O_CREAT | unix.O_EXCL):
		return unix.EEXIST
	case has(unix.O_DIRECTORY) && notDir:
		return unix.ENOTDIR
	case p.Mode&fs.ModeSymlink != 0 && !has(unix.O_PATH):
		return unix.ELOOP // only O_NOFOLLOW leads here
	case has(unix.O_PATH):
		return 0
	case p.Mode.IsDir() && (flags&unix.O_ACCMODE != unix.O_RDONLY || has(unix.O_CREAT) || has(unix.O_TRUNC)):
		return unix.EISDIR
	case flags&unix.O_ACCMODE != unix.O_RDONLY || has(unix.O_TRUNC):
		return unix.EROFS
	case !p.Mode.IsRegular() && !p.Mode.IsDir():
		return unix.ENXIO // nobody is behind a socket, pipe or device of an fs.FS
	}
	return v.permit(c, p, unix.R_OK)
}

// descriptor acts on a call about a descriptor, which may be one of ours.
func (v *View) descriptor(c *table.Call, next table.Handler) table.Result {
	p, err := v.tree.ResolveAt(c.Thread(), c.FD(0), "", paths.Arg{Empty: true})
	if err != nil || !p.Virtual() {
		return next.Handle(c)
	}
	if l, i := statArg(c); l != nil {
		return v.stat(c, l, i, &p)
	}
	if c.Name() != "fstatfs" && c.Name() != "fstatfs64" {
		if _, flags, err := procfs.FDPosition(c.Thread().TID(), c.FD(0)); err != nil || flags&unix.O_PATH != 0 {
			return table.Errno(unix.EBADF)
		}
	}
	switch c.Name() {
	case "fgetxattr":
		return table.Errno(unix.EOPNOTSUPP)
	case "flistxattr":
		return table.Return(0)
	case "fstatfs", "fstatfs64":
		return readOnlyStatfs(c, next.Handle(c))
	}
	return table.Errno(unix.EROFS)
}

// credentials returns the ids by which the kernel judges the thread's access to files, as
// far as the owner of its directory in /proc tells them (proc(5)).
func credentials(t table.Thread) (uid, gid uint32) {
	var st unix.Stat_t
	if err := unix.Stat(path.Join("/proc", itoa(t.TID())), &st); err != nil {
		return uint32(os.Getuid()), uint32(os.Getgid())
	}
	return st.Uid, st.Gid
}
