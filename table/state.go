package table

import "iter"

// What of a process's state the handlers of its calls can see. Package process keeps it,
// if the Cmd says that it shall be kept (supervisor.Cmd.Track); otherwise each question
// is put to /proc. Everything here belongs to the tracing thread: it may be used in
// handlers, Recorders and Observers, and not in what Call.Park runs.

// FDs is a descriptor table (struct files_struct). Threads share one unless they have
// made their own (CLONE_FILES, unshare(2)); so may processes.
type FDs interface {
	// Get returns what the descriptor fd stands for, false if it is not open.
	Get(fd int) (Descriptor, bool)
	// Name returns the Name of the File of fd, false if it is not open. Where nothing is
	// kept it is the cheaper way.
	Name(fd int) (string, bool)
	// All yields all open descriptors in order of their numbers.
	All() iter.Seq[Descriptor]
	// SetVirtual gives the open file description of fd the value v, by which it is known
	// from now on to be virtual, and the name that File.Name is to return. All
	// descriptors of the description have it, wherever they come to: by dup(2),
	// fork(2), execve(2), and by SCM_RIGHTS, where they are known by the inode of what fd
	// is in the kernel. That must be nobody else's: a socket, a memfd, a pipe (eventfds
	// and their like share one inode). A v of nil undoes it. It fails with EBADF if
	// there is no such descriptor.
	SetVirtual(fd int, name string, v any) error
}

// A Descriptor is an open descriptor.
type Descriptor struct {
	Number      int
	CloseOnExec bool
	File        File
}

// A File is an open file description (open(2)): what dup, fork and SCM_RIGHTS share. Two
// descriptors have the same description if their Files are equal, as far as package
// process has seen where they came from.
type File interface {
	// Kind tells what it is.
	Kind() FileKind
	// Name returns what /proc/PID/fd shows: a path, or the kernel's name of what
	// has none, such as socket:[7]. "" if nobody could tell.
	Name() string
	// Flags returns access mode and status flags, as F_GETFL would, in the
	// supervisor's O_ constants.
	Flags() int
	// ID returns its device and inode numbers, zero if nobody could tell.
	ID() FileID
	// Virtual returns the value that SetVirtual gave it, or nil.
	Virtual() any
}

// A FileID says which inode a file is, as stat(2) does.
type FileID struct{ Dev, Ino uint64 }

// A FileKind says what an open file description is of.
type FileKind uint8

// Kinds of files. What has a kind of its own among the kernel's anonymous inodes is told
// by it; the others are KindAnon.
const (
	KindUnknown FileKind = iota
	KindRegular
	KindDirectory
	KindChar
	KindBlock
	KindFIFO // one with a name
	KindPipe
	KindSocket
	KindSymlink // opened with O_PATH
	KindEvent   // eventfd(2)
	KindTimer
	KindSignal // signalfd(2)
	KindInotify
	KindFanotify
	KindEpoll
	KindMemfd
	KindPidfd
	KindIOUring
	KindUserfault
	KindPerf
	KindBPF
	KindMQueue
	KindNamespace
	KindAnon
	numFileKinds
)

var fileKindNames = [numFileKinds]string{
	"unknown", "regular", "directory", "char", "block", "fifo", "pipe", "socket", "symlink", "eventfd", "timerfd",
	"signalfd", "inotify", "fanotify", "epoll", "memfd", "pidfd", "io_uring", "userfaultfd", "perf", "bpf", "mqueue",
	"namespace", "anon",
}

// String returns a name such as "regular" or "eventfd".
func (k FileKind) String() string {
	if k < numFileKinds {
		return fileKindNames[k]
	}
	return "unknown"
}

// FS is what path resolution of a thread starts from (struct fs_struct). It is shared as
// FDs are (CLONE_FS).
type FS interface {
	// Cwd returns the working directory as /proc/PID/cwd shows it, or what SetCwd
	// has said since. "" if nobody could tell.
	Cwd() string
	// Root returns the root directory as /proc/PID/root shows it.
	Root() string
	// Umask returns the file mode creation mask.
	Umask() uint32
	// SetCwd says that the working directory is path, which need not be one
	// of the kernel's: of that nothing is changed. It holds until a chdir(2) or fchdir(2)
	// succeeds in the kernel, and is passed on to children as the kernel's would be.
	SetCwd(path string)
	// CwdIsVirtual reports whether the working directory is what SetCwd has said.
	CwdIsVirtual() bool
}

// Dispositions is what a process has said that is to be done about signals
// (sigaction(2)). Threads share it, and other processes may (CLONE_SIGHAND).
type Dispositions interface {
	// Get returns the disposition of a signal from 1 to 64, and false for others.
	Get(sig int) (Disposition, bool)
}

// A Disposition is what is to be done about a signal.
type Disposition struct {
	// Handler is SIGDFL, SIGIGN or the handler's address, which is UnknownHandler if the
	// handler was there before the state was kept.
	Handler uint64
	Flags   uint64 // SA_...; 0 with an UnknownHandler
	Mask    uint64 // blocked in the handler; bit 0 is signal 1
}

// Values of Disposition.Handler that are no addresses.
const (
	SIGDFL         = 0
	SIGIGN         = 1
	UnknownHandler = ^uint64(0)
)
