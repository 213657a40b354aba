package handlers

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Comm reads the name of a process or thread from /proc (proc_pid_comm(5)), "" if
// there is none. It is a value for decode.Text.Comm.
func Comm(pid int) string {
	name, err := os.ReadFile(procfs.Path(pid, "comm"))
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

// FDAspects is a set of what there is to know of descriptors, and says what of it is shown
// (strace --decode-fds=).
type FDAspects uint8

// What there is to know, bits.
const (
	FDPaths   FDAspects = 1 << iota // paths, and names such as pipe:[7]
	FDSockets                       // protocols and addresses of sockets
	FDDevices                       // numbers of devices
	FDPidfds                        // processes of pidfds
	FDEvents                        // counters of eventfds, as they are when asked for
	FDSignals                       // signals of signalfds, likewise
)

// FDNames returns a value for decode.Options.FDName that tells what is in a set.
func FDNames(show FDAspects) func(t table.Thread, fd int) (decode.FDName, bool) {
	return func(t table.Thread, fd int) (decode.FDName, bool) {
		if fd >= 0 && show&^FDPaths != 0 {
			if name, ok := fdDetail(t, fd, show); ok {
				return name, true
			}
		}
		if show&FDPaths == 0 {
			return decode.FDName{}, false
		}
		path, ok := FDPath(t, fd)
		return decode.FDName{Path: path, Exists: exists(t, fd, path)}, ok
	}
}

// exists reports whether a path that ends as the kernel's names of deleted files do is really the
// one of the descriptor's file.
func exists(t table.Thread, fd int, path string) bool {
	if !strings.HasSuffix(path, " (deleted)") {
		return false
	}
	if fd == unix.AT_FDCWD {
		fd = procfs.AtCWD
	}
	is, err := procfs.FDStat(t.TID(), fd)
	if err != nil {
		return false
	}
	var named unix.Stat_t
	return unix.Lstat(procfs.Path(t.TID(), "root")+path, &named) == nil && named.Dev == is.Dev && named.Ino == is.Ino
}

// OtherFDNames is FDNames for decode.Options.OtherFD.
func OtherFDNames(show FDAspects) func(t table.Thread, pidfd, fd int) (decode.FDName, bool) {
	return func(t table.Thread, pidfd, fd int) (decode.FDName, bool) {
		pid, err := procfs.PidOf(t.TID(), pidfd)
		if err != nil || pid <= 0 {
			return decode.FDName{}, false
		}
		return fdOfProcess(pid, fd, show)
	}
}

// ProcessFDNames is FDNames for decode.Options.ProcessFD.
func ProcessFDNames(show FDAspects) func(t table.Thread, pid, fd int) (decode.FDName, bool) {
	return func(t table.Thread, pid, fd int) (decode.FDName, bool) {
		here := PIDHere(t.TID(), pid)
		if here <= 0 {
			return decode.FDName{}, false
		}
		return fdOfProcess(here, fd, show)
	}
}

// fdOfProcess tells of a descriptor of any process what of it is shown: no addresses of sockets.
func fdOfProcess(pid, fd int, show FDAspects) (name decode.FDName, ok bool) {
	path, err := procfs.FDLink(pid, fd)
	if err != nil {
		return decode.FDName{}, false
	}
	name.Path = path
	st, err := procfs.FDStat(pid, fd)
	if err == nil && show&FDDevices != 0 {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFCHR:
			name.Note = deviceNote(table.KindChar, st.Rdev)
			return name, true
		case unix.S_IFBLK:
			name.Note = deviceNote(table.KindBlock, st.Rdev)
			return name, true
		}
	}
	return name, show&FDPaths != 0
}

func deviceNote(kind table.FileKind, device uint64) string {
	return fmt.Sprintf("<%v %d:%d>", kind, unix.Major(device), unix.Minor(device))
}

// fdDetail returns what is known of a descriptor besides its path, if there is something.
func fdDetail(t table.Thread, fd int, show FDAspects) (decode.FDName, bool) {
	fds, _ := t.FDs().(*process.FDs)
	d, open := t.FDs().Get(fd)
	if !open || fds == nil || d.File.Virtual() != nil {
		return decode.FDName{}, false
	}
	kind := d.File.Kind()
	if show&aspects[kind] == 0 {
		return decode.FDName{}, false
	}
	note := ""
	switch kind {
	case table.KindChar, table.KindBlock:
		file, ok := d.File.(*process.File)
		path, named := t.FDs().Name(fd)
		if !ok || !named {
			return decode.FDName{}, false
		}
		return decode.FDName{
			Path: path,
			Note: deviceNote(kind, file.Device()),
		}, true
	case table.KindSocket, table.KindPidfd:
		if note = fds.Detail(fd); note == "" {
			name, ok := t.FDs().Name(fd)
			return decode.FDName{Path: name}, ok
		}
	case table.KindEvent:
		note = eventNote(t.TID(), fd)
	case table.KindSignal:
		note = signalNote(t.TID(), fd)
	}
	return decode.FDName{Note: note}, note != ""
}

// aspects are what there is to know of the kinds of files.
var aspects = map[table.FileKind]FDAspects{
	table.KindChar: FDDevices, table.KindBlock: FDDevices, table.KindSocket: FDSockets, table.KindPidfd: FDPidfds,
	table.KindEvent: FDEvents, table.KindSignal: FDSignals,
}

// eventNote returns the state of an eventfd, "" if it is not known.
func eventNote(tid, fd int) string {
	info, err := procfs.FDInfo(tid, fd)
	if err != nil {
		return ""
	}
	count, err := strconv.ParseUint(infoField(info, "eventfd-count:"), 16, 64)
	if err != nil {
		return ""
	}
	note := fmt.Sprintf("{eventfd-count=%#x", count)
	// Since Linux 5.2 and 6.5.
	for _, field := range []string{"eventfd-id", "eventfd-semaphore"} {
		value := infoField(info, field+":")
		if value == "" {
			break
		}
		note += ", " + field + "=" + value
	}
	return note + "}"
}

// signalNote returns the signals of a signalfd, "" if they are not known.
func signalNote(tid, fd int) string {
	info, err := procfs.FDInfo(tid, fd)
	if err != nil {
		return ""
	}
	mask, err := strconv.ParseUint(infoField(info, "sigmask:"), 16, 64)
	if err != nil {
		return ""
	}
	return string(decode.AppendSignals([]byte("signalfd:"), mask))
}

// infoField returns what stands behind a name in an fdinfo (proc_pid_fdinfo(5)).
func infoField(info []byte, name string) string {
	for line := range bytes.Lines(info) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
