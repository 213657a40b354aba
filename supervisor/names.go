package supervisor

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/procfs"
)

// Names of descriptors by the direct route: what open and the like have made is called is
// asked when they return, by the thread itself, which sees in its /proc what we see in ours
// if it is in the same place. Else it stops, and we look.

// inquiries are the calls with which the entry code asks. Not every architecture has them.
var inquiries = nativeCalls("readlink", "fstat")

// mayInquire reports whether no handler decides about these: then the filter lets the entry
// code make them.
func (l *loop) mayInquire() bool { return l.cmd.TrackNames && l.onlyLooks(inquiries) }

// names says what a thread that is about to run does about names. What it may do must not
// be changed by others meanwhile: see looking.
func (t *Thread) names() {
	if t.slot == nil || !t.loop.cmd.TrackNames {
		return
	}
	n := execso.NamesAsked
	if t.loop.direct.inquires && t.looksAlike() {
		n = execso.NamesRead
		if t.loop.cmd.TrackFiles || t.loop.cmd.TrackSockets {
			n = execso.FilesRead
		}
	}
	t.slot.SetNames(n, t.tid)
}

// openedBy is what was recorded of a new descriptor, for the state that is kept.
func openedBy(f *execso.Opened) process.Opened {
	return process.Opened{Name: string(f.Name), Known: f.Known, Dev: f.Dev, Ino: f.Ino, Rdev: f.Rdev, Mode: f.Mode}
}

// looksAlike reports whether the thread has our root directory and our mounts, and so our
// /proc.
func (t *Thread) looksAlike() bool {
	root, err := procfs.FDLink(t.tid, procfs.AtRoot)
	if err != nil || root != "/" {
		return false
	}
	mounts := mountsOf(t.tid)
	return mounts != 0 && mounts == t.loop.direct.mounts
}

// mountsOf returns the inode of a thread's mount namespace, 0 if it cannot be seen.
func mountsOf(tid int) uint64 {
	var st unix.Stat_t
	if unix.Stat(procfs.Path(tid, "ns/mnt"), &st) != nil {
		return 0
	}
	return st.Ino
}

// ourMounts returns mountsOf ourselves, 0 if /proc does not have our ids.
func ourMounts() uint64 {
	if procfs.Own() != nil {
		return 0
	}
	return mountsOf(os.Getpid())
}

// looking tells that a call of the thread begins or ends that may give it, or others, another
// root directory or other mounts. In between, all are asked.
func (d *direct) looking(ends bool) {
	if d == nil {
		return
	}
	for _, t := range d.loop.threads {
		switch {
		case t.slot == nil || !d.loop.cmd.TrackNames:
		case ends:
			t.names()
		default:
			t.slot.SetNames(execso.NamesAsked, 0)
		}
	}
}
