package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// An attacher is k42trace, attached to a target.
type attacher struct {
	*exec.Cmd
	stderr bytes.Buffer
	file   string
}

// attachTo runs k42trace -p until its trace has a text that matches.
func attachTo(t *testing.T, x *target, until string, flags ...string) *attacher {
	t.Helper()
	a := &attacher{file: filepath.Join(t.TempDir(), "trace")}
	args := append([]string{"-f", "-o", a.file, "-p", fmt.Sprint(x.Process.Pid)}, flags...)
	a.Cmd = exec.Command(tracerPath(t), args...)
	a.Stderr = &a.stderr
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Process.Kill(); _ = a.Wait() })
	pattern := regexp.MustCompile(until)
	waitFor(t, "a trace with "+until, func() bool { return pattern.MatchString(a.trace()) })
	return a
}

func (a *attacher) trace() string {
	text, _ := os.ReadFile(a.file)
	return string(text)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(defaultDeadline); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// end ends k42trace by a signal, which has to be its own end too.
func (a *attacher) end(t *testing.T, sig syscall.Signal) {
	t.Helper()
	_ = a.Process.Signal(sig)
	_ = a.Wait()
	if ws := a.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != sig {
		t.Errorf("k42trace ended with %v\n%s", a.ProcessState, &a.stderr)
	}
}

// untraced waits until nobody traces the target any more, and returns the states of its threads.
func (x *target) untraced(t *testing.T) string {
	t.Helper()
	var states string
	waitFor(t, "nobody to trace it", func() bool {
		states = ""
		tids, _ := procfs.Threads(x.Process.Pid)
		for _, tid := range tids {
			s, err := procfs.ReadStatus(tid)
			if err != nil {
				continue
			}
			if s.TracerPID != 0 {
				return false
			}
			states += string(s.State)
		}
		return true
	})
	return states
}

func TestAttachCommand(t *testing.T) {
	t.Parallel()
	x := startTarget(t, compileC(t, "unnoticed"), "threads")
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		a := attachTo(t, x, `getppid\(\) += \d+`)
		a.end(t, sig)
		if states := x.untraced(t); strings.ContainsAny(states, "tT") {
			t.Errorf("threads are left in states %s", states)
		}
		if text := a.trace(); !strings.HasSuffix(text, "\n") {
			t.Errorf("the trace:\n%s", text)
		}
		said := a.stderr.String()
		pid := x.Process.Pid
		if !strings.HasPrefix(said, fmt.Sprintf("k42trace: Process %d attached with 51 threads\n", pid)) ||
			!strings.Contains(said, fmt.Sprintf("k42trace: Process %d detached\n", pid)) ||
			strings.Count(said, "\n") != 52 {
			t.Errorf("it said:\n%s", said)
		}
	}
	a := attachTo(t, x, `getppid`, "-q")
	a.end(t, unix.SIGINT)
	if a.stderr.Len() > 0 {
		t.Errorf("with -q it said:\n%s", &a.stderr)
	}
	x.finish(t)
}

// A call that the attaching interrupts is taken up by restart_syscall.
func TestAttachResumes(t *testing.T) {
	t.Parallel()
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	pid := sleeper.Process.Pid
	nanosleep := fmt.Sprint(unix.SYS_CLOCK_NANOSLEEP, " ")
	waitFor(t, "sleep to sleep", func() bool {
		call, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		return strings.HasPrefix(string(call), nanosleep)
	})
	a := attachTo(t, &target{Cmd: sleeper}, `restart_syscall\(<\.\.\. resuming interrupted read \.\.\.>`)
	a.end(t, unix.SIGINT)
	if text := a.trace(); !strings.HasSuffix(text, " <detached ...>\n") {
		t.Errorf("the trace:\n%s", text)
	}
}

// TestAttachKilled: the program goes on when the tracer is killed. (A signal about whose
// delivery the tracer has just been told is lost then, whoever the tracer is.)
func TestAttachKilled(t *testing.T) {
	for _, mode := range []string{"busy", "threads", "forks"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			x := startTarget(t, compileC(t, "unnoticed"), mode)
			until := `(?s)\n.*\n.*\n`
			if mode == "busy" {
				until = "" // it makes no calls
			}
			for range 10 {
				a := attachTo(t, x, until)
				_ = a.Process.Kill()
				_ = a.Wait()
				if states := x.untraced(t); strings.ContainsAny(states, "tT") {
					t.Errorf("threads are left in states %s", states)
				}
			}
			x.finish(t)
		})
	}
}

// TestAttachStopped: a group-stop stays in force, whenever somebody attaches or detaches,
// and ends when somebody continues the process.
func TestAttachStopped(t *testing.T) {
	t.Parallel()
	x := startTarget(t, compileC(t, "unnoticed"), "threads")
	stop := func() {
		t.Helper()
		_ = x.Process.Signal(unix.SIGSTOP)
		waitFor(t, "a stop", func() bool { return onlyIn(x, "Tt") })
	}
	goesOn := func() {
		t.Helper()
		_ = x.Process.Signal(unix.SIGCONT)
		a := attachTo(t, x, `getppid\(\) += \d+`)
		a.end(t, unix.SIGINT)
	}
	stop()
	for range 5 {
		a := attachTo(t, x, `--- stopped by SIGSTOP ---`)
		a.end(t, unix.SIGINT)
		x.untraced(t)
		waitFor(t, "it to be stopped again", func() bool { return onlyIn(x, "T") })
	}
	goesOn()

	// Stopped while watched, and let go stopped.
	a := attachTo(t, x, `getppid`)
	stop()
	waitFor(t, "news of the stop", func() bool { return strings.Contains(a.trace(), "--- stopped by SIGSTOP ---") })
	a.end(t, unix.SIGINT)
	x.untraced(t)
	waitFor(t, "it to be stopped again", func() bool { return onlyIn(x, "T") })
	goesOn()

	// Stopped before, continued while watched.
	stop()
	a = attachTo(t, x, `--- stopped by SIGSTOP ---`)
	_ = x.Process.Signal(unix.SIGCONT)
	waitFor(t, "calls", func() bool { return strings.Contains(a.trace(), "getppid") })
	a.end(t, unix.SIGINT)
	x.finish(t)
}

// onlyIn reports whether all threads are in one of the states.
func onlyIn(x *target, states string) bool {
	tids, err := procfs.Threads(x.Process.Pid)
	if err != nil {
		return false
	}
	for _, tid := range tids {
		if s, err := procfs.ReadStatus(tid); err != nil || !strings.ContainsRune(states, rune(s.State)) {
			return false
		}
	}
	return true
}

// TestAttachBeside: a program is run besides; its exit status is the command's.
func TestAttachBeside(t *testing.T) {
	t.Parallel()
	x := startTarget(t, compileC(t, "unnoticed"), "sleeping")
	file := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(tracerPath(t), "-f", "-o", file, "-p", fmt.Sprint(x.Process.Pid), "sh", "-c", "sleep 0.1; kill -INT $PPID; exit 7")
	err := cmd.Run()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("%v", err)
	}
	x.untraced(t)
	text, _ := os.ReadFile(file)
	for _, want := range []string{" execve(", " clock_nanosleep(", "exited with 7"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %q in the trace:\n%s", want, text)
		}
	}
	x.finish(t)
}
