// Package procfs reads what proc(5) tells of threads.
//
// It owns the reading and the fields of /proc/TID/stat, status, schedstat and limits, of one mapping, and of
// /proc/loadavg, knowing whether /proc is ours, and translating ids where it is not. It does
// not own what follows from them. The files are the kernel's, but the name of a thread, which
// two of them contain, is the program's and hostile.
package procfs

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// errFormat: a file is not what proc(5) says.
var errFormat = errors.New("unexpected contents")

// read reads a file in one piece, as the kernel makes it, into buf. It is os.ReadFile
// without the calls that prepare for large files and for waiting.
func read(name string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer unix.Close(fd)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return buf[:n], nil
}
