package table

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// Block is the result of a handler that cannot finish yet. The thread waits outside
// the layer, in a real wait of the kernel (ppoll(2) in the call's place): other
// threads go on, signals, stops and death reach it as they reach any thread that
// waits, and no goroutine waits with it. When w is over, w.Again says how the call
// goes on, with a result or with Block again.
//
// Middleware that looks at the result of the handler that it wraps does so by
// Result.After, which gets the result in the end.
func Block(w Wait) Result {
	// Who does not know of Block takes it for a call that is to be restarted, and
	// leaves it alone.
	return Result{raw: -int64(ERESTARTSYS), blocked: &blocked{wait: w}}
}

// A Wait says what a blocked call waits for: for whichever comes first. A Wait for
// nothing lasts until a signal comes, as pause(2).
type Wait struct {
	// FD is a descriptor of the calling thread, and Events what poll(2) is to find of
	// it: unix.POLLIN, ... None: no descriptor is waited for.
	FD     int
	Events int16
	// Deadline, if not zero, ends the wait: by the monotonic clock, if it has it.
	Deadline time.Time
	// Context, if not nil, cancels the wait when it is done.
	Context context.Context
	// Signal says what a signal makes of the call.
	Signal Interruption
	// Again answers the call after the wait, as a handler does. It is not called if a
	// signal has ended the call, or the thread has died. nil: the call's result is 0.
	Again func(c *Call, why Woken) Result
}

// A Woken says what has ended a wait.
type Woken uint8

// What ends waits.
const (
	Ready       Woken = iota // the descriptor, or it was closed
	TimedOut                 // Deadline
	Canceled                 // Context
	Interrupted              // a signal, or a stop: Again does not get it
	Died                     // the thread: nor this
)

// An Interruption is what a signal makes of a call that waits (signal(7),
// "Interruption of system calls and library functions by signal handlers"). A signal
// that has no handler, and does not end the program, is none, but for Fails.
type Interruption uint8

// Interruptions.
const (
	// Restarts: the call begins anew after a handler with SA_RESTART, and fails with
	// EINTR after one without. So do read, write, accept, wait4, futex, flock, ...
	Restarts Interruption = iota
	// FailsAfterHandler: the call fails with EINTR if a handler has run, and begins
	// anew after a stop. So do pause, ppoll, select, sigsuspend, ...
	FailsAfterHandler
	// Resumes is FailsAfterHandler, but a call that begins anew has the Deadline that
	// it had before. So do poll, nanosleep, futex with a timeout, ...
	Resumes
	// Fails: the call fails with EINTR after a handler and after a stop. So do
	// epoll_wait, read from a socket with SO_RCVTIMEO or from inotify, semop, ...
	Fails
)

// errno returns the errno by which the kernel does this. (Resumes is what engines make
// of a call that begins anew.)
func (i Interruption) errno() unix.Errno {
	switch i {
	case Restarts:
		return ERESTARTSYS
	case FailsAfterHandler, Resumes:
		return ERESTARTNOHAND
	}
	return unix.EINTR
}

// blocked is what a Result that is Block has.
type blocked struct {
	wait  Wait
	after []func(Result) Result
}

// Blocked returns what the call waits for, and false if r is a result already. It is
// for engines.
func (r Result) Blocked() (*Wait, bool) {
	if r.blocked == nil {
		return nil, false
	}
	return &r.blocked.wait, true
}

// Wake ends the wait of a blocked call, and returns its result or the next wait. It is
// for engines.
func (r Result) Wake(c *Call, why Woken) Result {
	b := r.blocked
	var next Result
	switch {
	case why == Interrupted:
		next = Errno(b.wait.Signal.errno())
	case why == Died:
		next = Gone()
	case b.wait.Again != nil:
		next = b.wait.Again(c, why)
	}
	return r.End(next)
}

// End gives a blocked call the result with, which may be Block. It is for engines.
func (r Result) End(with Result) Result {
	for _, f := range r.blocked.after {
		with = with.After(f)
	}
	return with
}

// After returns f(r) or, if the call has blocked, a Result whose result in the end is
// what f makes of it. What f gets is never Block; f may return it.
func (r Result) After(f func(Result) Result) Result {
	if r.blocked == nil {
		return f(r)
	}
	b := *r.blocked
	b.after = append(b.after[:len(b.after):len(b.after)], f)
	return Result{raw: r.raw, blocked: &b}
}
