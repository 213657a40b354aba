package virtual

import (
	"encoding/binary"
	"io/fs"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A Stat is what stat(2) and its like tell of a file. Dev and Rdev are as unix.Mkdev
// makes them.
type Stat struct {
	Dev, Ino   uint64
	Mode       uint32 // type and permissions, S_IF... and 0777
	Nlink      uint32
	UID, GID   uint32
	Rdev       uint64
	Size       int64
	Blksize    uint32
	Blocks     int64 // of 512 bytes
	Atime      time.Time
	Mtime      time.Time
	Ctime      time.Time
	Btime      time.Time // zero if not known; only statx(2) tells it
	MountID    uint64    // the same
	Attributes uint64    // STATX_ATTR_...; only statx(2) tells them
}

// StatOf returns what info tells, as the kernel would. What it does not tell: all
// times are that of modification, the owner is nobody's in particular, 0, and there
// is one link; unless info.Sys() is a Stat, a *Stat or a *unix.Stat_t, which is then
// taken as it is.
func StatOf(info fs.FileInfo) Stat {
	switch s := info.Sys().(type) {
	case Stat:
		return s
	case *Stat:
		return *s
	case *unix.Stat_t:
		return Stat{
			Dev: uint64(s.Dev), Ino: s.Ino, Mode: s.Mode, Nlink: uint32(s.Nlink), UID: s.Uid, GID: s.Gid,
			Rdev: uint64(s.Rdev), Size: s.Size, Blksize: uint32(s.Blksize), Blocks: s.Blocks,
			Atime: time.Unix(s.Atim.Unix()), Mtime: time.Unix(s.Mtim.Unix()), Ctime: time.Unix(s.Ctim.Unix()),
		}
	}
	const block, unit = 4096, 512
	t := info.ModTime()
	return Stat{
		Mode: Mode(info.Mode()), Nlink: 1, Size: info.Size(),
		Blksize: block, Blocks: (info.Size() + unit - 1) / unit,
		Atime: t, Mtime: t, Ctime: t,
	}
}

// Mode returns the kernel's mode, S_IF... and permissions, of a mode of io/fs.
func Mode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	switch m.Type() {
	case 0:
		mode |= unix.S_IFREG
	case fs.ModeDir:
		mode |= unix.S_IFDIR
	case fs.ModeSymlink:
		mode |= unix.S_IFLNK
	case fs.ModeNamedPipe:
		mode |= unix.S_IFIFO
	case fs.ModeSocket:
		mode |= unix.S_IFSOCK
	case fs.ModeDevice:
		mode |= unix.S_IFBLK
	case fs.ModeDevice | fs.ModeCharDevice, fs.ModeCharDevice:
		mode |= unix.S_IFCHR
	}
	for _, bit := range []struct {
		fs   fs.FileMode
		unix uint32
	}{{fs.ModeSetuid, unix.S_ISUID}, {fs.ModeSetgid, unix.S_ISGID}, {fs.ModeSticky, unix.S_ISVTX}} {
		if m&bit.fs != 0 {
			mode |= bit.unix
		}
	}
	return mode
}

// WriteStat answers a call that asks for a file's attributes with s: stat, lstat,
// fstat, newfstatat, their 64-bit forms, and statx, each in its ABI's format. It fails
// with EFAULT if the program's buffer cannot be written, and with EOVERFLOW if s does
// not fit into it.
func WriteStat(c *table.Call, s *Stat) table.Result {
	arg, b, ok := 1, []byte(nil), true
	switch name := c.Name(); {
	case name == "statx":
		arg, b = 4, s.statx()
	case name == "newfstatat", name == "fstatat64":
		arg = 2
		fallthrough
	default:
		switch c.ABI() {
		case table.ARM64:
			b = s.arm64()
		case table.I386:
			if name == "fstatat64" || name == "stat64" || name == "lstat64" || name == "fstat64" {
				b = s.i386Stat64()
			} else {
				b, ok = s.i386Stat()
			}
		default:
			b = s.amd64()
		}
	}
	if !ok {
		return table.Errno(unix.EOVERFLOW)
	}
	if n, err := c.WriteMemory(c.Arg(arg), b); err != nil || n < len(b) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(0)
}

