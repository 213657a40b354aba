package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A usage is what this process has at a moment.
type usage struct {
	heap, resident                                       int // bytes
	goroutines, threads, descriptors, mappings, children int
	program                                              int // mappings of the program's first process
}

func (u usage) String() string {
	return fmt.Sprintf("heap %d KiB, resident %d KiB, %d goroutines, %d threads, %d descriptors, %d mappings (and %d in the program), %d children",
		u.heap>>10, u.resident>>10, u.goroutines, u.threads, u.descriptors, u.mappings, u.program, u.children)
}

// now measures, after a garbage collection.
func now() (u usage, err error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap, u.goroutines = int(m.HeapAlloc), runtime.NumGoroutine()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				return u, err
			}
			u.resident = kib << 10
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return u, err
	}
	u.threads = len(tasks)
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return u, err
	}
	u.descriptors = len(descriptors) - 1 // that by which we look
	if u.mappings, err = mappings(os.Getpid()); err != nil {
		return u, err
	}
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return u, err
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may have ended
		u.children += len(strings.Fields(string(text)))
	}
	return u, nil
}

// mappings counts those of a process.
func mappings(pid int) (int, error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	return bytes.Count(maps, []byte("\n")), err
}

// settled measures what is there when nothing runs: as soon as it is no more than
// before, or, if that never comes, after some time.
func settled(before usage) (u usage, err error) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if u, err = now(); err != nil || u.complaint(before) == nil || time.Now().After(end) {
			return u, err
		}
	}
}

// complaint says what there is more of than before. (Go keeps threads and memory: what it
// keeps is judged while the run goes on.)
func (u usage) complaint(before usage) error {
	var errs []error
	more := func(what string, now, before int) {
		if now > before {
			errs = append(errs, fmt.Errorf("%d %s are left", now-before, what))
		}
	}
	more("goroutines", u.goroutines, before.goroutines)
	more("descriptors", u.descriptors, before.descriptors)
	more("children", u.children, before.children)
	return errors.Join(errs...)
}

// most returns the largest of each.
func most(list []usage) (m usage) {
	for _, u := range list {
		m.heap, m.resident = max(m.heap, u.heap), max(m.resident, u.resident)
		m.goroutines, m.threads = max(m.goroutines, u.goroutines), max(m.threads, u.threads)
		m.descriptors, m.mappings, m.children = max(m.descriptors, u.descriptors), max(m.mappings, u.mappings), max(m.children, u.children)
		m.program = max(m.program, u.program)
	}
	return m
}
