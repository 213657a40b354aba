package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unprivileged is a directory that everybody may enter, with the tracer in it,
// for tests that run everything as the user nobody.
type unprivileged struct {
	runuser, dir, tracer string
}

func asNobody(t *testing.T) unprivileged {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: cannot become nobody (and every other test runs without rights)")
	}
	u := unprivileged{runuser: lookTool(t, "runuser")}
	if err := exec.Command(u.runuser, "-u", "nobody", "--", "true").Run(); err != nil {
		t.Skipf("cannot become nobody: %v", err)
	}
	dir, err := os.MkdirTemp("", "k42trace-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	u.dir = dir
	u.tracer = u.copy(t, tracerPath(t), "k42trace", 0o755)
	return u
}

// copy makes a file of root's.
func (u unprivileged) copy(t *testing.T, from, name string, mode os.FileMode) string {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(u.dir, name)
	if err := os.WriteFile(to, text, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, mode); err != nil {
		t.Fatal(err)
	}
	return to
}

func (u unprivileged) native(t *testing.T, argv ...string) outcome {
	t.Helper()
	return program{Path: u.runuser, Args: append([]string{"-u", "nobody", "--"}, argv...), Dir: u.dir}.native(t)
}

func (u unprivileged) traced(t *testing.T, r route, argv ...string) outcome {
	t.Helper()
	tracer := r.tracer(t, os.DevNull)
	tracer[0] = u.tracer
	return u.native(t, append(tracer, argv...)...)
}

// The command for a user without rights.
func TestAsAnotherUser(t *testing.T) {
	u := asNobody(t)
	argv := []string{"/bin/bash", "-c", `id -un; ls / | wc -l; for i in 1 2 3; do (exit $i); echo $?; done; cat /etc/shadow; exit 8`}
	native := u.native(t, argv...)
	native.mustExit(t, 8)
	onEachRoute(t, func(t *testing.T, r route) {
		if diff := cmp.Diff(native, u.traced(t, r, argv...)); diff != "" {
			t.Errorf("native (-) and traced (+) differ:\n%s", diff)
		}
	})
}

// Row 39: a program that its user may execute and not read: the tracer may not
// see its memory, and the program runs all the same.
func TestProgramThatMayNotBeRead(t *testing.T) {
	u := asNobody(t)
	prog := u.copy(t, compileC(t, "privileges", "-static"), "unreadable", 0o711)
	native := u.native(t, prog, "identity")
	native.mustExit(t, 0)
	// no_new_privs shows: without rights, a filter takes it (seccomp(2)).
	want := strings.Replace(native.Stdout, "no_new_privs 0", "no_new_privs 1", 1)
	onEachRoute(t, func(t *testing.T, r route) {
		t.Run("executed by a shell", func(t *testing.T) {
			o := u.traced(t, r, "/bin/sh", "-c", prog+" identity; "+prog+" identity; echo shell $?")
			o.mustExit(t, 0)
			if o.Stdout != want+want+"shell 0\n" {
				t.Errorf("got\n%swant twice\n%s", o.Stdout, want)
			}
		})
		t.Run("launched", func(t *testing.T) {
			o := u.traced(t, r, prog, "identity")
			o.mustExit(t, 0)
			if o.Stdout != want {
				t.Errorf("got\n%swant\n%s", o.Stdout, want)
			}
		})
	})
}

// Row 39: under a tracer without rights, execve(2) ignores the set-user-ID bit.
// It is documented; the program runs with its caller's rights.
func TestSetUserIDIsIgnored(t *testing.T) {
	u := asNobody(t)
	prog := u.copy(t, compileC(t, "privileges", "-static"), "setuid", 0o755|os.ModeSetuid)
	if err := os.WriteFile(filepath.Join(u.dir, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	native := u.native(t, prog, "identity")
	native.mustExit(t, 0)
	if !strings.Contains(native.Stdout, "effective capabilities: some") {
		t.Skipf("set-user-ID has no effect here natively:\n%s", native.Stdout)
	}
	onEachRoute(t, func(t *testing.T, r route) {
		traced := u.traced(t, r, prog, "identity")
		traced.mustExit(t, 0)
		for _, want := range []string{"effective capabilities: none", "what root may read: Permission denied"} {
			if !strings.Contains(traced.Stdout, want) {
				t.Errorf("no %q in\n%s", want, traced.Stdout)
			}
		}
		if sudo, err := exec.LookPath("su"); err == nil {
			o := u.traced(t, r, sudo, "-c", "id", "root")
			if o.Status.Exited() && o.Status.ExitStatus() == 0 {
				t.Errorf("su gave root away: %q", o.Stdout)
			}
		}
	})
}

// Where /proc shows another pid namespace, a trace shows the ids that there are in ours; a policy is
// refused.
func TestProcOfAnotherNamespace(t *testing.T) {
	unshare := lookTool(t, "unshare")
	if out, err := exec.Command(unshare, "-Urpf", "true").CombinedOutput(); err != nil {
		t.Skipf("no namespaces of our own: %v %s", err, out)
	}
	cmd := exec.Command(unshare, "-Urpf", tracerPath(t), "run", "--", "echo", "ran")
	out, _ := cmd.CombinedOutput()
	const want = "k42trace: /proc shows another pid namespace: mount this one's (mount -t proc proc /proc)\n"
	if code := cmd.ProcessState.ExitCode(); code != 125 || string(out) != want {
		t.Errorf("exit status %d, %q, want 125, %q", code, out, want)
	}
	for _, mount := range []string{"--propagation=private", "--mount-proc"} {
		onEachRoute(t, func(t *testing.T, r route) {
			trace := filepath.Join(t.TempDir(), "trace")
			argv := append([]string{"-Urpf", mount}, r.command(t)...)
			argv = append(argv, "-f", "-y", "-o", trace, "--", "sh", "-c", "(:); echo ran; kill -USR1 $$")
			out, err := exec.Command(unshare, argv...).CombinedOutput()
			lines, _ := os.ReadFile(trace)
			if string(out) != "ran\n" || !strings.Contains(string(lines), `write(1<pipe:`) || !strings.Contains(string(lines), "si_code=SI_USER") {
				t.Errorf("%s: %v, %q, trace\n%s", mount, err, out, lines)
			}
		})
	}
}