var le = binary.LittleEndian // all architectures that we know

func appendTimes64(b []byte, times ...time.Time) []byte {
	for _, t := range times {
		sec, nsec := clockOf(t)
		b = le.AppendUint64(b, uint64(sec))
		b = le.AppendUint64(b, uint64(nsec))
	}
	return b
}

func appendTimes32(b []byte, times ...time.Time) []byte {
	for _, t := range times {
		sec, nsec := clockOf(t)
		b = le.AppendUint32(b, uint32(sec))
		b = le.AppendUint32(b, uint32(nsec))
	}
	return b
}

// clockOf returns seconds and nanoseconds since 1970. The zero Time is 1970.
func clockOf(t time.Time) (sec int64, nsec int) {
	if t.IsZero() {
		return 0, 0
	}
	return t.Unix(), t.Nanosecond()
}

// amd64 is struct stat of arch/x86/include/uapi/asm/stat.h.
func (s *Stat) amd64() []byte {
	b := make([]byte, 0, 144)
	b = le.AppendUint64(b, s.Dev)
	b = le.AppendUint64(b, s.Ino)
	b = le.AppendUint64(b, uint64(s.Nlink))
	b = le.AppendUint32(b, s.Mode)
	b = le.AppendUint32(b, s.UID)
	b = le.AppendUint32(b, s.GID)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, s.Rdev)
	b = le.AppendUint64(b, uint64(s.Size))
	b = le.AppendUint64(b, uint64(s.Blksize))
	b = le.AppendUint64(b, uint64(s.Blocks))
	b = appendTimes64(b, s.Atime, s.Mtime, s.Ctime)
	return append(b, make([]byte, 3*8)...)
}

// arm64 is struct stat of include/uapi/asm-generic/stat.h.
func (s *Stat) arm64() []byte {
	b := make([]byte, 0, 128)
	b = le.AppendUint64(b, s.Dev)
	b = le.AppendUint64(b, s.Ino)
	b = le.AppendUint32(b, s.Mode)
	b = le.AppendUint32(b, s.Nlink)
	b = le.AppendUint32(b, s.UID)
	b = le.AppendUint32(b, s.GID)
	b = le.AppendUint64(b, s.Rdev)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint64(b, uint64(s.Size))
	b = le.AppendUint32(b, s.Blksize)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(s.Blocks))
	b = appendTimes64(b, s.Atime, s.Mtime, s.Ctime)
	return append(b, make([]byte, 2*4)...)
}

// i386Stat64 is struct stat64 of 32-bit x86 (arch/x86/include/uapi/asm/stat.h).
func (s *Stat) i386Stat64() []byte {
	b := make([]byte, 0, 96)
	b = le.AppendUint64(b, s.Dev)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint32(b, uint32(s.Ino))
	b = le.AppendUint32(b, s.Mode)
	b = le.AppendUint32(b, s.Nlink)
	b = le.AppendUint32(b, s.UID)
	b = le.AppendUint32(b, s.GID)
	b = le.AppendUint64(b, s.Rdev)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(s.Size))
	b = le.AppendUint32(b, s.Blksize)
	b = le.AppendUint64(b, uint64(s.Blocks))
	b = appendTimes32(b, s.Atime, s.Mtime, s.Ctime)
	return le.AppendUint64(b, s.Ino)
}

// i386Stat is the older struct stat of 32-bit x86, with 32 bits of size. ok is false
// if s does not fit (fs/stat.c, cp_compat_stat).
func (s *Stat) i386Stat() (b []byte, ok bool) {
	const most = 1<<31 - 1
	if s.Size > most || s.Ino > 1<<32-1 || s.Nlink > 1<<16-1 {
		return nil, false
	}
	b = make([]byte, 0, 64)
	b = le.AppendUint32(b, uint32(s.Dev))
	b = le.AppendUint32(b, uint32(s.Ino))
	b = le.AppendUint16(b, uint16(s.Mode))
	b = le.AppendUint16(b, uint16(s.Nlink))
	b = le.AppendUint16(b, short(s.UID))
	b = le.AppendUint16(b, short(s.GID))
	b = le.AppendUint32(b, uint32(s.Rdev))
	b = le.AppendUint32(b, uint32(s.Size))
	b = le.AppendUint32(b, s.Blksize)
	b = le.AppendUint32(b, uint32(s.Blocks))
	b = appendTimes32(b, s.Atime, s.Mtime, s.Ctime)
	return append(b, make([]byte, 2*4)...), true
}

