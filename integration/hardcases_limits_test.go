package integration

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Row 43: descriptors, argument lists, vectors and paths up to their limits.
func TestLimits(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "limits", "descriptors", "long_arguments", "many_arguments", "too_many", "vectors", "paths")
	}
}

// Row 43: none of it makes the supervisor large, whatever the string limit is
// and although every call is traced to a file.
func TestLargeArgumentsKeepTheSupervisorSmall(t *testing.T) {
	const most = 64 << 10 // KiB
	path := compileC(t, "limits")
	for _, c := range []string{"long_arguments", "many_arguments", "vectors"} {
		t.Run(c, func(t *testing.T) {
			onEachRoute(t, func(t *testing.T, r route) {
				file := filepath.Join(t.TempDir(), "trace")
				argv := append(r.tracer(t, file), path, c)
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = append(os.Environ(), "HOLD=1")
				stdin, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				marked(t, cmd)
				var said strings.Builder
				for s := bufio.NewScanner(stdout); s.Scan() && s.Text() != "holding"; {
					fmt.Fprintln(&said, s.Text())
				}
				peak := highWater(t, cmd.Process.Pid)
				stdin.Close()
				_, _ = io.Copy(io.Discard, stdout)
				if err := cmd.Wait(); err != nil {
					t.Fatalf("%v\n%s%s", err, &said, &stderr)
				}
				t.Logf("the supervisor's peak: %d KiB", peak)
				if peak > most {
					t.Errorf("the supervisor's peak is %d KiB, want at most %d", peak, most)
				}
				if info, err := os.Stat(file); err != nil || info.Size() == 0 || info.Size() > 16<<20 {
					t.Errorf("the trace: %v, %v", info, err)
				}
			})
		})
	}
}

// highWater returns VmHWM of a process, in KiB.
func highWater(t testing.TB, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no VmHWM of %d:\n%s", pid, status)
	return 0
}

// Row 41: deaths that dump core: the status that the parent sees, and the file.
func TestCoreDumps(t *testing.T) {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil {
		t.Fatal(err)
	}
	if p := strings.TrimSpace(string(pattern)); strings.ContainsAny(p, "|/@") {
		t.Skipf("core dumps do not go to the working directory here: core_pattern is %q", p)
	}
	compareCases(t, warm64, "dumps", "each", "threads", "busy", "killed_dumping")
	compareCases(t, dynamic64, "dumps", "each", "without", "threads", "busy", "killed_dumping")
	t.Run("self", func(t *testing.T) {
		p := caseOf(t, dynamic64, "dumps", "self")
		// The command dies by the program's signal. It dumps no core for it: the
		// program's is there, and one of the tracer would take its place.
		p.IgnoreCore = true
		o := p.compareInDir(t)
		if o.Status.Signal() != syscall.SIGABRT {
			t.Errorf("%s natively, want a death by SIGABRT", describe(o.Status))
		}
	})
}

// Row 40: threads canceled in their calls.
func TestCancellation(t *testing.T) {
	for _, v := range []variant{dynamic64, musl, dynamic32, warm64, warmThreads, warmMusl, warmMuslThreads} {
		compareCases(t, v, "cancel", "waits", "often", "asynchronous", "disabled")
	}
	for _, v := range []variant{cpp, cpp.warmed(), cpp.warmed("-DWARM_THREADED"), {name: "C++ static", flags: []string{"g++", "-static"}}} {
		t.Run(v.name, func(t *testing.T) {
			v.program(t, "unwind").compare(t).mustExit(t, 0)
		})
	}
}

// Row 42: a process stuck in exec or in a fault, while another must run.
func TestStuckInExec(t *testing.T) {
	compareCases(t, dynamic64, "stuck", "exec_over_vfork")
	compareCases(t, warm64, "stuck", "exec_over_vfork")
	t.Run("storm", func(t *testing.T) {
		caseOf(t, dynamic64, "stuck", "exec_storm").compareInDir(t).mustExit(t, 18)
	})
}

// Row 42: arguments in pages that a thread of the program itself has to fill in.
func TestArgumentsInUserfaultPages(t *testing.T) {
	p := caseOf(t, dynamic64, "stuck", "userfault")
	p.Deadline = patience // a tracer that waits for the page waits for ever
	p.compareInDir(t).mustExit(t, 0)
}

// Row 39: other identities, namespaces and roots.
func TestPrivilegesAndNamespaces(t *testing.T) {
	for _, v := range []variant{static64, warmStatic} {
		compareCases(t, v, "privileges", "set_uid", "not_readable", "drop", "user_namespace", "mounts", "change_root", "pid_namespace")
	}
	t.Run("pivot", func(t *testing.T) {
		p := caseOf(t, static64, "privileges", "pivot")
		p.Normalize = sortedLines // the orphan and init write independently
		p.compareInDir(t).mustExit(t, 0)
	})
}
