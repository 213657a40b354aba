package integration

import "testing"

// Row 27: bad pointers, strings at the edge of a mapping, vectors that lie.
func TestBadPointers(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64} {
		compareCases(t, v, "badpointers", "each", "strings", "vectors")
	}
}

// Row 27: the same while the trace is really written.
func TestBadPointersAreTraced(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		for _, c := range []string{"each", "strings", "vectors"} {
			p := caseOf(t, dynamic64, "badpointers", c)
			native := p.nativeCase(t)
			p.TracerFlags = []string{"-s", "1000000"}
			traced, lines := p.trace(t, r)
			if native != traced {
				t.Errorf("%s: native and traced differ with -s 1000000", c)
			}
			if len(lines) < 100 {
				t.Errorf("%s: %d lines", c, len(lines))
			}
		}
	})
}

// Rows 2 and 27: every number with hopeless arguments.
func TestEveryCallWithHopelessArguments(t *testing.T) {
	p := program{Path: compileC(t, "sweep")}
	native, again := p.compareInDir(t), p.native(t)
	native.mustExit(t, 0)
	if native != again {
		t.Error("two native runs differ: a call has to be left out")
	}
}

// Row 28: exec that fails, scripts, programs given as descriptors.
func TestExecForms(t *testing.T) {
	cases := []string{"fails", "toobig", "scripts", "descriptors", "siblings", "killed_by_exec"}
	compareCases(t, dynamic64, "execfails", cases...)
	compareCases(t, warm64, "execfails", cases...)
	compareCases(t, dynamic32, "execfails", "fails", "scripts", "descriptors", "siblings")
}
