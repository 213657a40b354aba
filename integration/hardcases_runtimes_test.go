package integration

import "testing"

// Row 37: a program linked in every way.
func TestEveryWayOfLinking(t *testing.T) {
	for _, v := range []variant{
		dynamic64, static64, {"static-pie", []string{"-static-pie"}}, {"no-pie", []string{"-no-pie"}},
		{"stripped", []string{"-s"}}, {"lazy", []string{"-Wl,-z,lazy"}}, {"now", []string{"-Wl,-z,now"}},
		dynamic32, {"32 bits static", []string{"-m32", "-static"}}, {"32 bits no-pie", []string{"-m32", "-no-pie"}},
		{"musl dynamic", []string{"musl-gcc"}}, musl, {"musl no-pie", []string{"musl-gcc", "-no-pie", "-static"}},
	} {
		t.Run(v.name, func(t *testing.T) {
			p := program{Path: compileC(t, "hello", v.flags...), Args: []string{"argument"}, Env: []string{"HARD=case"}}
			p.compare(t).mustExit(t, 42)
		})
	}
}

// Row 37: code written and rewritten while it runs.
func TestSelfModifyingCode(t *testing.T) {
	compareCases(t, dynamic64, "selfmodify", "rewrite", "twins", "flips", "text")
	compareCases(t, static64, "selfmodify", "text")
}
