package handlers

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// Processes of another pid namespace (pid_namespaces(7)) have other ids there than here.

// PIDHere returns the id that a process or thread has in the namespace of this process, of
// which thread tid has another in its own; 0 if it cannot be found. It is a value for
// decode.Text.Translate.
func PIDHere(tid, pid int) int {
	if pid <= 0 {
		return 0
	}
	dir := procfs.Dir(tid)
	space, err := os.Readlink(dir + "/ns/pid")
	if err != nil {
		return 0
	}
	if own, err := os.Readlink("/proc/self/ns/pid"); err == nil && own == space {
		return pid
	}
	if here := askNamespace(dir+"/ns/pid", pid); here != 0 {
		return here
	}
	return searchNamespace(space, pid)
}

// nsGetPID is NS_GET_PID_FROM_PIDNS (ioctl_nsfs(2)), of Linux 6.12.
const nsGetPID = 0x8004b706

// askNamespace asks the kernel, 0 if it does not tell.
func askNamespace(name string, pid int) int {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	here, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), nsGetPID, uintptr(pid))
	if errno != 0 {
		return 0
	}
	return int(here)
}

// searchNamespace looks through all processes of a namespace for one that has the id, and
// then for one whose group or session has it: the leader of that may have ended. 0 if there
// is none.
func searchNamespace(space string, pid int) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	group := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if of, err := os.Readlink("/proc/" + e.Name() + "/ns/pid"); err != nil || of != space {
			continue
		}
		threads, err := os.ReadDir("/proc/" + e.Name() + "/task")
		if err != nil {
			continue
		}
		for _, thread := range threads {
			ids, ok := namespaceIDs("/proc/" + e.Name() + "/task/" + thread.Name())
			switch {
			case !ok:
			case ids.pid.there == pid:
				return ids.pid.here
			case ids.group.there == pid:
				group = ids.group.here
			case ids.session.there == pid:
				group = ids.session.here
			}
		}
	}
	return group
}

// ids are those of a thread, in our namespace and in its own.
type ids struct{ pid, group, session idPair }

type idPair struct{ here, there int }

// namespaceIDs reads NSpid, NSpgid and NSsid of a thread (proc_pid_status(5)), whose directory is
// proc.
func namespaceIDs(proc string) (found ids, ok bool) {
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return ids{}, false
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		i := slices.Index([]string{"NSpid", "NSpgid", "NSsid"}, name)
		fields := strings.Fields(rest)
		if i < 0 || len(fields) <= procfs.Level() {
			continue
		}
		var pair idPair
		pair.here, _ = strconv.Atoi(fields[procfs.Level()])
		pair.there, _ = strconv.Atoi(fields[len(fields)-1])
		*[]*idPair{&found.pid, &found.group, &found.session}[i] = pair
		ok = true
	}
	return found, ok
}
