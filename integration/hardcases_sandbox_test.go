package integration

import (
	"strings"
	"syscall"
	"testing"
)

// Row 23: the program's own seccomp filters, every action.
func TestOwnSeccompFilter(t *testing.T) {
	cases := []string{"errno", "trap", "tsync", "tsync_running", "trace", "killing", "notify", "ask", "inherited"}
	compareCases(t, dynamic64, "ownfilter", append(cases, "arguments")...)
	compareCases(t, warm64, "ownfilter", append(cases, "arguments")...)
	compareCases(t, dynamic32, "ownfilter", "errno", "trap", "trace", "killing", "notify")
	t.Run("kill_self", func(t *testing.T) {
		p := caseOf(t, dynamic64, "ownfilter", "kill_self")
		p.IgnoreCore = true // how it dumps is another row
		o := p.compareInDir(t)
		if o.Status.Signal() != syscall.SIGSYS {
			t.Errorf("%s natively, want a death by SIGSYS", describe(o.Status))
		}
	})
	t.Run("narrow", func(t *testing.T) {
		caseOf(t, dynamic64, "ownfilter", "narrow").compareInDir(t).mustExit(t, 14)
	})
}

// Row 23: the program's own Syscall User Dispatch.
func TestOwnUserDispatch(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "userdispatch", "dispatch", "errors", "range", "inherited")
	}
	t.Run("bad_selector", func(t *testing.T) {
		p := caseOf(t, dynamic64, "userdispatch", "bad_selector")
		p.IgnoreCore = true
		o := p.compareInDir(t)
		if o.Status.Signal() != syscall.SIGSYS {
			t.Errorf("%s natively, want a death by SIGSYS", describe(o.Status))
		}
	})
}

// Row 24: a thread has one tracer, so a debugger inside the tree gets EPERM, as
// ptrace(2) has it for a process that is traced already. Everything else that
// it may ask is answered as natively.
func TestDebuggerInsideIsRefused(t *testing.T) {
	path := compileC(t, "debugger")
	const refused = "Operation not permitted"
	for c, want := range map[string]string{
		"traceme": "TRACEME: " + refused + "\nTRACEME again: " + refused + "\nnot stopped\n",
		"attach":  "ATTACH: " + refused + "\nSEIZE: " + refused + "\nSEIZE with EXITKILL: " + refused + "\nreaped: signal 9\n",
	} {
		onEachRoute(t, func(t *testing.T, r route) {
			o := runTraced(t, r, path, c)
			o.mustExit(t, 0)
			if o.Stdout != want {
				t.Errorf("%s: got\n%swant\n%s", c, o.Stdout, want)
			}
		})
	}
	compareCases(t, dynamic64, "debugger", "strangers")
}

// Row 24: a real one says so and ends; nothing hangs.
func TestStraceInsideIsRefused(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		strace := lookTool(t, "strace")
		o := runTraced(t, r, strace, "-f", "/bin/true")
		if !o.Status.Exited() || o.Status.ExitStatus() == 0 || !strings.Contains(o.Stderr, "Operation not permitted") {
			t.Errorf("strace inside: %s, stderr %q; want a refusal", describe(o.Status), o.Stderr)
		}
	})
}

// Row 25: what shows in /proc/self/status. The tracer is there to be seen, and
// so is the filter; no_new_privs is not set for a supervisor that may do
// without it (seccomp(2): CAP_SYS_ADMIN). PR_GET_SECCOMP answers for the
// program's own filters: programs ask it whether they still may install one.
func TestTracedProcessShowsItsTracer(t *testing.T) {
	path := compileC(t, "inherits")
	native := runNative(t, path, "traced")
	native.mustExit(t, 0)
	if !strings.Contains(native.Stdout, "Seccomp: 0\n") {
		t.Skipf("the tests run under a filter themselves:\n%s", native.Stdout)
	}
	if syscall.Getuid() != 0 {
		t.Skip("not root: no_new_privs is set then")
	}
	want := "TracerPid: a thread of the parent\nNoNewPrivs: 0\nSeccomp: 2\nSeccomp_filters: 1\n" +
		"PR_GET_SECCOMP: 0\nPR_GET_NO_NEW_PRIVS: 0\n"
	onEachRoute(t, func(t *testing.T, r route) {
		o := runTraced(t, r, path, "traced")
		o.mustExit(t, 0)
		if o.Stdout != want {
			t.Errorf("got\n%swant\n%s", o.Stdout, want)
		}
	})
}

