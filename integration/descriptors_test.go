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

// -y and -yy show what strace shows, line by line, by each route.
func TestDescriptorsAsStrace(t *testing.T) {
	version, err := exec.Command("strace", "-V").Output()
	if err != nil || !strings.Contains(string(version), "version 6.1") {
		t.Skip("no strace 6.1")
	}
	path := compileC(t, "descriptors")
	lines := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			line = strings.Join(strings.Fields(changingDescriptors.ReplaceAllString(line, "N")), " ")
			all = append(all, line)
			if strings.Contains(line, `"/dev/null"`) {
				all = nil // what comes before is the dynamic linker's
			}
		}
		return all
	}
	for _, flag := range []string{"-y", "-yy"} {
		t.Run(flag, func(t *testing.T) {
			dir, file := t.TempDir(), t.TempDir()+"/strace"
			cmd := exec.Command("strace", "-f", flag, "-o", file, path)
			cmd.Dir = dir
			if b, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("strace: %v\n%s", err, b)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := lines(string(text))
			if len(want) < 80 {
				t.Fatalf("strace shows %d lines only", len(want))
			}
			onEachRoute(t, func(t *testing.T, r route) {
				_, trace := program{Path: path, TracerFlags: []string{flag}, Dir: dir}.trace(t, r)
				if diff := cmp.Diff(want, lines(strings.Join(trace, "\n"))); diff != "" {
					t.Errorf("strace (-) and k42trace (+) differ:\n%s", diff)
				}
			})
		})
	}
}
