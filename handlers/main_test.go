package handlers_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	unix.Umask(0o022) // modes of files are compared
	os.Exit(m.Run())
}
