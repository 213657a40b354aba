package supervisor

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// newInner returns the os/exec.Cmd that forks the program and copies what goes
// through its descriptors. As a process it is never waited for: the event loop
// reaps it.
func (c *Cmd) newInner() *exec.Cmd {
	in := &exec.Cmd{
		Path: c.launched(), Args: c.Args, Env: c.Env, Dir: c.Dir,
		Stdin: c.Stdin, Stdout: c.watchWriter(c.Stdout), Stderr: c.watchWriter(c.Stderr),
		ExtraFiles: c.ExtraFiles,
	}
	if c.Stderr != nil && sameWriter(c.Stdout, c.Stderr) {
		in.Stderr = in.Stdout // one descriptor, one copy, as os/exec promises
	}
	var attr syscall.SysProcAttr
	if c.SysProcAttr != nil {
		attr = *c.SysProcAttr
	}
	attr.Ptrace = true
	// Between the detach and the seizure of the launch nothing else would end
	// the child if we were killed. It is cleared before the program runs.
	attr.Pdeathsig = syscall.SIGKILL
	in.SysProcAttr = &attr
	return in
}

// waitCopies waits until what the program wrote has been copied, and returns the
// first error of copying.
func (c *Cmd) waitCopies() error {
	err := c.inner.Wait()
	c.inner.Process.Release()
	c.copyErr.mu.Lock()
	defer c.copyErr.mu.Unlock()
	if c.copyErr.err != nil {
		return c.copyErr.err
	}
	// The process itself is reaped already: that, and only that, is no error.
	if errors.Is(err, syscall.ECHILD) || errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// A firstError keeps the first error of the copies, which os/exec reports only
// after a successful wait for the process.
type firstError struct {
	mu  sync.Mutex
	err error
}

type watchedWriter struct {
	w   io.Writer
	err *firstError
}

// watchWriter keeps the write errors of w. Files are passed through: the program
// gets them as they are.
func (c *Cmd) watchWriter(w io.Writer) io.Writer {
	if _, isFile := w.(*os.File); w == nil || isFile {
		return w
	}
	return &watchedWriter{w, &c.copyErr}
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err.mu.Lock()
		if w.err.err == nil {
			w.err.err = err
		}
		w.err.mu.Unlock()
	}
	return n, err
}

// sameWriter compares as os/exec does, without panicking on types that cannot be
// compared.
func sameWriter(a, b io.Writer) bool {
	defer func() { recover() }()
	return a == b
}
