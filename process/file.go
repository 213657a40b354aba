package process

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A File is an open file description. It is what dup, fork and SCM_RIGHTS share.
type File struct {
	tree  *Tree
	name  string
	id    table.FileID
	rdev  uint64 // of devices
	flags int    // as F_GETFL
	kind  table.FileKind
	// Small fields stand together: the Files of a program that opens and closes are what we
	// leave behind most of.

	// known: kind, name and id have been asked for; the name when the Tree's names
	// were of the generation named.
	known   bool
	asks    bool // its flags have yet to be asked for
	indexed bool // it is in Tree.files
	// listed: it is in the list of all files that have descriptors, by next and prev. unasked:
	// it counts as one that is to be asked for.
	listed, unasked bool
	setting         int32 // calls under way that set its flags

	named      uint64
	sets       uint64 // how many calls that set its flags have begun and ended
	refs       int    // slots that it is in
	number     int    // where in at it was first put
	at         *FDs   // and may be still
	next, prev *File

	details *details // of a socket or pidfd, nil if nobody has asked
	virtual *virtual // nil if it is none
}

// details are what is known of a file beyond its name.
type details struct {
	protocol string // of a socket
	// detail is what Detail returns, detailed what it returns while there is none.
	detail, detailed string
}

// virtual is what SetVirtual has given.
type virtual struct {
	value any
	name  string
}

var _ table.File = (*File)(nil)

// Kind tells what it is.
func (f *File) Kind() table.FileKind { return f.kind }

// Name returns what /proc/PID/fd shows, or the name that SetVirtual has given.
func (f *File) Name() string {
	if f.virtual != nil {
		return f.virtual.name
	}
	return f.name
}

// Flags returns access mode and status flags.
func (f *File) Flags() int { return f.flags }

// ID returns device and inode.
func (f *File) ID() table.FileID { return f.id }

// Virtual returns what SetVirtual has given.
func (f *File) Virtual() any {
	if f.virtual == nil {
		return nil
	}
	return f.virtual.value
}

// Device returns the device number of a character or block device.
func (f *File) Device() uint64 { return f.rdev }

// fresh reports whether what is known of it still holds.
func (f *File) fresh() bool { return f.known && !f.asks && (f.named == f.tree.names || !f.hasPath()) }

// hasPath reports whether its name is a path, which may change.
func (f *File) hasPath() bool { return strings.HasPrefix(f.name, "/") }

// learn asks /proc what f is, which is descriptor fd of thread tid now. It returns false
// if there is no such descriptor.
func (f *File) learn(tid, fd int) bool {
	if f.tree.past && f.known {
		return true // the old name is nearer to the truth than a later one
	}
	link, err := procfs.FDLink(tid, fd)
	if err != nil {
		return false
	}
	f.name, f.named = link, f.tree.names
	if f.asks {
		flags, err := procfs.FDFlags(tid, fd)
		if f.asks = err != nil; !f.asks {
			f.flags = flags &^ unix.O_CLOEXEC
		}
	}
	if f.known {
		return true
	}
	st, err := procfs.FDStat(tid, fd)
	if err != nil {
		if _, err := procfs.FDLink(tid, fd); err != nil {
			return false // gone again
		}
		f.known = true // not to be asked
		return true
	}
	f.isA(table.FileID{Dev: st.Dev, Ino: st.Ino}, st.Rdev, st.Mode)
	return true
}

// isA tells what f is, whose name is known.
func (f *File) isA(id table.FileID, rdev uint64, mode uint32) {
	f.known, f.id, f.rdev, f.kind = true, id, rdev, kindOf(mode, f.name)
}

// is reports whether descriptor fd of thread tid is one of f, by one descriptor that f
// has, or if thorough is set by any.
func (f *File) is(tid, fd int, thorough bool) bool {
	if f.at != nil {
		if s := f.at.slots.at(f.number); s != nil && s.file == f {
			if same, known := f.at.compare(f.number, tid, fd); known && (same || !thorough) {
				return same
			}
		}
	}
	// The hint was no good: it has been closed there, or its thread is about to end.
	for fds := range f.tree.tables() {
		for number, s := range fds.slots.all() {
			if s.file != f {
				continue
			}
			if same, known := fds.compare(number, tid, fd); known && (same || !thorough) {
				f.at, f.number = fds, number
				return same
			}
		}
	}
	return false
}

// compare reports whether a descriptor has the same open file description as descriptor fd
// of thread tid.
func (f *FDs) compare(number, tid, fd int) (same, known bool) {
	known = f.users.some(func(other int) (known bool) {
		same, known = kcmp(tid, other, kcmpFile, fd, number)
		return known
	})
	return same, known
}

// anonKinds are the kernel's names of anonymous inodes.
var anonKinds = map[string]table.FileKind{
	"[eventfd]": table.KindEvent, "[timerfd]": table.KindTimer, "[signalfd]": table.KindSignal, "inotify": table.KindInotify,
	"[fanotify]": table.KindFanotify, "[eventpoll]": table.KindEpoll, "[pidfd]": table.KindPidfd, "[io_uring]": table.KindIOUring,
	"[userfaultfd]": table.KindUserfault, "[perf_event]": table.KindPerf, "bpf-map": table.KindBPF, "bpf-prog": table.KindBPF,
	"bpf_link": table.KindBPF,
}

// namespaces are what the names of descriptors of namespaces begin with.
var namespaces = []string{"mnt:[", "net:[", "pid:[", "user:[", "uts:[", "ipc:[", "cgroup:[", "time:["}

// kindOf tells a kind from st_mode and the name in /proc.
func kindOf(mode uint32, link string) table.FileKind {
	if name, ok := strings.CutPrefix(link, "anon_inode:"); ok {
		if k, ok := anonKinds[name]; ok {
			return k
		}
		return table.KindAnon
	}
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		switch {
		case strings.HasPrefix(link, "/memfd:"):
			return table.KindMemfd
		case strings.HasPrefix(link, "pidfd:["):
			return table.KindPidfd
		}
		for _, prefix := range namespaces {
			if strings.HasPrefix(link, prefix) {
				return table.KindNamespace
			}
		}
		return table.KindRegular
	case unix.S_IFDIR:
		return table.KindDirectory
	case unix.S_IFCHR:
		return table.KindChar
	case unix.S_IFBLK:
		return table.KindBlock
	case unix.S_IFLNK:
		return table.KindSymlink
	case unix.S_IFSOCK:
		return table.KindSocket
	case unix.S_IFIFO:
		if strings.HasPrefix(link, "pipe:[") {
			return table.KindPipe
		}
		return table.KindFIFO
	}
	return table.KindUnknown
}
