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

// Locks that count from the position or the end, what is unread, and signals of readiness are
// as on real descriptors; nobody gets at the placeholder by i386's socketcall(2).
func TestControls(t *testing.T) { eachWidth(t, "controls", testControls) }

func testControls(t *testing.T, bin string) {
	const contents = "abcdefghijklmnopqrstuvwxyz0123456789"
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/file", []byte(contents), 0o640); err != nil {
		t.Fatal(err)
	}
	native, err := exec.Command("timeout", "60", bin, dir+"/fifo", dir+"/file").CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, native)
	}
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		var closed atomic.Int32
		fifos := newFifoWorld(t).open
		w := newWorld(t, func(name string, flags int) virtual.File {
			if name == "file" {
				return newText(contents, &closed)
			}
			return fifos(name, flags)
		})
		cmd := supervisor.Command("timeout", "60", bin, "/virtual/fifo", "/virtual/file")
		cmd.Route = route
		if diff := cmp.Diff(string(native), w.run(cmd)); diff != "" {
			t.Errorf("native and virtual, routing %d, differ:\n%s", route, diff)
		}
	}
}
