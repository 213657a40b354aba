package procfs

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Mapping is one of a process's address space, as a line of /proc/TID/maps has it.
type Mapping struct {
	Start, End uint64
	Offset     uint64 // in the file
	Inode      uint64 // of the file, 0 if there is none
	Device     string // its device, as in the line: "fe:00"
	Write      bool
	Execute    bool
	Shared     bool
}

// procmapQuery is struct procmap_query of linux/fs.h.
type procmapQuery struct {
	size, flags, addr                      uint64
	start, end, vmaFlags, pageSize, offset uint64
	inode                                  uint64
	major, minor                           uint32
	nameSize, buildIDSize                  uint32
	nameAddr, buildIDAddr                  uint64
}

const (
	procmapQueryRequest = 0xc0686611 // PROCMAP_QUERY
	vmaWritable         = 1 << 1
	vmaExecutable       = 1 << 2
	vmaShared           = 1 << 3
)

// MappingAt returns the mapping of a thread's process in which addr is. It fails with ENOENT
// if there is none, and with ENOTTY where the kernel cannot be asked: before Linux 6.11.
func MappingAt(tid int, addr uint64) (Mapping, error) {
	name := Path(tid, "maps")
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Mapping{}, fmt.Errorf("%s: %w", name, err)
	}
	defer unix.Close(fd)
	q := procmapQuery{addr: addr}
	q.size = uint64(unsafe.Sizeof(q))
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), procmapQueryRequest, uintptr(unsafe.Pointer(&q))); errno != 0 {
		return Mapping{}, fmt.Errorf("%s: %#x: %w", name, addr, errno)
	}
	return Mapping{
		Start: q.start, End: q.end, Offset: q.offset, Inode: q.inode,
		Device:  fmt.Sprintf("%02x:%02x", q.major, q.minor),
		Write:   q.vmaFlags&vmaWritable != 0,
		Execute: q.vmaFlags&vmaExecutable != 0,
		Shared:  q.vmaFlags&vmaShared != 0,
	}, nil
}
