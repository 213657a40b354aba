package handlers

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Deny is middleware under which calls fail with errno if one of their paths leads to
// one of the files and directories names, or to anything below; without names, all
// calls fail. It does not matter how the program comes there: by a relative path,
// "..", symbolic links, /proc/PID/root, or a second mount of the same. What was
// looked at is what the kernel gets, whatever other threads do meanwhile, with the
// limits that a guard has (see DECISIONS.md), and directories that lead to a denied
// one cannot be renamed.
//
// Descriptors that are open already, and hard links that were made before, stay. Use it
// for DenyCalls, under Cmd.Enforce.
func Deny(errno unix.Errno, names ...string) table.Middleware {
	if len(names) == 0 {
		return func(table.Handler) table.Handler {
			return table.HandlerFunc(func(*table.Call) table.Result { return table.Errno(errno) })
		}
	}
	denied := newArea(names)
	g := &guard{tree: paths.NewView(), check: func(c *table.Call, a paths.Arg, p *paths.Place) unix.Errno {
		if denied.holds(p) || strings.HasPrefix(c.Name(), "rename") && denied.leads(p.OnHost()) {
			return errno
		}
		return 0
	}}
	return g.wrap
}

// DenyCalls are the calls that Deny has to see to keep files from a program.
const DenyCalls = guardedCalls + ",sendto,sendmsg,sendmmsg"

// DenyFD is middleware under which calls fail with errno if one of their
// descriptors is of one of the kinds. Another thread that has the same descriptors may put another
// in its place after it was looked at: it is for programs that are tested, not for those
// that are confined.
func DenyFD(errno unix.Errno, kinds ...table.FileKind) table.Middleware {
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			sig := c.Signature()
			if sig == nil {
				return next.Handle(c)
			}
			for i := range sig.Args {
				if k := sig.Args[i].Kind; k != table.FD && k != table.DirFD {
					continue
				}
				d, ok := c.FDs().Get(c.FD(i))
				if !ok {
					continue
				}
				for _, kind := range kinds {
					if d.File.Kind() == kind {
						return table.Errno(errno)
					}
				}
			}
			return next.Handle(c)
		})
	}
}

// DenyArg is middleware under which calls fail with errno if those bits of argument i, as the
// kernel reads it, that are set in mask have the value given.
func DenyArg(errno unix.Errno, i int, mask, value uint64) table.Middleware {
	return func(next table.Handler) table.Handler {
		return table.HandlerFunc(func(c *table.Call) table.Result {
			if c.Arg(i)&mask == value {
				return table.Errno(errno)
			}
			return next.Handle(c)
		})
	}
}
