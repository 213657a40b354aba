package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What each of strace's flags shows of a program with calls of many kinds is compared
// with what the installed strace shows.

// flagSets are the flags, one set a run. A set that changes what the program does
// changes it the same way.
var flagSets = []string{
	"",
	"-a 1",
	"-a 60 -s 5",
	"-s 0",
	"-s 100",
	"-x",
	"-xx",
	"--strings-in-hex=non-ascii-chars",
	"-v",
	"-v -e abbrev=!newfstatat",
	"-X raw",
	"-X verbose",
	"-X abbrev",
	"-n",
	"-i",
	"-t -T",
	"-r",
	"--absolute-timestamps=unix,ns --relative-timestamps=ms --syscall-times=s",
	"-z",
	"-Z",
	"-e status=unfinished",
	"-e status=!failed",
	"-e raw=read,openat -e abbrev=!uname",
	"-e raw=all",
	"-e verbose=none",
	"-e verbose=!poll,read",
	"-e trace=%file",
	"-e trace=%network,%memory,/^rt_",
	"-e signal=none",
	"-e signal=!usr1",
	"-e read=all -e write=all",
	"-e read=3 -e write=!1",
	"-P /etc/passwd",
	"-P /etc/passwd -e trace=read,fstat,newfstatat -e inject=read:error=EIO",
	"-e inject=chdir:error=ENOENT",
	"-e inject=chdir:error=13:when=2",
	"-e inject=chdir:retval=7:when=1+2",
	"-e inject=chdir:error=EIO:when=2..3",
	"-e inject=chdir,getppid:error=EIO:when=2..4+2",
	"-e fault=close:when=3+",
	"-e fault=%file:error=ENOMEM:when=4",
	"-e inject=chdir:signal=USR1:when=2 -e trace=chdir",
	"-e inject=close:signal=USR1:error=EIO:when=3",
	"-e inject=uname:delay_enter=1000",
	"-e inject=uname:delay_exit=1ms:error=EPERM",
	"-e inject=read:poke_exit=@arg2=4142:when=3",
	"-e inject=read:poke_exit=@arg2=4142:retval=1:when=3",
	"-e inject=chdir:poke_enter=@arg1=2f6574:when=2",
	"-e inject=exit_group:error=EPERM",
	"-e inject=execve:error=EPERM",
	"-e inject=write:retval=5 -e write=all",
	"-e inject=nosuch:error=EPERM -e trace=none",
	"-q -e quiet=all",
	"-e quiet=exit",
	"-Y -e trace=kill,tgkill",
	"-y -X raw",
	"-yy -X verbose -v",
	"-n -i -tt -T -y",
	"-xx -y -e trace=%file",
	"-z -T -P /etc/passwd",
}

// What besides differs from run to run, or is a difference that docs/STRACE.md lists.
var flagsChange = []struct {
	pattern *regexp.Regexp
	instead string
}{
	// Times; the last one at the line's end.
	{regexp.MustCompile(`^(\d\d:\d\d:\d\d(\.\d+)?|\d{10}\.\d+) `), "TIME "},
	{regexp.MustCompile(`^(TIME )?\(\+ +\d+(\.\d+)?\) `), "SINCE "},
	{regexp.MustCompile(`^\d+\.\d+ `), "SINCE "},
	{regexp.MustCompile(` <\d+(\.\d+)?>$`), " <SPENT>"},
	// Where calls are made; that of the first execve is the tracer's own.
	{regexp.MustCompile(`\[[0-9a-f]{16}\]`), "[IP]"},
	{regexp.MustCompile(`(getppid\(\)) += \w+`), "$1"},
	{regexp.MustCompile(`(rt_sigreturn\().*`), "$1"},
	{regexp.MustCompile(`0x[0-9a-f]{6,}`), "ADDRESS"},
	{regexp.MustCompile(markVariable + `=[0-9.]+`), "MARK"},
	{regexp.MustCompile(`:\[\d{4,}(->\d{4,})?`), ":[INODE"},
	{regexp.MustCompile(`/\* \d+ vars \*/`), "/* N vars */"},
	{regexp.MustCompile(`"_=[^"]*"(\.\.\.)?`), `"_"`},
	{regexp.MustCompile(`\) += `), ") = "},
}

