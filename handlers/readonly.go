package handlers

import (
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// ReadOnly returns a layer under which files cannot be changed, made or taken away: such
// calls fail with EROFS, as on a file system that is mounted read-only. What is below
// the paths in except can be, and devices, pipes and sockets can be written to, as is
// usual. Descriptors that are open for writing when the program starts stay so. To be a
// policy it wants Cmd.Enforce.
func ReadOnly(except ...string) Layer {
	r := &readOnly{except: newArea(except)}
	r.guard = guard{tree: paths.NewView(), check: r.check}
	return Layer{
		Calls: strings.Join(paths.Changing(), ",") + ",access,faccessat,faccessat2,bind,socketcall,open_by_handle_at," +
			"fchmod,fchown,fchown32,fsetxattr,fremovexattr,ioctl,unshare,setns," +
			"pivot_root,chroot,open_tree,open_tree_attr,fspick,fsopen,fsconfig,fsmount",
		Wrap: func(next table.Handler) table.Handler { return trapped{&passing{r.handle, r.passes, next}} },
	}
}

// passes reports whether a call changes nothing, if that is to be seen in its registers, which
// nobody changes any more.
func (r *readOnly) passes(c *table.Call) bool {
	switch c.Name() {
	case "open", "openat":
		return paths.OpenFlags(c)&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC|unix.O_TMPFILE) == unix.O_RDONLY ||
			paths.OpenFlags(c)&unix.O_PATH != 0
	case "access", "faccessat", "faccessat2":
		return !asksToWrite(c)
	case "ioctl":
		return !changes(c.Arg(1))
	case "unshare":
		return c.Arg(0)&unix.CLONE_NEWNS == 0
	}
	return false
}

type readOnly struct {
	guard
	except area
}

// Requests of ioctl(2) that change a file which may be open for reading only
// (linux/fs.h); those of 32-bit programs have another size in them.
const (
	fsSetFlags   = 0x6602     // FS_IOC_SETFLAGS without its size
	fsSetVersion = 0x7602     // FS_IOC_SETVERSION
	fsSetXattr   = 0x5820     // FS_IOC_FSSETXATTR
	ioctlKind    = 0xffff     // type and number
	ioctlWrite   = 0x40000000 // _IOC_WRITE
)

// changes reports whether a request changes a file.
func changes(request uint64) bool {
	switch request & ioctlKind {
	case fsSetFlags, fsSetVersion, fsSetXattr:
		return request&ioctlWrite != 0
	}
	return false
}

func (r *readOnly) handle(c *table.Call, next table.Handler) table.Result {
	if r.passes(c) {
		return next.Handle(c)
	}
	switch c.Name() {
	case "access", "faccessat", "faccessat2":
		return r.access(c, next)
	case "ioctl":
		if changes(c.Arg(1)) {
			return r.descriptor(c, next)
		}
		return next.Handle(c)
	case "fchmod", "fchown", "fchown32", "fsetxattr", "fremovexattr":
		return r.descriptor(c, next)
	case "mount", "umount", "umount2", "move_mount", "open_tree", "open_tree_attr", "mount_setattr",
		"fspick", "fsopen", "fsconfig", "fsmount", "pivot_root", "chroot", "setns":
		// With these the same files could be had by other paths.
		return table.Errno(unix.EPERM)
	case "unshare":
		if c.Arg(0)&unix.CLONE_NEWNS != 0 {
			return table.Errno(unix.EPERM)
		}
		return next.Handle(c)
	}
	if invalid(c) {
		return table.Errno(unix.EINVAL)
	}
	return r.guard.handle(c, next)
}

// asksToWrite reports whether access(2) or one of its kin asks for W_OK.
func asksToWrite(c *table.Call) bool {
	if c.Name() == "access" {
		return c.Arg(1)&unix.W_OK != 0
	}
	return c.Arg(2)&unix.W_OK != 0
}

