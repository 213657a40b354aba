package handlers

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Comm reads the name of a process or thread from /proc (proc_pid_comm(5)), "" if
// there is none. It is a value for decode.Text.Comm.
func Comm(pid int) string {
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(name), "\n")
}

// FDPath reads what a descriptor of a thread refers to from /proc: a path, or
// the kernel's name of what has none, such as socket:[7]. It is a value for
// decode.Options.FDPath.
func FDPath(t table.Thread, fd int) (path string, ok bool) {
	name := "/proc/" + strconv.Itoa(t.TID()) + "/cwd"
	if fd != unix.AT_FDCWD {
		name = "/proc/" + strconv.Itoa(t.TID()) + "/fd/" + strconv.Itoa(fd)
	}
	path, err := os.Readlink(name)
	return path, err == nil
}
