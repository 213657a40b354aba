package virtual_test

import (
	"os/exec"
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
func TestWaits(t *testing.T) {
	bin := compile(t, "waits")
	path := t.TempDir() + "/fifo"
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	native, err := exec.Command("timeout", "60", bin, path).CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, native)
	}
	got := newFifoWorld(t).run(supervisor.Command("timeout", "60", bin, "/virtual/fifo"))
	if diff := cmp.Diff(string(native), got); diff != "" {
		t.Errorf("native and virtual differ:\n%s", diff)
	}
}
