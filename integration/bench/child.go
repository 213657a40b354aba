package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// roles are the programs that this binary also is: "bench ROLE ARGS". Those that
// measure themselves write the nanoseconds that their operations took, as eight
// little-endian bytes, to stdout.
var roles = map[string]func(args []string) error{
	"loop":   loopRole,
	"nap":    napRole,
	"answer": answerRole,
	"switch": switchRole,
}

// loopRole makes a call many times: loop CALL COUNT.
func loopRole(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: loop getppid|pread COUNT")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l := &loop{count: n}
	switch args[0] {
	case "getppid":
		l.nr = unix.SYS_GETPPID
	case "pread":
		f, err := os.Open("/dev/zero")
		if err != nil {
			return err
		}
		buf := make([]byte, 4096)
		l.nr, l.args = unix.SYS_PREAD64, [4]uintptr{f.Fd(), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf))}
	default:
		return fmt.Errorf("loop %s: no such loop", args[0])
	}
	return alone(l)
}

// napRole sleeps: nap DURATION.
func napRole(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: nap DURATION")
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	span := unix.NsecToTimespec(int64(d))
	return alone(&loop{nr: unix.SYS_NANOSLEEP, args: [4]uintptr{uintptr(unsafe.Pointer(&span))}, count: 1})
}

// A loop is one call, count times.
type loop struct {
	nr    uintptr
	args  [4]uintptr
	count int

	begin, end unix.Timespec
	elapsed    [8]byte
}

// alone runs l in a process of one thread. A Go program has several, whose own
// calls and wake-ups would be traced and timed as well; so it forks, the new
// process never goes back into the Go runtime, and this one ends at once.
func alone(l *loop) error {
	runtime.LockOSThread()
	pid, _, e := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 {
		return fmt.Errorf("clone: %w", e)
	}
	if pid == 0 {
		l.run()
	}
	return nil
}

// run makes the calls, writes how long they took, and ends the process. It is in
// a process without a Go runtime.
//
//go:nosplit
//go:norace
func (l *loop) run() {
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&l.begin)), 0)
	for range l.count {
		unix.RawSyscall6(l.nr, l.args[0], l.args[1], l.args[2], l.args[3], 0, 0)
	}
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&l.end)), 0)
	ns := (l.end.Sec-l.begin.Sec)*1e9 + l.end.Nsec - l.begin.Nsec
	for i := range l.elapsed {
		l.elapsed[i] = byte(ns >> (8 * i))
	}
	unix.RawSyscall(unix.SYS_WRITE, 1, uintptr(unsafe.Pointer(&l.elapsed)), uintptr(len(l.elapsed)))
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}

// answerRole runs a command whose getppid a handler answers: answer CMD ARGS.
func answerRole(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: answer CMD ARGS")
	}
	cmd := supervisor.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Table = table.New()
	cmd.Table.HandleFunc("getppid", func(*table.Call) table.Result { return table.Return(1) })
	return cmd.Run()
}

// switchRole looks a call up and goes to its handler and back, many times, in
// one of two ways: switch coroutine|goroutine COUNT.
func switchRole(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: switch coroutine|goroutine COUNT")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	tbl := table.New()
	tbl.Handle("all", table.Native)
	lookUp := func() {
		if tbl.Lookup(table.AMD64, unix.SYS_GETPPID) == nil {
			panic("no handler")
		}
	}
	// As the supervisor: on a locked thread that is not the main one.
	elapsed := make(chan time.Duration)
	go func() {
		runtime.LockOSThread()
		switch args[0] {
		case "coroutine":
			elapsed <- switchCoroutine(n, lookUp)
		default:
			elapsed <- switchGoroutine(n, lookUp)
		}
	}()
	return binary.Write(os.Stdout, binary.LittleEndian, int64(<-elapsed))
}

func switchCoroutine(n int, lookUp func()) time.Duration {
	next, stop := iter.Pull(func(yield func(struct{}) bool) {
		for yield(struct{}{}) {
		}
	})
	defer stop()
	begin := time.Now()
	for range n {
		lookUp()
		next()
	}
	return time.Since(begin)
}

func switchGoroutine(n int, lookUp func()) time.Duration {
	there, back := make(chan struct{}), make(chan struct{})
	go func() {
		for range there {
			back <- struct{}{}
		}
	}()
	defer close(there)
	begin := time.Now()
	for range n {
		lookUp()
		there <- struct{}{}
		<-back
	}
	return time.Since(begin)
}
