// Package virtual makes Go values descriptors of the child's processes.
//
// It owns what a virtual descriptor is made of: the File, a Go value that
// implements as many of the small interfaces here and in io and io/fs as it likes;
// the placeholder, a real descriptor in the child, by which the kernel does the
// numbering, dup, close-on-exec, fork and passing over sockets; and the calls that
// are answered by the File and not by the placeholder. It does not own paths: which
// open(2) makes a virtual descriptor is another handler's business, which calls
// Files.Open.
//
// A File that may have to wait is a Poller. Its placeholder is a socket whose
// readiness is kept equal to the File's, so that poll, select and epoll, which the
// kernel does by itself, mix virtual and real descriptors. Any other File is always
// ready, as regular files are, and has a memfd as its placeholder, to which epoll
// says EPERM and poll "ready", as to a regular file.
//
// A virtual descriptor is recognised by the inode of its placeholder and by nothing
// else: dup, fork, exec, SCM_RIGHTS, pidfd_getfd and close cannot confuse it.
package virtual

import (
	"io"
	"io/fs"

	"github.com/k42trace/k42trace/table"
)

// A File is a Go value that is to become a descriptor. All else that it can do is
// said by the interfaces that it implements: io.Reader, io.Writer, io.ReaderAt,
// io.WriterAt, io.Seeker, and those below; an fs.File and an *os.File are Files. What
// it does not implement fails as it would with a kernel's file of this kind: EBADF
// for a File that cannot be read at all, ESPIPE for one that has no positions.
//
// All methods but Close are called on the tracing thread, which serves the whole
// child tree: they must not wait. A Poller says unix.EAGAIN instead. They may panic,
// which kills the tree. Errors become errnos: a unix.Errno that the kernel knows is
// passed on, io.EOF is the end of the file, those of io/fs have their obvious
// meanings, and any other is EIO and a message to Files.Warn.
//
// A File with ReadAt or WriteAt has positions, which then are kept for it: Read,
// Write and Seek are not called.
type File interface {
	// Close is called when the last descriptor of the File is gone from the child
	// tree and wherever it was passed to: on any goroutine, after all other calls. Its error goes to
	// Files.Warn. If it panics on a goroutine of its own, Files.Warn is told and the next call that
	// reaches Files kills the tree.
	io.Closer
}

// A Poller is a File of which reading or writing may have to wait. Where that would
// be so, Read and Write fail with unix.EAGAIN.
type Poller interface {
	// Readiness returns what can be done at present without waiting.
	Readiness() Events
	// Notify is called once, before the descriptor exists. changed is to be called,
	// on any goroutine, each time that more has come to be read or written, or that
	// the file has hung up: after Readiness says so, and without a lock that Readiness
	// takes. Each call is an event to an edge-triggered epoll.
	Notify(changed func())
}

// Events are what poll(2) tells of a descriptor, by its numbers.
type Events uint16

// The events that a Poller may have. In and Out are as POLLIN and POLLOUT. Hup is as
// POLLHUP, of a connection both of whose halves are shut: it includes RdHup and In,
// and is final. RdHup, the end of what can be read, is final too.
const (
	In    Events = 0x1
	Out   Events = 0x4
	Hup   Events = 0x10
	RdHup Events = 0x2000
)

// A Stater is a File that knows its attributes, as fs.File does. What it does not
// know is filled in: see StatOf.
type Stater interface {
	Stat() (fs.FileInfo, error)
}

// An Ioctler is a File with an ioctl(2) of its own, which answers it with a result
// or, if it has no such request, with table.Errno(unix.ENOTTY). Files without it
// answer FIONBIO, FIOCLEX and FIONCLEX only, as the kernel does for all.
type Ioctler interface {
	Ioctl(c *table.Call, request uint32, arg uint64) table.Result
}

// A Truncater is a File whose size can be set, as that of an *os.File.
type Truncater interface {
	Truncate(size int64) error
}

// A Syncer is a File that fsync(2) means something to; others succeed.
type Syncer interface {
	Sync() error
}
