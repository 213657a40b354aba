package handlers

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// pathArgs returns which arguments of a call are paths.
func pathArgs(c *table.Call) func(yield func(i int) bool) {
	return func(yield func(int) bool) {
		sig := c.Signature()
		if sig == nil {
			return
		}
		for i := range sig.Args {
			if sig.Args[i].Kind == table.Path && sig.Args[i].Dir&table.Out == 0 && !yield(i) {
				return
			}
		}
	}
}

// Deny is middleware under which calls fail with errno if one of their paths
// begins with one of prefixes; without prefixes, all calls fail. A path is
// compared as the program gave it: not made absolute, no link followed. All
// others run on a copy of their paths that the program cannot change, so what
// was looked at is what the kernel gets.
func Deny(errno unix.Errno, prefixes ...string) table.Middleware {
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			if len(prefixes) == 0 {
				return table.Errno(errno)
			}
			for i := range pathArgs(c) {
				if c.Arg(i) == 0 {
					continue // the call's own business: utimensat(2) allows it
				}
				path, err := c.Path(i)
				if err != nil {
					return failed(err)
				}
				for _, p := range prefixes {
					if strings.HasPrefix(path, p) {
						return table.Errno(errno)
					}
				}
				if err := c.PinPath(i, path); err != nil {
					return failed(err)
				}
			}
			return next.Handle(c)
		})
	}
}
