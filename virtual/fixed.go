package virtual

import (
	"bytes"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A Fixed is a File that never changes while it is open: neither contents nor attributes. On
// the direct route its contents are put where the program itself reads them: read, pread,
// lseek and fstat enter neither the kernel nor the supervisor. It costs a copy when it is
// first read. A File that can be written to as well is as others while it is open for that.
type Fixed interface {
	File
	io.ReaderAt
	Stater
	// Contents returns all of what ReadAt reads. Nobody may change it any more.
	Contents() []byte
}

// NewFixed returns a Fixed with these contents, which nobody may change any more, and
// the attributes that info tells but for the size.
func NewFixed(contents []byte, info fs.FileInfo) Fixed {
	return fixed{bytes.NewReader(contents), fixedInfo{info, int64(len(contents))}, contents}
}

type fixed struct {
	io.ReaderAt
	info     fixedInfo
	contents []byte
}

func (f fixed) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f fixed) Contents() []byte           { return f.contents }
func (f fixed) Close() error               { return nil }
func (f fixed) Name() string               { return f.info.Name() }

type fixedInfo struct {
	fs.FileInfo
	size int64
}

func (i fixedInfo) Size() int64 { return i.size }

// Events of poll(2) that x/sys/unix does not have (asm-generic/poll.h).
const (
	pollReadNormal  = 0x40
	pollWriteNormal = 0x100
	pollWriteBand   = 0x200
)

// regularEvents is what poll tells of what has no readiness (include/linux/poll.h,
// DEFAULT_POLLMASK).
const regularEvents = unix.POLLIN | unix.POLLOUT | pollReadNormal | pollWriteNormal

// keep makes the description known in the program.
func (d *description) keep(r table.Residence) {
	k := table.KeptFile{Events: regularEvents}
	if _, waits := d.file.(Poller); waits {
		k.Events = 0 // show will say
	} else if f, ok := d.file.(Fixed); ok && d.flags.Load()&unix.O_ACCMODE == unix.O_RDONLY {
		if s, e := d.attributes(); e == 0 {
			k.Contents, k.Stat, k.Statx = f.Contents(), s.amd64(), s.statx() // there is no such route elsewhere
			if k.Contents == nil {
				k.Contents = []byte{}
			}
		}
	}
	d.kept = r.Keep(k)
	d.fixed = d.kept != nil && k.Contents != nil
	d.ready.kept = d.kept
}

// atPosition does something at the description's position, which it may move.
func (d *description) atPosition(f func(pos *int64) table.Result) table.Result {
	if !d.fixed {
		return f(&d.pos)
	}
	pos := d.kept.Take()
	defer func() { d.kept.Put(pos) }()
	return f(&pos)
}
