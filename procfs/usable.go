package procfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrOtherNamespace: the ids under /proc are not ours, which a policy does not put up with:
// what the program's paths below /proc say, and what we do, would be of different processes.
var ErrOtherNamespace = errors.New("/proc shows another pid namespace: mount this one's (mount -t proc proc /proc)")

// ErrStrangeNamespace: nothing under /proc is ours.
var ErrStrangeNamespace = errors.New("/proc shows a pid namespace that this process is not in: mount this one's (mount -t proc proc /proc)")

// Usable returns why processes cannot be found in /proc, nil if they can. They can also if it
// is the one of a pid namespace that ours is nested in: they have other ids there, see ID
// (pid_namespaces(7), "/proc and PID namespaces").
func Usable() error { return nesting().err }

// Own returns why processes cannot be found in /proc by the ids that they have here.
func Own() error {
	n := nesting()
	if n.err == nil && n.depth > 0 {
		return ErrOtherNamespace
	}
	return n.err
}

// nested says how our pid namespace lies in the one of /proc.
type nested struct {
	depth int // how many namespaces are between: 0 if /proc is ours
	err   error
}

var nesting = sync.OnceValue(func() nested {
	var id [32]byte
	n, err := unix.Readlink("/proc/self", id[:])
	if errors.Is(err, unix.ENOENT) && mounted() {
		return nested{err: ErrStrangeNamespace}
	}
	if err != nil {
		return nested{err: fmt.Errorf("/proc is not mounted: %w", err)}
	}
	if string(id[:n]) == strconv.Itoa(os.Getpid()) {
		return nested{}
	}
	ids := namespaceIDs("self", "NSpid")
	if len(ids) < 2 || ids[len(ids)-1] != os.Getpid() {
		return nested{err: ErrOtherNamespace}
	}
	return nested{depth: len(ids) - 1}
})

func mounted() bool {
	var st unix.Statfs_t
	return unix.Statfs("/proc", &st) == nil && st.Type == unix.PROC_SUPER_MAGIC
}
