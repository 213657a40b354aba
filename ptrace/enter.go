package ptrace

import (
	"errors"
	"fmt"

	"github.com/k42trace/k42trace/table"
)

// A StepFunc resumes the thread and returns its next syscall-, seccomp- or
// exec-stop, or its death. Whatever else stops the thread meanwhile (signals,
// group-stops) is the StepFunc's to keep for later.
type StepFunc func(how Resumption) (Event, error)

// Enter runs one call in a thread that stands outside any call: at a call's exit
// stop, a signal-delivery-stop or a TrapStop. base is what the registers are
// now; the instruction at site makes the call. Enter leaves the thread at the
// exit stop of its call: before the thread may go on, base must be restored with
// base.Set. It fails with ESRCH if the thread died.
func Enter(tid int, base Regs, abi table.ABI, site uint64, nr int, args [6]uint64, step StepFunc) (table.Result, error) {
	base.SetEntry(abi, site, nr, args)
	if err := base.Set(tid); err != nil {
		return table.Gone(), err
	}
	return finish(step, nil, func(info *SyscallInfo) bool {
		return info.Nr() == int(int32(nr)) && info.Args() == base.args(abi) && info.IP == site+SyscallInsnLen
	})
}

// FinishCall lets a thread that stands at a call's seccomp stop, or at the exec-stop of an
// execve, run to the call's exit stop, and returns the result. If execed is not nil, it stops
// at the exec-stop of an execve that succeeds, where all registers are the new program's
// but that of the result, and sets *execed: it may be called again, or the exit stop left out.
func FinishCall(step StepFunc, execed *bool) (table.Result, error) {
	return finish(step, execed, func(*SyscallInfo) bool { return false })
}

// ErrTampered: the thread made another call than the one that was prepared. The
// instruction is in the program's memory, where another thread of it can change it
// at the last moment.
var ErrTampered = errors.New("an injected call was tampered with")

// finish is FinishCall for a thread that may have the entry still before it:
// expected tells whether a call at its entry is the right one.
func finish(step StepFunc, execed *bool, expected func(*SyscallInfo) bool) (table.Result, error) {
	for {
		e, err := step(Syscall)
		if err != nil {
			return table.Gone(), err
		}
		if e.Kind == ExecStop && execed != nil {
			*execed = true
			return table.Return(0), nil
		}
		if e.Kind != SyscallStop {
			continue
		}
		// Not the id that the thread began with: an exec may have changed it.
		var info SyscallInfo
		if err := GetSyscallInfo(e.TID, &info); err != nil {
			return table.Gone(), err
		}
		switch info.Op {
		case OpExit:
			return info.Result(), nil
		case OpEntry:
			if !expected(&info) {
				return table.Gone(), fmt.Errorf("thread %d: %w", e.TID, ErrTampered)
			}
		default:
			return table.Gone(), fmt.Errorf("thread %d: syscall-stop that is neither entry nor exit", e.TID)
		}
	}
}
