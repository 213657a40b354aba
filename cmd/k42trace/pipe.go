package main

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// isPipe reports whether -o names a command that the trace is piped to.
func isPipe(name string) bool { return name != "" && (name[0] == '|' || name[0] == '!') }

// A pipe is the command that reads the trace.
type pipe struct{ cmd *exec.Cmd }

// openPipe starts the command with sh(1), as popen(3) does, and returns where to write
// to. The command writes to where k42trace itself would.
func openPipe(name string) (*os.File, *pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", name[1:])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, nil, err
	}
	// Not the non-blocking pipe that the runtime polls: each line is written at once.
	fd, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	w.Close()
	if err != nil {
		_ = cmd.Wait()
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), name), &pipe{cmd}, nil
}

// wait waits until the command has read all, and says if it has failed. What it is
// piped to must have been closed.
func (p *pipe) wait(name string) {
	if err := p.cmd.Wait(); err != nil {
		fmt.Fprintf(os.Stderr, "k42trace: -o %q: %v\n", name, err)
	}
}
