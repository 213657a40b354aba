package main

import (
	"os"
	"testing"
)

// The test binary plays the roles as well: see tools.self.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			exit(role(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}
