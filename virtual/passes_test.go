package virtual_test

import (
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// A countedFifo counts how often it is closed.
type countedFifo struct {
	*fifoEnd
	closed *atomic.Int32
}

func (c countedFifo) Close() error {
	c.closed.Add(1)
	return c.fifoEnd.Close()
}

// Virtual descriptors are dup'ed, inherited, passed on, kept over exec and closed as
// real ones; each File is closed once, when nobody has it any more.
func TestPasses(t *testing.T) { eachWidth(t, "passes", testPasses) }

// alphabet is the text in the file of some tests.
const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// onFifoAndFile returns what bin says natively, run on a FIFO and that file.
func onFifoAndFile(t *testing.T, bin string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/file", []byte(alphabet), 0o640); err != nil {
		t.Fatal(err)
	}
	native, err := exec.Command("timeout", "60", bin, dir+"/fifo", dir+"/file").CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, native)
	}
	return string(native)
}

func testPasses(t *testing.T, bin string) {
	native := onFifoAndFile(t, bin)
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		var opened, closed atomic.Int32
		fifos := newFifoWorld(t).open
		w := newWorld(t, func(name string, flags int) virtual.File {
			opened.Add(1)
			if name == "file" {
				return newText(alphabet, &closed)
			}
			return countedFifo{fifos(name, flags).(*fifoEnd), &closed}
		})
		cmd := supervisor.Command("timeout", "60", bin, "/virtual/fifo", "/virtual/file")
		cmd.Route = route
		if diff := cmp.Diff(native, w.run(cmd)); diff != "" {
			t.Errorf("native and virtual, routing %d, differ:\n%s", route, diff)
		}
		eventually(t, func() bool { return closed.Load() == opened.Load() })
	}
}
