package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// -D: the program is run in this process, and the tracer is another one, which attaches
// to this before. So the program has the parent, and the id, that it would have without
// us. The tracer must not be a child that the program would wait for: it is started by a
// process that ends at once.

// daemon is how far the tracer goes out of the way: 0, not at all; 1 (-D), 2 (-DD: a
// process group of its own), 3 (-DDD: a session).
type daemon int

// add is -D, which may be given three times.
func (d *daemon) add(string) error {
	if *d++; *d > 3 {
		return errors.New("-D can be given three times")
	}
	return nil
}

func (d *daemon) set(s string) error {
	switch s {
	case noArgument, "grandchild":
		*d = 1
	case "pgroup", "pgrp":
		*d = 2
	case "session":
		*d = 3
	default:
		return fmt.Errorf("%q is none of grandchild, pgroup, session", s)
	}
	return nil
}

// The environment tells a new process of ours what it is: starterEnv, that it is to
// start the tracer; tracerEnv, that it is the tracer of the process with that id.
const (
	starterEnv = "K42TRACE_DAEMON_STARTER"
	tracerEnv  = "K42TRACE_DAEMON_TRACER"
	readyFD    = 3 // where the tracer says that it has attached
)

// startTracer is the process between the program's and the tracer's.
func startTracer() ending {
	level, _ := strconv.Atoi(os.Getenv(starterEnv))
	os.Unsetenv(starterEnv)
	tracer := exec.Command("/proc/self/exe", os.Args[1:]...)
	tracer.Args[0] = os.Args[0]
	tracer.Stdin, tracer.Stdout, tracer.Stderr = os.Stdin, os.Stdout, os.Stderr
	tracer.ExtraFiles = []*os.File{os.NewFile(readyFD, "ready")}
	tracer.SysProcAttr = &syscall.SysProcAttr{Setpgid: level == 2, Setsid: level == 3}
	if err := tracer.Start(); err != nil {
		return complain(err)
	}
	return ending{}
}

// tracedProcess returns the process that this one is to trace, 0 if it is not -D's tracer.
func tracedProcess() int {
	pid, _ := strconv.Atoi(os.Getenv(tracerEnv))
	os.Unsetenv(tracerEnv)
	return pid
}

// tellAttached tells the process that waits in runHere.
func tellAttached() {
	f := os.NewFile(readyFD, "ready")
	_, _ = f.Write([]byte{1})
	_ = f.Close()
}

// runHere has a tracer attach to this process, and makes it the program.
func runHere(opts *options, prog string) ending {
	r, w, err := os.Pipe()
	if err != nil {
		return complain(err)
	}
	// Where Yama allows tracing by ancestors only (PR_SET_PTRACER(2const)).
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	starter := exec.Command("/proc/self/exe", os.Args[1:]...)
	starter.Args[0] = os.Args[0]
	starter.Env = append(os.Environ(), starterEnv+"="+strconv.Itoa(int(opts.daemon)), tracerEnv+"="+strconv.Itoa(os.Getpid()))
	starter.Stdin, starter.Stdout, starter.Stderr = os.Stdin, os.Stdout, os.Stderr
	starter.ExtraFiles = []*os.File{w}
	err = starter.Run()
	w.Close()
	if err != nil {
		return complain(fmt.Errorf("-D: starting the tracer: %w", err))
	}
	var ok [1]byte
	if n, _ := r.Read(ok[:]); n == 0 {
		return ending{status: statusOwnError} // it has said why
	}
	r.Close()
	_ = unix.Prctl(unix.PR_SET_PTRACER, 0, 0, 0, 0)
	args := opts.command
	if opts.argv0 != "" {
		args = append([]string{opts.argv0}, args[1:]...)
	}
	err = syscall.Exec(prog, args, opts.environment())
	return complain(startError(opts, prog, &os.PathError{Op: "exec", Path: prog, Err: err}))
}

// keepAway leaves the signals that a terminal sends to the program, whose end is what
// ends the trace, unless -I says otherwise.
func (o *options) keepAway() {
	if o.caution == 0 || o.caution >= cautionNever {
		signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGTSTP)
	}
}

// checkDaemon looks at what -D says together with the rest.
func (o *options) checkDaemon() error {
	switch {
	case o.daemon == 0:
	case len(o.attach) > 0:
		return errors.New("-D/--daemonize and -p/--attach cannot be used together")
	case o.user.credential != nil:
		return errors.New("-D/--daemonize and -u/--user cannot be used together")
	}
	return nil
}
