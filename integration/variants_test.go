package integration

import (
	"strings"
	"testing"
)

// variant is one way to build a test program.
type variant struct {
	name  string
	flags []string
}

var (
	dynamic64 = variant{"64 bits", nil}
	static64  = variant{"static", []string{"-static"}}
	dynamic32 = variant{"32 bits", []string{"-m32"}}
	musl      = variant{"musl", []string{"musl-gcc", "-static"}}
)

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
			compareTraced(t, compileC(t, name, v.flags...), args...).mustExit(t, code)
		})
	}
}
