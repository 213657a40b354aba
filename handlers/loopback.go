package handlers

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Loopback returns a layer under which programs have no network but this machine's own:
// connections, and datagrams, to other addresses than 127.0.0.0/8 and ::1 fail with
// ENETUNREACH, as without a network. A socket that is bound to all addresses, or listens without being
// bound, is bound to the loopback's. Raw and packet sockets, and protocols in which the peer is
// told otherwise (SCTP, MPTCP), are refused. Sockets of the kinds unix and netlink stay as they
// are.
//
// Addresses are checked in a copy that the program cannot change; to that end /proc/PID/mem
// cannot be opened for writing. Sockets that it has from
// its parent, or gets over a local socket from a process that is not traced, are as
// they are. To be a policy it wants Cmd.Enforce.
func Loopback() Layer {
	opens := &guard{tree: paths.NewView(), check: func(*table.Call, paths.Arg, *paths.Place) unix.Errno { return 0 }}
	return Layer{
		Calls: "socket,connect,bind,listen,sendto,sendmsg,sendmmsg,socketcall,open,openat,openat2",
		Wrap: func(next table.Handler) table.Handler {
			return &passing{func(c *table.Call, next table.Handler) table.Result {
				switch {
				case passesLoopback(c):
					return next.Handle(c)
				case strings.HasPrefix(c.Name(), "open"):
					return opens.handle(c, next)
				}
				return loopback(c, next)
			}, passesLoopback, next}
		},
	}
}

// passesLoopback reports whether a call leads nowhere, if that is to be seen in its registers.
func passesLoopback(c *table.Call) bool {
	switch c.Name() {
	case "open", "openat":
		return paths.OpenFlags(c)&unix.O_ACCMODE == unix.O_RDONLY
	case "socket":
		return socketAllowed(c) == 0
	case "sendto":
		return c.Arg(4) == 0 // to whom it is connected
	}
	return false
}

func loopback(c *table.Call, next table.Handler) table.Result {
	if err := unfold(c); err != nil {
		return failed(err)
	}
	switch c.Name() {
	case "socket":
		if e := socketAllowed(c); e != 0 {
			return table.Errno(e)
		}
	case "connect":
		return toLoopback(c, next, 1, 2)
	case "sendto":
		if c.Arg(4) == 0 {
			break // to whom it is connected
		}
		return toLoopback(c, next, 4, 5)
	case "bind":
		return bindLoopback(c, next)
	case "listen":
		bindUnbound(c)
	case "sendmsg":
		return sendOne(c, next, fixMessage(c))
	case "sendmmsg":
		return sendMany(c, fixMessage(c))
	}
	return next.Handle(c)
}

// socketAllowed returns the errno with which a socket is refused.
func socketAllowed(c *table.Call) unix.Errno {
	const typeMask = 0xf // without SOCK_NONBLOCK and SOCK_CLOEXEC
	switch c.Arg(0) {
	case unix.AF_UNIX, unix.AF_NETLINK:
		return 0
	case unix.AF_INET, unix.AF_INET6:
	default:
		return unix.EAFNOSUPPORT
	}
	if t := c.Arg(1) & typeMask; t != unix.SOCK_STREAM && t != unix.SOCK_DGRAM {
		return unix.EPERM
	}
	switch c.Arg(2) {
	case 0, unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6, unix.IPPROTO_UDPLITE:
		return 0
	}
	return unix.EPROTONOSUPPORT
}

// local reports whether an address is on this machine. AF_UNSPEC means AF_INET.
func (p *peer) local() bool {
	switch p.family {
	case unix.AF_INET, unix.AF_INET6:
		a := p.ip.Addr()
		// Addresses too short are the kernel's to refuse; to nowhere in particular is to us.
		return !a.IsValid() || a.IsLoopback() || a.IsUnspecified()
	case unix.AF_UNSPEC:
		return len(p.bytes) < 8 || p.bytes[4] == 127 || binary.BigEndian.Uint32(p.bytes[4:]) == 0
	case unix.AF_UNIX, unix.AF_NETLINK:
		return true
	}
	return false
}

// toLoopback checks the address at the argument at, with its size at another.
func toLoopback(c *table.Call, next table.Handler, at, size int) table.Result {
	p, ok := readPeer(c.Thread(), c.Arg(at), c.Arg(size))
	if !ok {
		// The kernel refuses it, also if it has become readable meanwhile.
		if c.Arg(at) != 0 && c.Arg(size) >= sizeFamily && c.Arg(size) <= sizeSockaddr {
			return table.Errno(unix.EFAULT)
		}
		if size := c.Arg(size); size > sizeSockaddr || size < sizeFamily && c.Name() == "connect" {
			return table.Errno(unix.EINVAL)
		}
		c.SetArg(at, 0)
		return next.Handle(c)
	}
	ends := p.family == unix.AF_UNSPEC && c.Name() == "connect" // a connection
	if !p.local() && !ends {
		return table.Errno(unix.ENETUNREACH)
	}
	if err := c.Pin(at, p.bytes); err != nil {
		return failed(err)
	}
	return next.Handle(c)
}

// toLoopbackOnly makes of an address that means all addresses the loopback's.
func (p *peer) toLoopbackOnly() {
	if a := p.ip.Addr(); !a.IsValid() || !a.IsUnspecified() {
		return
	}
	switch {
	case p.family == unix.AF_INET:
		copy(p.bytes[4:8], []byte{127, 0, 0, 1})
	case p.ip.Addr().Is4(): // ::ffff:0.0.0.0
		copy(p.bytes[20:24], []byte{127, 0, 0, 1})
	default:
		p.bytes[23] = 1
	}
}

func bindLoopback(c *table.Call, next table.Handler) table.Result {
	p, ok := readPeer(c.Thread(), c.Arg(1), c.Arg(2))
	if !ok {
		if c.Arg(2) > sizeSockaddr || c.Arg(2) < sizeFamily {
			return table.Errno(unix.EINVAL)
		}
		return table.Errno(unix.EFAULT)
	}
	if !p.local() {
		return table.Errno(unix.EADDRNOTAVAIL) // as where no interface has it
	}
	if p.family == unix.AF_UNSPEC && len(p.bytes) >= sizeIPv4 {
		// For bind(2) too it means AF_INET, for all addresses.
		p = parsePeer(append([]byte{unix.AF_INET, 0}, p.bytes[2:]...))
	}
	p.toLoopbackOnly()
	if err := c.Pin(1, p.bytes); err != nil {
		return failed(err)
	}
	return next.Handle(c)
}

// bindUnbound binds a socket that is about to listen, and would to all addresses. If it
// is bound, or is of another family, the kernel refuses that.
func bindUnbound(c *table.Call) {
	save := c.Args()
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} {
		b := make([]byte, 28) // struct sockaddr_in6, the port 0
		put(b[:2], family)
		p := parsePeer(b)
		p.toLoopbackOnly()
		if c.Pin(5, p.bytes) != nil {
			break
		}
		if r := c.Inject("bind", c.Arg(0), c.RawArg(5), uint64(len(b))); !r.Failed() {
			break
		}
	}
	c.SetArg(5, save[5])
}

// fixMessage returns what has a message go where it was seen to go, and fails if it may not.
func fixMessage(c *table.Call) func(m *message) error {
	return func(m *message) error {
		if m.name() == 0 || m.size() == 0 {
			return nil
		}
		p, ok := readPeer(c.Thread(), m.name(), min(m.size(), sizeSockaddr))
		if !ok {
			return unix.EFAULT
		}
		if !p.local() {
			return unix.ENETUNREACH
		}
		return m.address(c, p.bytes)
	}
}
