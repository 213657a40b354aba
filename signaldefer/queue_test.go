package signaldefer

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// info makes the siginfo of a signal with a value, sent by sigqueue(3).
func info(sig unix.Signal, value uint32) *table.Siginfo {
	const siQueue = ^uint32(0)
	var i table.Siginfo
	binary.NativeEndian.PutUint32(i[0:], uint32(sig))
	binary.NativeEndian.PutUint32(i[8:], siQueue)
	binary.NativeEndian.PutUint32(i[16:], 4711) // si_pid
	binary.NativeEndian.PutUint32(i[24:], value)
	return &i
}

// raised makes the siginfo with which the kernel shows our own tgkill.
func raised(sig unix.Signal) *table.Siginfo {
	var i table.Siginfo
	binary.NativeEndian.PutUint32(i[0:], uint32(sig))
	code := int32(siTkill)
	binary.NativeEndian.PutUint32(i[8:], uint32(code))
	binary.NativeEndian.PutUint32(i[16:], uint32(unix.Getpid()))
	return &i
}

func value(i *table.Siginfo) uint32 { return binary.NativeEndian.Uint32(i[24:]) }

func TestOrder(t *testing.T) {
	var q Queue
	for n, sig := range []unix.Signal{40, unix.SIGUSR1, 35, unix.SIGSEGV, 40, unix.SIGHUP, 35} {
		if !q.Hold(sig, info(sig, uint32(n))) {
			t.Fatalf("signal %d was not held", sig)
		}
	}
	want := []unix.Signal{unix.SIGSEGV, unix.SIGHUP, unix.SIGUSR1, 35, 35, 40, 40}
	if got := q.Raise(); !slices.Equal(got, want) {
		t.Fatalf("raised %v, want %v", got, want)
	}
	if again := q.Raise(); again != nil {
		t.Fatalf("raised again: %v", again)
	}
	// Real-time signals of one number come in the order in which they arrived.
	for _, r := range []struct {
		sig   unix.Signal
		value uint32
	}{{unix.SIGSEGV, 3}, {unix.SIGHUP, 5}, {unix.SIGUSR1, 1}, {35, 2}, {35, 6}, {40, 0}, {40, 4}} {
		original, ok := q.Redelivered(r.sig, raised(r.sig))
		if !ok || value(original) != r.value {
			t.Errorf("signal %d: %v, want value %d", r.sig, original, r.value)
		}
	}
	if _, ok := q.Redelivered(40, raised(40)); ok {
		t.Error("one redelivery too many")
	}
}

func TestNeverHeld(t *testing.T) {
	var q Queue
	for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
		if q.Hold(sig, info(sig, 0)) {
			t.Errorf("signal %d was held", sig)
		}
	}
	if q.Raise() != nil {
		t.Error("something is to be raised")
	}
}

func TestStandardSignalsAreHeldOnce(t *testing.T) {
	var q Queue
	q.Hold(unix.SIGUSR1, info(unix.SIGUSR1, 1))
	q.Hold(unix.SIGUSR1, info(unix.SIGUSR1, 2))
	if got := q.Raise(); len(got) != 1 {
		t.Fatalf("raised %v", got)
	}
	if original, ok := q.Redelivered(unix.SIGUSR1, raised(unix.SIGUSR1)); !ok || value(original) != 1 {
		t.Errorf("redelivered %v", original)
	}
}

// A signal of somebody else that comes first keeps its own siginfo.
func TestStranger(t *testing.T) {
	var q Queue
	q.Hold(40, info(40, 1))
	q.Hold(unix.SIGUSR1, info(unix.SIGUSR1, 1))
	q.Raise()
	if _, ok := q.Redelivered(40, info(40, 9)); ok {
		t.Error("a stranger's real-time signal was taken for ours")
	}
	if _, ok := q.Redelivered(40, raised(40)); !ok {
		t.Error("ours was lost behind the stranger's")
	}
	// Standard signals are not queued twice: ours is part of the stranger's.
	if _, ok := q.Redelivered(unix.SIGUSR1, info(unix.SIGUSR1, 9)); ok {
		t.Error("a stranger's siginfo was replaced")
	}
	if _, ok := q.Redelivered(unix.SIGUSR1, raised(unix.SIGUSR1)); ok {
		t.Error("the held signal came a second time")
	}
}

// A raised signal that comes while the thread is in the layer again is held
// again, as what it was.
func TestHeldAgain(t *testing.T) {
	var q Queue
	q.Hold(40, info(40, 7))
	q.Raise()
	q.Hold(40, raised(40))
	if got := q.Raise(); !slices.Equal(got, []unix.Signal{40}) {
		t.Fatalf("raised %v", got)
	}
	if original, ok := q.Redelivered(40, raised(40)); !ok || value(original) != 7 {
		t.Errorf("redelivered %v", original)
	}
}
