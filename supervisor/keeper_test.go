package supervisor

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A thread that follows is given back when it does not get its core, and when there is
// nothing to follow.
func TestKeeper(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || !mayFollow() {
		t.Skip("threads of ours may not be SCHED_IDLE: ", err)
	}
	core := 0
	for !allowed.IsSet(core) {
		core++
	}
	var one unix.CPUSet
	one.Set(core)
	// onCore runs f in a thread on that core, which ends with it.
	onCore := func(f func()) <-chan bool {
		done := make(chan bool)
		go func() {
			defer close(done)
			runtime.LockOSThread()
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				t.Error(err)
				return
			}
			f()
		}()
		return done
	}
	for _, outing := range []uint32{starved, idled} {
		var k keeper
		taken, hogs := make(chan bool, 1), (<-chan bool)(nil)
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		<-onCore(func() {
			k.begin(allowed)
			go func() {
				for k.outing.Load() == kept {
					time.Sleep(time.Millisecond)
				}
				taken <- true
				unix.Close(p[1])
			}()
			if err := setPolicy(schedIdle | schedResetOnFork); err != nil {
				t.Error(err)
				return
			}
			if outing == starved {
				hogs = onCore(func() { spinUntil(taken) })
				spinUntil(taken) // it has no event, and wants to go on
			} else {
				unix.Read(p[0], make([]byte, 1))
			}
			k.end()
			var now unix.CPUSet
			if err := unix.SchedGetaffinity(0, &now); err != nil || now != allowed {
				t.Errorf("it may run on %v afterwards (%v), want %v", now, err, allowed)
			}
			if p := policyOf(unix.Gettid()); p != schedOther {
				t.Errorf("its policy is %d afterwards", p)
			}
		})
		unix.Close(p[0])
		if hogs != nil {
			<-hogs
		}
		if got := k.outing.Load(); got != outing {
			t.Errorf("given back because of %d, want %d", got, outing)
		}
	}
}

// A thread that is about to follow, and is kept from it for long, is looked after when it does.
func TestKeeperBegins(t *testing.T) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || !mayFollow() {
		t.Skip("threads of ours may not be SCHED_IDLE: ", err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with this
		var k keeper
		k.begin(allowed)
		defer k.end()
		for range 2 * keepStill {
			k.look()
		}
		if got := k.outing.Load(); got != kept {
			t.Errorf("given back because of %d before it has begun", got)
		}
		if err := setPolicy(schedIdle | schedResetOnFork); err != nil {
			t.Error(err)
			return
		}
		for range 2 * keepStill {
			k.look()
		}
		if got := policyOf(unix.Gettid()); got != schedOther {
			t.Errorf("its policy is %d, and it has seen nothing for long", got)
		}
	}()
	<-done
}

func spinUntil(c <-chan bool) {
	for len(c) == 0 {
		runtime.KeepAlive(c)
	}
}
