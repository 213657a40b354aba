package paths

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A Use says what a call does to what its path names.
type Use uint8

// Uses, bits.
const (
	Look    Use = 1 << iota // its attributes, or where it leads
	Read                    // its contents
	Write                   // its contents or attributes change
	Make                    // the name is made, or taken away
	Execute                 // it becomes the program
	Connect                 // a socket of that name
)

// An Arg is a path argument of one call.
type Arg struct {
	Path int // index of the argument
	Dir  int // index of the descriptor that the path is relative to, -1: the working directory
	// Follow: if a symbolic link is what the path ends at, it is followed.
	Follow bool
	// Named: what the path ends with is a name in its directory, to be made, or taken away; it is
	// not followed even if a slash comes behind it.
	Named bool
	// Empty: an empty path, and a null pointer, mean the descriptor itself
	// (AT_EMPTY_PATH).
	Empty bool
	Use   Use
	// Resolve is what openat2(2) asks of the resolution: RESOLVE_... bits.
	Resolve uint64
}

// following says how a call treats a symbolic link at the end of a path.
type following uint8

const (
	follows following = iota
	never
	named      // nor if a slash follows
	unlessFlag // AT_SYMLINK_NOFOLLOW among its flags
	ifFlag     // AT_SYMLINK_FOLLOW
	asOpen     // O_NOFOLLOW, or O_CREAT with O_EXCL
)

// A rule says what a call does with one of its paths, in their order.
type rule struct {
	follow following
	use    Use
}

var rules = map[string][]rule{}

func init() {
	add := func(follow following, use Use, names ...string) {
		for _, n := range names {
			rules[n] = append(rules[n], rule{follow, use})
		}
	}
	add(asOpen, 0, "open", "openat", "openat2")
	add(follows, Write|Make, "creat")
	add(follows, Look, "stat", "stat64", "oldstat", "access", "faccessat", "chdir", "chroot", "statfs", "statfs64",
		"getxattr", "listxattr", "fspick", "pivot_root")
	add(follows, Look, "pivot_root")
	add(never, Look, "lstat", "lstat64", "oldlstat", "readlink", "readlinkat", "lgetxattr", "llistxattr")
	add(unlessFlag, Look, "newfstatat", "fstatat64", "statx", "faccessat2", "getxattrat", "listxattrat",
		"file_getattr", "open_tree", "open_tree_attr", "inotify_add_watch", "fanotify_mark")
	add(ifFlag, Look, "name_to_handle_at")
	add(follows, Execute, "execve", "uselib")
	add(unlessFlag, Execute, "execveat")
	add(follows, Write, "truncate", "truncate64", "chmod", "fchmodat", "chown", "chown32", "utime", "utimes", "futimesat",
		"setxattr", "removexattr", "swapon", "swapoff", "acct", "quotactl", "umount", "mount")
	add(unlessFlag, Write, "fchmodat2", "fchownat", "utimensat", "utimensat_time64", "setxattrat", "removexattrat",
		"file_setattr", "mount_setattr", "umount2")
	add(never, Write, "lchown", "lchown32", "lsetxattr", "lremovexattr")
	add(named, Make, "mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2")
	add(never, Make, "link")
	add(ifFlag, Make, "linkat")
	add(named, Make, "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat")
	add(unlessFlag, Write, "move_mount", "move_mount")
}