var tracedID = regexp.MustCompile(`^(\d+)(?:<[^>]*>)? +(.*)$`)

// shown returns the lines of several traces without what changes. The ids of their
// processes, also as they are in registers, are masked in each: any number may be one.
func shown(t *testing.T, files ...string) [][]string {
	t.Helper()
	traces := make([][]string, len(files))
	var ids []string
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		traces[i] = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if m := tracedID.FindStringSubmatch(traces[i][0]); m != nil {
			n, _ := strconv.Atoi(m[1])
			ids = append(ids, fmt.Sprint(n), fmt.Sprintf("%#x", n))
		}
	}
	id := regexp.MustCompile(`\b(` + strings.Join(ids, "|") + `)\b`)
	for _, lines := range traces {
		for i, line := range lines {
			if m := tracedID.FindStringSubmatch(line); m != nil {
				line = m[2]
			}
			if len(ids) > 0 && !strings.HasPrefix(line, " | ") {
				line = id.ReplaceAllString(line, "ID")
			}
			for _, c := range flagsChange {
				line = c.pattern.ReplaceAllString(line, c.instead)
			}
			lines[i] = line
		}
	}
	return traces
}

func TestFlagsAsStrace(t *testing.T) { flagsAsStrace(t, dynamic64, flagSets) }

// What is done differently for i386: calls that stand for others, frames of signals.
func TestFlagsAsStrace32(t *testing.T) {
	flagsAsStrace(t, dynamic32, []string{
		"", "-X verbose", "-yy", "-n -i", "-e raw=all", "-e verbose=none", "-e read=all -e write=all", "-e trace=all@32", "-e trace=all@64",
		"-e inject=read:poke_exit=@arg2=4142:when=3", "-e inject=write:retval=5 -e write=all", "-P /etc/passwd",
	})
}

func flagsAsStrace(t *testing.T, v variant, sets []string) {
	strace := lookTool(t, "strace")
	setarch := lookTool(t, "setarch")
	prog := v.program(t, "flags")
	dir := t.TempDir()
	for _, set := range sets {
		t.Run(set, func(t *testing.T) {
			flags := strings.Fields(set)
			theirs := filepath.Join(dir, "strace")
			run := func(tracer ...string) outcome {
				argv := append([]string{setarch, "-R"}, tracer...)
				return program{LeavesProcesses: true}.run(t, set, "", append(argv, prog.Path))
			}
			want := run(append([]string{strace, "-f", "-o", theirs}, flags...)...)
			onEachRoute(t, func(t *testing.T, r route) {
				ours := filepath.Join(dir, "ours")
				got := run(r.tracer(t, ours, flags...)...)
				if failed := want.Status.ExitStatus() == 1 && want.Stderr != ""; failed {
					if got.Status.ExitStatus() != 125 || strings.Count(got.Stderr, "\n") > 2 {
						t.Errorf("strace refuses: %s; here: %s %s", want.Stderr, describe(got.Status), got.Stderr)
					}
					return
				}
				traces := shown(t, theirs, ours)
				if d := cmp.Diff(traces[0], traces[1]); d != "" {
					t.Errorf("strace (-) and k42trace (+):\n%s", d)
				}
				if d := cmp.Diff(visible{describe(want.Status), want.Stdout, ""}, visible{describe(got.Status), got.Stdout, ""}); d != "" {
					t.Errorf("the program under strace (-) and k42trace (+):\n%s", d)
				}
			})
		})
	}
}

// The name of a process follows its execs, whether these are shown or not.
func TestNamesFollowExecs(t *testing.T) {
	out, err := exec.Command(tracerPath(t), "--decode-pids=comm", "-e", "trace=wait4", "--", "/bin/sh", "-c", "/bin/true; exit").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "<true>] +++ exited with 0 +++\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