// Rows 25 and 37: everything else that a program finds when it starts is what
// it would find without us.
func TestNothingElseIsInherited(t *testing.T) {
	compareCases(t, warm64, "inherits", "signals", "limits", "descriptors", "identity")
	compareCases(t, dynamic64, "inherits", "signals", "limits", "descriptors", "identity", "vectors", "status")
	path := compileC(t, "inherits")
	shell := func(t *testing.T, before, what string) {
		t.Helper()
		// The shell's settings reach the program through the tracer.
		run := func(tracer string) outcome {
			return program{Path: "/bin/bash", Args: []string{"-c", before + "; exec " + tracer + path + " " + what}}.native(t)
		}
		native := run("")
		native.mustExit(t, 0)
		onEachRoute(t, func(t *testing.T, r route) {
			if traced := run(r.prefix(t)); native != traced {
				t.Errorf("after %s: natively\n%s%straced\n%s%s", before, native.Stdout, native.Stderr, traced.Stdout, traced.Stderr)
			}
		})
	}
	for _, s := range []string{"", "HUP", "INT", "QUIT", "TERM", "PIPE", "TSTP", "TTIN", "TTOU", "CHLD", "USR1", "USR2", "URG", "WINCH", "CONT", "ALRM", "PROF", "34", "64"} {
		t.Run("ignored "+s, func(t *testing.T) { shell(t, "trap '' "+s, "signals") })
	}
	for _, limit := range []string{"-n 256", "-Sn 100", "-s 4096", "-c 0", "-t 3600", "-v 8000000"} {
		t.Run("ulimit "+limit, func(t *testing.T) { shell(t, "ulimit "+limit, "limits") })
	}
	t.Run("umask", func(t *testing.T) { shell(t, "umask 027", "identity") })
	t.Run("nice", func(t *testing.T) { shell(t, "renice -n 5 $$ >/dev/null", "identity") })
	t.Run("affinity", func(t *testing.T) { shell(t, "taskset -pc 0 $$ >/dev/null", "identity") })
	t.Run("descriptors", func(t *testing.T) {
		shell(t, "exec 0</dev/null 1>&1 7</etc/passwd 9>>/dev/null 200<>/dev/zero", "descriptors")
	})
}

// A standard descriptor that is closed is /dev/null in the traced program: Go's
// runtime sees to that before main runs (runtime.checkfds), and cannot be asked
// not to. What must never be there is a descriptor of the tracer's.
func TestClosedStandardDescriptors(t *testing.T) {
	path := compileC(t, "inherits")
	const null = "type 20000 flags 0x8002 fdflags 0"
	for closing, fd := range map[string]string{"0<&-": "fd 0: ", "2>&-": "fd 2: "} {
		onEachRoute(t, func(t *testing.T, r route) {
			script := "exec " + closing + "; exec " + r.prefix(t) + path + " descriptors"
			o := program{Path: "/bin/bash", Args: []string{"-c", script}}.native(t)
			o.mustExit(t, 0)
			if !strings.Contains(o.Stdout, fd+null+"\n") {
				t.Errorf("after %s:\n%swant %s%s", closing, o.Stdout, fd, null)
			}
			if n := strings.Count(o.Stdout, "\n"); n != strings.Count(runNative(t, path, "descriptors").Stdout, "\n") {
				t.Errorf("after %s there are others:\n%s", closing, o.Stdout)
			}
		})
	}
}

// Row 26: no policy is enforced, so io_uring works.
func TestIOUring(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "iouring", "work", "errors", "sqpoll")
	}
	caseOf(t, dynamic64, "iouring", "work").nativeCase(t)
	onEachRoute(t, func(t *testing.T, r route) {
		_, lines := traceOf(t, r, compileC(t, "iouring"), "work")
		if len(callLines(lines, "io_uring_setup")) != 1 || len(callLines(lines, "io_uring_enter")) == 0 {
			t.Errorf("io_uring is not named in the trace:\n%s", strings.Join(lines, "\n"))
		}
	})
}
