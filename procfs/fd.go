package procfs

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// AtCWD and AtRoot stand, in FDLink and FDStat, for the thread's working and root directory.
const (
	AtCWD  = -1
	AtRoot = -2
)

// fdName returns the name of the link that stands for a descriptor.
func fdName(tid, fd int) string {
	switch fd {
	case AtCWD:
		return ofThread(tid, "cwd")
	case AtRoot:
		return ofThread(tid, "root")
	}
	return ofThread(tid, "fd/") + strconv.Itoa(fd)
}

// FDLink returns what a descriptor of a thread refers to: a path, or the kernel's name of
// what has none. It fails with ENOENT if it is not open.
func FDLink(tid, fd int) (string, error) {
	name := fdName(tid, fd)
	var buf [unix.PathMax]byte
	n, err := unix.Readlink(name, buf[:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(buf[:n]), nil
}

// FDStat returns what fstat(2) would say of a descriptor of a thread.
func FDStat(tid, fd int) (unix.Stat_t, error) {
	name := fdName(tid, fd)
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return st, fmt.Errorf("%s: %w", name, err)
	}
	return st, nil
}

// FDFlags returns the flags of a descriptor from its fdinfo: access mode, status flags,
// and O_CLOEXEC.
func FDFlags(tid, fd int) (int, error) {
	b, err := FDInfo(tid, fd)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if value, ok := bytes.CutPrefix(line, []byte("flags:")); ok {
			flags, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 8, 32)
			if err != nil {
				break
			}
			return int(flags), nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/fdinfo/%d: no flags: %w", tid, fd, errFormat)
}

// FDInfo returns the first page of a descriptor's fdinfo.
func FDInfo(tid, fd int) ([]byte, error) {
	return read(ofThread(tid, "fdinfo/")+strconv.Itoa(fd), make([]byte, 4096))
}

// FDs returns the numbers of a thread's open descriptors, in order.
func FDs(tid int) ([]int, error) {
	name := ofThread(tid, "fd")
	dir, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer unix.Close(dir)
	var fds []int
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.ReadDirent(dir, buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if n <= 0 {
			slices.Sort(fds)
			return fds, nil
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, s := range names {
			if fd, err := strconv.Atoi(s); err == nil {
				fds = append(fds, fd)
			}
		}
	}
}

// Umask returns a thread's file mode creation mask.
func Umask(tid int) (uint32, error) {
	b, err := read(ofThread(tid, "status"), make([]byte, 4096))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if value, ok := bytes.CutPrefix(line, []byte("Umask:")); ok {
			if v, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 8, 32); err == nil {
				return uint32(v), nil
			}
		}
	}
	return 0, fmt.Errorf("/proc/%d/status: no Umask: %w", tid, errFormat)
}
