package handlers

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Addresses of local sockets are paths (unix(7)). Which argument of a call is one, with its
// size; those of messages are in memory (sendmsg(2)).
func addressArg(c *table.Call) (at, size int, ok bool) {
	switch c.Name() {
	case "connect", "bind":
		return 1, 2, true
	case "sendto":
		return 4, 5, true
	}
	return 0, 0, false
}

const (
	sizeUnixPath = 108 // of sun_path
	sizeUnix     = sizeFamily + sizeUnixPath
)

// unixPath returns the path that an address is, false for other addresses.
func unixPath(addr []byte) (string, bool) {
	if len(addr) <= sizeFamily || len(addr) > sizeUnix || binary.NativeEndian.Uint16(addr) != unix.AF_UNIX || addr[sizeFamily] == 0 {
		return "", false // of another family, or without a path
	}
	text, _, _ := bytes.Cut(addr[sizeFamily:], []byte{0})
	return string(text), true
}

// socketPath reads the address at the argument at with the size at another, and returns it, and
// the path that it is. addr is nil if it cannot be read or is no address.
func socketPath(c *table.Call, at, size int) (addr []byte, name string, ok bool) {
	p, ok := readPeer(c.Thread(), c.Arg(at), c.Arg(size))
	if !ok {
		return nil, "", false
	}
	name, ok = unixPath(p.bytes)
	return p.bytes, name, ok
}

// namesSocket reports whether an address in the call is a path.
func namesSocket(c *table.Call) bool {
	inner := *c // a copy: nothing is to change
	if unfold(&inner) != nil {
		return false
	}
	is := false
	if at, size, ok := addressArg(&inner); ok {
		_, _, is = socketPath(&inner, at, size)
		return is
	}
	eachMessage(&inner, func(m *message) bool {
		if p, ok := readPeer(inner.Thread(), m.name(), uint64(m.size())); ok {
			_, is = unixPath(p.bytes)
		}
		return !is
	})
	return is
}

// socket acts on calls that may have the address of a local socket.
func (v *View) socket(c *table.Call, next table.Handler) table.Result {
	if !namesSocket(c) {
		return next.Handle(c)
	}
	if err := unfold(c); err != nil {
		return failed(err)
	}
	if at, size, ok := addressArg(c); ok {
		addr, name, ok := socketPath(c, at, size)
		if !ok {
			return next.Handle(c)
		}
		addr, release, err := v.address(c, addr, name)
		if err != nil {
			return failed(err)
		}
		defer release()
		if addr != nil {
			if err := c.Pin(at, addr); err != nil {
				return failed(err)
			}
			c.SetArg(size, uint64(len(addr)))
		}
		return next.Handle(c)
	}
	var held []func()
	defer func() {
		for _, release := range held {
			release()
		}
	}()
	fix := func(m *message) error {
		p, ok := readPeer(c.Thread(), m.name(), m.size())
		if !ok {
			return nil // the kernel refuses it
		}
		name, ok := unixPath(p.bytes)
		if !ok {
			return nil
		}
		addr, release, err := v.address(c, p.bytes, name)
		if err != nil {
			return err
		}
		held = append(held, release)
		if addr == nil {
			return nil
		}
		return m.address(c, addr)
	}
	if c.Name() == "sendmmsg" {
		return sendMany(c, fix)
	}
	return sendOne(c, next, fix)
}

// address returns the address by which the kernel finds the socket that the call calls name, nil
// if that is the one that it has. release is to be called after the call.
func (v *View) address(c *table.Call, addr []byte, name string) (b []byte, release func(), err error) {
	release = func() {}
	making := c.Name() == "bind"
	p, err := v.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, paths.Arg{Follow: !making})
	switch {
	case err != nil && p.Moved:
		return nil, release, paths.Errno(err)
	case err != nil || !p.Moved:
		return nil, release, nil
	case p.Virtual() && making && p.Exists:
		return nil, release, unix.EADDRINUSE
	case p.Virtual() && making:
		return nil, release, unix.EROFS
	case p.Virtual() && !p.Exists:
		return nil, release, unix.ENOENT
	case p.Virtual():
		return nil, release, unix.ECONNREFUSED
	}
	return addressOf(&p, addr)
}

// addressOf returns the address of the place: addr with another path. If that is too long for
// an address it leads through this program's /proc/PID/fd, until release.
func addressOf(p *paths.Place, addr []byte) (b []byte, release func(), err error) {
	host, release := p.Host, func() {}
	if len(host) >= sizeUnixPath {
		held, err := p.Hold(false)
		if err != nil {
			return nil, release, err
		}
		release = func() { held.Close() }
		if host = held.Name; len(host) >= sizeUnixPath {
			return nil, release, unix.ENAMETOOLONG
		}
	}
	return append(append(addr[:sizeFamily:sizeFamily], host...), 0), release, nil
}
