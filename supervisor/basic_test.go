package supervisor

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestDenyPath(t *testing.T) {
	tbl := table.New()
	calls := 0
	tbl.HandleFunc("all", func(c *table.Call) table.Result {
		calls++
		if c.Name() == "openat" {
			if p, err := c.Path(1); err == nil && strings.HasPrefix(p, "/etc/host") {
				return table.Errno(unix.EACCES)
			}
		}
		return c.Native()
	})
	var out, errs bytes.Buffer
	cmd := Command("cat", "/etc/hostname", "/etc/passwd")
	cmd.Table, cmd.Stdout, cmd.Stderr = tbl, &out, &errs
	err := cmd.Run()
	want, _ := os.ReadFile("/etc/passwd")
	if out.String() != string(want) {
		t.Errorf("stdout: %q", out.String())
	}
	if !strings.Contains(errs.String(), "Permission denied") {
		t.Errorf("stderr: %q", errs.String())
	}
	if e, ok := err.(*ExitError); !ok || e.ExitCode() != 1 {
		t.Errorf("Run: %v", err)
	}
	if calls < 20 {
		t.Errorf("%d calls seen", calls)
	}
}
