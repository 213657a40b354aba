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

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// roles are the programs that this binary also is: "bench ROLE ARGS". Those that
// measure themselves write the nanoseconds that their operations took, as eight
// little-endian bytes, to stdout.
var roles = map[string]func(args []string) error{
	"loop":    loopRole,
	"nap":     napRole,
	"answer":  answerRole,
	"switch":  switchRole,
	"service": serviceRole,
	"track":   trackRole,
	"trapped": trappedRole,
	"virtual": virtualRole,
}

// loopRole makes a call many times: loop CALL COUNT.
func loopRole(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: loop CALL COUNT")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	l := &loop{count: n}
	zero, err := os.Open(zeroPath)
	if err != nil {
		return err
	}
	buf := make([]byte, 4096)
	memory := uintptr(unsafe.Pointer(unsafe.SliceData(buf)))
	name := []byte("/dev/null\x00")
	path := uintptr(unsafe.Pointer(unsafe.SliceData(name)))
	defer runtime.KeepAlive([2][]byte{buf, name})
	cwd := unix.AT_FDCWD
	switch args[0] {
	case "getppid":
		l.call = callGetppid
	case "pread":
		l.call, l.args = callPread, [4]uintptr{zero.Fd(), memory, uintptr(len(buf))}
	case "read":
		l.call, l.args = callRead, [4]uintptr{zero.Fd(), memory, 1}
	case "open+close":
		l.call, l.args = callOpenClose, [4]uintptr{uintptr(cwd), path, unix.O_RDONLY}
	case "stat":
		l.call, l.args = callStat, [4]uintptr{uintptr(cwd), path, memory}
	case "poll":
		if err := pollLoop(l, polled, false); err != nil {
			return err
		}
	case "poll8":
		if err := pollLoop(l, 8, true); err != nil {
			return err
		}
	case "select8":
		if err := selectLoop(l, 8); err != nil {
			return err
		}
	case "readv64":
		fd, err := openFile()
		if err != nil {
			return err
		}
		pieces := []unix.Iovec{{Base: &buf[0], Len: smallRead / 2}, {Base: &buf[smallRead], Len: smallRead / 2}}
		l.call, l.args = callReadv, [4]uintptr{uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(pieces))), uintptr(len(pieces))}
		l.kept = [2]any{pieces}
	case "read64":
		fd, err := openFile()
		if err != nil {
			return err
		}
		l.call, l.args = callRead, [4]uintptr{uintptr(fd), memory, smallRead}
	case "readnull":
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		l.call, l.args = callRead, [4]uintptr{uintptr(fd), memory, 1}
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
	return alone(&loop{call: callNanosleep, args: [4]uintptr{uintptr(unsafe.Pointer(&span))}, count: 1})
}

// A loop is one call, count times.
type loop struct {
	call  func(args *[4]uintptr)
	args  [4]uintptr
	kept  [2]any // what args lead to
	count int

	begin, end unix.Timespec
	elapsed    [8]byte
}

// warmUp is how many calls a loop makes before those that it times: after them the
// direct route has done what it does once.
const warmUp = 1000

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
	if l.count > 1 {
		for range warmUp {
			l.call(&l.args)
		}
	}
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&l.begin)), 0)
	for range l.count {
		l.call(&l.args)
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
	return serve(supervisor.RouteTrap, args, func(t *table.Table) {
		t.HandleFunc("getppid", func(*table.Call) table.Result { return table.Return(1) })
	})
}

// serviceRole runs a command of whose calls the direct route is to do one thing:
// service NAME CMD ARGS.
func serviceRole(args []string) error {
	if len(args) == 0 || services[args[0]] == nil {
		return errors.New("usage: service NAME CMD ARGS")
	}
	return serve(supervisor.RouteDirect, args[1:], services[args[0]])
}

// trackRole runs a command whose calls are looked at, with its state kept or not: track
// trap|direct on|off CMD ARGS.
func trackRole(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: track trap|direct on|off CMD ARGS")
	}
	cmd := supervisor.Command(args[2], args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Route, cmd.Track = routes[args[0]], args[1] == "on"
	cmd.Table = table.New()
	cmd.Table.HandleSet(everyCall(), &watcher{})
	return cmd.Run()
}

var routes = map[string]supervisor.Routing{"trap": supervisor.RouteTrap, "direct": supervisor.RouteDirect}

// services say what is to be done.
var services = map[string]func(*table.Table){
	"pass": func(t *table.Table) {
		// The calls get a handler that only looks, so that the places from which they
		// are made are rewritten; then they lose it.
		every := everyCall()
		t.HandleSet(every, &watcher{after: warmUp / 2, then: func() {
			t.Update(every, func(table.Handler) table.Handler { return nil })
		}})
	},
	"count": func(t *table.Table) {
		n := handlers.NewCount()
		n.Untimed = true
		t.HandleSet(everyCall(), n)
	},
	"record":   func(t *table.Table) { t.HandleSet(everyCall(), &watcher{}) },
	"constant": func(t *table.Table) { t.Handle("getppid", handlers.Answer(table.Return(1))) },
	"ask": func(t *table.Table) {
		t.HandleFunc("getppid", func(*table.Call) table.Result { return table.Return(1) })
	},
}

func everyCall() *table.Set {
	every, err := table.ParseSet("all")
	if err != nil {
		panic(err)
	}
	return every
}

// serve runs a command with the handlers that fill sets.
func serve(route supervisor.Routing, args []string, fill func(*table.Table)) error {
	if len(args) == 0 {
		return errors.New("no command")
	}
	cmd := supervisor.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Route = route
	cmd.Table = table.New()
	fill(cmd.Table)
	return cmd.Run()
}

// A watcher looks at calls, and does nothing; after some, it does something once.
type watcher struct {
	seen, after int
	then        func()
}

func (w *watcher) Handle(c *table.Call) table.Result {
	res := c.Native()
	w.Returned(c, res, time.Time{}, time.Time{})
	return res
}

func (w *watcher) Entered(*table.Call, time.Time) {}

func (w *watcher) Returned(*table.Call, table.Result, time.Time, time.Time) {
	if w.seen++; w.seen == w.after {
		w.then()
	}
}

func (w *watcher) WantsTimes() bool             { return false }
func (w *watcher) Limits() (text, elements int) { return 32, 32 }

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
