package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// through runs a shell command line in which $TRACER is the tracer, by the route,
// and $PROG the program.
func through(t testing.TB, r route, prog, line string) outcome {
	t.Helper()
	return program{Path: "/bin/bash", Args: []string{"-c", line}, Dir: t.TempDir(),
		Env: []string{"TRACER=" + strings.Join(r.command(t), " "), "PROG=" + prog}}.native(t)
}

// talker writes much and exits with 9, and makes calls that would fill a trace.
// With an argument it writes until it cannot, and exits with 5.
func talker(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "talker")
	script := "#!/bin/bash\nif test $# -gt 0; then while echo line; do :; done; exit 5; fi\nfor i in {1..300}; do echo line $i; : </dev/null; done\necho to stderr >&2\nexit 9\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Row 44: wherever the trace goes, and whatever becomes of it, the program does
// as it does alone.
func TestTraceThatCannotBeWritten(t *testing.T) {
	prog := talker(t)
	native := runNative(t, prog)
	native.mustExit(t, 9)
	lose := func(t *testing.T, r route, line string) {
		t.Helper()
		o := through(t, r, prog, line)
		o.mustExit(t, 9)
		if o.Stdout != native.Stdout {
			t.Errorf("stdout differs: %d bytes, natively %d", len(o.Stdout), len(native.Stdout))
		}
		own, ok := strings.CutPrefix(o.Stderr, native.Stderr)
		if !ok || !strings.Contains(own, "lost") {
			t.Errorf("stderr %q: want the program's %q and then a word on what of the trace is lost", o.Stderr, native.Stderr)
		}
	}
	for _, c := range []struct{ name, line string }{
		{"full disk", `exec $TRACER -o /dev/full -- $PROG`},
		{"FIFO whose reader goes", `mkfifo fifo; head -c 1 fifo >/dev/null & exec $TRACER -o fifo -- $PROG`},
	} {
		t.Run(c.name, func(t *testing.T) {
			onEachRoute(t, func(t *testing.T, r route) { lose(t, r, c.line) })
		})
	}
	// There is no direct route then, whose region is a file: it is the command's choice.
	t.Run("file size limit", func(t *testing.T) {
		lose(t, "", `ulimit -f 4; exec $TRACER -o trace -- $PROG`)
	})
}

// Row 44: the trace goes to a pipe that nobody reads any more; SIGPIPE is the
// program's business only where it writes itself.
func TestTraceToAClosedPipe(t *testing.T) {
	prog := talker(t)
	native := runNative(t, prog)
	onEachRoute(t, func(t *testing.T, r route) {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var stdout bytes.Buffer
		argv := append(r.command(t), "--", prog)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = &stdout, writer
		marked(t, cmd)
		writer.Close()
		if _, err := reader.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		reader.Close()
		_ = cmd.Wait()
		// What the shell script makes of its own stderr being closed: its last echo
		// gets SIGPIPE, exactly as it would natively.
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != unix.SIGPIPE {
			t.Errorf("%s, want the script's death by SIGPIPE at its own write", describe(status))
		}
		if stdout.String() != native.Stdout {
			t.Errorf("stdout differs: %d bytes, natively %d", stdout.Len(), len(native.Stdout))
		}
	})
}

// The program itself writes to a pipe that has been closed.
func TestProgramAtAClosedPipe(t *testing.T) {
	prog := talker(t)
	for _, line := range []string{
		`$PROG forever | head -1; echo ${PIPESTATUS[@]}`,
		`$PROG 2>&1 >/dev/full; echo $?`,
		`(trap '' PIPE; $PROG forever 2>/dev/null | head -1; echo ${PIPESTATUS[@]})`,
		`yes | head -2; echo ${PIPESTATUS[@]}`,
	} {
		native := through(t, "", prog, line)
		onEachRoute(t, func(t *testing.T, r route) {
			traced := through(t, r, prog, strings.NewReplacer("$PROG", "$TRACER -o /dev/null -- $PROG", "yes", "$TRACER -o /dev/null -- yes").Replace(line))
			if native != traced {
				t.Errorf("%s:\nnatively %q %q\ntraced   %q %q", line, native.Stdout, native.Stderr, traced.Stdout, traced.Stderr)
			}
		})
	}
}

// Row 44: trace and program write to one pipe: the program's bytes are all there,
// in their order. As with strace, what a call writes comes between the line's
// two halves; taken out, it leaves whole lines.
func TestTraceAndOutputInOnePipe(t *testing.T) {
	prog := compileC(t, "interleave")
	native := runNative(t, prog)
	native.mustExit(t, 3)
	// By the route that the command takes for this itself: by the direct one, a line
	// comes some time after its call.
	o := through(t, "", prog, `exec $TRACER -- $PROG 2>&1`)
	o.mustExit(t, 3)
	own := regexp.MustCompile(`<(first thread, line|second thread, line|child) \d+>\n`)
	if got := strings.Join(own.FindAllString(o.Stdout, -1), ""); got != native.Stdout {
		t.Errorf("the program's lines: %d bytes, natively %d", len(got), len(native.Stdout))
	}
	whole := regexp.MustCompile(`^(\[pid +\d+\] )?(\w+\(.*|<\.\.\. .*|\+\+\+ .* \+\+\+|--- .* ---)$`)
	lines := strings.Split(strings.TrimSuffix(own.ReplaceAllString(o.Stdout, ""), "\n"), "\n")
	for _, line := range lines {
		if !whole.MatchString(line) && !strings.Contains(line, "attached") {
			t.Errorf("not a whole line: %q", line)
		}
	}
	if len(lines) < 1000 {
		t.Errorf("%d lines of trace", len(lines))
	}
}
