package integration

import (
	"slices"
	"strings"
	"testing"
)

// Row 21: a daemon is traced until it ends, and outlives whoever started it.
func TestDaemonIsTracedUntilItEnds(t *testing.T) {
	path := compileC(t, "daemon")
	program{Path: path, Normalize: sortedLines}.compare(t).mustExit(t, 4)

	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, path)
		o.mustExit(t, 4)
		last := -1
		for i, line := range lines {
			if strings.Contains(line, "the-daemon-ends") {
				last = i
			}
		}
		if last < 0 {
			t.Fatalf("the daemon's last calls are not in the trace:\n%s", strings.Join(lines, "\n"))
		}
		pid, _, _ := strings.Cut(lines[last], " ")
		if first, _, _ := strings.Cut(lines[0], " "); pid == first {
			t.Errorf("the daemon's line has the first process's id: %q", lines[last])
		}
		var exited bool
		for _, line := range lines[last:] {
			exited = exited || strings.HasPrefix(line, pid+" ") && strings.Contains(line, "+++ exited with 9 +++")
		}
		if !exited {
			t.Errorf("no exit status 9 of %s after %q", pid, lines[last])
		}
		if n := countOf(lines, "exited with 5"); n != 1 {
			t.Errorf("%d processes exited with 5, want the daemon's worker alone", n)
		}
	})
}

// sortedLines is for processes that write independently of each other.
func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func countOf(lines []string, part string) int {
	n := 0
	for _, line := range lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// Row 22: subreapers, WNOWAIT, ECHILD: no child too many, none missing.
func TestWaitingForChildren(t *testing.T) {
	cases := []string{"subreaper", "chain", "wnowait", "echild", "nozombie", "wclone", "groups", "pdeathsig"}
	compareCases(t, dynamic64, "subreaper", cases...)
	compareCases(t, warm64, "subreaper", cases...)
	compareCases(t, dynamic32, "subreaper", cases...)
}

// Row 29: processes that reach into each other.
func TestReachingIntoOtherProcesses(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "crossproc", "vm", "mem", "getfd", "proc", "undumpable", "kcmp")
	}
}

// Row 34: what libc shares with the kernel by address.
func TestRseqRobustListsAndTidAddress(t *testing.T) {
	for _, v := range []variant{dynamic64, static64, dynamic32, warm64, warmThreads} {
		compareCases(t, v, "libcstate", "rseq", "section", "robust", "tid", "settid")
	}
	for _, v := range []variant{musl, warmMusl} {
		compareCases(t, v, "libcstate", "robust", "tid", "settid")
	}
}

// Row 35: threads that wait in all kinds of calls while others run.
func TestNobodyWaitsBehindAWaitingThread(t *testing.T) {
	for _, v := range []variant{dynamic64, musl, warmThreads, warmMuslThreads} {
		compareCases(t, v, "onewaits", "all")
		t.Run(v.name+"/exits", func(t *testing.T) {
			caseOf(t, v, "onewaits", "exits").compareInDir(t).mustExit(t, 17)
		})
	}
}
