package procfs

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// /proc may be the one of a pid namespace in which ours is nested (unshare -pf without
// --mount-proc). Then what it calls processes, and says of them, is in its numbers.

// Dir returns the name of a thread's directory. Where there is no such thread there is no such
// directory.
func Dir(tid int) string { return "/proc/" + strconv.Itoa(ID(tid)) }

// Path returns the name of a thread's file.
func Path(tid int, file string) string { return Dir(tid) + "/" + file }

// ID returns the id that /proc has for a thread or process of ours, 0 if there is none.
func ID(tid int) int {
	if nesting().depth == 0 {
		return tid
	}
	if tid <= 0 {
		return 0
	}
	fd, err := unix.PidfdOpen(tid, pidfdThread)
	if err == unix.EINVAL { // before Linux 6.9
		fd, err = unix.PidfdOpen(tid, 0)
	}
	if err != nil {
		return search(tid)
	}
	defer unix.Close(fd)
	// The number is the one of the namespace of the /proc in which it is asked for.
	info, err := read("/proc/self/fdinfo/"+strconv.Itoa(fd), make([]byte, 4096))
	if err != nil {
		return 0
	}
	there, _ := pidIn(info)
	return max(there, 0)
}

// pidfdThread is PIDFD_THREAD, of Linux 6.9.
const pidfdThread = unix.O_EXCL

// search looks for a thread among all of /proc.
func search(tid int) int {
	for _, process := range entries("/proc") {
		for _, thread := range entries("/proc/" + process + "/task") {
			if there, _ := strconv.Atoi(thread); Here(there) == tid {
				return there
			}
		}
	}
	return 0
}

// Here returns the id that a thread or process of /proc has with us, 0 if it has none.
func Here(there int) int {
	depth := nesting().depth
	if depth == 0 {
		return there
	}
	if ids := namespaceIDs(strconv.Itoa(there), "NSpid"); len(ids) > depth {
		return ids[depth]
	}
	return 0
}

// Level returns which of the ids that a status file has of a thread, in NSpid for example, is
// the one that it has with us: 0 if /proc is ours. The first is the one of /proc, the last the
// thread's own.
func Level() int { return nesting().depth }

// namespaceIDs returns the ids of a line of a status file, from the namespace of /proc to the
// thread's own.
func namespaceIDs(thread, name string) []int {
	status, err := readAll("/proc/" + thread + "/status")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(status)) {
		if list, ok := strings.CutPrefix(line, name+":"); ok {
			var ids []int
			for _, field := range strings.Fields(list) {
				id, _ := strconv.Atoi(field)
				ids = append(ids, id)
			}
			return ids
		}
	}
	return nil
}

// entries returns what in a directory has a number for a name.
func entries(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := strconv.Atoi(name)
		return err != nil
	})
}
