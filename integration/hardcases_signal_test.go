package integration

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Row 15: siginfo of every way to send, 2,000 queued real-time signals with
// their values, the queue's limit.
func TestQueuedSignals(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "queued_signals")
}

// Row 15: signals to the own process group, which is the tracer's as well.
func TestSignalsToTheOwnGroup(t *testing.T) {
	path := compileC(t, "own_group")
	compareTraced(t, path).mustExit(t, 0)
	for _, signal := range []string{"1", "2", "9", "14", "15"} {
		compareTraced(t, path, signal)
	}
}

// Row 16: mask, pending signals, dispositions and timers across exec, of the
// leader, of another thread, of a vfork child.
func TestSignalsAcrossExec(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "exec_signals")
}

// Row 16: what the program itself is started with: signals, descriptors,
// limits, credentials, scheduling, personality. (The state of its seccomp and
// its tracer is another matter: row 25.)
func TestProgramStartsAsNatively(t *testing.T) {
	path := compileC(t, "exec_signals")
	compareTraced(t, path, "state").mustExit(t, 0)

	// And when what it inherits is not what most programs inherit. (Of ignored
	// signals, Go's runtime tells its program only these.)
	shell := `ulimit -S -n 123; ulimit -S -s 4096; ulimit -S -c 7; umask 027
		trap "" HUP INT TSTP TTIN TTOU; exec 7</etc/passwd 9>/dev/null; cd /usr; exec nice -n 3 `
	native := program{Path: "/bin/sh", Args: []string{"-c", shell + `"$0" state`, path}}.native(t)
	native.mustExit(t, 0)
	if !strings.Contains(native.Stdout, "fd 7:") || !strings.Contains(native.Stdout, "limit 7: 123 ") || !strings.Contains(native.Stdout, "ignored: SIGHUP") {
		t.Fatalf("the shell did not set what it should:\n%s", native.Stdout)
	}
	blocked := runNative(t, path, "blocked", path, "state")
	blocked.mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		traced := program{Path: "/bin/sh", Args: []string{"-c", shell + r.prefix(t) + `"$0" state`, path}}.native(t)
		sameOutcome(t, native, traced)
		argv := append(append([]string{"blocked"}, r.tracer(t, os.DevNull)...), path, "state")
		sameOutcome(t, blocked, runNative(t, path, argv...))
	})
}

// sameOutcome is for runs that compare cannot make itself.
func sameOutcome(t *testing.T, native, traced outcome) {
	t.Helper()
	if diff := (program{}).diff(native, traced); diff != "" {
		t.Errorf("native (-) and traced (+) differ:\n%s", diff)
	}
}

// Row 18: int3, raise(SIGTRAP) and single-steps of the program's own.
func TestProgramsOwnSIGTRAP(t *testing.T) {
	needX86(t)
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "sigtrap")
}

// Row 17: registers, flags, the red zone over calls that return at once, that
// block, are restarted, stopped, return twice.
func TestRegistersOverCalls(t *testing.T) {
	needX86(t)
	compareBuilds(t, 0, []variant{dynamic64, warmThreads}, "registers")
}

func needX86(t *testing.T) {
	t.Helper()
	out, err := exec.Command("gcc", "-dumpmachine").Output()
	if err != nil || !strings.HasPrefix(string(out), "x86_64") {
		t.Skipf("written in x86 assembly; gcc builds for %s (%v)", strings.TrimSpace(string(out)), err)
	}
}

// Row 19: 10,000 jumps out of faults, of calls with a mask, of blocked calls.
func TestLongJumpsOutOfHandlers(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warmThreads, warmMuslThreads}, "long_jumps")
}

// Row 19: the trace is in step after that.
func TestLongJumpsKeepTheTraceInStep(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "long_jumps"))
		o.mustExit(t, 0)
		calls := callLines(lines, "getpgid")
		if len(calls) != 7 {
			t.Errorf("%d lines of getpgid, want 7", len(calls))
		}
		for _, line := range calls {
			if strings.Contains(line, "unfinished") || strings.HasSuffix(line, "= ?") {
				t.Errorf("without a result: %s", line)
			}
		}
	})
}

// Row 20: SIGKILL at busy groups and in every kind of stop. (strace 6.1 itself
// dies of this one, at a PTRACE_LISTEN that fails.)
func TestKillsAtAnyMoment(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "kills")
	for range 10 {
		compareTraced(t, compileC(t, "kills"), "whole")
	}
}
