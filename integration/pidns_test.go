package integration

import (
	"path/filepath"
	"regexp"
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
	here := regexp.MustCompile(`/\* THREAD\d+ in`)
	for _, flag := range []string{"--pidns-translation", "-Y", "--decode-pids=all", "--decode-pids=!comm"} {
		t.Run(flag, func(t *testing.T) {
			run := func(tracer ...string) [][]string {
				traces := t.TempDir()
				argv := append(tracer, flag, "-e", "signal=none", "-ff", "-o", filepath.Join(traces, "t"), "--", p.Path)
				p.run(t, flag, "", argv).mustExit(t, 0)
				files, err := filepath.Glob(filepath.Join(traces, "t.*"))
				if err != nil || len(files) != 3 {
					t.Fatalf("%v, %v", files, err)
				}
				lines := linesOfThreads(t, files)
				return threadsByID(lines)
			}
			theirs := run(strace)
			if all := strings.Join(theirs[1], "\n"); strings.Contains(flag, "pid") == !here.MatchString(all) {
				t.Fatalf("strace shows\n%s", all)
			}
			onEachRoute(t, func(t *testing.T, r route) {
				if d := gocmp.Diff(theirs, run(r.command(t)...)); d != "" {
					t.Errorf("strace (-) and k42trace (+):\n%s", d)
				}
			})
		})
	}
}
