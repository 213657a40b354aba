package virtual_test

import (
	"fmt"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// newFifoWorld has a fifo of each name that is opened.
func newFifoWorld(t *testing.T) *world {
	fifos := map[string]*fifo{}
	return newWorld(t, func(name string, flags int) virtual.File {
		f := fifos[name]
		if f == nil {
			f = newFifo()
			fifos[name] = f
		}
		return f.open(flags&unix.O_ACCMODE == unix.O_WRONLY)
	})
}

// What waits on a virtual FIFO is interrupted, stopped, killed, canceled and woken as
// on a real one.
func TestWaits(t *testing.T) { eachWidth(t, "waits", testWaits) }

func testWaits(t *testing.T, bin string) {
	path := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	native, err := exec.Command("timeout", "60", bin, path).CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, native)
	}
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		cmd := supervisor.Command("timeout", "60", bin, "/virtual/fifo")
		cmd.Route = route
		got := newFifoWorld(t).run(cmd)
		if diff := cmp.Diff(string(native), got); diff != "" {
			t.Errorf("native and virtual, routing %d, differ:\n%s", route, diff)
		}
	}
}

// A thousand threads that wait cost no goroutine each.
func TestCrowd(t *testing.T) {
	bin := compile(t, "crowd")
	const threads = 1000
	w := newFifoWorld(t)
	fifos, goroutines := w.open, 0
	w.open = func(name string, flags int) virtual.File {
		if name == "f-1" {
			goroutines = runtime.NumGoroutine()
		}
		return fifos(name, flags)
	}
	got := w.run(supervisor.Command("timeout", "60", bin, "/virtual/f", strconv.Itoa(threads)))
	want := 0
	for i := range threads {
		want += i % 100
	}
	if got != fmt.Sprintln(want) {
		t.Errorf("the bytes read add up to %q, not %d", got, want)
	}
	// Of coroutines, which runtime counts too, some are kept for new threads.
	if goroutines == 0 || goroutines > 100 {
		t.Errorf("%d goroutines while %d threads wait", goroutines, threads)
	}
}
