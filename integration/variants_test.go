package integration

import (
	"strings"
	"testing"
)

// variant is one way to build a test program.
type variant struct {
	name  string
	flags []string
	// warm: with warm.h. It is for the direct route alone, by which the program
	// then makes its calls from its first line on.
	warm   bool
	routes []route // by which it is traced; nil: by each
}

var (
	dynamic64 = variant{name: "64 bits"}
	static64  = variant{name: "static", flags: []string{"-static"}}
	// (Whose calls take the trap route in any case.)
	dynamic32 = variant{name: "32 bits", flags: []string{"-m32"}}.by(trap)
	musl      = variant{name: "musl", flags: []string{"musl-gcc", "-static"}}
	cpp       = variant{name: "C++", flags: []string{"g++"}}

	warm64     = dynamic64.warmed()
	warmStatic = static64.warmed()
	warmMusl   = musl.warmed()
	// warmThreads has the instructions for programs with threads rewritten too.
	warmThreads     = dynamic64.warmed("-DWARM_THREADED")
	warmMuslThreads = musl.warmed("-DWARM_THREADED")
)

func (v variant) warmed(flags ...string) variant {
	v.name = strings.Join(append([]string{v.name, "warm"}, flags...), " ")
	v.flags = append(append([]string{"-include", warmHeader}, flags...), v.flags...)
	v.warm = true
	return v.by(direct)
}

// by leaves out all routes but one.
func (v variant) by(r route) variant {
	v.routes = []route{r}
	return v
}

// program is the program named so, built this way.
func (v variant) program(t testing.TB, name string, args ...string) program {
	t.Helper()
	return program{Path: compileC(t, name, v.flags...), Args: args, Warm: v.warm, Routes: v.routes}
}

// compareBuilds compares native with traced for each build of a program, whose
// native run has to exit with code.
func compareBuilds(t *testing.T, code int, builds []variant, name string, args ...string) {
	t.Helper()
	for _, v := range builds {
		title := v.name
		if len(args) > 0 {
			title = strings.Join(args, " ") + ", " + title
		}
		t.Run(title, func(t *testing.T) {
			v.program(t, name, args...).compare(t).mustExit(t, code)
		})
	}
}
