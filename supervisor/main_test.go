package supervisor_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// programs are what the test binary does instead of testing when it is run as a
// traced child.
var programs = map[string]func(){}

const programVar = "K42TRACE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if name := os.Getenv(programVar); name != "" {
		p := programs[name]
		if p == nil {
			fmt.Fprintf(os.Stderr, "no program %q\n", name)
			os.Exit(99)
		}
		p()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
