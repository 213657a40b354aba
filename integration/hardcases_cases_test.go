package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Statuses that the programs which take a case's name (testdata/hardcases/
// cases.h) keep for themselves.
const (
	cannotRunHere = 77 // the machine lacks what the case is about
	unknownCase   = 96
	cannotGoOn    = 98 // a call that natively succeeds has failed
)

// compareCases compares native with traced for each case of a program that
// takes the case's name as its argument. The native run has to exit with 0.
func compareCases(t *testing.T, v variant, name string, cases ...string) {
	t.Helper()
	for _, c := range cases {
		t.Run(v.name+"/"+c, func(t *testing.T) {
			caseOf(t, v, name, c).compareInDir(t).mustExit(t, 0)
		})
	}
}

func caseOf(t *testing.T, v variant, name, c string) program {
	t.Helper()
	return v.program(t, name, c)
}

// compareInDir is compare in an empty directory, the same one, empty again, for
// each run: for programs that make files. What is left in it afterwards (names
// and sizes of regular files) is compared too. It skips the test when the native
// run says that it cannot be done here.
func (p program) compareInDir(t *testing.T) outcome {
	t.Helper()
	p.Dir = t.TempDir()
	native := p.nativeCase(t)
	nativeFiles := filesIn(t, p.Dir)
	onRoutes(t, p.Routes, func(t *testing.T, r route) {
		empty(t, p.Dir)
		if diff := p.diff(native, p.traced(t, r)); diff != "" {
			t.Errorf("%s %s: native (-) and traced (+) differ:\n%s",
				filepath.Base(p.Path), strings.Join(p.Args, " "), diff)
		}
		if diff := cmp.Diff(nativeFiles, filesIn(t, p.Dir)); diff != "" {
			t.Errorf("files left natively (-) and traced (+) differ:\n%s", diff)
		}
	})
	return native
}

// nativeCase runs natively a program that may find that it cannot run here.
func (p program) nativeCase(t testing.TB) outcome {
	t.Helper()
	o := p.native(t)
	if o.Status.Exited() {
		switch o.Status.ExitStatus() {
		case cannotRunHere:
			t.Skip("natively:", strings.TrimSpace(o.Stdout))
		case unknownCase, cannotGoOn:
			o.mustExit(t, 0)
		}
	}
	return o
}

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Type().String()+" "+e.Name())
	}
	slices.Sort(names)
	return names
}

func empty(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