// Changing returns the names of the calls that may change what their paths lead to, or
// make or take away a name: those of which ArgsOf says Write or Make.
func Changing() []string {
	var names []string
	for name, rs := range rules {
		if slices.ContainsFunc(rs, func(r rule) bool { return r.follow == asOpen || r.use&(Write|Make) != 0 }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// skipped is how many Path arguments a call has before those that lead anywhere: the
// text of a symbolic link, the source of a mount, which may be anything.
func skipped(name string) int {
	switch name {
	case "symlink", "symlinkat", "mount":
		return 1
	}
	return 0
}

// Flags of calls whose flags have names of their own.
const (
	inDontFollow      = 0x02000000 // IN_DONT_FOLLOW
	fanMarkDontFollow = 0x4        // FAN_MARK_DONT_FOLLOW
	umountNoFollow    = 0x8        // UMOUNT_NOFOLLOW
	moveFromSymlinks  = 0x1        // MOVE_MOUNT_F_SYMLINKS
	moveFromEmpty     = 0x4        // MOVE_MOUNT_F_EMPTY_PATH
	moveToSymlinks    = 0x10       // MOVE_MOUNT_T_SYMLINKS
	moveToEmpty       = 0x40       // MOVE_MOUNT_T_EMPTY_PATH
	fspickNoFollow    = 0x2        // FSPICK_SYMLINK_NOFOLLOW
	openHowSize       = 24         // OPEN_HOW_SIZE_VER0
	atEmptyPath       = unix.AT_EMPTY_PATH
	atSymlinkNoFollow = unix.AT_SYMLINK_NOFOLLOW
	atSymlinkFollow   = unix.AT_SYMLINK_FOLLOW
)

// ArgsOf returns the path arguments of a call that name files, in their order. Of a
// number without a signature, and of calls without paths, there are none.
func ArgsOf(c *table.Call) []Arg {
	sig := c.Signature()
	if sig == nil {
		return nil
	}
	rs := rules[sig.Name]
	if rs == nil {
		return nil
	}
	var args [2]Arg
	n, skip := 0, skipped(sig.Name)
	for i := range sig.Args {
		if sig.Args[i].Kind != table.Path || n == len(rs) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		a := Arg{Path: i, Dir: -1, Use: rs[n].use}
		if i > 0 && sig.Args[i-1].Kind == table.DirFD {
			a.Dir = i - 1
		}
		a.complete(c, rs[n].follow, n)
		args[n] = a
		n++
	}
	return args[:n]
}

// complete fills in what the call's flags say about its path number n.
func (a *Arg) complete(c *table.Call, follow following, n int) {
	switch follow {
	case follows:
		a.Follow = true
	case named:
		a.Named = true
	case asOpen:
		flags := OpenFlags(c)
		a.Follow = flags&unix.O_NOFOLLOW == 0 && flags&(unix.O_CREAT|unix.O_EXCL) != unix.O_CREAT|unix.O_EXCL
		a.Use = openUse(flags)
	case unlessFlag, ifFlag:
		a.byFlags(c, follow, n)
	}
	switch c.Name() {
	case "readlinkat":
		a.Empty = true
	case "openat2":
		if how, err := c.Bytes(2, openHowSize); err == nil {
			a.Resolve = binary.NativeEndian.Uint64(how[16:])
		}
	case "utimensat", "utimensat_time64", "futimesat":
		a.Empty = a.Empty || c.Arg(a.Path) == 0
	}
}

func (a *Arg) byFlags(c *table.Call, follow following, n int) {
	flags := atFlags(c, a.Path)
	switch c.Name() {
	case "inotify_add_watch":
		a.Follow = flags&inDontFollow == 0
	case "fanotify_mark":
		a.Follow = c.Arg(1)&fanMarkDontFollow == 0
	case "umount2":
		a.Follow = flags&umountNoFollow == 0
	case "fspick":
		a.Follow, a.Empty = flags&fspickNoFollow == 0, flags&8 != 0
	case "move_mount":
		a.Follow, a.Empty = flags&moveFromSymlinks != 0, flags&moveFromEmpty != 0
		if n == 1 {
			a.Follow, a.Empty = flags&moveToSymlinks != 0, flags&moveToEmpty != 0
		}
	default:
		a.Follow = flags&atSymlinkNoFollow == 0
		if follow == ifFlag {
			a.Follow = flags&atSymlinkFollow != 0
		}
		a.Empty = flags&atEmptyPath != 0
	}
}

// atFlags returns the first argument of flags behind the path at index i.
func atFlags(c *table.Call, i int) uint64 {
	if c.Name() == "faccessat2" {
		return c.Arg(3)
	}
	sig := c.Signature()
	for j := i + 1; j < len(sig.Args); j++ {
		if sig.Args[j].Kind == table.Flags {
			return c.Arg(j)
		}
	}
	return 0
}

// OpenFlags returns the flags of a call that opens a file by name, those of openat2
// from its struct open_how, 0 if that cannot be read.
func OpenFlags(c *table.Call) int {
	switch c.Name() {
	case "open":
		return int(c.Arg(1))
	case "openat":
		return int(c.Arg(2))
	case "openat2":
		how, err := c.Bytes(2, openHowSize)
		if err != nil {
			return 0
		}
		return int(binary.NativeEndian.Uint64(how))
	case "creat":
		return unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC
	}
	return 0
}

func openUse(flags int) Use {
	if flags&unix.O_PATH != 0 {
		return Look
	}
	var u Use
	switch flags & unix.O_ACCMODE {
	case unix.O_RDONLY:
		u = Read
	case unix.O_WRONLY:
		u = Write
	default:
		u = Read | Write
	}
	if flags&unix.O_TRUNC != 0 {
		u |= Write
	}
	if flags&unix.O_CREAT != 0 || flags&unix.O_TMPFILE == unix.O_TMPFILE {
		u |= Make
	}
	return u
}
