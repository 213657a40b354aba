package procfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrOtherNamespace: the ids under /proc are not ours. What is read there, or written, would
// be other processes' than those that are meant.
var ErrOtherNamespace = errors.New("/proc shows another pid namespace: mount this one's (mount -t proc proc /proc)")

// Usable returns why processes cannot be found in /proc by their ids, nil if they can
// (pid_namespaces(7), "/proc and PID namespaces").
func Usable() error {
	var id [32]byte
	n, err := unix.Readlink("/proc/self", id[:])
	switch {
	case err != nil:
		return fmt.Errorf("/proc is not mounted: %w", err)
	case string(id[:n]) != strconv.Itoa(os.Getpid()):
		return ErrOtherNamespace
	}
	return nil
}
