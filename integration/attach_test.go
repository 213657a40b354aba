package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// A target is a program that runs by itself, to be attached to.
type target struct {
	*exec.Cmd
	out *bufio.Reader
}

// startTarget starts a program and waits until it says that it is ready.
func startTarget(t *testing.T, path string, args ...string) *target {
	t.Helper()
	x := &target{Cmd: exec.Command(path, args...)}
	out, err := x.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Process.Kill(); _ = x.Wait() })
	x.out = bufio.NewReader(out)
	if line, err := x.out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the program began with %q, %v", line, err)
	}
	return x
}

// finish ends the program and fails if it has noticed anything.
func (x *target) finish(t *testing.T) {
	t.Helper()
	_ = x.Process.Signal(unix.SIGTERM)
	rest, _ := io.ReadAll(x.out)
	if err := x.Wait(); err != nil || string(rest) != "ok\n" {
		t.Errorf("the program noticed: %q, %v", rest, err)
	}
}

// What of /proc/TID/status must be as before.
var remains = regexp.MustCompile(`(?m)^(TracerPid|Seccomp|Seccomp_filters|NoNewPrivs|SigBlk|SigIgn|SigCgt|Cap\w+|Threads):.*$`)

// traces returns what somebody who has been there could have left behind.
func (x *target) traces(t *testing.T) []string {
	t.Helper()
	tids, err := procfs.Threads(x.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, tid := range tids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
		if err == nil {
			all = append(all, strings.Join(remains.FindAllString(string(status), -1), "\n"))
		}
	}
	slices.Sort(all)
	for _, file := range []string{"maps", "limits"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", x.Process.Pid, file))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", x.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, fds...)
}

// watch attaches to the process, goes on until that many calls have been seen, and
// detaches. If it meddles, other calls are injected before and after each, so that the
// moment of the detach finds registers that are not the program's.
func watch(t *testing.T, pid int, calls int64, meddle bool) {
	t.Helper()
	cmd := supervisor.Attach(pid)
	cmd.Table = table.New()
	trace := handlers.NewTrace(handlers.TraceOptions{Out: io.Discard})
	cmd.Observer = trace
	var seen atomic.Int64
	enough := make(chan struct{})
	cmd.Table.Use(allCalls(t), func(next table.Handler) table.Handler {
		traced := trace.Wrap(next)
		return table.HandlerFunc(func(c *table.Call) table.Result {
			if seen.Add(1) == calls {
				close(enough)
			}
			if meddle {
				c.Inject("getppid")
				if !strings.HasPrefix(c.Name(), "exec") { // it may be another machine's program then
					defer c.Inject("getppid")
				}
			}
			return traced.Handle(c)
		})
	})
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	if calls > 0 {
		select {
		case <-enough:
		case <-time.After(defaultDeadline):
			t.Errorf("only %d calls were seen", seen.Load())
		}
	}
	cmd.Detach()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	tids, _ := procfs.Threads(pid)
	for _, tid := range tids {
		if s, err := procfs.ReadStatus(tid); err == nil && (s.TracerPID != 0 || s.State == 't') {
			t.Fatalf("thread %d is left in state %c, traced by %d", tid, s.State, s.TracerPID)
		}
	}
}

func allCalls(t *testing.T) *table.Set {
	t.Helper()
	all, err := table.ParseSet("all")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAttachUnnoticed attaches to programs that check what they get, watches them and
// lets them go, again and again: they must not notice, and nothing may stay behind.
func TestAttachUnnoticed(t *testing.T) {
	for _, test := range []struct {
		mode   string
		calls  int64
		steady bool // its threads, mappings and masks stay the same
	}{
		{"busy", 0, true}, {"sleeping", 10, true}, {"server", 10, true}, {"threads", 100, true},
		{"vfork", 3, false}, {"forks", 30, false}, {"signals", 100, false},
	} {
		for _, bits := range []string{"-m64", "-m32"} {
			t.Run(test.mode+bits, func(t *testing.T) {
				t.Parallel()
				x := startTarget(t, compileC(t, "unnoticed", bits, "-pthread"), test.mode)
				before := x.traces(t)
				times := 200
				if testing.Short() {
					times = 20
				}
				for i := range times {
					watch(t, x.Process.Pid, test.calls, i%2 == 1)
					if t.Failed() {
						break
					}
				}
				if test.steady {
					if diff := cmp.Diff(before, x.traces(t)); diff != "" {
						t.Errorf("something is left behind:\n%s", diff)
					}
				}
				x.finish(t)
			})
		}
	}
}
