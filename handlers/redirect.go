package handlers

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Redirect is middleware that lets calls which name the path from, or what is
// below it, use the same place in to. Paths are compared as the program gave
// them: not made absolute, no link followed. It shows a program
// other files; it does not keep files from a program that changes its paths while
// the call is made: for that there is Deny.
func Redirect(from, to string) table.Middleware {
	from, to = strings.TrimRight(from, "/"), strings.TrimRight(to, "/")
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			for i := range pathArgs(c) {
				if c.Arg(i) == 0 {
					continue
				}
				path, err := c.Path(i)
				if err != nil {
					return failed(err)
				}
				rest, found := strings.CutPrefix(path, from)
				if !found || rest != "" && rest[0] != '/' {
					continue
				}
				if err := c.PinPath(i, to+rest); err != nil {
					return failed(err)
				}
			}
			return next.Handle(c)
		})
	}
}

// failed returns the result that an error of a Call's method stands for.
func failed(err error) table.Result {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return table.Errno(errno)
	}
	return table.Errno(unix.EIO)
}
