package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// An outcome is what is known of one run of a command.
type outcome struct {
	wall    time.Duration // from before its start to its end
	own     time.Duration // what it measured itself, see roles
	watched float64       // what was seen of it from outside
}

// A figure is something that is measured of a command.
type figure struct {
	own   bool   // the command measures itself
	needs string // a program that it takes
	// watch returns NaN if it could not.
	watch  func(pid int, ended <-chan struct{}) float64
	value  func(o outcome, count int) float64
	format func(float64) string
}

// wallTime is the time from a command's start to its end, in seconds.
var wallTime = figure{
	value:  func(o outcome, _ int) float64 { return o.wall.Seconds() },
	format: formatSeconds,
}

// perCall is the time of one of the operations of which the command makes count
// and measures the time, in seconds.
var perCall = figure{
	own:    true,
	value:  func(o outcome, count int) float64 { return o.own.Seconds() / float64(count) },
	format: formatSeconds,
}

// idleCPU is the processor time that the command uses in idleSpan while its
// child sleeps, in seconds.
var idleCPU = figure{
	watch: func(pid int, ended <-chan struct{}) float64 {
		time.Sleep(idleBegin)
		ticks, before := cpuTicks(pid), cpuTime(pid)
		time.Sleep(idleSpan)
		// Ticks, which the kernel may count or sample, are what top(1) shows;
		// the scheduler's sums are exact.
		used := (cpuTime(pid) - before).Seconds()
		return max(used, float64(cpuTicks(pid)-ticks)/userHZ)
	},
	value:  func(o outcome, _ int) float64 { return o.watched },
	format: formatSeconds,
}

// The child of idleCPU sleeps longer than both together, see rows.
const (
	idleBegin = 500 * time.Millisecond
	idleSpan  = 2 * time.Second
)

// cpuTicks returns utime + stime of a process in clock ticks: fields 14 and 15 of
// /proc/PID/stat (proc(5)).
func cpuTicks(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	var sum int64
	for _, f := range []int{14, 15} {
		n, _ := strconv.ParseInt(string(fields[f-3]), 10, 64)
		sum += n
	}
	return sum
}

// cpuTime returns the time that the threads of a process have run: the first
// field of each one's /proc/PID/task/TID/schedstat.
func cpuTime(pid int) time.Duration {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum int64
	for _, name := range tasks {
		b, _ := os.ReadFile(name)
		field, _, _ := bytes.Cut(b, []byte{' '})
		n, _ := strconv.ParseInt(string(field), 10, 64)
		sum += n
	}
	return time.Duration(sum)
}

// peakMemory is the most physical memory that the command has had: VmHWM of
// /proc/PID/status (proc(5)), in bytes.
var peakMemory = figure{
	watch: func(pid int, ended <-chan struct{}) (peak float64) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, memoryPeak(pid))
			select {
			case <-ended:
				return peak
			case <-tick.C:
			}
		}
	},
	value:  func(o outcome, _ int) float64 { return o.watched },
	format: formatBytes,
}

// memoryPeak returns VmHWM in bytes, 0 if the process is gone.
func memoryPeak(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(string(fields[0]), 64)
	return kib * 1024
}

// formatSeconds renders a time with three digits that count.
func formatSeconds(s float64) string {
	switch {
	case s < 1e-6:
		return fmt.Sprintf("%.3g ns", s*1e9)
	case s < 1e-3:
		return fmt.Sprintf("%.3g us", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

func formatBytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
