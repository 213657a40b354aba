package ptrace

import (
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
	return FinishCall(step)
}

// FinishCall lets a thread that is about to make a call, or stands at its entry
// or seccomp stop, run to the exit stop, and returns the result.
func FinishCall(step StepFunc) (table.Result, error) {
	for {
		e, err := step(Syscall)
		if err != nil {
			return table.Gone(), err
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
		default:
			return table.Gone(), fmt.Errorf("thread %d: syscall-stop that is neither entry nor exit", e.TID)
		}
	}
}
