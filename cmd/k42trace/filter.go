package main

import (
	"errors"
	"fmt"
	"path/filepath"

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
