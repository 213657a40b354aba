package integration

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A tree of processes, of 64 and 32 bits, under flags together: the lines of each are strace's.
func TestTreesAsStrace(t *testing.T) {
	strace, setarch := lookTool(t, "strace"), lookTool(t, "setarch")
	other := dynamic32.program(t, "flags")
	script := "cat /etc/hostname | tr a-z A-Z; (echo sub; exit 3); cat /nonexistent; ls -d / >/dev/null; " + other.Path + "; kill -USR1 $$"
	p := program{Path: lookTool(t, "sh"), Args: []string{"-c", script}, Env: []string{"LC_ALL=C"}, Dir: t.TempDir()}
	// What meets whom, and when, and what is of this run.
	varies := regexp.MustCompile(`^.?(\[ *\d+\] )?(--- SIGCHLD|rt_sigreturn|wait4|getppid|rt_sigprocmask)|` + markVariable)
	inodes := regexp.MustCompile(`st_ino=\d+|st_[amc]time_nsec=\d+|:\[\d{4,}(->\d{4,})?|\\x70\\x69\\x70\\x65\\x3a[\\x0-9a-f]+`)
	for _, set := range []string{
		"", "-y", "-yy -X verbose -v", "-X raw -y", "-n -z", "-e status=failed,unfinished", "-P /etc/hostname -y", "-xx -y -e trace=%file",
		"-e trace=%process,%signal -s 3", "-e inject=openat:error=ENOENT:when=3", "-e inject=execve:delay_enter=100:when=2+ -e trace=execve",
		"-e trace=all@32", "-e read=0,3 -e trace=read -x", "-e signal=usr1 -e trace=none", "-e decode-fds=!path -e trace=%network,read,close", "-qq -e abbrev=none",
	} {
		t.Run(set, func(t *testing.T) {
			run := func(tracer ...string) [][]string {
				traces := t.TempDir()
				argv := append(append([]string{setarch, "-R"}, tracer...), strings.Fields(set)...)
				p.run(t, set, "", append(append(argv, "-ff", "-o", filepath.Join(traces, "t"), "--", p.Path), p.Args...))
				files, err := filepath.Glob(filepath.Join(traces, "t.*"))
				if err != nil {
					t.Fatal(err)
				}
				threads := threadsByID(linesOfThreads(t, files))
				for _, lines := range threads {
					for i := range lines {
						lines[i] = inodes.ReplaceAllString(lines[i], ":INODE")
					}
				}
				return threads
			}
			theirs := run(strace)
			onEachRoute(t, func(t *testing.T, r route) {
				var wrong []string
				for range 3 { // the order of processes may be another one once in a while
					wrong = nil
					ours := run(r.command(t)...)
					if len(ours) != len(theirs) {
						wrong = append(wrong, "the number of processes")
					}
					for _, line := range compareLines(theirs, ours).differing {
						if !varies.MatchString(line) {
							wrong = append(wrong, line)
						}
					}
					if len(wrong) == 0 {
						return
					}
					theirs = run(strace)
				}
				t.Errorf("strace's (-) and ours (+):\n%s", strings.Join(wrong, "\n"))
			})
		})
	}
}
