package handlers

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// A View shows programs another tree of files than the host's: with directories of the
// host, and any io/fs.FS, at paths of its own. It needs no privileges, no mount
// namespace and no FUSE: paths are translated on their way to the kernel, what lies
// in an fs.FS is answered, and its regular files become sealed memfds with their
// contents, so that read, lseek, mmap and sendfile are the kernel's. Directories of an fs.FS have a
// descriptor of a directory of the kernel that is empty and deleted: so dup, fork, chdir and exec
// keep what they are, without anybody tracking it.
//
// What is in an fs.FS is read-only. Its Stat and ReadDir are called on the tracing
// thread and should not wait long; files are opened and read on goroutines of
// their own.
//
// A View changes what a program sees. It does not confine one: for that put Deny, ReadOnly
// or Loopback over the same calls, before the View, so that they see where it leads.
//
// Not translated: what /proc/PID/maps, mountinfo and the like say. chroot(2), mounts
// and new mount namespaces are refused with EPERM, as to anybody without
// privileges.
type View struct {
	tree  *paths.View
	began time.Time // modification time of what has none

	mu       sync.Mutex
	contents contents
	standing map[string]int     // placeholders in the file system, by name: how many calls use them
	listings map[string][]entry // directories that are being read
	exes     map[int]exe        // what processes execute, where the kernel says something else
}

// NewView returns a View that shows the host's files.
func NewView() *View {
	tree := paths.NewView()
	tree.UseState()
	return &View{tree: tree, began: time.Now(), standing: map[string]int{}, listings: map[string][]entry{}, exes: map[int]exe{}}
}

// MountFS returns a View that shows fsys at the absolute path at, which need not exist
// on the host. It panics if at is not absolute, as http.ServeMux does for bad patterns.
func MountFS(at string, fsys fs.FS) *View { return NewView().MountFS(at, fsys) }

// MountFS shows fsys at the path at too, and returns v.
func (v *View) MountFS(at string, fsys fs.FS) *View {
	if err := v.tree.Mount(fsys, at); err != nil {
		panic("handlers: MountFS: " + err.Error())
	}
	return v
}

// Bind shows the host's file or directory host at the path at, as mount --bind would.
// It fails if there is no such file on the host.
func (v *View) Bind(host, at string) error { return v.tree.Bind(host, at) }

// Root shows what is below dir as the whole tree, as chroot(2) would. What is mounted
// is mounted in the new tree, whether before or after.
func (v *View) Root(dir string) error { return v.tree.Root(dir) }

// Close gives back the memory, and the descriptors, of contents that are kept for the next that
// opens them. Programs keep what they have open. The View can go on to be used.
func (v *View) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.contents = contents{} // whoever is about to use one keeps it alive
	clear(v.listings)
	return nil
}

// Use puts the View in front of the handlers that tbl has for the calls concerned. They
// get the calls with the host's paths.
func (v *View) Use(tbl *table.Table) {
	set, err := table.ParseSet(viewCalls)
	if err != nil {
		panic(err)
	}
	tbl.Use(set, v.Wrap)
}

// viewCalls are the calls that a View has to see.
const viewCalls = "%file,fstat,fstat64,oldfstat,getdents,getdents64,readdir,fchmod,fchown,fchown32,futimesat," +
	"fsetxattr,fremovexattr,fgetxattr,flistxattr,fstatfs,fstatfs64,unshare,setns,fsopen,fsmount," +
	"connect,bind,sendto,sendmsg,sendmmsg,socketcall"

// Wrap is the View as middleware, for the calls that the caller chooses.
func (v *View) Wrap(next table.Handler) table.Handler {
	return trapped{&passing{v.handle, v.passes, next}}
}

func (v *View) handle(c *table.Call, next table.Handler) table.Result {
	switch viewKind(c) {
	case viewCwd:
		return v.getcwd(c, next)
	case viewListing:
		return v.list(c, next)
	case viewDescriptor:
		return v.descriptor(c, next)
	case viewMounts:
		return table.Errno(unix.EPERM)
	case viewSocket:
		return v.socket(c, next)
	case viewOther:
		return next.Handle(c)
	}
	return v.path(c, next)
}

