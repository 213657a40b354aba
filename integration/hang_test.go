package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// markVariable names the environment variable that marks a run's processes.
const markVariable = "K42TRACE_TEST_RUN"

// processSet is a set of live processes, by pid, in the order of /proc.
type processSet []int

// processesOf finds the processes of one run: those with its mark in their
// environment, and root with all descendants and members of its process group
// (root 0: the mark alone). Zombies have no environment any more and are found
// only as descendants.
func processesOf(mark string, root int) processSet {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	type kin struct{ parent, group int }
	family := map[int]kin{}
	members := map[int]bool{}
	var all []int
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		stat := statFields(pid)
		if len(stat) < 3 {
			continue
		}
		parent, _ := strconv.Atoi(stat[1])
		group, _ := strconv.Atoi(stat[2])
		family[pid] = kin{parent, group}
		all = append(all, pid)
		environ, _ := os.ReadFile(dir + "/environ")
		for _, v := range bytes.Split(environ, []byte{0}) {
			if string(v) == mark {
				members[pid] = true
			}
		}
	}
	if root > 0 {
		for grown := true; grown; {
			grown = false
			for pid, k := range family {
				if !members[pid] && (pid == root || k.group == root || members[k.parent]) {
					members[pid], grown = true, true
				}
			}
		}
	}
	var set processSet
	for _, pid := range all {
		if members[pid] {
			set = append(set, pid)
		}
	}
	return set
}

// statFields returns /proc/pid/stat from the state on (state, ppid, pgrp, ...):
// the command before it may contain anything.
func statFields(pid int) []string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// report prints what /proc knows about every thread of every process.
func (s processSet) report() string {
	var b strings.Builder
	for _, pid := range s {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		fmt.Fprintf(&b, "process %d: %s\n", pid, bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '}))
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
		const most = 40
		for i, task := range tasks {
			if i == most {
				fmt.Fprintf(&b, "  ... and %d threads more\n", len(tasks)-most)
				break
			}
			reportTask(&b, task)
		}
	}
	return b.String()
}

func reportTask(b *strings.Builder, task string) {
	fmt.Fprintf(b, "  thread %s:", filepath.Base(task))
	status, _ := os.ReadFile(task + "/status")
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "Name", "State", "Tgid", "PPid", "TracerPid", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt":
			fmt.Fprintf(b, " %s=%s", name, strings.TrimSpace(value))
		}
	}
	for _, file := range []string{"syscall", "wchan"} {
		text, _ := os.ReadFile(task + "/" + file)
		fmt.Fprintf(b, " %s=%s", file, strings.TrimSpace(string(text)))
	}
	if stack, _ := os.ReadFile(task + "/stack"); len(stack) > 0 {
		fmt.Fprintf(b, "\n    %s", strings.ReplaceAll(strings.TrimSpace(string(stack)), "\n", "\n    "))
	}
	b.WriteByte('\n')
}

func (s processSet) kill() {
	for _, pid := range s {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// stillThere waits, within limit, for the set's processes to go, and returns
// those that carry the mark even then.
func (s processSet) stillThere(mark string, limit time.Duration) processSet {
	for end := time.Now().Add(limit); ; {
		left := processesOf(mark, 0)
		if len(left) == 0 || time.Now().After(end) {
			return left
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// awaitDeath waits, within limit, until pid is a zombie or gone.
func awaitDeath(pid int, limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		stat := statFields(pid)
		if len(stat) == 0 || stat[0] == "Z" || stat[0] == "X" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
