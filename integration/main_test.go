package integration

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// workDir holds the built tracer and the compiled programs for one test run.
var workDir string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "k42trace-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Programs that change their uid still have to reach their own binary.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	workDir = dir
	unix.Umask(0o022) // modes of files are compared
	// Programs begin as those that a shell waits for, even if this was started in its background
	// or by nohup(1), with signals ignored: what Go has a handler for is default in them.
	for _, sig := range []os.Signal{unix.SIGINT, unix.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	// What runs in parallel here sleeps: it needs no core each.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return m.Run()
}

// builtTracer is the tracer's path: K42TRACE_BIN when it is set (any command
// that takes `-o FILE -- PROGRAM ARGS`, such as a script that execs
// `strace -f "$@"`), else cmd/k42trace, built once.
var builtTracer = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("K42TRACE_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	bin := filepath.Join(workDir, "k42trace")
	out, err := exec.Command("go", "build", "-o", bin, "../cmd/k42trace").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build ../cmd/k42trace: %w\n%s", err, out)
	}
	return bin, nil
})

func tracerPath(t testing.TB) string {
	t.Helper()
	bin, err := builtTracer()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// compilation is one program built with one set of flags, at most once a run.
type compilation struct {
	once sync.Once
	path string
	err  error
}

var (
	compilationsMu sync.Mutex
	compilations   = map[string]*compilation{}
)

// compileC builds testdata/hardcases/NAME.c (or .cc, .S) and returns the
// binary's path. Flags go to the compiler after the defaults
// (-O1 -g -Wall -pthread -D_GNU_SOURCE); the bare words gcc, g++, musl-gcc and
// clang choose the compiler instead, gcc being the default. The test is
// skipped when the machine lacks the compiler or cannot link for -m32.
func compileC(t testing.TB, name string, flags ...string) string {
	t.Helper()
	compiler := "gcc"
	var args []string
	for _, f := range flags {
		switch f {
		case "gcc", "g++", "musl-gcc", "clang":
			compiler = f
		default:
			args = append(args, f)
		}
	}
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("no %s on this machine: %v", compiler, err)
	}
	if slices.Contains(args, "-m32") {
		if err := links32(); err != nil {
			t.Skipf("gcc -m32 does not work on this machine (gcc-multilib missing?): %v", err)
		}
	}

	key := strings.Join(append([]string{name, compiler}, args...), " ")
	compilationsMu.Lock()
	c := compilations[key]
	if c == nil {
		c = &compilation{path: filepath.Join(workDir, fmt.Sprintf("%s.%d", name, len(compilations)))}
		compilations[key] = c
	}
	compilationsMu.Unlock()

	c.once.Do(func() {
		source, err := sourceOf(name)
		if err != nil {
			c.err = err
			return
		}
		all := append([]string{"-O1", "-g", "-Wall", "-pthread", "-D_GNU_SOURCE", "-o", c.path, source}, args...)
		if out, err := exec.Command(compiler, all...).CombinedOutput(); err != nil {
			c.err = fmt.Errorf("%s %s: %w\n%s", compiler, strings.Join(all, " "), err, out)
		}
	})
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c.path
}

func sourceOf(name string) (string, error) {
	base := filepath.Join("testdata", "hardcases", name)
	for _, ext := range []string{".c", ".cc", ".S"} {
		if _, err := os.Stat(base + ext); err == nil {
			return base + ext, nil
		}
	}
	return "", fmt.Errorf("no %s.c, .cc or .S", base)
}

// links32 says whether gcc can link an i386 program here.
var links32 = sync.OnceValue(func() error {
	cmd := exec.Command("gcc", "-m32", "-x", "c", "-o", filepath.Join(workDir, "probe32"), "-")
	cmd.Stdin = strings.NewReader("#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})
