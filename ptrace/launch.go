package ptrace

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// SeizeExeced turns pid, a child of the calling thread that called
// PTRACE_TRACEME and then exec, into a seized tracee. It leaves it at its first
// instruction, in the signal-delivery-stop of a SIGCONT that is ours: resume it
// with signal 0.
//
// A tracee that attached itself cannot be seized, so it is detached into a real
// stop, seized there and continued. The SIGCONT must be swallowed, or its
// group-stop would stay in force for all that the program creates.
func SeizeExeced(pid int, o Options) error {
	if e, err := Wait(pid, nil); err != nil {
		return err
	} else if e.Kind != SignalStop || e.Signal != unix.SIGTRAP {
		return fmt.Errorf("process %d: expected the stop after exec, got %v", pid, e)
	}
	if err := Detach(pid, unix.SIGSTOP); err != nil {
		return err
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, waitFlags|unix.WUNTRACED, nil)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return fmt.Errorf("waiting for process %d to stop: %w", pid, err)
		}
	}
	if !status.Stopped() {
		return fmt.Errorf("process %d: %w before its first instruction", pid, unix.ESRCH)
	}
	if err := Seize(pid, o); err != nil {
		switch {
		case Gone(err):
			return err
		case !errors.Is(err, unix.EPERM):
			SeizeFeature.missing.Store(true)
			return fmt.Errorf("%w (%w)", SeizeFeature.Err(), err)
		}
		return permissionError(pid, err)
	}
	if err := unix.Kill(pid, unix.SIGCONT); err != nil {
		return fmt.Errorf("continuing process %d: %w", pid, err)
	}
	// Who started us may have blocked SIGCONT, which then would never be delivered.
	const sigcont = 1 << (unix.SIGCONT - 1)
	var mask uint64
	for {
		e, err := Wait(pid, nil)
		if err != nil {
			return err
		}
		switch {
		case e.Dead():
			return fmt.Errorf("process %d: %w before its first instruction", pid, unix.ESRCH)
		case e.Kind == SignalStop && e.Signal == unix.SIGCONT:
			if mask != 0 {
				return SetSigmask(pid, mask)
			}
			return nil
		}
		if blocked, err := GetSigmask(pid); err != nil {
			return err
		} else if blocked&sigcont != 0 {
			mask = blocked
			if err := SetSigmask(pid, mask&^sigcont); err != nil {
				return err
			}
		}
		if err := Resume(pid, Cont, 0); err != nil {
			return err
		}
	}
}
