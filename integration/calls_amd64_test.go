package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCallsAsStrace compares with strace 6.1 what is shown of every call, with random
// arguments: testdata/decode/calls.c makes them without that the kernel ever sees
// one. docs/STRACE-DIFFERENCES.md says what is different, and why; that is a few lines
// in a hundred, and never more than before.
func TestCallsAsStrace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	strace, setarch := lookTool(t, "strace"), lookTool(t, "setarch")
	version, err := exec.Command(strace, "-V").Output()
	if err != nil || !bytes.Contains(version, []byte("version 6.1")) {
		t.Skip("the strace of this machine is not 6.1")
	}
	knownNames, err := os.ReadFile(strace)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "calls")
	if out, err := exec.Command("gcc", "-O1", "-w", "-static", "-no-pie", "-o", program, "testdata/decode/calls.c").CombinedOutput(); err != nil {
		t.Skipf("cannot build calls.c: %v\n%s", err, out)
	}
	for _, test := range []struct {
		abi      string
		from, to int
		percent  float64 // of the lines that may be different
	}{
		{"64", 0, 334, 1.2}, // then uretprobe and uprobe
		{"64", 424, 450, 1.5},
		{"32", 0, 440, 1.5},
	} {
		name := test.abi + "-" + strconv.Itoa(test.from)
		t.Run(name, func(t *testing.T) {
			run := func(tracer string, args ...string) []string {
				file := filepath.Join(dir, name+filepath.Base(tracer))
				args = append(args, "-o", file, "--", setarch, "-R", program, test.abi, "1", strconv.Itoa(test.from), strconv.Itoa(test.to), "10")
				if out, err := exec.Command(tracer, args...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%.500s", tracer, err, out)
				}
				return callsOf(t, file)
			}
			want, got := run(strace), run(tracerPath(t), "-f", "--route=trap")
			if len(got) != len(want) || len(got) < 10*(test.to-test.from) {
				t.Fatalf("%d calls, strace shows %d", len(got), len(want))
			}
			different := 0
			for i := range want {
				if want[i] == got[i] || strings.HasPrefix(want[i], "syscall_0x") || newerNames(got[i], knownNames) {
					continue
				}
				different++
				if testing.Verbose() {
					t.Logf("\n%.400s\n%.400s", want[i], got[i])
				}
			}
			percent := 100 * float64(different) / float64(len(want))
			t.Logf("%d of %d calls are shown differently: %.2f %%", different, len(want), percent)
			if percent > test.percent {
				t.Errorf("%.2f %% of the lines are not as strace's, at most %.1f expected (-v shows them)", percent, test.percent)
			}
		})
	}
}

var (
	idInFront   = regexp.MustCompile(`^(\d+) +`)
	resumedCall = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
	spaceBefore = regexp.MustCompile(` += `)
	constant    = regexp.MustCompile(`[A-Z_][A-Z0-9_]{3,}`)
)

// callsOf returns the first thread's lines of a trace after it has made the other one,
// without ids, columns and interruptions.
func callsOf(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	first, unfinished, begun := "", "", false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if m := idInFront.FindStringSubmatch(line); m != nil {
			if first == "" {
				first = m[1]
			}
			if m[1] != first {
				continue
			}
			line = line[len(m[0]):]
		}
		if head, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			unfinished = head
			continue
		}
		if m := resumedCall.FindString(line); m != "" {
			line, unfinished = unfinished+line[len(m):], ""
		}
		if begun && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "exit_group(0)") {
			lines = append(lines, spaceBefore.ReplaceAllString(line, " = "))
		}
		// The last thing that pthread_create does.
		begun = begun || strings.HasPrefix(line, "rt_sigprocmask(SIG_SETMASK, [], NULL, 8)")
	}
	return lines
}

// newerNames reports whether a line has a name that strace does not know.
func newerNames(line string, strace []byte) bool {
	for _, name := range constant.FindAllString(line, -1) {
		if !bytes.Contains(strace, append([]byte(name), 0)) {
			return true
		}
	}
	return false
}
