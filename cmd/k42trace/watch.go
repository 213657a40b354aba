package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// stop stops this process, as the program is: whoever waits for us is to see a
// stopped job. It returns when we are continued.
func (s *signals) stop() {
	s.mu.Lock()
	still := s.stopped && !s.ended && s.stopsDone < s.stopsSeen
	s.stopUs = false
	s.stopsDone = s.stopsSeen
	sig := s.stopSig
	s.mu.Unlock()
	if !still {
		return
	}
	// By the same signal, if we may: a shell tells Ctrl-Z from SIGSTOP.
	if stops(sig) && s.caught.has(sig) {
		stopBy(sig)
		return
	}
	_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
}

// stopBy stops this process by a signal that has our handler, once: the one that the
// terminal has sent may still be pending, and stops us too, as soon as there is no handler.
// So ours is pending before that, for the SIGCONT that ends the one stop to take away.
func stopBy(sig unix.Signal) {
	// Ours is sent to this thread, which takes it before it goes on to put the handler
	// back; another might take it only then.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var one, old unix.Sigset_t
	one.Val[0] = 1 << (sig - 1)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &one, &old)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig)
	_ = setAction(sig, &sigaction{})
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	_ = catch(sig)
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
		s.mu.Lock()
		s.senders[pid] = true
		s.mu.Unlock()
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
	sig, code, sender := siNumber(info), siCode(info), siSender(info)
	pid := t.Process().PID()
	m := s.tree[pid]
	if m != nil {
		// Whoever gets a signal runs. SIGCONT itself may not be seen: a stopping
		// signal that follows at once takes it back.
		m.stopped = false
	}
	if pid == s.root && sig > 0 && sig <= numSignals {
		s.mu.Lock()
		if code > 0 || sender != unix.Getpid() {
			s.delivered[sig] = delivery{time.Now(), sender}
		}
		s.stopped = false
		switch sig {
		case unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
			s.stopOurs = code <= 0 && sender == unix.Getpid()
			s.inside = code > 0 || s.tree[sender] != nil || s.stopOurs
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
	if pid == s.root && !s.stopped {
		s.stopped = true
		s.stopsSeen++
		s.stopSig, s.stopWhen = sig, time.Now()
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
