package table

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// An Observer is told what happens to the child's threads besides system
// calls. Its methods run on the tracing thread, between calls, in the order
// of the events; they must not block. Embed NopObserver to implement some.
type Observer interface {
	// ThreadStarted: t exists and has not run yet. by is the thread that
	// created it, nil for the first thread of a program that the supervisor
	// has started.
	ThreadStarted(t, by Thread)
	// ProcessAttached: the supervisor has attached to a process that ran
	// already; threads are those that it has found, the first of the process
	// first, if it lives.
	ProcessAttached(threads []Thread)
	// ThreadDetached: t goes on without the supervisor. A handler that is in
	// the middle of a call of it learns of that as of its death.
	ThreadDetached(t Thread)
	// ProcessExeced: an exec succeeded in t, which has its process's PID as
	// TID now; formerTID is the id that it had when it called.
	ProcessExeced(t Thread, formerTID int)
	// SignalDelivered: the signal in info is about to reach t: a handler
	// runs, it is ignored, or it ends or stops the process.
	SignalDelivered(t Thread, info *Siginfo)
	// GroupStopped: t stands still in a group-stop because of sig.
	GroupStopped(t Thread, sig unix.Signal)
	// ThreadExited: t has ended with status. superseded is true if another
	// thread's exec ended it.
	ThreadExited(t Thread, status unix.WaitStatus, superseded bool)
}

// NopObserver ignores everything.
type NopObserver struct{}

func (NopObserver) ThreadStarted(t, by Thread)                         {}
func (NopObserver) ProcessAttached(threads []Thread)                   {}
func (NopObserver) ThreadDetached(t Thread)                            {}
func (NopObserver) ProcessExeced(t Thread, formerTID int)              {}
func (NopObserver) SignalDelivered(t Thread, info *Siginfo)            {}
func (NopObserver) GroupStopped(t Thread, sig unix.Signal)             {}
func (NopObserver) ThreadExited(t Thread, s unix.WaitStatus, sup bool) {}

var _ Observer = NopObserver{}

// SiginfoSize is sizeof(siginfo_t) on every Linux ABI.
const SiginfoSize = 128

// A Siginfo is a siginfo_t in the tracer's own layout, as PTRACE_GETSIGINFO
// gives it (sigaction(2)).
type Siginfo [SiginfoSize]byte

// Signo returns si_signo, the signal's number.
func (i *Siginfo) Signo() unix.Signal { return unix.Signal(int32(binary.NativeEndian.Uint32(i[0:]))) }

// Code returns si_code, where the signal comes from: positive if the kernel raised
// it for what the thread did.
func (i *Siginfo) Code() int32 { return int32(binary.NativeEndian.Uint32(i[8:])) }
