package main

import (
	"os/exec"
	"testing"

	"github.com/k42trace/k42trace/supervisor"
)

// Some thousands only: the command makes as many as one has time for.
func TestEndure(t *testing.T) {
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip(err)
	}
	rounds, threads, forks, execs := 10, 4000, 400, 200
	if testing.Short() {
		rounds, threads, forks, execs = 3, 1200, 60, 30
	}
	if err := endure(rounds, threads, forks, execs); err != nil {
		t.Error(err)
	}
}
