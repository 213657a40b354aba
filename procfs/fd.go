package procfs

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// AtCWD and AtRoot stand, in FDLink and FDStat, for the thread's working and root directory.
const (
	AtCWD  = -1
	AtRoot = -2
)

// FDPath returns the name of the link in /proc that stands for a descriptor of a thread: what opens,
// or asks about, what it refers to. [AtCWD] and the like stand for what they say. See proc_pid_fd(5).
func FDPath(tid, fd int) string {
	switch fd {
	case AtCWD:
		return Path(tid, "cwd")
	case AtRoot:
		return Path(tid, "root")
	}
	return Path(tid, "fd/") + strconv.Itoa(fd)
}

// FDLink returns what a descriptor of a thread refers to: a path, or the kernel's name of
// what has none. It fails with ENOENT if it is not open.
func FDLink(tid, fd int) (string, error) {
	name := FDPath(tid, fd)
	var buf [unix.PathMax]byte
	n, err := unix.Readlink(name, buf[:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(buf[:n]), nil
}

// FDStat returns what fstat(2) would say of a descriptor of a thread.
func FDStat(tid, fd int) (unix.Stat_t, error) {
	name := FDPath(tid, fd)
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return st, fmt.Errorf("%s: %w", name, err)
	}
	return st, nil
}

// FDFlags returns the flags of a descriptor from its fdinfo: access mode, status flags,
// and O_CLOEXEC.
func FDFlags(tid, fd int) (int, error) {
	_, flags, err := FDPosition(tid, fd)
	return flags, err
}

// FDPosition returns the file offset of a descriptor, and its flags as FDFlags does.
func FDPosition(tid, fd int) (at int64, flags int, err error) {
	b, err := FDInfo(tid, fd)
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		text := string(bytes.TrimSpace(value))
		switch string(name) {
		case "pos":
			at, err = strconv.ParseInt(text, 10, 64)
		case "flags": // which come second
			var v int64
			if v, err = strconv.ParseInt(text, 8, 32); err == nil {
				return at, int(v), nil
			}
		}
		if err != nil {
			break
		}
	}
	return 0, 0, fmt.Errorf("/proc/%d/fdinfo/%d: no flags: %w", tid, fd, errFormat)
}

// FDInfo returns the first page of a descriptor's fdinfo.
func FDInfo(tid, fd int) ([]byte, error) {
	return read(Path(tid, "fdinfo/")+strconv.Itoa(fd), make([]byte, 4096))
}

// PidOf returns the id of the process that a pidfd stands for, -1 if it is gone.
func PidOf(tid, fd int) (int, error) {
	b, err := FDInfo(tid, fd)
	if err != nil {
		return 0, err
	}
	pid, ok := pidIn(b)
	switch {
	case !ok:
		return 0, fmt.Errorf("/proc/%d/fdinfo/%d: no Pid: %w", tid, fd, errFormat)
	case pid <= 0:
		return pid, nil
	}
	return Here(pid), nil
}

// pidIn returns the number of the process in the fdinfo of a pidfd, as /proc has it: -1 if it is
// gone, 0 if it is in another namespace.
func pidIn(info []byte) (pid int, ok bool) {
	for line := range bytes.Lines(info) {
		if value, ok := bytes.CutPrefix(line, []byte("Pid:")); ok {
			if pid, err := strconv.Atoi(string(bytes.TrimSpace(value))); err == nil {
				return pid, true
			}
		}
	}
	return 0, false
}

// An EpollTarget is a line of the fdinfo of an epoll instance: an entry of its interest
// list.
type EpollTarget struct {
	FD     int
	Events uint32
	Data   uint64
	Ino    uint64
}

// EpollTargets returns the interest list of an epoll instance.
func EpollTargets(tid, fd int) ([]EpollTarget, error) {
	b, err := readAll(Path(tid, "fdinfo/") + strconv.Itoa(fd))
	if err != nil {
		return nil, err
	}
	var all []EpollTarget
	for line := range bytes.Lines(b) {
		// tfd:        5 events:       19 data:                5  pos:0 ino:3d sdev:e
		fields := strings.Fields(strings.ReplaceAll(string(line), ":", ": "))
		var t EpollTarget
		for i := 0; i+1 < len(fields); i += 2 {
			value := fields[i+1]
			switch fields[i] {
			case "tfd:":
				t.FD, err = strconv.Atoi(value)
			case "events:":
				var v uint64
				v, err = strconv.ParseUint(value, 16, 32)
				t.Events = uint32(v)
			case "data:":
				t.Data, err = strconv.ParseUint(value, 16, 64)
			case "ino:":
				t.Ino, err = strconv.ParseUint(value, 16, 64)
			}
			if err != nil {
				return nil, fmt.Errorf("/proc/%d/fdinfo/%d: %w", tid, fd, errFormat)
			}
		}
		if len(fields) > 0 && fields[0] == "tfd:" {
			all = append(all, t)
		}
	}
	return all, nil
}

// readAll is read for what may be of any size up to a megabyte.
func readAll(name string) ([]byte, error) {
	for size := 4096; ; size *= 16 {
		b, err := read(name, make([]byte, size))
		if err != nil || len(b) < size || size > 1<<20 {
			return b, err
		}
	}
}

// FDs returns the numbers of a thread's open descriptors, in order.
func FDs(tid int) ([]int, error) {
	name := Path(tid, "fd")
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
	b, err := read(Path(tid, "status"), make([]byte, 4096))
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
