package integration

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// cpythonRunner runs modules of CPython's own tests and writes what came of each test.
const cpythonRunner = `
import json, sys, unittest
said = {}
class Result(unittest.TestResult):
    def stopTest(self, test):
        super().stopTest(test)
        said.setdefault(test.id(), "ok")
    def addSkip(self, test, why): said[test.id()] = "skipped"
    def addExpectedFailure(self, test, err): said[test.id()] = "expected failure"
    def addUnexpectedSuccess(self, test): said[test.id()] = "unexpected success"
    def addError(self, test, err): said[test.id()] = "error: " + self._exc_info_to_string(err, test)
    def addFailure(self, test, err): said[test.id()] = "failure: " + self._exc_info_to_string(err, test)
    def addSubTest(self, test, sub, err):
        if err is not None: said[test.id()] = "failure: " + self._exc_info_to_string(err, test)
unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:]).run(Result())
with open(sys.argv[1], "w") as f: json.dump(said, f)
`

// CPython's own tests of what waits, signals and starts processes come to the same with the
// state kept, and with handlers that read and write in Go. K42TRACE_CPYTHON names other
// modules: "test_select,test_poll,test_epoll,test_selectors,test_signal,test_subprocess,test_os"
// are ten minutes.
func TestCPythonsOwnTests(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("takes a minute")
	}
	modules := []string{"test.test_select", "test.test_poll", "test.test_epoll", "test.test_selectors"}
	deadline := 5 * time.Minute
	if s := os.Getenv("K42TRACE_CPYTHON"); s != "" {
		modules, deadline = nil, time.Hour
		for name := range strings.SplitSeq(s, ",") {
			modules = append(modules, "test."+name)
		}
	}
	if out, err := exec.Command(python, append([]string{"-c", "import sys; [__import__(m) for m in sys.argv[1:]]"}, modules...)...).CombinedOutput(); err != nil {
		t.Skipf("CPython's tests are not there: %v\n%s", err, out)
	}
	runner := t.TempDir() + "/runner.py"
	if err := os.WriteFile(runner, []byte(cpythonRunner), 0o644); err != nil {
		t.Fatal(err)
	}
	// run returns what came of each test.
	run := func(t *testing.T, run func(argv []string, dir string, out *bytes.Buffer) error) map[string]string {
		dir := t.TempDir()
		limit := strconv.Itoa(int(deadline.Seconds()))
		argv := append([]string{"timeout", limit, python, runner, dir + "/said"}, modules...)
		var out bytes.Buffer
		err := run(argv, dir, &out)
		text, err2 := os.ReadFile(dir + "/said")
		said := map[string]string{}
		if err2 == nil {
			err2 = json.Unmarshal(text, &said)
		}
		if err != nil || err2 != nil {
			t.Fatalf("%v, %v\n%s", err, err2, out.String())
		}
		return said
	}
	native := run(t, func(argv []string, dir string, out *bytes.Buffer) error {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
		return cmd.Run()
	})
	if len(native) < 20 {
		t.Fatalf("only %d tests", len(native))
	}
	onEachRoute(t, func(t *testing.T, r route) {
		handled := 0
		said := run(t, func(argv []string, dir string, out *bytes.Buffer) error {
			cmd := supervisor.Command(argv[0], argv[1:]...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
			cmd.Track, cmd.Route = true, supervisor.RouteTrap
			if r == direct {
				cmd.Route = supervisor.RouteDirect
			}
			cmd.Table = table.New()
			cmd.Table.Use(allCalls(t), func(next table.Handler) table.Handler { return lookOn{next} })
			cmd.Table.HandleFunc("read,pread64,readv,write,pwrite64,writev", func(c *table.Call) table.Result {
				handled++
				return c.Native()
			})
			return cmd.Run()
		})
		different := map[string][2]string{}
		for name, want := range native {
			if got := said[name]; got != want {
				different[name] = [2]string{want, got}
			}
		}
		// What depends on the moment may be otherwise once.
		for name, is := range different {
			if strings.HasPrefix(is[0], "ok") {
				t.Errorf("%s: natively %s, and so: %s", name, is[0], is[1])
			} else {
				t.Logf("%s: natively %s, and so: %s", name, is[0], is[1])
			}
		}
		if diff := cmp.Diff(len(native), len(said)); diff != "" || handled == 0 {
			t.Errorf("tests: %s; %d calls handled", diff, handled)
		}
		t.Logf("%d tests, %d of them otherwise, %d calls handled", len(said), len(different), handled)
	})
}
