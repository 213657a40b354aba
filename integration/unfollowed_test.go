package integration

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// unfollowed makes k42trace look at no children, as strace does without -f.
const unfollowed = "--follow-forks=false"

// What is of one run only, and when a child's end is told.
var (
	ofOneRun = regexp.MustCompile(`\b\d{3,}\b`)
	whenever = regexp.MustCompile(`^(\[[^]]*\] )?(--- SIGCHLD|rt_sigreturn|wait4|waitpid|futex)`)
)

// linesOfOne reads a trace of one thread.
func linesOfOne(t *testing.T, file string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !whenever.MatchString(line) {
			line = mask(padding.ReplaceAllString(strings.TrimSuffix(line, "\n"), ") = "), nil)
			lines = append(lines, ofOneRun.ReplaceAllString(strings.ReplaceAll(line, "parent_tid=[0]", "parent_tid=[N]"), "N"))
		}
	}
	return lines
}

// TestUnfollowed: of programs whose children are not followed, the lines are those of strace
// without -f, and what they do is what they do natively.
func TestUnfollowed(t *testing.T) {
	strace := lookTool(t, "strace")
	for _, v := range []variant{dynamic64, dynamic32} {
		for _, mode := range []string{"fork", "vfork", "untraced", "threads", "last", "debugger"} {
			t.Run(v.name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				p := v.program(t, "unfollowed", mode)
				native := p.native(t)
				if !strings.Contains(native.Stdout, "\n") || strings.Contains(native.Stdout, ": traced") {
					t.Fatalf("natively it says:\n%s", native.Stdout)
				}
				for _, flags := range [][]string{nil, {"-y"}, {"-n", "-e", "trace=%process,%signal,write"}, {"-c", "-S", "name", "-U", "calls,name", "-e", "trace=access,brk,mmap,mmap2,%process"}, {"-e", "trace=access,faccessat", "-e", "fault=access,faccessat:error=EIO"}} {
					trace := func(tracer ...string) (outcome, []string) {
						file := filepath.Join(t.TempDir(), "trace")
						argv := append(append(tracer, flags...), "-o", file, p.Path, mode)
						o := p.run(t, "strace", "", argv)
						return o, linesOfOne(t, file)
					}
					theirs, theirLines := trace(strace)
					ours, ourLines := trace(tracerPath(t), unfollowed)
					if _, differing := diffLines(theirLines, ourLines); len(differing) > 0 {
						t.Errorf("%v: strace's (-) and ours (+):\n%s", flags, strings.Join(differing, "\n"))
					}
					if sortedLines(theirs.Stdout) != sortedLines(ours.Stdout) || theirs.Status != ours.Status {
						t.Errorf("%v: under strace:\n%v %s\nunder k42trace:\n%v %s", flags, theirs.Status, theirs.Stdout, ours.Status, ours.Stdout)
					}
				}
			})
		}
	}
}

// TestUnfollowedExec: a thread that nobody looks at executes another program in the place of the
// one that is looked at.
func TestUnfollowedExec(t *testing.T) {
	t.Parallel()
	p := dynamic64.program(t, "unfollowed", "exec")
	file := filepath.Join(t.TempDir(), "trace")
	o := p.run(t, "traced", "", []string{tracerPath(t), unfollowed, "-o", file, p.Path, "exec"})
	o.mustExit(t, 0)
	if o.Stdout != "executed by a thread\n" {
		t.Errorf("it said %q", o.Stdout)
	}
	text, _ := os.ReadFile(file)
	if !strings.HasSuffix(string(text), "\n+++ exited with 0 +++\n") || strings.Contains(string(text), "echo") {
		t.Errorf("the trace:\n%s", text)
	}
}

// TestUnfollowedDaemon: the tracer ends with what it looks at.
func TestUnfollowedDaemon(t *testing.T) {
	t.Parallel()
	p := dynamic64.program(t, "unfollowed", "daemon")
	cmd := exec.Command(tracerPath(t), unfollowed, "-o", "/dev/null", p.Path, "daemon")
	stdin, err := cmd.StdinPipe() // stays open, and with it the daemon, until Wait
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if state, err := cmd.Process.Wait(); err != nil || !state.Success() || line != "first: access 0\n" {
		t.Errorf("%v, %v; it said %q", state, err, line)
	}
	stdin.Close()
}

// TestUnfollowedAttach: of a process that runs already, the first thread is shown, and nothing
// that it creates; and of another, the thread that is named.
func TestUnfollowedAttach(t *testing.T) {
	t.Parallel()
	p := dynamic64.program(t, "unfollowed", "attached")
	trace := func(tracer ...string) (lines []string, said string) {
		x := exec.Command(p.Path, "attached")
		stdin, err := x.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := x.StdoutPipe()
		if err == nil {
			err = x.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = x.Process.Kill() })
		r := bufio.NewReader(stdout)
		if line, err := r.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%q, %v", line, err)
		}
		file := filepath.Join(t.TempDir(), "trace")
		cmd := exec.Command(tracer[0], append(tracer[1:], "-o", file, "-p", strconv.Itoa(x.Process.Pid))...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the call in which it is", func() bool {
			text, _ := os.ReadFile(file)
			return strings.Contains(string(text), "read(0, ")
		})
		stdin.Close()
		var all strings.Builder
		if _, err := r.WriteTo(&all); err != nil {
			t.Error(err)
		}
		if err := x.Wait(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return linesOfOne(t, file), all.String()
	}
	theirs, theySay := trace(lookTool(t, "strace"))
	ours, weSay := trace(tracerPath(t), unfollowed)
	if _, differing := diffLines(theirs, ours); len(differing) > 0 || len(ours) == 0 {
		t.Errorf("strace's (-) and ours (+):\n%s", strings.Join(differing, "\n"))
	}
	if theySay != weSay || !strings.Contains(weSay, "child: not traced") {
		t.Errorf("under strace:\n%s\nunder k42trace:\n%s", theySay, weSay)
	}
}