// passes reports whether handle would leave the call as it is, as far as that can be
// told quickly.
func (v *View) passes(c *table.Call) bool {
	switch viewKind(c) {
	case viewCwd:
		name, err := v.tree.DescriptorName(c.Thread(), unix.AT_FDCWD)
		shown, ok := v.tree.Shown(name)
		return err != nil || !ok || shown == name
	case viewListing:
		return v.tree.PassesListing(c.Thread(), c.FD(0))
	case viewDescriptor:
		return v.tree.PassesDescriptor(c.Thread(), c.FD(0))
	case viewMounts, viewExec:
		return false
	case viewSocket:
		return !namesSocket(c)
	case viewOther:
		return true
	}
	for _, a := range paths.ArgsOf(c) {
		if !v.tree.Passes(c, a) {
			return false
		}
	}
	return true
}

// What a View does about a call.
const (
	viewPath       = iota // it names files
	viewExec              // and executes one
	viewCwd               // it asks for the working directory
	viewListing           // it lists a directory
	viewDescriptor        // it is about a descriptor
	viewMounts            // it would give the program a tree of its own
	viewSocket            // it may have the address of a local socket
	viewOther             // nothing
)

func viewKind(c *table.Call) int {
	switch c.Name() {
	case "getcwd":
		return viewCwd
	case "getdents", "getdents64", "readdir":
		return viewListing
	case "fstat", "fstat64", "oldfstat", "fgetxattr", "flistxattr", "fstatfs", "fstatfs64",
		"fchmod", "fchown", "fchown32", "fsetxattr", "fremovexattr":
		return viewDescriptor
	case "chroot", "pivot_root", "mount", "umount", "umount2", "move_mount", "setns", "open_tree_attr",
		"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr":
		return viewMounts
	case "open_tree":
		if c.Arg(2)&openTreeClone != 0 {
			return viewMounts
		}
	case "unshare":
		if c.Arg(0)&unix.CLONE_NEWNS != 0 {
			return viewMounts
		}
		return viewOther
	case "connect", "bind", "sendto", "sendmsg", "sendmmsg", "socketcall":
		return viewSocket
	case "execve", "execveat":
		return viewExec
	}
	return viewPath
}

const openTreeClone = 1 // OPEN_TREE_CLONE

// path acts on a call that names files.
func (v *View) path(c *table.Call, next table.Handler) table.Result {
	args := paths.ArgsOf(c)
	var places [2]paths.Place
	virtual, moved := false, false
	if c.Name() == "openat2" && !paths.Resolvable(args[0].Resolve) {
		return next.Handle(c) // which the kernel refuses
	}
	for i, a := range args {
		p, err := v.tree.Resolve(c, a)
		if err != nil {
			if !p.Moved || errors.Is(err, paths.ErrOpaque) {
				p = paths.Place{} // the kernel comes to the same, or knows better
			} else if invalid(c) {
				return table.Errno(unix.EINVAL)
			} else {
				return table.Errno(paths.Errno(err))
			}
		}
		places[i] = p
		virtual = virtual || p.Virtual()
		moved = moved || p.Moved
	}
	if e := v.busy(c, args, &places); e != 0 {
		return table.Errno(e)
	}
	if virtual {
		return v.virtual(c, next, args, places[:len(args)])
	}
	if len(args) > 0 && args[0].Use == paths.Execute {
		return v.exec(c, next, args[0], &places[0])
	}
	for i, a := range args {
		if p := &places[i]; p.Moved && !p.Itself {
			if err := v.point(c, a, p.ForKernel()); err != nil {
				return failed(err)
			}
		}
	}
	r := next.Handle(c)
	if r.Failed() || len(args) == 0 {
		return r
	}
	p := &places[0]
	switch c.Name() {
	case "readlink", "readlinkat":
		if p.Magical() {
			return v.readMagic(c, p, r)
		}
	case "open", "openat", "openat2", "chdir":
		if p.Mode.IsDir() && !p.Itself {
			v.tree.Reached(p)
		}
	}
	return r
}

