package handlers

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/process"
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

// FDPath returns what a descriptor of a thread refers to: a path, or the kernel's name of
// what has none, such as socket:[7]. unix.AT_FDCWD is the working directory.
func FDPath(t table.Thread, fd int) (path string, ok bool) {
	if fd == unix.AT_FDCWD {
		path = t.FS().Cwd()
		return path, path != ""
	}
	return t.FDs().Name(fd)
}

// FDName is FDPath as a value for decode.Options.FDName: strace -y.
func FDName(t table.Thread, fd int) (decode.FDName, bool) {
	path, ok := FDPath(t, fd)
	return decode.FDName{Path: path}, ok
}

// FDDetail is FDName with what is known besides: the addresses of a socket, the number of
// a device, the process of a pidfd. It is strace -yy.
func FDDetail(t table.Thread, fd int) (decode.FDName, bool) {
	name, ok := FDName(t, fd)
	if !ok || fd < 0 {
		return name, ok
	}
	fds, _ := t.FDs().(*process.FDs)
	d, open := t.FDs().Get(fd)
	if !open || fds == nil || d.File.Virtual() != nil {
		return name, ok
	}
	switch kind := d.File.Kind(); kind {
	case table.KindChar, table.KindBlock:
		if file, ok := d.File.(*process.File); ok {
			name.Note = fmt.Sprintf("<%v %d:%d>", kind, unix.Major(file.Device()), unix.Minor(file.Device()))
		}
	case table.KindSocket, table.KindPidfd:
		if detail := fds.Detail(fd); detail != "" {
			name = decode.FDName{Note: detail}
		}
	}
	return name, true
}
