package integration

import "testing"

// Row 37: a program linked in every way.
func TestEveryWayOfLinking(t *testing.T) {
	for _, v := range []variant{
		dynamic64, static64, {name: "static-pie", flags: []string{"-static-pie"}}, {name: "no-pie", flags: []string{"-no-pie"}},
		{name: "stripped", flags: []string{"-s"}}, {name: "lazy", flags: []string{"-Wl,-z,lazy"}}, {name: "now", flags: []string{"-Wl,-z,now"}},
		{name: "32 bits", flags: []string{"-m32"}}, {name: "32 bits static", flags: []string{"-m32", "-static"}}, {name: "32 bits no-pie", flags: []string{"-m32", "-no-pie"}},
		{name: "musl dynamic", flags: []string{"musl-gcc"}}, musl, {name: "musl no-pie", flags: []string{"musl-gcc", "-no-pie", "-static"}},
		warm64, warmStatic, warmMusl, warmThreads, warmMuslThreads,
		variant{name: "static-pie", flags: []string{"-static-pie"}}.warmed(),
		variant{name: "no-pie", flags: []string{"-no-pie"}}.warmed(),
		variant{name: "stripped", flags: []string{"-s", "-static"}}.warmed(),
		variant{name: "musl dynamic", flags: []string{"musl-gcc"}}.warmed(),
	} {
		t.Run(v.name, func(t *testing.T) {
			p := v.program(t, "hello", "argument")
			p.Env = []string{"HARD=case"}
			p.compare(t).mustExit(t, 42)
		})
	}
}

// Row 37: code written and rewritten while it runs.
func TestSelfModifyingCode(t *testing.T) {
	for _, v := range []variant{dynamic64, warm64, warmThreads} {
		compareCases(t, v, "selfmodify", "rewrite", "twins", "flips")
	}
}
