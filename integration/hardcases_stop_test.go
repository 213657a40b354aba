package integration

import (
	"slices"
	"strings"
	"testing"
)

// Row 12: group-stops by all four stop signals, SIGCONT and what it does, and
// what the parent learns by WUNTRACED, WCONTINUED and SIGCHLD. (/proc shows
// the state of a stopped traced thread as t, not T: the kernel's rule for
// PTRACE_LISTEN. The program takes both.)
func TestGroupStops(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warmThreads}, "group_stop")
}

// Rows 13 and 14: fifty calls that block, and a signal: with SA_RESTART and
// without, in the leader and in another thread.
func TestHandledSignalsInBlockedCalls(t *testing.T) {
	for _, mode := range []string{"restart", "handler"} {
		compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "restarts", mode)
		compareBuilds(t, 0, []variant{dynamic64, warmThreads}, "restarts", mode, "threaded")
	}
}

// Row 13: the same calls across SIGSTOP and SIGCONT; none gets its time twice.
func TestStopsInBlockedCalls(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "restarts", "stop")
	compareBuilds(t, 0, []variant{dynamic64, warmThreads}, "restarts", "stop", "threaded")
}

// Row 13: stops that last beyond the calls' timeouts. These runs do nothing but sleep,
// so they do it together.
func TestStopsThatOutlastTimeouts(t *testing.T) {
	for _, v := range []variant{dynamic64, dynamic32, warm64} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			p := v.program(t, "restarts", "time")
			p.Together = true
			p.compare(t).mustExit(t, 0)
		})
	}
}

// Row 13: a call that a stop interrupts and restart_syscall takes up again is
// one call in the trace.
func TestRestartedCallIsTracedOnce(t *testing.T) {
	for only, name := range map[string]string{"clock_nanosleep": "clock_nanosleep", "poll with timeout": "poll", "futex with timeout": "futex"} {
		t.Run(only, func(t *testing.T) {
			onEachRoute(t, func(t *testing.T, r route) {
				o, lines := traceOf(t, r, compileC(t, "restarts"), "stop", only)
				o.mustExit(t, 0)
				// The one that was stopped belongs to the process that was.
				stopped := ""
				for _, line := range lines {
					if strings.Contains(line, "--- stopped by SIGSTOP ---") {
						stopped, _, _ = strings.Cut(line, " ")
					}
				}
				if stopped == "" {
					t.Fatalf("no stop in the trace:\n%s", strings.Join(lines, "\n"))
				}
				n := 0
				for _, line := range callLines(lines, name) {
					if strings.HasPrefix(line, stopped+" ") && !strings.Contains(line, "{tv_sec=0, tv_nsec=500000}") {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d entries of %s by the stopped process, want 1:\n%s", n, name, strings.Join(lines, "\n"))
				}
			})
		})
	}
}

// Row 14: signals that nobody wants interrupt nothing that can be restarted.
func TestIgnoredSignalsInBlockedCalls(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, dynamic32, warm64}, "restarts", "ignored")
	compareBuilds(t, 0, []variant{dynamic64, warmThreads}, "restarts", "ignored", "threaded")
}

// Row 14: the same with calls that the kernel never restarts (epoll_wait,
// semop, sigwaitinfo, receives with a timeout). The kernel keeps ignored
// signals from a process that is not traced and wakes one that is
// (sig_ignored in kernel/signal.c), so strace fails here.
func TestIgnoredSignalsInCallsThatNeverRestart(t *testing.T) {
	compareBuilds(t, 0, []variant{dynamic64, warm64}, "restarts", "ignored-final")
}

// Row 14: ignored signals that come more often than such a call's timeout ends: it does
// all the same, not early, and with the result of its time being over. A tracer that is
// not asked about these calls sees nothing of them but the signals.
func TestIgnoredSignalsLeaveTimeouts(t *testing.T) {
	for _, v := range []variant{dynamic64, dynamic32, warm64} {
		for _, flags := range [][]string{nil, {"-e", "trace=openat"}} {
			if v.warm && flags != nil {
				continue // nothing would be rewritten
			}
			for _, args := range [][]string{nil, {"waits"}} {
				t.Run(strings.Join(slices.Concat([]string{v.name}, flags, args), " "), func(t *testing.T) {
					p := v.program(t, "ignored_time", args...)
					p.TracerFlags = flags
					p.compare(t).mustExit(t, 0)
				})
			}
		}
	}
}
