package virtual_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// Locks that count from the position or the end, what is unread, and signals of readiness are
// as on real descriptors; nobody gets at the placeholder by i386's socketcall(2).
func TestControls(t *testing.T) { eachWidth(t, "controls", testControls) }

func testControls(t *testing.T, bin string) {
	native := onFifoAndFile(t, bin)
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		var closed atomic.Int32
		fifos := newFifoWorld(t).open
		w := newWorld(t, func(name string, flags int) virtual.File {
			if name == "file" {
				return newText(alphabet, &closed)
			}
			return fifos(name, flags)
		})
		cmd := supervisor.Command("timeout", "60", bin, "/virtual/fifo", "/virtual/file")
		cmd.Route = route
		if diff := cmp.Diff(native, w.run(cmd)); diff != "" {
			t.Errorf("native and virtual, routing %d, differ:\n%s", route, diff)
		}
	}
}

// What is kept of a placeholder's flags is what the kernel has.
func TestKeptFlags(t *testing.T) {
	w := newFifoWorld(t)
	looked := 0
	w.tbl.Handle("kill", table.HandlerFunc(func(c *table.Call) table.Result {
		for _, fd := range []int{3, 4} {
			_, flags, err := procfs.FDPosition(c.Thread().TID(), fd)
			d, ok := c.FDs().Get(fd)
			if err != nil || !ok {
				t.Errorf("descriptor %d: %v, kept: %v", fd, err, ok)
				continue
			}
			looked++
			if want := int(flags) &^ (unix.O_LARGEFILE | unix.O_CLOEXEC); d.File.Flags()&^unix.O_LARGEFILE != want {
				t.Errorf("descriptor %d: flags %#o are kept, the kernel has %#o", fd, d.File.Flags(), want)
			}
		}
		return c.Native()
	}))
	cmd := supervisor.Command("python3", "-c", `import os
os.dup2(os.open("/virtual/a", os.O_RDONLY), 3)
os.dup2(os.open("/virtual/b", os.O_RDONLY | os.O_NONBLOCK), 4)
os.kill(os.getpid(), 0); print("done")`)
	cmd.Track = true
	if out := w.run(cmd); strings.TrimSpace(out) != "done" || looked != 2 {
		t.Errorf("%q, looked at %d", out, looked)
	}
}
