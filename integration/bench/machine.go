package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// describeMachine tells on what the figures are taken.
func describeMachine() string {
	kernel := "unknown"
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		kernel = unix.ByteSliceToString(uts.Release[:])
	}
	text := fmt.Sprintf("%s: %d x %s (%s), Linux %s, %s\n%s\n",
		time.Now().Format(time.DateOnly), runtime.NumCPU(), cpuModel(), runtime.GOARCH, kernel, runtime.Version(),
		describeLoad("at the beginning"))
	if !maySetPolicy() {
		text += "No CAP_SYS_NICE: k42trace cannot follow its child.\n"
	}
	return text
}

// cpuModel returns the processor's name: "model name" of /proc/cpuinfo, where
// the architecture has it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// describeLoad tells how busy the machine is and, at the beginning, whether that
// is too much.
func describeLoad(when string) string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "Load " + when + ": unknown."
	}
	var load float64
	fmt.Sscan(string(b), &load)
	text := fmt.Sprintf("Load average %s: %.2f.", when, load)
	const quiet = 0.5
	if load > quiet && when == "at the beginning" {
		text += " WARNING: something else is running; do not trust a figure with a wide range."
	}
	return text
}
