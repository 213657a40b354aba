package main

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
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

	caught   mask // the signals that have our handler
	withheld mask // and of these, those with which nothing is done
	arrivals chan arrival
	stops    chan struct{} // the program has stopped, and we are to

	mu        sync.Mutex
	delivered [numSignals + 1]delivery // to the program, from others than us
	senders   map[int]bool             // every process that has been in the tree
	inside    bool                     // the last stopping signal came from the tree
	stopped   bool                     // the program is in a group-stop
	stopsSeen int                      // how many group-stops it has been in
	stopsDone int                      // of them, up to which we have stopped too
	stopSig   unix.Signal              // of the last one
	stopWhen  time.Time                // when it was seen
	stopOurs  bool                     // the last stopping signal that it got was passed on by us
	ended     bool
	stopUs    bool // a stopping signal has been sent to us too

	detach func() // lets processes go that were attached to

	stopSignals int // how many have
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
// the program inherits that (nohup(1)), and they would not reach it. Go's runtime
// keeps only SIGHUP, SIGINT and the terminal's stops ignored; what others were at
// our start is not known any more.
func catchSignals(next table.Observer, withheld mask) (*signals, error) {
	if err := procfs.Usable(); err != nil {
		return nil, err
	}
	s := &signals{
		Observer: next,
		withheld: withheld,
		tree:     map[int]*member{},
		senders:  map[int]bool{},
		arrivals: make(chan arrival, 64),
		stops:    make(chan struct{}, 1),
	}
	infos, err := openSiginfoPipe()
	if err != nil {
		return nil, err
	}
	status, err := procfs.ReadStatus(os.Getpid())
	if err != nil {
		return nil, err
	}
	ignored := mask(status.Ignored)
	for n := unix.Signal(1); n <= numSignals; n++ {
		switch n {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGCHLD, unix.SIGURG, // SIGURG: Go's scheduler
			unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGFPE, unix.SIGTRAP, unix.SIGSYS, // our own faults
			unix.SIGPIPE, unix.SIGXFSZ, unix.SIGPROF,
			32, 33: // the C library's own
		default:
			if !ignored.has(n) {
				if err := catch(n); err != nil {
					return nil, err
				}
				s.caught |= 1 << (n - 1)
			}
		}
	}
	drain := make(chan os.Signal, 1)
	for _, n := range ownSignals {
		if !ignored.has(n.(unix.Signal)) {
			signal.Notify(drain, n)
		}
	}
	go s.receive(infos)
	return s, nil
}

// A delivery is when the program last got a signal, and from whom.
type delivery struct {
	when   time.Time
	sender int
}

// An arrival is a signal that has come to this process.
type arrival struct {
	sig  unix.Signal
	from int // the process that sent it; 0: the kernel, for a terminal
	when time.Time
	stop int // which stopping signal was the last before
}

// relay starts to pass signals on to p. After p's end those that end a process
// call abandon: what p left behind can be ended in no other way.
func (s *signals) relay(p *supervisor.Process, abandon func()) {
	go func() {
		for {
			select {
			case a := <-s.arrivals:
				s.pass(p, a, abandon)
			case <-s.stops:
				s.stop()
			}
		}
	}()
}

// receive takes what the handler wrote.
func (s *signals) receive(infos io.Reader) {
	var info table.Siginfo
	for {
		if _, err := io.ReadFull(infos, info[:]); err != nil {
			return
		}
		a := arrival{sig: siNumber(&info), from: siSender(&info), when: time.Now()}
		if s.withheld.has(a.sig) {
			continue
		}
		s.mu.Lock()
		if stops(a.sig) {
			s.stopSignals++
		}
		a.stop = s.stopSignals
		s.mu.Unlock()
		s.arrivals <- a
	}
}

const (
	// settling is how long a signal that was sent to the whole process group
	// may take to come to the program after it has come to us.
	settling = 10 * time.Millisecond
	// together is how far apart two arrivals of one such signal may be, on a busy
	// machine.
	together = 100 * time.Millisecond
	// patience is how long a thread of the program may stand still before it is
	// known what it stands still for.
	patience = time.Second
)

// forBoth reports whether the sender tells that a signal was sent to us as one of
// the process group: a terminal, or the program itself. What the program sends to
// us alone is, without us, for somebody else.
func (s *signals) forBoth(a arrival) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return a.from == 0 || s.senders[a.from]
}

// direct reports whether a signal that came to us has come to the program by itself
// too. It has if it is pending there, or if it was seen when it was delivered; and
// it may have while a thread stands in a ptrace stop that has not been looked at.
func (s *signals) direct(pid int, a arrival) bool {
	for {
		if status, err := procfs.ReadStatus(pid); err == nil && mask(status.Pending|status.SharedPending).has(a.sig) {
			return true
		}
		standing := anyStands(pid)
		s.mu.Lock()
		d := s.delivered[a.sig]
		delivered := d.sender == a.from && d.when.After(a.when.Add(-together))
		if delivered {
			s.delivered[a.sig] = delivery{} // it stands for one of ours only
		}
		stopped := s.stopped // then nothing is delivered
		s.mu.Unlock()
		if delivered || !standing || stopped || time.Since(a.when) > patience {
			return delivered
		}
		time.Sleep(time.Millisecond)
	}
}

// anyStands reports whether a thread of the process is in a ptrace stop.
func anyStands(pid int) bool {
	tids, _ := procfs.Threads(pid)
	for _, tid := range tids {
		if stat, err := procfs.ReadStat(tid); err == nil && stat.State == 't' {
			return true
		}
	}
	return false
}

// pass passes a signal on, if the program has not got it by itself.
func (s *signals) pass(p *supervisor.Process, a arrival, abandon func()) {
	if ends(a.sig) && s.detach != nil {
		s.detach()
	}
	direct := s.forBoth(a)
	if !direct {
		time.Sleep(time.Until(a.when.Add(settling)))
		direct = s.direct(p.PID(), a)
	}

	s.mu.Lock()
	ended, stopped := s.ended, s.stopped
	// By a later stopping signal: one that we have got too, or, if that is still on its
	// way to us, one that has stopped the program since.
	overtaken := a.stop != s.stopSignals || a.when.Before(s.stopWhen) && !s.stopOurs
	if stops(a.sig) {
		s.stopUs = true
	} else if a.sig == unix.SIGCONT && !overtaken {
		s.stopUs = false
	}
	s.mu.Unlock()

	switch {
	case ended:
		if ends(a.sig) {
			abandon()
		}
		return
	case a.sig == unix.SIGCONT && (!stopped || overtaken):
		return // there is nothing to continue, or a stopping signal took it back
	case !direct:
		// It may have ended meanwhile: then there is nobody to tell.
		_ = p.Signal(a.sig)
	}
	if stopped && s.wantsStop() {
		s.stop()
	}
}

// stops reports whether sig is one with which terminals stop programs.
func stops(sig unix.Signal) bool {
	switch sig {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return true
	}
	return false
}

// ends reports whether a user sends sig to end a process.
func ends(sig unix.Signal) bool {
	switch sig {
	case unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT:
		return true
	}
	return false
}

// A mask is a set of signals; signal n is bit n-1.
type mask uint64

func (m mask) has(sig unix.Signal) bool { return m&(1<<(sig-1)) != 0 }
