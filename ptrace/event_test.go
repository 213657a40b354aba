package ptrace

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestDecode(t *testing.T) {
	stop := func(sig unix.Signal, event int) unix.WaitStatus {
		return unix.WaitStatus(0x7f | uint32(sig)<<8 | uint32(event)<<16)
	}
	for _, test := range []struct {
		status unix.WaitStatus
		kind   Kind
		sig    unix.Signal
	}{
		{0, Exited, 0},
		{3 << 8, Exited, 0},
		{unix.WaitStatus(unix.SIGKILL), Killed, unix.SIGKILL},
		{unix.WaitStatus(unix.SIGSEGV | 0x80), Killed, unix.SIGSEGV},
		{stop(unix.SIGTRAP|sysgood, 0), SyscallStop, 0},
		{stop(unix.SIGTRAP, 0), SignalStop, unix.SIGTRAP},
		{stop(unix.SIGSTOP, 0), SignalStop, unix.SIGSTOP},
		{stop(64, 0), SignalStop, 64},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_SECCOMP), SeccompStop, 0},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_FORK), ForkStop, 0},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_VFORK), VforkStop, 0},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_CLONE), CloneStop, 0},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_EXEC), ExecStop, 0},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_STOP), TrapStop, 0},
		{stop(unix.SIGTTIN, unix.PTRACE_EVENT_STOP), GroupStop, unix.SIGTTIN},
		{stop(unix.SIGTRAP, unix.PTRACE_EVENT_EXIT), OtherStop, 0},
	} {
		e := Decode(42, test.status)
		if e.Kind != test.kind || e.Signal != test.sig || e.TID != 42 || e.Status != test.status {
			t.Errorf("%#x: %+v, want %v of signal %d", uint32(test.status), e, test.kind, test.sig)
		}
		if e.Dead() != (test.kind == Exited || test.kind == Killed) {
			t.Errorf("%v: Dead is %v", e, e.Dead())
		}
	}
}

// Every status has a kind.
func FuzzDecode(f *testing.F) {
	f.Add(uint32(0x57f))
	f.Fuzz(func(t *testing.T, status uint32) {
		if e := Decode(1, unix.WaitStatus(status)); e.Kind < Exited || e.Kind > OtherStop {
			t.Errorf("%#x: %v", status, e)
		}
	})
}