// access tells whether a file could be written to. It permits nothing, so nothing has to be fixed.
func (r *readOnly) access(c *table.Call, next table.Handler) table.Result {
	var p paths.Place
	err := error(unix.ENOENT)
	if args := paths.ArgsOf(c); len(args) > 0 {
		p, err = r.tree.Resolve(c, args[0])
	}
	res := next.Handle(c)
	if res.Failed() || res.Gone() || err != nil || nameless(&p) || r.except.holds(&p) {
		return res
	}
	info, err := p.StatFollowed()
	if err != nil || info.Mode().Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 { // as the kernel: not of devices, pipes, sockets
		return res
	}
	return table.Errno(unix.EROFS)
}

// descriptor acts on a call that changes the file behind its first descriptor.
func (r *readOnly) descriptor(c *table.Call, next table.Handler) table.Result {
	p, err := r.tree.ResolveAt(c.Thread(), c.FD(0), "", paths.Arg{Empty: true})
	if err != nil {
		return next.Handle(c)
	}
	if nameless(&p) || r.except.holds(&p) {
		return next.Handle(c)
	}
	return table.Errno(unix.EROFS)
}

// check decides about a place as the kernel does, in its order (fs/namei.c).
func (r *readOnly) check(c *table.Call, a paths.Arg, p *paths.Place) unix.Errno {
	if a.Use&(paths.Write|paths.Make) == 0 || nameless(p) || r.except.holds(p) {
		return 0
	}
	name, notDir := c.Name(), p.Slash && p.Exists && !p.Magic && !p.Mode.IsDir()
	switch name {
	case "open", "openat", "openat2", "creat":
		return r.open(c, p)
	case "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat":
		if a.Path == firstPath(c) && strings.HasPrefix(name, "link") {
			if notDir {
				return unix.ENOTDIR
			}
			return 0 // to what is linked, nothing happens that the new name does not show
		}
		if p.Exists {
			return unix.EEXIST
		}
	case "unlink", "unlinkat", "rmdir":
		return removal(c, p)
	case "rename", "renameat", "renameat2":
		if p.Dot {
			return unix.EBUSY
		}
	case "bind":
	default:
		switch {
		case !p.Exists:
			return unix.ENOENT
		case notDir:
			return unix.ENOTDIR
		case strings.HasPrefix(name, "truncate") && p.Mode.IsDir():
			return unix.EISDIR
		}
	}
	return unix.EROFS
}

// firstPath returns the index of the call's first path.
func firstPath(c *table.Call) int {
	for _, a := range paths.ArgsOf(c) {
		return a.Path
	}
	return -1
}

func (r *readOnly) open(c *table.Call, p *paths.Place) unix.Errno {
	flags := paths.OpenFlags(c)
	has := func(bits int) bool { return flags&bits == bits }
	info, err := p.StatFollowed()
	switch {
	case has(unix.O_CREAT) && p.Slash && !p.Dot:
		return unix.EISDIR
	case err == nil && p.Slash && !info.IsDir():
		return unix.ENOTDIR
	case has(unix.O_TMPFILE) && err != nil:
		return unix.ENOENT
	case has(unix.O_TMPFILE) && !info.IsDir():
		return unix.ENOTDIR
	case has(unix.O_TMPFILE):
		return unix.EROFS
	case err != nil && has(unix.O_CREAT):
		return unix.EROFS
	case err != nil, has(unix.O_CREAT | unix.O_EXCL):
		return 0 // the kernel has the errno
	case flags&unix.O_ACCMODE == unix.O_RDONLY && !has(unix.O_TRUNC):
		return 0
	case info.IsDir(), !info.Mode().IsRegular():
		return 0 // EISDIR, or a device
	}
	return unix.EROFS
}

// nameless reports whether the place is a descriptor's, of a pipe, a socket, a memfd or the
// like, which is in no file system.
func nameless(p *paths.Place) bool {
	return p.Itself && (!strings.HasPrefix(p.Host, "/") || strings.HasPrefix(p.Host, "/memfd:"))
}
