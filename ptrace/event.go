package ptrace

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A Kind is what happened to a tracee. The kinds are all there are: every wait
// status is decoded into one of them, here and nowhere else.
type Kind uint8

// Kinds.
const (
	Exited      Kind = iota + 1 // the thread is gone: Status
	Killed                      // the thread is gone by a signal: Status, Signal
	SyscallStop                 // system-call entry or exit, after Resume with Syscall
	SeccompStop                 // a filter said RET_TRACE
	ForkStop                    // EventMessage is the new process
	VforkStop                   // the same
	CloneStop                   // EventMessage is the new thread or process
	ExecStop                    // EventMessage is the thread's former id
	SignalStop                  // signal-delivery-stop: Signal is about to be delivered
	GroupStop                   // the thread group is stopped by Signal
	TrapStop                    // a new tracee's first stop, an Interrupt, or SIGCONT after a group-stop
	OtherStop                   // an event that DefaultOptions do not ask for
)

var kindNames = [...]string{
	Exited: "exited", Killed: "killed", SyscallStop: "syscall-stop", SeccompStop: "seccomp-stop",
	ForkStop: "fork", VforkStop: "vfork", CloneStop: "clone", ExecStop: "exec",
	SignalStop: "signal-delivery-stop", GroupStop: "group-stop", TrapStop: "trap-stop", OtherStop: "other stop",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("ptrace.Kind(%d)", k)
}

// An Event is one thing that happened to one tracee.
type Event struct {
	TID    int
	Kind   Kind
	Signal unix.Signal     // of Killed, SignalStop, GroupStop
	Status unix.WaitStatus // as wait4 gave it
}

// Dead reports whether the thread is gone.
func (e Event) Dead() bool { return e.Kind == Exited || e.Kind == Killed }

func (e Event) String() string {
	return fmt.Sprintf("%v of %d (status %#x)", e.Kind, e.TID, uint32(e.Status))
}

// sysgood is the bit that PTRACE_O_TRACESYSGOOD sets in syscall stops.
const sysgood = 0x80

// Decode decodes a wait status of a seized tracee (ptrace(2), "Stopped states").
func Decode(tid int, status unix.WaitStatus) Event {
	e := Event{TID: tid, Status: status}
	switch {
	case status.Exited():
		e.Kind = Exited
	case status.Signaled():
		e.Kind, e.Signal = Killed, status.Signal()
	default:
		sig := unix.Signal(status>>8) & 0xff
		switch event := int(status >> 16); event {
		case 0:
			if sig == unix.SIGTRAP|sysgood {
				e.Kind = SyscallStop
			} else {
				e.Kind, e.Signal = SignalStop, sig
			}
		case unix.PTRACE_EVENT_SECCOMP:
			e.Kind = SeccompStop
		case unix.PTRACE_EVENT_FORK:
			e.Kind = ForkStop
		case unix.PTRACE_EVENT_VFORK:
			e.Kind = VforkStop
		case unix.PTRACE_EVENT_CLONE:
			e.Kind = CloneStop
		case unix.PTRACE_EVENT_EXEC:
			e.Kind = ExecStop
		case unix.PTRACE_EVENT_STOP:
			if sig == unix.SIGTRAP {
				e.Kind = TrapStop
			} else {
				e.Kind, e.Signal = GroupStop, sig
			}
		default:
			e.Kind = OtherStop
		}
	}
	return e
}

// Stale reports whether an event, taken some time ago, of a thread-group leader
// has been overtaken: the leader's id belongs to a thread that has executed
// another program since, and stands in its exec stop. The event is to be dropped.
func Stale(e Event) bool {
	if e.Dead() || e.Kind == ExecStop {
		return false
	}
	var info table.Siginfo
	if requestPtr(unix.PTRACE_GETSIGINFO, e.TID, 0, unsafe.Pointer(&info)) != nil {
		return false
	}
	code := int32(binary.NativeEndian.Uint32(info[8:]))
	return code == int32(unix.SIGTRAP)|unix.PTRACE_EVENT_EXEC<<8
}
