package main

import (
	"errors"
	"os"
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
)

// polled is how many descriptors are polled, half of which may be virtual.
const polled = 1000

// pollSet opens what is polled: nothing of it can be read. Half are eventfds; where
// there is nothing virtual, the others are sockets.
func pollSet() ([]unix.PollFd, error) {
	set := make([]unix.PollFd, polled)
	for i := range set {
		fd, err := half(i%2 != 0)
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
func pollLoop(l *loop) error {
	set, err := pollSet()
	if err != nil {
		return err
	}
	l.call, l.args = callPoll, [4]uintptr{uintptr(unsafe.Pointer(unsafe.SliceData(set))), polled, 0}
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

// virtualRole runs a command in which /dev/zero, and half of what is polled, are
// virtual files: virtual CMD ARGS.
func virtualRole(args []string) error {
	var files virtual.Files
	return serve(supervisor.RouteTrap, args, func(t *table.Table) {
		t.HandleFunc("openat", func(c *table.Call) table.Result {
			switch path, _ := c.Path(1); path {
			case zeroPath:
				return files.Open(c, zeroes{}, int(c.Arg(2)))
			case pollPath:
				return files.Open(c, &silent{}, int(c.Arg(2)))
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
	virtualized = &way{tracer: "virtual", argv: underRole("virtual"), place: followed}
)

func underRole(role string) func(*tools, []string) []string {
	return func(t *tools, child []string) []string { return append([]string{t.self, role}, child...) }
}

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
	}
}
