package integration

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Ids of another pid namespace have beside them what strace shows, thread by thread.
func TestProcessesOfOtherNamespaces(t *testing.T) {
	strace := lookTool(t, "strace")
	p := dynamic64.program(t, "pidns")
	if o := p.native(t); strings.Contains(o.Stdout, "not allowed") {
		t.Skip("no permission for a new pid namespace")
	}
	for _, flag := range []string{"--pidns-translation", "-Y", "--decode-pids=all", "--decode-pids=!comm"} {
		t.Run(flag, func(t *testing.T) { compareNamespaces(t, p, strace, flag) })
	}
	// And where /proc has other ids than the tracer, which is the first process of its own
	// namespace, and so has to wait for orphans.
	unshare := lookTool(t, "unshare")
	if exec.Command(unshare, "-Urpf", "true").Run() != nil {
		t.Skip("no namespaces of our own")
	}
	for _, flag := range []string{"--pidns-translation", "--decode-pids=!comm"} { // of names strace shows others'
		t.Run("proc of another, "+flag, func(t *testing.T) { compareNamespaces(t, p, strace, flag, unshare, "-Urpf") })
	}
}

// compareNamespaces compares what both tracers show of p, run by prefix.
func compareNamespaces(t *testing.T, p program, strace, flag string, prefix ...string) {
	here, number := regexp.MustCompile(`/\* (THREAD\d+|N+) in`), regexp.MustCompile(`(THREAD)?\d+`)
	run := func(tracer ...string) [][]string {
		traces := t.TempDir()
		argv := append(slices.Clone(prefix), tracer...)
		argv = append(argv, flag, "-e", "signal=none", "-ff", "-o", filepath.Join(traces, "t"), "--", p.Path)
		p.run(t, flag, "", argv).mustExit(t, 0)
		files, err := filepath.Glob(filepath.Join(traces, "t.*"))
		if err != nil || len(files) != 3 {
			t.Fatalf("%v, %v", files, err)
		}
		lines := linesOfThreads(t, files)
		threads := threadsByID(lines)
		if len(prefix) > 0 { // ids there are as small as other numbers
			for _, of := range threads {
				for i := range of {
					of[i] = number.ReplaceAllString(of[i], "N")
				}
			}
		}
		return threads
	}
	theirs := run(strace)
	translates := strings.Contains(flag, "pid")
	if all := strings.Join(theirs[1], "\n"); translates && !here.MatchString(all) {
		t.Fatalf("strace shows\n%s", all)
	}
	onEachRoute(t, func(t *testing.T, r route) {
		if d := gocmp.Diff(theirs, run(r.command(t)...)); d != "" {
			t.Errorf("strace (-) and k42trace (+):\n%s", d)
		}
	})
}
