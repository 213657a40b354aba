package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// defaultDeadline is how long one run may take. It is there to diagnose
// hangs, not to measure anything: a machine may be loaded many times over.
const defaultDeadline = 3 * time.Minute

// patience is how long something is waited for that takes milliseconds.
const patience = time.Minute

// outcome is everything that a run shows to whoever started it.
type outcome struct {
	Stdout, Stderr string
	Status         syscall.WaitStatus
}

// program is one program to run, natively or traced. The zero value of every
// field but Path is useful.
type program struct {
	Path        string
	Args        []string
	Env         []string // added to the test's own environment
	Dir         string
	Stdin       string        // what it reads; empty is /dev/null
	Deadline    time.Duration // 0: defaultDeadline
	TracerFlags []string      // before the --, e.g. "-e", "trace=openat"
	Routes      []route       // by which compare traces it; nil: by each
	// Warm says that it is built with warm.h: by the direct route, calls are to
	// be rewritten in it, and natively and by the trap route none.
	Warm bool

	// Together says that compare may run it by all routes at the same time.
	Together bool

	// IgnoreCore leaves the core-dump bit of the status out of compare.
	IgnoreCore bool
	// LeavesProcesses allows processes that outlive the run.
	LeavesProcesses bool
	// Normalize, if set, rewrites stdout and stderr before compare.
	Normalize func(string) string
}

func runNative(t testing.TB, path string, args ...string) outcome {
	t.Helper()
	return program{Path: path, Args: args}.native(t)
}

func runTraced(t testing.TB, r route, path string, args ...string) outcome {
	t.Helper()
	return program{Path: path, Args: args}.traced(t, r)
}

// compareTraced fails the test on any difference between the native run and
// those traced by each route, and returns the native one. The program must print
// nothing that changes from run to run.
func compareTraced(t *testing.T, path string, args ...string) outcome {
	t.Helper()
	return program{Path: path, Args: args}.compare(t)
}

// traceOf runs the program traced and returns the trace's lines too, without
// their newlines.
func traceOf(t testing.TB, r route, path string, args ...string) (outcome, []string) {
	t.Helper()
	return program{Path: path, Args: args}.trace(t, r)
}

func (p program) native(t testing.TB) outcome {
	t.Helper()
	return p.run(t, "natively", "", append([]string{p.Path}, p.Args...))
}

func (p program) traced(t testing.TB, r route) outcome {
	t.Helper()
	return p.tracedTo(t, r, os.DevNull)
}

func (p program) trace(t testing.TB, r route) (outcome, []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	o := p.tracedTo(t, r, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the trace: %v", err)
	}
	return o, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func (p program) tracedTo(t testing.TB, r route, file string) outcome {
	t.Helper()
	argv := append(r.tracer(t, file, p.TracerFlags...), p.Path)
	return p.run(t, "traced", r, append(argv, p.Args...))
}

func (p program) compare(t *testing.T) outcome {
	t.Helper()
	native := p.native(t)
	onRoutes(t, p.Routes, func(t *testing.T, r route) {
		if p.Together {
			t.Parallel()
		}
		if diff := p.diff(native, p.traced(t, r)); diff != "" {
			t.Errorf("%s %s: native (-) and traced (+) differ:\n%s",
				filepath.Base(p.Path), strings.Join(p.Args, " "), diff)
		}
	})
	return native
}

// diff returns what two outcomes of the program differ in, "" if in nothing.
func (p program) diff(native, traced outcome) string {
	return cmp.Diff(p.comparable(native), p.comparable(traced))
}

// visible is an outcome in the form that a diff reads best in.
type visible struct{ Status, Stdout, Stderr string }

func (p program) comparable(o outcome) visible {
	s := o.Status
	if p.IgnoreCore {
		s &^= 0x80
	}
	v := visible{describe(s), o.Stdout, o.Stderr}
	if p.Normalize != nil {
		v.Stdout, v.Stderr = p.Normalize(v.Stdout), p.Normalize(v.Stderr)
	}
	return v
}

func describe(s syscall.WaitStatus) string {
	switch {
	case s.Exited():
		return fmt.Sprintf("exit status %d", s.ExitStatus())
	case s.Signaled() && s.CoreDump():
		return fmt.Sprintf("killed by %s (core dumped)", unix.SignalName(s.Signal()))
	case s.Signaled():
		return fmt.Sprintf("killed by %s", unix.SignalName(s.Signal()))
	}
	return fmt.Sprintf("wait status %#x", uint32(s))
}

// mustExit fails the test at once unless the run exited with the code. Tests
// use it on native runs, so that a broken test program is not taken for an
// agreement of two failures.
func (o outcome) mustExit(t testing.TB, code int) {
	t.Helper()
	if !o.Status.Exited() || o.Status.ExitStatus() != code {
		t.Fatalf("%s, want exit status %d\nstdout:\n%s\nstderr:\n%s",
			describe(o.Status), code, o.Stdout, o.Stderr)
	}
}

// callLines picks the lines of a trace in which the named call is entered
// (finished at once or not), whatever stands in front of its name.
func callLines(lines []string, name string) []string {
	call := regexp.MustCompile(`(^|[\s\]])` + regexp.QuoteMeta(name) + `\(`)
	var found []string
	for _, line := range lines {
		if call.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

var runs atomic.Int64

// run starts argv in a process group of its own and waits until it has ended
// and everybody who holds its output has closed it. At the deadline the test
// fails with a report on every process of the run, and all of them are killed.
func (p program) run(t testing.TB, how string, r route, argv []string) outcome {
	t.Helper()
	if p.Warm {
		report := warmReport()
		if how != "traced" || r != "" {
			defer report.check(t, r)
		}
		p.Env = append(slices.Clip(p.Env), warmVariable+"="+string(report))
	}
	deadline := p.Deadline
	if deadline == 0 {
		deadline = defaultDeadline
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()

	// The mark tells this run's processes from all others, whatever sessions
	// and parents they take. Its width is fixed: the initial stack of the
	// program is the same natively and traced.
	mark := fmt.Sprintf("%s=%08d.%08d", markVariable, os.Getpid(), runs.Add(1))
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), p.Env...), mark)
	cmd.Dir = p.Dir
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if p.Stdin != "" {
		cmd.Stdin = strings.NewReader(p.Stdin)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var report string
	cmd.Cancel = func() error {
		run := processesOf(mark, cmd.Process.Pid)
		report = run.report()
		if how == "traced" {
			// A Go tracer answers SIGABRT with all its goroutines' stacks.
			_ = cmd.Process.Signal(syscall.SIGABRT)
			awaitDeath(cmd.Process.Pid, 2*time.Second)
		}
		run.kill()
		processesOf(mark, cmd.Process.Pid).kill()
		return nil
	}
	cmd.WaitDelay = 5 * time.Second

	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s, %s: no end after %v\n%s\nstdout so far:\n%s\nstderr so far:\n%s",
			strings.Join(argv, " "), how, deadline, report, tail(stdout.String()), tail(stderr.String()))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s, %s: %v", strings.Join(argv, " "), how, err)
	}
	if left := processesOf(mark, 0); len(left) > 0 && !p.LeavesProcesses {
		// Whoever is killed may need a moment to leave /proc.
		if left = left.stillThere(mark, patience); len(left) > 0 {
			t.Errorf("%s, %s: left processes behind\n%s", strings.Join(argv, " "), how, left.report())
			left.kill()
		}
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)}
}

func tail(s string) string {
	const most = 32 << 10
	if len(s) > most {
		return "[...]" + s[len(s)-most:]
	}
	return s
}
