package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/k42trace/k42trace/handlers"
)

// addPath is -P. Descriptors have paths without links, so the path without them is
// looked for too.
func (o *options) addPath(s string) error {
	if s == "" {
		return errors.New("there is no path in \"\"")
	}
	o.filter.Paths = append(o.filter.Paths, s)
	abs, err := filepath.Abs(s)
	if err != nil {
		return fmt.Errorf("%q: %w", s, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil && real != s {
		o.filter.Paths = append(o.filter.Paths, real)
		o.resolved = append(o.resolved, fmt.Sprintf("Requested path %q resolved into %q", s, real))
	}
	return nil
}

// setTraceFDs is -e trace-fds=.
func (o *options) setTraceFDs(s string) (err error) {
	o.filter.FDs, err = handlers.ParseFDs(s)
	return err
}

// filters reports whether only calls that have to do with certain files are wanted.
func (o *options) filters() bool { return len(o.filter.Paths) > 0 || o.filter.FDs != nil }

// setReads is -e read=.
func (o *options) setReads(s string) (err error) {
	o.reads, err = handlers.ParseFDs(s)
	return err
}

// setWrites is -e write=.
func (o *options) setWrites(s string) (err error) {
	o.writes, err = handlers.ParseFDs(s)
	return err
}

// setLimit is --syscall-limit=.
func (o *options) setLimit(s string) error {
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is not a number of 1 or more", s)
	}
	o.leave.Limit = int(n)
	return nil
}

// setDetachOn is -b.
func (o *options) setDetachOn(s string) error {
	if s != "execve" {
		return fmt.Errorf("%q is not execve, the one call that there is for it", s)
	}
	o.leave.AtExec = true
	return nil
}

// leaves reports whether processes are not looked at to their end.
func (o *options) leaves() bool { return o.leave.AtExec || o.leave.Limit > 0 }
