package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Programs built with testdata/hardcases/warm.h make, before their main, the calls
// that it takes for the places from which they make them to be rewritten, and tell
// in a file whether they were.

const (
	warmHeader   = "testdata/hardcases/warm.h"
	warmVariable = "K42TRACE_WARM"
)

// A warmFile is that file, with a path of the same length each time: it is in the
// program's initial stack.
type warmFile string

func warmReport() warmFile {
	return warmFile(filepath.Join(workDir, fmt.Sprintf("warm.%08d", runs.Add(1))))
}

// check tests what the run by the route, the empty one natively, has told.
func (f warmFile) check(t testing.TB, r route) {
	t.Helper()
	defer os.Remove(string(f))
	text, err := os.ReadFile(string(f))
	if err != nil {
		t.Errorf("built with warm.h, but it tells nothing: %v", err)
		return
	}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var region, rewritten int
		if _, err := fmt.Sscanf(line, "region %d, rewritten %d", &region, &rewritten); err != nil {
			t.Errorf("%q: %v", line, err)
			return
		}
		const few = 20 // of about a hundred places
		if r == direct && (region != 1 || rewritten < few) {
			t.Errorf("process %d by the direct route: %s, want %d places or more", n, line, few)
		}
		if r != direct && (region != 0 || rewritten != 0) {
			t.Errorf("process %d, not by the direct route: %s", n, line)
		}
	}
}
