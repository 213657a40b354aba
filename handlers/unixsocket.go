package handlers

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// socket acts on connect(2) and bind(2), of which the address of a local socket is a path
// (unix(7)).
func (v *View) socket(c *table.Call, next table.Handler) table.Result {
	const family, most = 2, 108 // sizes of sun_family and of sun_path
	n := c.Arg(2)
	if n <= family || n > family+most {
		return next.Handle(c)
	}
	addr, err := c.Bytes(1, n)
	if err != nil || binary.NativeEndian.Uint16(addr) != unix.AF_UNIX || addr[family] == 0 {
		return next.Handle(c) // of another family, or without a path
	}
	name := addr[family:]
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	making := c.Name() == "bind"
	p, err := v.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, string(name), paths.Arg{Follow: !making})
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
	case len(p.Host) >= most:
		return table.Errno(unix.ENAMETOOLONG)
	}
	addr = append(append(addr[:family:family], p.Host...), 0)
	if err := c.Pin(1, addr); err != nil {
		return failed(err)
	}
	c.SetArg(2, uint64(len(addr)))
	return next.Handle(c)
}
