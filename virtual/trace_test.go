package virtual_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// A trace shows a call that waits as one of the kernel's: when it has its result, and
// that a signal has interrupted it.
func TestTracedWait(t *testing.T) {
	w := newFifoWorld(t)
	var lines bytes.Buffer
	trace := handlers.NewTrace(handlers.TraceOptions{Out: &lines})
	set, err := table.ParseSet("read")
	if err != nil {
		t.Fatal(err)
	}
	w.tbl.Use(set, trace.Wrap)
	// The writer begins when the reader is there, and ends when it has been told of.
	const script = `trap 'echo usr' USR1
exec 3</virtual/a 4>/virtual/a
asleep() { until grep -q '^State:.S' /proc/$1/status; do :; done; }
(asleep $$; kill -USR1 $$; asleep $$; echo hi >&4) &
read x <&3 || read x <&3
echo got $x`
	cmd := supervisor.Command("bash", "-c", script)
	cmd.Observer = trace
	if got := w.run(cmd); got != "usr\ngot hi\n" {
		t.Errorf("output %q", got)
	}
	const interrupted = "= ? ERESTARTSYS (To be restarted if SA_RESTART is set)"
	if s := lines.String(); !strings.Contains(s, interrupted) || !strings.Contains(s, `"h", 1)`) {
		t.Errorf("the trace has no read that was interrupted or returned:\n%s", s)
	}
}
