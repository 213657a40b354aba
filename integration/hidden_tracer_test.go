package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// Row 25: what shows of the tracer in /proc/self/status can be rewritten by a
// handler: here one sends the program to a copy without it.
func TestHandlersCanRewriteWhatShowsOfTheTracer(t *testing.T) {
	dir := t.TempDir()
	changed := regexp.MustCompile(`(?m)^(TracerPid|Seccomp|Seccomp_filters):\t\d+$`)
	tbl := table.New()
	tbl.HandleFunc("openat", func(c *table.Call) table.Result {
		path, err := c.Path(1)
		if err != nil || path != "/proc/self/status" {
			return c.Native()
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process().PID()))
		if err != nil {
			return table.Errno(unix.EIO)
		}
		to := filepath.Join(dir, "status")
		if err := os.WriteFile(to, changed.ReplaceAll(status, []byte("$1:\t0")), 0o644); err != nil {
			return table.Errno(unix.EIO)
		}
		if err := c.PinPath(1, to); err != nil {
			return table.Errno(unix.EFAULT)
		}
		return c.Native()
	})
	for _, v := range []variant{dynamic64, static64} {
		var out bytes.Buffer
		cmd := supervisor.Command(compileC(t, "inherits", v.flags...), "traced")
		cmd.Table, cmd.Stdout, cmd.Stderr = tbl, &out, os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		native := runNative(t, compileC(t, "inherits", v.flags...), "traced")
		if out.String() != native.Stdout || !strings.Contains(out.String(), "TracerPid: 0") {
			t.Errorf("%s: got\n%swant the native\n%s", v.name, &out, native.Stdout)
		}
	}
}
