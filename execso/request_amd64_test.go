package execso

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// serving lets the thread make requests and wait for longer than a supervisor would
// let it. Nothing may wait for the thread meanwhile, as a garbage collection does:
// the scheduler takes it for a goroutine that runs.
func (m *machine) serving() {
	if runtime.GOMAXPROCS(0) < 2 {
		m.t.Skip("nobody could answer")
	}
	percent := debug.SetGCPercent(-1)
	m.t.Cleanup(func() { debug.SetGCPercent(percent) })
	runtime.GC()
	m.slot.Serving(true)
	poke(m.slot.mem, areaServing, 1<<28) // then the test fails
}

// answer settles all requests of a slot on another thread, until stop is called.
func (m *machine) answer(settle func(nr int, args [6]uint64)) (stop func()) {
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !over.Load() {
			if a, ok := m.slot.Requested(); ok {
				settle(a.Nr, a.Args)
			}
		}
	}()
	return func() {
		over.Store(true)
		<-done
	}
}

func TestRequest(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_GETPPID, Request)
	m.serving()
	stop := m.answer(func(nr int, args [6]uint64) {
		if nr != unix.SYS_GETPPID {
			t.Errorf("call %d", nr)
		}
		switch {
		case args[1]%3 == 0:
			m.slot.SendToTrap()
		default:
			m.slot.Answer(int64(args[0] + args[5]))
		}
	})
	answered, trapped := 0, 0
	for i := range uint64(3000) {
		result, trap := m.do(unix.SYS_GETPPID, i, i, 0, 0, 0, 1<<40)
		want := int64(i + 1<<40)
		if i%3 == 0 {
			want = int64(os.Getppid())
			trapped++
		} else {
			answered++
		}
		if result != want || trap != (i%3 == 0) {
			t.Fatalf("request %d: %d, trapped %v, want %d", i, result, trap, want)
		}
	}
	stop()
	t.Logf("%d answered, %d sent to the trap route", answered, trapped)
}

func TestNonsenseRequests(t *testing.T) {
	r := lonely(t)
	site, _ := r.NewSite(1)
	for name, q := range map[string][2]uint64{
		"an impossible number":    {1<<16 - 1, site},
		"a number beyond all":     {Numbers, site},
		"a number without a name": {Numbers - 1, site},
		"a number always trapped": {unix.SYS_EXECVE, site},
		"no site":                 {unix.SYS_GETPID, site + 8},
	} {
		s := r.NewSlot()
		poke(s.mem, areaState, requestPosted|q[0]<<16|q[1]<<32)
		if a, ok := s.Requested(); ok {
			t.Errorf("%s: requested call %d", name, a.Nr)
		}
		if got := peek(s.mem, areaState); got != requestTrap {
			t.Errorf("%s: state %d", name, got)
		}
		s.Free()
	}
	s := r.NewSlot()
	poke(s.mem, areaState, requestPosted|unix.SYS_GETPID<<16|site<<32)
	if a, ok := s.Requested(); !ok || a.Nr != unix.SYS_GETPID {
		t.Errorf("requested call %d, %v", a.Nr, ok)
	}
	if _, ok := s.Requested(); ok {
		t.Error("a request was given away twice")
	}
}
