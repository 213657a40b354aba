package supervisor

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// While a call of one thread is rewritten by several stores another thread may fork. In the copy of
// the memory the jump to itself, in which threads wait for the last store, must not stay.
func TestForkWhileRewriting(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "forked")
	out, err := exec.Command("gcc", "-O1", "-Wall", "-pthread", "-o", bin, "testdata/forked.c").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no gcc")
	}
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	if err := DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	cmd := Command(bin)
	cmd.Route, cmd.Table = RouteDirect, table.New()
	cmd.Table.Handle("getppid", &teller{})
	halfway := 0
	cmd.Table.HandleFunc("clone", func(c *table.Call) table.Result {
		thread := c.Thread().(*Thread)
		// As if the first of the stores had just been made.
		for _, s := range thread.proc.image.sites {
			if s.state != siteRewritten || s.nr != unix.SYS_GETPPID {
				continue
			}
			halfway++
			if err := ptrace.ForceWrite(thread.tid, s.window.Addr, []byte{0xeb, 0xfe}); err != nil {
				t.Error(err)
			}
			defer ptrace.ForceWrite(thread.tid, s.window.Addr, s.window.Jump(s.tramp))
		}
		return c.Native()
	})
	var output strings.Builder
	cmd.Stdout = &output
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	if output.String() != "status 0x700\n" || halfway != 1 {
		t.Errorf("output %q, %d calls half rewritten", output.String(), halfway)
	}
}
