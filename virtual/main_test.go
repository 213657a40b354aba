package virtual_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// programs are what the test binary does instead of testing when it is run as a
// traced child.
var programs = map[string]func(){}

const programVar = "K42TRACE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if name := os.Getenv(programVar); name != "" {
		p := programs[name]
		if p == nil {
			fmt.Fprintf(os.Stderr, "no program %q\n", name)
			os.Exit(99)
		}
		p()
		os.Exit(0)
	}
	unix.Umask(0o022) // modes of files are compared
	goleak.VerifyTestMain(m)
}

// A world is a child in which the Files that open returns for a name are opened
// under the path /virtual/name.
type world struct {
	t     *testing.T
	files *virtual.Files
	tbl   *table.Table
	open  func(name string, flags int) virtual.File
	out   bytes.Buffer
}

func newWorld(t *testing.T, open func(name string, flags int) virtual.File) *world {
	w := &world{t: t, files: &virtual.Files{}, tbl: table.New(), open: open}
	w.files.Warn = func(err error) { t.Errorf("warning: %v", err) }
	w.tbl.Handle("open,openat", table.HandlerFunc(func(c *table.Call) table.Result {
		arg := 1
		if c.Name() == "open" {
			arg = 0
		}
		path, err := c.Path(arg)
		if err != nil {
			return table.Errno(unix.EFAULT)
		}
		name, ok := strings.CutPrefix(path, "/virtual/")
		if !ok {
			return c.Native()
		}
		w.files.CatchUp()
		file := w.open(name, int(c.Arg(arg+1)))
		if file == nil {
			return table.Errno(unix.ENOENT)
		}
		return w.files.Open(c, file, int(c.Arg(arg+1)))
	}))
	w.files.Install(w.tbl)
	return w
}

// run runs cmd in the world and returns what it printed.
func (w *world) run(cmd *supervisor.Cmd) string {
	w.t.Helper()
	w.out.Reset()
	cmd.Table = w.tbl
	cmd.Stdout = &w.out
	if cmd.Stderr == nil {
		cmd.Stderr = &w.out
	}
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("Run: %v; output:\n%s", err, w.out.String())
	}
	return w.out.String()
}

// self returns a Cmd that runs one of programs.
func self(t *testing.T, program string, args ...string) *supervisor.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := supervisor.Command(exe, args...)
	cmd.Env = append(os.Environ(), programVar+"="+program)
	return cmd
}

// try ends a program that could not do what it must.
func try(err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}

// compile compiles a C program of testdata.
func compile(t *testing.T, name string, flags ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	args := append([]string{"-O1", "-Wall", "-pthread", "-D_GNU_SOURCE", "-o", bin, "testdata/" + name + ".c"}, flags...)
	out, err := exec.Command("gcc", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no gcc")
	}
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return bin
}

// eachWidth runs f with name compiled for 64 and for 32 bits, where gcc can do that.
func eachWidth(t *testing.T, name string, f func(t *testing.T, bin string)) {
	t.Run("64 bits", func(t *testing.T) { f(t, compile(t, name)) })
	t.Run("32 bits", func(t *testing.T) {
		hello := exec.Command("gcc", "-m32", "-x", "c", "-o", filepath.Join(t.TempDir(), "hello"), "-")
		hello.Stdin = strings.NewReader("#include <stdio.h>\nint main(void) { return 0; }\n")
		if err := hello.Run(); err != nil {
			t.Skipf("gcc -m32: %v", err)
		}
		f(t, compile(t, name, "-m32"))
	})
}
