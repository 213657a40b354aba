package integration

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is different in each run of descriptors.c: inodes, ports, ids, addresses.
var changingDescriptors = regexp.MustCompile(`0x[0-9a-f]{5,}|\d{4,}|^\d+ +`)

// -y, -yy and what lies between show what strace shows, line by line, by each route.
func TestDescriptorsAsStrace(t *testing.T) {
	version, err := exec.Command("strace", "-V").Output()
	if err != nil || !strings.Contains(string(version), "version 6.1") {
		t.Skip("no strace 6.1")
	}
	path := compileC(t, "descriptors")
	lines := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			line = autobound.ReplaceAllString(line, `@"name"`)
			line = strings.Join(strings.Fields(changingDescriptors.ReplaceAllString(line, "N")), " ")
			all = append(all, line)
			if strings.Contains(line, `"/dev/null"`) {
				all = nil // what comes before is the dynamic linker's
			}
		}
		return all
	}
	for _, flag := range []string{"-y", "-yy", "--decode-fds=socket", "--decode-fds=dev,pidfd", "--decode-fds=!socket,eventfd,signalfd"} {
		t.Run(flag, func(t *testing.T) {
			// That strace does not know those two.
			theirs := strings.TrimSuffix(flag, ",eventfd,signalfd")
			compareWithStrace(t, path, []string{theirs}, []string{flag}, 80, lines)
		})
	}
}

// autobound are names that the kernel gives UNIX sockets (unix(7)).
var autobound = regexp.MustCompile(`@"[0-9a-f]{5}"`)

// compareWithStrace compares what strace and each route show of a program, with their
// flags, in a directory of its own. lines makes comparable lines of a trace, of which
// there must be some.
func compareWithStrace(t *testing.T, path string, theirs, ours []string, least int, lines func(string) []string) {
	t.Helper()
	dir, file := t.TempDir(), t.TempDir()+"/strace"
	cmd := exec.Command("strace", append(append([]string{"-f", "-o", file}, theirs...), path)...)
	cmd.Dir = dir
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace: %v\n%s", err, b)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := lines(string(text))
	if len(want) < least {
		t.Fatalf("strace shows %d lines only", len(want))
	}
	onEachRoute(t, func(t *testing.T, r route) {
		_, trace := program{Path: path, TracerFlags: ours, Dir: dir}.trace(t, r)
		if diff := cmp.Diff(want, lines(strings.Join(trace, "\n"))); diff != "" {
			t.Errorf("strace (-) and k42trace (+) differ:\n%s", diff)
		}
	})
}

// What no strace 6.1 shows: counters of eventfds, signals of signalfds.
func TestStatesOfDescriptors(t *testing.T) {
	path := compileC(t, "descriptors")
	onEachRoute(t, func(t *testing.T, r route) {
		p := program{Path: path, TracerFlags: []string{"--decode-fds=eventfd,signalfd"}, Dir: t.TempDir()}
		_, trace := p.trace(t, r)
		for _, pattern := range []string{
			`\(\d+<\{eventfd-count=0x3(, eventfd-id=\d+(, eventfd-semaphore=0)?)?\}>`, `\(\d+<signalfd:\[[A-Z0-9 ]+\]>`,
		} {
			if !regexp.MustCompile(pattern).MatchString(strings.Join(trace, "\n")) {
				t.Errorf("there is no %s", pattern)
			}
		}
		if s := strings.Join(trace, "\n"); strings.Contains(s, "(3<") || strings.Contains(s, "<socket:") {
			t.Errorf("more than was asked for:\n%s", s)
		}
	})
}
