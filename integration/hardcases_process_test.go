package integration

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// Row 5: exec from a thread that is not the leader, siblings in calls of all
// kinds, 30 times in a row.
func TestExecFromThread(t *testing.T) {
	compareBuilds(t, 3, []variant{dynamic64, static64, dynamic32, warm64, warmThreads}, "exec_thread")
	compareBuilds(t, 5, []variant{dynamic64, dynamic32, warmThreads}, "exec_thread", "race")
	compareBuilds(t, 4, []variant{dynamic64, warm64}, "exec_thread", "fails")
}

// Rows 4 and 5: the architecture changes at such an exec, both ways by turns.
func TestExecFromThreadBetweenArchitectures(t *testing.T) {
	p := program{Path: compileC(t, "exec_thread"), Args: []string{"20"},
		Env: []string{"NEXT=" + compileC(t, "exec_thread", "-m32")}}
	p.compare(t).mustExit(t, 3)
}

// Bases and selectors that no tracer can set are no reason to fail.
func TestInjectWithGSAtTheKernel(t *testing.T) {
	needX86(t)
	injectAtGetppid(t, supervisor.Command(compileC(t, "sites", "-mfsgsbase"), "own_wrgsbase"))
}

func TestInjectWithNullSegments(t *testing.T) {
	needX86(t)
	injectAtGetppid(t, supervisor.Command(compileC(t, "nullsegments")))
}

func injectAtGetppid(t *testing.T, cmd *supervisor.Cmd) {
	t.Helper()
	cmd.Table = table.New()
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result {
		if e := c.Inject("getpid").Errno(); e != 0 {
			t.Errorf("getpid: %v", e)
		}
		return c.Native()
	})
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
}

// A handler that goes on behind an exec injects into the new program, or is told that it
// cannot.
func TestInjectBehindAnExecOfAnotherArchitecture(t *testing.T) {
	cmd := supervisor.Command(compileC(t, "exec_thread"), "5")
	cmd.Env = []string{"NEXT=" + compileC(t, "exec_thread", "-m32")}
	cmd.Table = table.New()
	execs := 0
	cmd.Table.HandleFunc("execve", func(c *table.Call) table.Result {
		r := c.Native()
		if execs++; r.Failed() {
			t.Errorf("exec %d: %v", execs, r.Err())
		}
		if e := c.Inject("getpid").Errno(); e != unix.ENOSYS {
			t.Errorf("exec %d: getpid, injected by a number of the former program: errno %d", execs, e)
		}
		return r
	})
	var exit *supervisor.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 3 || execs != 5 {
		t.Errorf("%d execs, then %v", execs, err)
	}
}

// Row 5: after the exec, the trace goes on under the leader's id and nothing
// comes from the threads that are gone.
func TestExecFromThreadIsTracedUnderTheLeader(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "exec_thread"), "1")
		o.mustExit(t, 3)
		if n := len(callLines(lines, "execve")); n != 2 {
			t.Errorf("%d lines of execve, want 2", n)
		}
		// The last call is the new image's, by the process that was started.
		first, _, _ := strings.Cut(lines[0], " ")
		exit := callLines(lines, "exit_group")
		if len(exit) == 0 || !strings.HasPrefix(exit[len(exit)-1], first) || !strings.Contains(exit[len(exit)-1], "exit_group(3)") {
			t.Errorf("exit_group lines %q, want the last to be exit_group(3) of %s", exit, first)
		}
	})
}

// Row 6: the leader exits first.
func TestLeaderExitsFirst(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warmThreads}, "leader_exits")
}

// Row 6: the same as the whole program, so that the command has to pass its
// status on.
func TestLeaderOfTheWholeProgramExitsFirst(t *testing.T) {
	path := compileC(t, "leader_exits")
	for mode, code := range map[string]int{"exit_group": 7, "exit": 8, "exec": 11, "exec-shell": 12, "exec-fails": 13, "vfork": 9, "abandoned": 15} {
		t.Run(mode, func(t *testing.T) { compareTraced(t, path, mode).mustExit(t, code) })
	}
	for mode, death := range map[string]syscall.Signal{"killed": syscall.SIGTERM, "fault": syscall.SIGSEGV} {
		t.Run(mode, func(t *testing.T) {
			o := program{Path: path, Args: []string{mode}, IgnoreCore: true}.compare(t)
			if o.Status.Signal() != death {
				t.Errorf("%s natively, want a death by %v", describe(o.Status), death)
			}
		})
	}
}

// Row 7: 600 children in many ways.
func TestChildrenByTheHundred(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "fork_storm")
}

// Row 7: every child is in the trace: as many first lines as processes.
func TestChildrenByTheHundredAreTraced(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "fork_storm"))
		o.mustExit(t, 0)
		pids := map[string]bool{}
		ends := map[string]bool{}
		for _, line := range lines {
			pid, rest, _ := strings.Cut(line, " ")
			pids[pid] = true
			if strings.Contains(rest, "+++ exited with") || strings.Contains(rest, "+++ killed by") {
				if ends[pid] {
					t.Errorf("%s ends twice", pid)
				}
				ends[pid] = true
			}
		}
		// 4 times 600, 24 with 24 each, 8 threads with 75 each, 40 with threads,
		// a chain of 101, 100 that stop, and the program itself. Ids may be used
		// again, by processes that end too.
		if want := 4*600 + 24*25 + 8*76 + 40 + 101 + 100 + 1; len(ends) < want {
			t.Errorf("%d tasks end in the trace, want at least %d", len(ends), want)
		}
		for pid := range pids {
			if !ends[pid] {
				t.Errorf("%s has no end in the trace", pid)
			}
		}
	})
}

// Row 8: vfork.
func TestVfork(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "vfork")
}

// Row 9: clone3 and its flags, pidfds, cgroups, namespaces.
func TestCloneForms(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "clone_forms")
}

// Row 10: CLONE_UNTRACED. strace loses these children. Their calls and their
// end have to be in the trace, and the program's clone_args stay as they were.
func TestUntracedChildIsTraced(t *testing.T) {
	for _, v := range []variant{dynamic64, dynamic32} {
		for _, form := range []string{"clone", "clone-high", "clone3", "clone3-readonly", "clone3-edge", "vfork", "thread"} {
			t.Run(form+", "+v.name, func(t *testing.T) {
				path := compileC(t, "untraced", v.flags...)
				compareTraced(t, path, form).mustExit(t, 9)
				onEachRoute(t, func(t *testing.T, r route) {
					o, lines := traceOf(t, r, path, form)
					o.mustExit(t, 9)
					if n := len(callLines(lines, "getppid")); n != 5 {
						t.Errorf("%d lines of the child's getppid, want 5", n)
					}
					ends := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.Contains(line, "+++ exited with") })
					if len(ends) != 2 {
						t.Errorf("ends in the trace: %q, want the child's and the parent's", ends)
					}
				})
			})
		}
	}
}

// Row 11: 800 threads, and what the kernel does at a thread's end.
func TestThreadsByTheHundred(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warmThreads}, "threads_many")
}

// Rows 7 and 20: wait4 reports the first tracee of its list that has something
// to tell. A tracer that lets each one run at once leaves those at the end of
// the list to starve, and with them whoever is to end the others.
func TestNobodyStarvesInACrowd(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, warm64}, "busy_crowd")
}
