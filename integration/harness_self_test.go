package integration

import (
	"strings"
	"syscall"
	"testing"
)

// The harness must see what it claims to compare.
func TestHarnessSeesStatusAndOutput(t *testing.T) {
	o := runNative(t, "/bin/sh", "-c", "echo out; echo err >&2; exit 7")
	o.mustExit(t, 7)
	if o.Stdout != "out\n" || o.Stderr != "err\n" {
		t.Errorf("stdout %q, stderr %q", o.Stdout, o.Stderr)
	}
	o = runNative(t, "/bin/sh", "-c", "kill -TERM $$")
	if !o.Status.Signaled() || o.Status.Signal() != syscall.SIGTERM {
		t.Errorf("%s, want a death by SIGTERM", describe(o.Status))
	}
}

func TestTracedShell(t *testing.T) {
	compareTraced(t, "/bin/sh", "-c", "echo out; echo err >&2; exit 7").mustExit(t, 7)
	compareTraced(t, "/bin/sh", "-c", "kill -TERM $$")
	onEachRoute(t, func(t *testing.T, r route) {
		_, lines := traceOf(t, r, "/bin/sh", "-c", ":")
		if len(callLines(lines, "exit_group")) == 0 {
			t.Errorf("no exit_group in the trace:\n%s", strings.Join(lines, "\n"))
		}
	})
}
