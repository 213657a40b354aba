package main

import (
	"os"
	"testing"
	"time"
)

// A figure that is always nothing would meet its target.
func TestProcFigures(t *testing.T) {
	pid := os.Getpid()
	before := cpuTime(pid)
	for begin := time.Now(); cpuTicks(pid) == 0 && time.Since(begin) < 10*time.Second; {
	}
	if after := cpuTime(pid); after <= before {
		t.Errorf("the CPU time of a busy process went from %v to %v", before, after)
	}
	if cpuTicks(pid) == 0 {
		t.Error("a busy process has used no tick")
	}
	if peak := memoryPeak(pid); peak < 1<<20 {
		t.Errorf("a Go program has never had more than %v bytes", peak)
	}
	if busyTicks() == 0 {
		t.Error("the machine has never been busy")
	}
}

func TestFormatSeconds(t *testing.T) {
	for s, want := range map[float64]string{0: "0 ns", 1.184e-7: "118 ns", 8.59e-6: "8.59 us", 0.0656: "65.6 ms", 1.5: "1.5 s"} {
		if got := formatSeconds(s); got != want {
			t.Errorf("%v s is %q, want %q", s, got, want)
		}
	}
}
