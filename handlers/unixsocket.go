package handlers

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// socket acts on connect(2) and bind(2), of which the address of a local socket is a path
// (unix(7)).
func (v *View) socket(c *table.Call, next table.Handler) table.Result {
	addr, name, ok := socketPath(c, 1, 2)
	if !ok {
		return next.Handle(c)
	}
	making := c.Name() == "bind"
	p, err := v.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, paths.Arg{Follow: !making})
	switch {
	case err != nil && p.Moved:
		return table.Errno(paths.Errno(err))
	case err != nil || !p.Moved:
		return next.Handle(c)
	case p.Virtual() && making && p.Exists:
		return table.Errno(unix.EADDRINUSE)
	case p.Virtual() && making:
		return table.Errno(unix.EROFS)
	case p.Virtual() && !p.Exists:
		return table.Errno(unix.ENOENT)
	case p.Virtual():
		return table.Errno(unix.ECONNREFUSED)
	}
	return connectTo(c, next, &p, addr)
}
