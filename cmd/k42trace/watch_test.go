package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const oftenStopped = 10000

var spun int

// stopsOften is a program that stops itself by SIGTTIN, each time while another SIGTTIN is on
// its way to it, as a terminal sends one to us when it sends one to the program.
func stopsOften() {
	infos, err := openSiginfoPipe()
	if err == nil {
		err = catch(unix.SIGTTIN)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go (&signals{arrivals: make(chan arrival, oftenStopped)}).receive(infos)
	var done atomic.Bool
	runtime.LockOSThread() // where we are is the first thread, which the kernel wakes for a process's signals
	go func() {
		for i := range oftenStopped {
			_ = unix.Kill(unix.Getpid(), unix.SIGTTIN)
			for range i % 1000 { // its way takes up to some microseconds
				spun++
			}
			stopBy(unix.SIGTTIN)
		}
		done.Store(true)
	}()
	for !done.Load() { // busy, and so at once there
	}
}

// A stop of the program is one stop of ours, though the terminal's own signal may not have
// reached our handler yet. A second one came after a shell's fg, and nobody ended it.
func TestStopsOnce(t *testing.T) {
	cmd := exec.Command("stops-often")
	cmd.Stdout = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // our session has another group: not orphaned
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, stopped := cmd.Process.Pid, 0
	for {
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil); err != nil {
			t.Fatal(err)
		}
		if !status.Stopped() {
			if !status.Exited() || status.ExitStatus() != 0 {
				t.Errorf("wait status %#x", uint32(status))
			}
			break
		}
		if status.StopSignal() != unix.SIGTTIN {
			t.Errorf("stopped by %v", status.StopSignal())
		}
		stopped++
		if err := unix.Kill(pid, unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	if stopped != oftenStopped {
		t.Errorf("%d stops, want %d", stopped, oftenStopped)
	}
}