// busy returns the errno with which a name at which something is mounted is not taken away, nor
// renamed, nor another put in its place: the kernel has what is mounted elsewhere, and would.
func (v *View) busy(c *table.Call, args []paths.Arg, places *[2]paths.Place) unix.Errno {
	switch c.Name() {
	case "rename", "renameat", "renameat2", "rmdir", "unlink", "unlinkat":
	default:
		return 0
	}
	for i := range args {
		p := &places[i]
		switch {
		case !p.MountPoint() || p.Dot:
		case len(args) == 1 && p.Mode.IsDir() && !removesDir(c):
			return unix.EISDIR
		case len(args) == 1 && !p.Mode.IsDir() && (removesDir(c) || p.Slash):
			return unix.ENOTDIR
		default:
			return unix.EBUSY
		}
	}
	return 0
}

// removesDir reports whether a call takes away a directory, and not another file.
func removesDir(c *table.Call) bool {
	return c.Name() == "rmdir" || c.Name() == "unlinkat" && c.Arg(2)&unix.AT_REMOVEDIR != 0
}

// point makes the path argument a lead to a path of the host.
func (v *View) point(c *table.Call, a paths.Arg, name string) error {
	if err := c.PinPath(a.Path, name); err != nil {
		return err
	}
	return unconfine(c, a)
}

// unconfine takes away what openat2(2) asks of a path that has been resolved already: an absolute
// path is beneath nothing.
func unconfine(c *table.Call, a paths.Arg) error {
	const resolve, keep = 16, 0x06 // offset in struct open_how; RESOLVE_NO_MAGICLINKS and _NO_SYMLINKS
	if a.Resolve&^keep == 0 {
		return nil
	}
	how, err := c.Bytes(2, min(c.Arg(3), table.PathMax))
	if err != nil {
		return err
	}
	if len(how) < resolve+8 {
		return unix.EINVAL
	}
	clear(how[resolve+1 : resolve+8])
	how[resolve] &= keep
	return c.Pin(2, how)
}

// readMagic translates what a link of /proc/PID says.
func (v *View) readMagic(c *table.Call, p *paths.Place, r table.Result) table.Result {
	text, err := p.ReadLink()
	if err != nil {
		return r
	}
	shown, ok := v.exePath(p.Host, text)
	if !ok {
		shown, ok = v.tree.Shown(text)
	}
	if !ok || shown == text {
		return r
	}
	i := len(c.Signature().Args) - 2 // the buffer and its size are the last two
	return write(c, i, shown, c.Int(i+1))
}

// write writes text to the buffer at argument i, of size bytes, cut as readlink(2) cuts it.
func write(c *table.Call, i int, text string, size int64) table.Result {
	if size <= 0 {
		return table.Errno(unix.EINVAL)
	}
	n := min(int64(len(text)), size)
	if m, err := c.WriteMemory(c.Arg(i), []byte(text[:n])); err != nil || int64(m) < n {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(n)
}

// getcwd answers with the working directory's path in the View.
func (v *View) getcwd(c *table.Call, next table.Handler) table.Result {
	name, err := v.tree.DescriptorName(c.Thread(), unix.AT_FDCWD)
	if err != nil {
		return next.Handle(c)
	}
	shown, ok := v.tree.Shown(name)
	if !ok || shown == name {
		return next.Handle(c)
	}
	text := append([]byte(shown), 0)
	if uint64(len(text)) > c.Arg(1) {
		return table.Errno(unix.ERANGE)
	}
	if n, err := c.WriteMemory(c.Arg(0), text); err != nil || n < len(text) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(int64(len(text)))
}