// short is how a user or group id is told in 16 bits (linux/highuid.h).
func short(id uint32) uint16 {
	const overflowID = 65534
	if id > 1<<16-1 {
		return overflowID
	}
	return uint16(id)
}

// statx is struct statx.
func (s *Stat) statx() []byte {
	x := unix.Statx_t{
		Mask: unix.STATX_BASIC_STATS, Blksize: s.Blksize, Attributes: s.Attributes, Nlink: s.Nlink,
		Uid: s.UID, Gid: s.GID, Mode: uint16(s.Mode), Ino: s.Ino, Size: uint64(s.Size), Blocks: uint64(s.Blocks),
		Attributes_mask: s.Attributes,
		Atime:           statxTime(s.Atime), Btime: statxTime(s.Btime), Ctime: statxTime(s.Ctime), Mtime: statxTime(s.Mtime),
		Rdev_major: unix.Major(s.Rdev), Rdev_minor: unix.Minor(s.Rdev),
		Dev_major: unix.Major(s.Dev), Dev_minor: unix.Minor(s.Dev), Mnt_id: s.MountID,
	}
	if !s.Btime.IsZero() {
		x.Mask |= unix.STATX_BTIME
	}
	if s.MountID != 0 {
		x.Mask |= unix.STATX_MNT_ID
	}
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&x)), unsafe.Sizeof(x))...)
}

func statxTime(t time.Time) unix.StatxTimestamp {
	sec, nsec := clockOf(t)
	return unix.StatxTimestamp{Sec: sec, Nsec: uint32(nsec)}
}

// attributes returns the description's attributes. A File that has none is told as a
// pipe if it is a Poller, and as a regular file if not.
func (d *description) attributes() (Stat, unix.Errno) {
	var s Stat
	if f, ok := d.file.(Stater); ok {
		info, err := f.Stat()
		if err != nil {
			return s, d.files.errno(d.file, "Stat", err)
		}
		s = StatOf(info)
	} else {
		s = Stat{Mode: unix.S_IFREG | 0o600, Nlink: 1, Blksize: 4096}
		if d.ready.poller != nil {
			s.Mode = unix.S_IFIFO | 0o600
		}
	}
	if s.Ino == 0 {
		s.Ino = d.id.ino
	}
	if s.Dev == 0 {
		s.Dev = d.id.dev
	}
	return s, 0
}

func (d *description) stat(c *table.Call) table.Result {
	s, e := d.attributes()
	if e != 0 {
		return table.Errno(e)
	}
	return WriteStat(c, &s)
}

// syncType is AT_STATX_SYNC_TYPE: the two ways of which only one can be asked for.
const syncType = unix.AT_STATX_FORCE_SYNC | unix.AT_STATX_DONT_SYNC

// statAt is stat by the calls that take a path, if the path is empty or, since Linux
// 6.11, NULL. A path beneath a virtual descriptor is not our business.
func (d *description) statAt(c *table.Call) table.Result {
	flags := c.Arg(3)
	if c.Name() == "statx" {
		flags = c.Arg(2)
		if c.Arg(3)&unix.STATX__RESERVED != 0 || flags&syncType == syncType {
			return table.Errno(unix.EINVAL) // whatever it is of (fs/stat.c, do_statx)
		}
	}
	const known = unix.AT_EMPTY_PATH | unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_FORCE_SYNC | unix.AT_STATX_DONT_SYNC
	if flags&unix.AT_EMPTY_PATH == 0 {
		return passOn
	}
	if c.Arg(1) != 0 {
		if path, err := c.Path(1); err != nil || path != "" {
			return passOn
		}
	}
	if flags&^known != 0 {
		// Some kernels refuse flags that they do not know, and some look at none.
		if r := c.Native(); r.Failed() {
			return r
		}
	}
	return d.stat(c)
}
