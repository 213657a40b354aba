package handlers

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Flags that package unix does not name.
const (
	atStatxSync   = unix.AT_STATX_FORCE_SYNC | unix.AT_STATX_DONT_SYNC
	statxReserved = 0x80000000 // STATX__RESERVED
	ofDescriptors = unix.AT_SYMLINK_NOFOLLOW | unix.AT_EMPTY_PATH
	ofStat        = ofDescriptors | unix.AT_NO_AUTOMOUNT | atStatxSync
)

// invalid reports whether the kernel refuses a call with EINVAL for what its other arguments are,
// before it looks where its paths lead (fs/open.c, fs/namei.c, fs/stat.c, fs/utimes.c).
func invalid(c *table.Call) bool {
	beyond := func(i int, known uint64) bool { return c.Arg(i)&^known != 0 }
	const rwx = 7
	switch c.Name() {
	case "open", "openat":
		return contradicts(paths.OpenFlags(c))
	case "openat2":
		return contradicts(paths.OpenFlags(c)) || !paths.Resolvable(paths.ArgsOf(c)[0].Resolve)
	case "access":
		return beyond(1, rwx)
	case "faccessat":
		return beyond(2, rwx)
	case "faccessat2":
		return beyond(2, rwx) || beyond(3, ofDescriptors|unix.AT_EACCESS)
	case "unlinkat":
		return beyond(2, unix.AT_REMOVEDIR)
	case "linkat":
		return beyond(4, unix.AT_SYMLINK_FOLLOW|unix.AT_EMPTY_PATH)
	case "renameat2":
		const alone = unix.RENAME_NOREPLACE | unix.RENAME_WHITEOUT
		return beyond(4, alone|unix.RENAME_EXCHANGE) || c.Arg(4)&alone != 0 && c.Arg(4)&unix.RENAME_EXCHANGE != 0
	case "fchmodat2", "utimensat", "utimensat_time64":
		return beyond(3, ofDescriptors)
	case "fchownat":
		return beyond(4, ofDescriptors)
	case "newfstatat", "fstatat64":
		return beyond(3, ofStat)
	case "statx":
		return beyond(2, ofStat) || c.Arg(2)&atStatxSync == atStatxSync || c.Arg(3)&statxReserved != 0
	case "truncate":
		return c.Int(1) < 0
	case "readlink":
		return c.Int(2) <= 0
	case "readlinkat":
		return c.Int(3) <= 0
	}
	return false
}

// contradicts reports whether flags of open(2) cannot go together (fs/open.c, build_open_flags).
func contradicts(flags int) bool {
	if flags&unix.O_PATH != 0 {
		return false // the others do not count
	}
	const tmpfile = unix.O_TMPFILE &^ unix.O_DIRECTORY
	switch {
	case flags&tmpfile != 0:
		return flags&(unix.O_DIRECTORY|unix.O_CREAT) != unix.O_DIRECTORY || flags&(unix.O_ACCMODE|unix.O_TRUNC) == unix.O_RDONLY
	case flags&unix.O_DIRECTORY != 0:
		return flags&unix.O_CREAT != 0 // since Linux 6.4; before, a file might have been made
	}
	return false
}
