package integration

import (
	"os/exec"
	"testing"
)

// lookTool returns a tool's path, and skips the test on a machine without it.
func lookTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine: %v", name, err)
	}
	return path
}
