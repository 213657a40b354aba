package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// signals passes the signals that are sent to this process on to the program,
// and lets this process stop when the program has stopped.
//
// A terminal's Ctrl-C, and a kill of the process group, reach both: so a signal is
// passed on only if the same one has not come to the program by itself. It is an
// Observer to know that, in front of another one.
type signals struct {
	table.Observer
	root int // PID of the program; tracing thread only
	tree map[int]*member

	received chan os.Signal
	stops    chan struct{} // the program has stopped, and we are to

	mu        sync.Mutex
	delivered [numSignals + 1]time.Time // to the program, from others than us
	inside    bool                      // the last stopping signal came from the tree
	stopped   bool                      // the program is in a group-stop
	ended     bool
	stopUs    bool // a stopping signal has been sent to us too
}

// A member is a process of the tree.
type member struct {
	threads int
	stopped bool
}

// Signals that are ours to deal with and are not passed on.
var ownSignals = []os.Signal{
	unix.SIGPIPE, // the trace's reader is gone: an error of a write
	unix.SIGXFSZ, // the trace is too large: the same
}

// catchSignals catches what is to be passed on. Signals that are ignored stay so:
// the program inherits that (nohup(1)), and they would not reach it.
func catchSignals(next table.Observer) *signals {
	s := &signals{
		Observer: next,
		tree:     map[int]*member{},
		received: make(chan os.Signal, 64),
		stops:    make(chan struct{}, 1),
	}
	ignored := signalMask("/proc/self/status", "SigIgn")
	for n := unix.Signal(1); n <= numSignals; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGURG, // SIGURG: Go's scheduler
			unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGFPE, unix.SIGTRAP, unix.SIGSYS, // our own faults
			unix.SIGPIPE, unix.SIGXFSZ, unix.SIGPROF,
			32, 33: // the C library's own
		default:
			if !ignored.has(n) {
				signal.Notify(s.received, n)
			}
		}
	}
	drain := make(chan os.Signal, 1)
	for _, n := range ownSignals {
		if !ignored.has(n.(unix.Signal)) {
			signal.Notify(drain, n)
		}
	}
	return s
}

// relay starts to pass signals on to p. After p's end those that end a process
// call abandon: what p left behind can be ended in no other way.
func (s *signals) relay(p *supervisor.Process, abandon func()) {
	go func() {
		for {
			select {
			case sig := <-s.received:
				s.pass(p, sig.(unix.Signal), abandon)
			case <-s.stops:
				s.stop()
			}
		}
	}()
}

const (
	// settling is how long a signal that was sent to the whole process group
	// may take to be seen arriving at the program.
	settling = 10 * time.Millisecond
	// together is how far apart two arrivals of one such signal may be.
	together = 20 * time.Millisecond
)

func (s *signals) pass(p *supervisor.Process, sig unix.Signal, abandon func()) {
	arrived := time.Now()
	time.Sleep(settling)
	pending := signalMask(fmt.Sprintf("/proc/%d/status", p.PID()), "SigPnd", "ShdPnd").has(sig)

	s.mu.Lock()
	direct := pending || s.delivered[sig].After(arrived.Add(-together))
	ended, stopped := s.ended, s.stopped
	switch sig {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		s.stopUs = true
	case unix.SIGCONT:
		s.stopUs = false
	}
	s.mu.Unlock()

	switch {
	case ended:
		if ends(sig) {
			abandon()
		}
		return
	case sig == unix.SIGCONT && !stopped && !pending:
		return // it woke us only
	case !direct:
		// It may have ended meanwhile: then there is nobody to tell.
		_ = p.Signal(sig)
	}
	if stopped && s.wantsStop() {
		s.stop()
	}
}

// ends reports whether a user sends sig to end a process.
func ends(sig unix.Signal) bool {
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT:
		return true
	}
	return false
}

// stop stops this process, as the program is: whoever waits for us is to see a
// stopped job. It returns when we are continued.
func (s *signals) stop() {
	s.mu.Lock()
	still := s.stopped && !s.ended
	s.stopUs = false
	s.mu.Unlock()
	if still {
		_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
	}
}

func (s *signals) wantsStop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopUs
}

// ThreadStarted counts the tree's processes.
func (s *signals) ThreadStarted(t, by table.Thread) {
	pid := t.Process().PID()
	if by == nil {
		s.root = pid
	}
	if s.tree[pid] == nil {
		s.tree[pid] = &member{}
	}
	s.tree[pid].threads++
	s.Observer.ThreadStarted(t, by)
}

// ThreadExited counts them too.
func (s *signals) ThreadExited(t table.Thread, status unix.WaitStatus, superseded bool) {
	pid := t.Process().PID()
	if m := s.tree[pid]; m != nil {
		if m.threads--; m.threads <= 0 {
			delete(s.tree, pid)
			if pid == s.root {
				s.mu.Lock()
				s.ended = true
				s.mu.Unlock()
			}
		}
	}
	s.Observer.ThreadExited(t, status, superseded)
}

// SignalDelivered notes which signals reach the program by themselves.
func (s *signals) SignalDelivered(t table.Thread, info *table.Siginfo) {
	sig := unix.Signal(int32(binary.NativeEndian.Uint32(info[0:])))
	code := int32(binary.NativeEndian.Uint32(info[8:]))
	sender := int(int32(binary.NativeEndian.Uint32(info[16:]))) // si_pid, if code <= 0
	pid := t.Process().PID()
	m := s.tree[pid]
	if m != nil && sig == unix.SIGCONT {
		m.stopped = false
	}
	if pid == s.root && sig > 0 && sig <= numSignals {
		s.mu.Lock()
		if code > 0 || sender != unix.Getpid() {
			s.delivered[sig] = time.Now()
		}
		switch sig {
		case unix.SIGCONT:
			s.stopped = false
		case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
			s.inside = code > 0 || s.tree[sender] != nil || sender == unix.Getpid()
		}
		s.mu.Unlock()
	}
	s.Observer.SignalDelivered(t, info)
}

// GroupStopped notes that the program has stopped.
//
// We stop with it if the signal has been sent to us as well, as terminals do; or
// if all that we trace stands still because of a signal from there. We do not if
// somebody else has stopped the program, or if processes of the tree still run:
// they may be about to continue it, and cannot while we stand still.
func (s *signals) GroupStopped(t table.Thread, sig unix.Signal) {
	pid := t.Process().PID()
	if m := s.tree[pid]; m != nil {
		m.stopped = true
	}
	all := true
	for _, m := range s.tree {
		all = all && m.stopped
	}
	s.mu.Lock()
	if pid == s.root {
		s.stopped = true
	}
	if s.stopped && (s.stopUs || all && s.inside) {
		select {
		case s.stops <- struct{}{}:
		default:
		}
	}
	s.mu.Unlock()
	s.Observer.GroupStopped(t, sig)
}

// A mask is a set of signals as /proc shows it.
type mask uint64

func (m mask) has(sig unix.Signal) bool { return m&(1<<(sig-1)) != 0 }

// signalMask returns the union of some masks in a status file of proc(5).
func signalMask(file string, names ...string) mask {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	var m mask
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		for _, wanted := range names {
			if name == wanted {
				n, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
				m |= mask(n)
			}
		}
	}
	return m
}
