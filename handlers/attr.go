package handlers

import (
	"encoding/binary"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// An attr is what the calls of the stat family tell of a file.
type attr struct {
	dev, ino, rdev   uint64
	mode, nlink      uint32
	uid, gid         uint32
	size             int64
	blksize          uint32
	blocks           uint64 // of 512 bytes
	atime, mtime     unix.Timespec
	ctime, birthtime unix.Timespec
}

// An item is one of them.
type item uint8

const (
	aDev item = iota
	aIno
	aIno32
	aMode
	aNlink
	aUID
	aGID
	aRdev
	aSize
	aBlksize
	aBlocks
	aAtime
	aAtimeNsec
	aMtime
	aMtimeNsec
	aCtime
	aCtimeNsec
	aBtime
	aBtimeNsec
	aDevMajor
	aDevMinor
	aRdevMajor
	aRdevMinor
	aMask
)

// A slot says where in a struct an item is, and how many bytes it has.
type slot struct {
	item item
	at   int
	size int
}

// A statLayout is one of the structs that the calls fill in.
type statLayout struct {
	size  int
	slots []slot
}

// The kernel's structs: struct stat of asm/stat.h, asm-generic/stat.h, compat_stat
// of x86's asm/compat.h, stat64 and __old_kernel_stat of i386, and statx of linux/stat.h.
var (
	statAMD64 = &statLayout{144, []slot{
		{aDev, 0, 8}, {aIno, 8, 8}, {aNlink, 16, 8}, {aMode, 24, 4}, {aUID, 28, 4}, {aGID, 32, 4}, {aRdev, 40, 8},
		{aSize, 48, 8}, {aBlksize, 56, 8}, {aBlocks, 64, 8}, {aAtime, 72, 8}, {aAtimeNsec, 80, 8},
		{aMtime, 88, 8}, {aMtimeNsec, 96, 8}, {aCtime, 104, 8}, {aCtimeNsec, 112, 8}}}
	statGeneric = &statLayout{128, []slot{
		{aDev, 0, 8}, {aIno, 8, 8}, {aMode, 16, 4}, {aNlink, 20, 4}, {aUID, 24, 4}, {aGID, 28, 4}, {aRdev, 32, 8},
		{aSize, 48, 8}, {aBlksize, 56, 4}, {aBlocks, 64, 8}, {aAtime, 72, 8}, {aAtimeNsec, 80, 8},
		{aMtime, 88, 8}, {aMtimeNsec, 96, 8}, {aCtime, 104, 8}, {aCtimeNsec, 112, 8}}}
	stat64I386 = &statLayout{96, []slot{
		{aDev, 0, 8}, {aIno32, 12, 4}, {aMode, 16, 4}, {aNlink, 20, 4}, {aUID, 24, 4}, {aGID, 28, 4}, {aRdev, 32, 8},
		{aSize, 44, 8}, {aBlksize, 52, 4}, {aBlocks, 56, 8}, {aAtime, 64, 4}, {aAtimeNsec, 68, 4},
		{aMtime, 72, 4}, {aMtimeNsec, 76, 4}, {aCtime, 80, 4}, {aCtimeNsec, 84, 4}, {aIno, 88, 8}}}
	statI386 = &statLayout{64, []slot{
		{aDev, 0, 4}, {aIno32, 4, 4}, {aMode, 8, 2}, {aNlink, 10, 2}, {aUID, 12, 2}, {aGID, 14, 2}, {aRdev, 16, 4},
		{aSize, 20, 4}, {aBlksize, 24, 4}, {aBlocks, 28, 4}, {aAtime, 32, 4}, {aAtimeNsec, 36, 4},
		{aMtime, 40, 4}, {aMtimeNsec, 44, 4}, {aCtime, 48, 4}, {aCtimeNsec, 52, 4}}}
	statOldest = &statLayout{32, []slot{
		{aDev, 0, 2}, {aIno, 2, 2}, {aMode, 4, 2}, {aNlink, 6, 2}, {aUID, 8, 2}, {aGID, 10, 2}, {aRdev, 12, 2},
		{aSize, 16, 4}, {aAtime, 20, 4}, {aMtime, 24, 4}, {aCtime, 28, 4}}}
	statxLayout = &statLayout{256, []slot{
		{aMask, 0, 4}, {aBlksize, 4, 4}, {aNlink, 16, 4}, {aUID, 20, 4}, {aGID, 24, 4}, {aMode, 28, 2}, {aIno, 32, 8},
		{aSize, 40, 8}, {aBlocks, 48, 8}, {aAtime, 64, 8}, {aAtimeNsec, 72, 4}, {aBtime, 80, 8}, {aBtimeNsec, 88, 4},
		{aCtime, 96, 8}, {aCtimeNsec, 104, 4}, {aMtime, 112, 8}, {aMtimeNsec, 120, 4},
		{aRdevMajor, 128, 4}, {aRdevMinor, 132, 4}, {aDevMajor, 136, 4}, {aDevMinor, 140, 4}}}
)

// statArg returns the layout of the struct that a call of the stat family fills in, and
// the argument that points to it; nil for other calls.
func statArg(c *table.Call) (*statLayout, int) {
	switch c.Name() {
	case "statx":
		return statxLayout, 4
	case "stat64", "lstat64", "fstat64":
		return stat64I386, 1
	case "fstatat64":
		return stat64I386, 2
	case "newfstatat":
		return nativeStat(c.ABI()), 2
	case "stat", "lstat", "fstat":
		return nativeStat(c.ABI()), 1
	case "oldstat", "oldlstat", "oldfstat":
		return statOldest, 1
	}
	return nil, 0
}

func nativeStat(abi table.ABI) *statLayout {
	switch abi {
	case table.I386:
		return statI386
	case table.ARM64:
		return statGeneric
	}
	return statAMD64
}

// value returns an item of the attributes.
func (a *attr) value(i item) uint64 {
	switch i {
	case aDev:
		return a.dev
	case aIno, aIno32:
		return a.ino
	case aMode:
		return uint64(a.mode)
	case aNlink:
		return uint64(a.nlink)
	case aUID:
		return uint64(a.uid)
	case aGID:
		return uint64(a.gid)
	case aRdev:
		return a.rdev
	case aSize:
		return uint64(a.size)
	case aBlksize:
		return uint64(a.blksize)
	case aBlocks:
		return a.blocks
	case aAtime:
		return uint64(a.atime.Sec)
	case aAtimeNsec:
		return uint64(a.atime.Nsec)
	case aMtime:
		return uint64(a.mtime.Sec)
	case aMtimeNsec:
		return uint64(a.mtime.Nsec)
	case aCtime:
		return uint64(a.ctime.Sec)
	case aCtimeNsec:
		return uint64(a.ctime.Nsec)
	case aBtime:
		return uint64(a.birthtime.Sec)
	case aBtimeNsec:
		return uint64(a.birthtime.Nsec)
	case aDevMajor:
		return uint64(unix.Major(a.dev))
	case aDevMinor:
		return uint64(unix.Minor(a.dev))
	case aRdevMajor:
		return uint64(unix.Major(a.rdev))
	case aRdevMinor:
		return uint64(unix.Minor(a.rdev))
	case aMask:
		return unix.STATX_BASIC_STATS
	}
	return 0
}

// encode returns the struct with the attributes in it.
func (l *statLayout) encode(a *attr) []byte {
	b := make([]byte, l.size)
	for _, s := range l.slots {
		put(b[s.at:s.at+s.size], a.value(s.item))
	}
	return b
}

// get returns an item of an encoded struct, 0 if the struct has none.
func (l *statLayout) get(b []byte, i item) uint64 {
	for _, s := range l.slots {
		if s.item == i {
			return get(b[s.at : s.at+s.size])
		}
	}
	return 0
}

// set changes an item of an encoded struct.
func (l *statLayout) set(b []byte, i item, v uint64) {
	for _, s := range l.slots {
		if s.item == i {
			put(b[s.at:s.at+s.size], v)
		}
	}
}

// put writes a number in the machine's byte order, with as many bytes as b has: all our
// machines are little-endian.
func put(b []byte, v uint64) {
	var whole [8]byte
	binary.LittleEndian.PutUint64(whole[:], v)
	copy(b, whole[:])
}

func get(b []byte) uint64 {
	var whole [8]byte
	copy(whole[:], b)
	return binary.LittleEndian.Uint64(whole[:])
}

// unixMode returns the st_mode of a file mode.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	switch m.Type() {
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
	case fs.ModeDevice | fs.ModeCharDevice:
		mode |= unix.S_IFCHR
	default:
		mode |= unix.S_IFREG
	}
	for _, bit := range []struct {
		go_  fs.FileMode
		unix uint32
	}{{fs.ModeSetuid, unix.S_ISUID}, {fs.ModeSetgid, unix.S_ISGID}, {fs.ModeSticky, unix.S_ISVTX}} {
		if m&bit.go_ != 0 {
			mode |= bit.unix
		}
	}
	return mode
}

// owner returns whose file it is, if its file system knows.
func owner(info fs.FileInfo) (uid, gid uint32, ok bool) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid, st.Gid, true
	}
	return 0, 0, false
}

func timespec(t time.Time) unix.Timespec {
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}
