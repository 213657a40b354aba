package handlers_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// run runs a shell script whose calls go to tbl.
func run(t *testing.T, tbl *table.Table, o table.Observer, script string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := supervisor.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Table, cmd.Observer, cmd.Stdout, cmd.Stderr = tbl, o, &out, &errs
	var exit *supervisor.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func set(t *testing.T, pattern string) *table.Set {
	t.Helper()
	s, err := table.ParseSet(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRealDeny(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"secret", "open"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tbl := table.New()
	tbl.Use(set(t, "%file"), handlers.Deny(unix.EACCES, dir+"/secret"))
	out, errs, status := run(t, tbl, nil, "cd "+dir+"; cat "+dir+"/open "+dir+"/secret")
	if out != "open\n" || !strings.Contains(errs, "Permission denied") || status != 1 {
		t.Errorf("%q %q %d", out, errs, status)
	}
}

func TestRealRedirect(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "passwd"), []byte("nobody here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tbl := table.New()
	tbl.Use(set(t, "%file"), handlers.Redirect("/no/such/place", dir))
	out, errs, status := run(t, tbl, nil, "cat /no/such/place/passwd && cat < /no/such/place/passwd")
	if out != "nobody here\nnobody here\n" || status != 0 {
		t.Errorf("%q %q %d", out, errs, status)
	}
}

func TestRealAnswer(t *testing.T) {
	tbl := table.New()
	tbl.Handle("getuid,geteuid", handlers.Answer(table.Return(4711)))
	out, errs, _ := run(t, tbl, nil, "id -u")
	if out != "4711\n" {
		t.Errorf("%q %q", out, errs)
	}
}

func TestRealDelay(t *testing.T) {
	const delay = 50 * time.Millisecond
	tbl := table.New()
	tbl.Use(set(t, "mkdir"), handlers.Delay(delay))
	dir := t.TempDir()
	begin := time.Now()
	// Two at the same time: nobody waits for the other.
	_, errs, status := run(t, tbl, nil, "mkdir "+dir+"/a & mkdir "+dir+"/b; wait; test -d "+dir+"/a -a -d "+dir+"/b")
	if status != 0 {
		t.Errorf("%q %d", errs, status)
	}
	if spent := time.Since(begin); spent < delay {
		t.Errorf("the calls took only %v", spent)
	}
}

func TestRealRewrite(t *testing.T) {
	tbl := table.New()
	tbl.Use(set(t, "unlink,unlinkat"), handlers.Rewrite(func(r table.Result) table.Result {
		if r.Errno() == unix.ENOENT {
			return table.Return(0)
		}
		return r
	}))
	if _, errs, status := run(t, tbl, nil, "rm /no/such/file"); errs != "" || status != 0 {
		t.Errorf("%q %d", errs, status)
	}
}

// A trace around handlers that decide shows what they decided.
func TestRealTraceOfDecisions(t *testing.T) {
	var text bytes.Buffer
	tr := handlers.NewTrace(handlers.TraceOptions{Out: &text})
	tbl := table.New()
	tbl.Use(set(t, "openat"), handlers.Deny(unix.EPERM, "/etc/hostname"))
	tbl.Use(set(t, "openat,getppid"), tr.Wrap)
	_, _, status := run(t, tbl, tr, "exec cat /etc/hostname")
	if status != 1 {
		t.Errorf("status %d", status)
	}
	want := `(?m)^openat\(AT_FDCWD, "/etc/hostname", O_RDONLY\) = -1 EPERM \(Operation not permitted\)$`
	if !regexp.MustCompile(want).MatchString(text.String()) || !strings.HasSuffix(text.String(), "\n+++ exited with 1 +++\n") {
		t.Errorf("%s", &text)
	}
}

func TestRealCount(t *testing.T) {
	n := handlers.NewCount()
	tbl := table.New()
	tbl.Use(set(t, "chdir"), n.Wrap)
	run(t, tbl, nil, "cd /; cd /tmp; cd /no/such/place; cd /")
	var text bytes.Buffer
	if _, err := n.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^100\.00 +0\.\d{6} +\d+ +4 +1 chdir$`).MatchString(text.String()) {
		t.Errorf("%s", &text)
	}
}
