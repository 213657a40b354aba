package main

import (
	"errors"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// What loops open, and virtualRole opens virtually.
const (
	zeroPath = "/dev/zero"
	pollPath = "/dev/k42trace-poll" // there is none
	filePath = "/dev/k42trace-file" // nor this
)

// Reads of a file, from its beginning on, and its size. It is long enough for all.
const (
	smallRead = 64
	fileSize  = (mostReads + warmUp) * smallRead
	mostReads = 100_000
)

// openFile opens what is read: virtual, or in memory.
func openFile() (int, error) {
	fd, err := unix.Open(filePath, unix.O_RDONLY, 0)
	if !errors.Is(err, unix.ENOENT) {
		return fd, os.NewSyscallError("open", err)
	}
	if fd, err = unix.MemfdCreate("file", unix.MFD_CLOEXEC); err == nil {
		_, err = unix.Pwrite(fd, make([]byte, fileSize), 0)
	}
	return fd, os.NewSyscallError("making a file", err)
}

// polled is how many descriptors are polled, half of which may be virtual.
const polled = 1000

// pollSet opens what is polled: nothing of it can be read. Half are eventfds, or none; where
// there is nothing virtual, the others are sockets.
func pollSet(n int, all bool) ([]unix.PollFd, error) {
	set := make([]unix.PollFd, n)
	for i := range set {
		fd, err := half(all || i%2 != 0)
		if err != nil {
			return nil, os.NewSyscallError("opening what is polled", err)
		}
		set[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	return set, nil
}

func half(may bool) (int, error) {
	if !may {
		return unix.Eventfd(0, 0)
	}
	fd, err := unix.Open(pollPath, unix.O_RDONLY, 0)
	if errors.Is(err, unix.ENOENT) {
		var pair [2]int
		pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		fd = pair[0]
	}
	return fd, err
}

// pollLoop polls it.
func pollLoop(l *loop, n int, all bool) error {
	set, err := pollSet(n, all)
	if err != nil {
		return err
	}
	l.call, l.args = callPoll, [4]uintptr{uintptr(unsafe.Pointer(unsafe.SliceData(set))), uintptr(n), 0}
	return nil
}

// selectLoop selects n descriptors, of which nothing can be read, without waiting.
func selectLoop(l *loop, n int) error {
	polls, err := pollSet(n, true)
	if err != nil {
		return err
	}
	set, now := new(unix.FdSet), new(unix.Timeval)
	most := 0
	for _, p := range polls {
		set.Set(int(p.Fd))
		most = max(most, int(p.Fd))
	}
	if most >= 64 {
		return errors.New("the set has more than one word")
	}
	l.kept = [2]any{set, now}
	// What the call takes out of the set is put there again each time.
	l.call, l.args = callSelect, [4]uintptr{uintptr(most + 1), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(now)), uintptr(set.Bits[0])}
	return nil
}

// zeroes is /dev/zero.
type zeroes struct{}

func (zeroes) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func (zeroes) Close() error { return nil }

// A silent file never has anything to say.
type silent struct{ virtual.Notifier }

func (*silent) Readiness() virtual.Events  { return 0 }
func (*silent) Read(p []byte) (int, error) { return 0, unix.EAGAIN }
func (*silent) Close() error               { return nil }

// virtualRole runs a command in which /dev/zero, what is read, and half of what is polled
// or all, are virtual files: virtual trap|direct CMD ARGS.
func virtualRole(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: virtual trap|direct CMD ARGS")
	}
	var files virtual.Files
	contents := make([]byte, fileSize)
	return serve(routes[args[0]], args[1:], func(t *table.Table) {
		t.HandleFunc("openat", func(c *table.Call) table.Result {
			switch path, _ := c.Path(1); path {
			case zeroPath:
				return files.Open(c, zeroes{}, int(c.Arg(2)))
			case pollPath:
				return files.Open(c, &silent{}, int(c.Arg(2)))
			case filePath:
				return files.Open(c, virtual.NewFixed(contents, fileInfo{}), int(c.Arg(2)))
			}
			return c.Native()
		})
		files.Install(t)
	})
}

// trappedRole runs a command whose reads stop, and are made: trapped CMD ARGS.
func trappedRole(args []string) error {
	return serve(supervisor.RouteTrap, args, func(t *table.Table) {
		t.Handle("read,pread64", table.Native)
	})
}

// Ways for rows about virtual files.
var (
	trapped     = &way{tracer: "trapped", argv: underRole("trapped"), place: followed}
	virtualized = &way{tracer: "virtual", argv: underRole("virtual", "trap"), place: followed}
	inProcess   = &way{tracer: "virtual, direct", argv: underRole("virtual", "direct")}
)

func underRole(role ...string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string { return append(append([]string{t.self}, role...), child...) }
}

// fileInfo is what is told of the file.
type fileInfo struct{}

func (fileInfo) Name() string       { return "file" }
func (fileInfo) Size() int64        { return fileSize }
func (fileInfo) Mode() fs.FileMode  { return 0o444 }
func (fileInfo) ModTime() time.Time { return time.Time{} }
func (fileInfo) IsDir() bool        { return false }
func (fileInfo) Sys() any           { return nil }

// virtualRows compare virtual files with the kernel's.
func virtualRows(calls, polls int) []row {
	return []row{
		{
			name:  "pread of 4 KiB, of a virtual file, per call",
			child: looping("pread"), count: calls,
			ways:   []*way{native, trapped, virtualized},
			goals:  []goal{{virtualized, 1.2, trapped}},
			figure: perCall,
		},
		{
			name:  "poll of 1,000 descriptors, half virtual, per call",
			child: looping("poll"), count: polls,
			ways:   []*way{native, virtualized},
			goals:  []goal{{virtualized, 1.2, native}},
			figure: perCall,
		},
		insideRow("read of 64 bytes, of a virtual file, per call", "read64", min(10*calls, mostReads)),
		insideRow("poll of 8 virtual descriptors, per call", "poll8", 10*calls),
		insideRow("readv of 64 bytes, of a virtual file, per call", "readv64", min(10*calls, mostReads)),
		insideRow("select of 8 virtual descriptors, per call", "select8", 10*calls),
		{
			name:  "read of /dev/null among virtual files, per call",
			child: looping("readnull"), count: 10 * calls,
			ways:   []*way{native, pass, inProcess},
			goals:  []goal{{inProcess, 1.4, native}},
			figure: perCall,
		},
	}
}

// insideRow measures a call about virtual files that the program answers by itself.
func insideRow(name, call string, count int) row {
	return row{
		name:  name,
		child: looping(call), count: count,
		ways:   []*way{native, inProcess},
		goals:  []goal{{inProcess, 0.5, native}},
		figure: perCall,
	}
}
