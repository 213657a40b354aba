package decode

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const sockaddrMax = 128 // sizeof(struct sockaddr_storage)

func init() {
	t := register("sockaddr", sizesAll(sockaddrMax), decodeSockaddr)
	t.variable = true
	register("iovec", sizesPtr(16, 8), func(e *Event, name string, r *reader) {
		base, n := r.ptr(), r.ptr()
		outer := e.begin(name, Struct)
		e.iovBase(base, n)
		e.num("iov_len", Uint, 64, n)
		e.close(outer)
	})
	register("iovec_addr", sizesPtr(16, 8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("iov_base", Addr, 64, r.ptr())
		e.num("iov_len", Uint, 64, r.ptr())
		e.close(outer)
	})
	register("msghdr", sizesPtr(56, 28), decodeMsghdr)
	register("mmsghdr", sizesPtr(64, 32), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		n := uint64(le.Uint32(r.b[len(r.b)/8*7:])) // msg_len, behind the msghdr
		if e.done && e.plan.args[1].Result {
			e.left = int64(n)
		}
		decodeMsghdr(e, "msg_hdr", r)
		if e.done {
			e.num("msg_len", Uint, 32, n)
		}
		e.close(outer)
	})
}

func init() {
	for _, n := range []string{"iovec", "msghdr"} {
		structs[n].gathers = true
	}
}

// decodeSockaddr decodes the bytes of a socket address; there may be fewer
// than the family has.
func decodeSockaddr(e *Event, name string, r *reader) {
	if len(r.b) < 2 {
		e.emitAddr(name, r.addr, true)
		return
	}
	family := r.u16()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.enum("sa_family", 16, family, setFamily)
	switch n := len(r.b); {
	case n == 2:
	case family == unix.AF_UNIX:
		path := r.b[2:min(n, unix.SizeofSockaddrUnix)]
		if path[0] == 0 { // abstract: all bytes count
			e.emit(Value{Name: "sun_path", Kind: Bytes, Symbol: "@", Text: path[1:], Size: uint64(len(path) - 1)})
			break
		}
		if i := bytes.IndexByte(path, 0); i >= 0 {
			path = path[:i]
		}
		e.emit(Value{Name: "sun_path", Kind: Bytes, Text: path, Size: uint64(len(path))})
	case family == unix.AF_INET && n >= unix.SizeofSockaddrInet4:
		e.num("sin_port", Port, 16, uint64(binary.BigEndian.Uint16(r.b[2:])))
		e.emit(Value{Name: "sin_addr", Kind: IPv4, Text: r.b[4:8]})
	case family == unix.AF_INET6 && n >= unix.SizeofSockaddrInet6-4: // without sin6_scope_id
		e.num("sin6_port", Port, 16, uint64(binary.BigEndian.Uint16(r.b[2:])))
		e.num("sin6_flowinfo", NetLong, 32, uint64(binary.BigEndian.Uint32(r.b[4:])))
		e.emit(Value{Name: "sin6_addr", Kind: IPv6, Text: r.b[8:24]})
		if n >= unix.SizeofSockaddrInet6 {
			e.num("sin6_scope_id", Uint, 32, uint64(le.Uint32(r.b[24:])))
		}
	case family == unix.AF_NETLINK && n >= unix.SizeofSockaddrNetlink:
		e.num("nl_pid", PID, 32, r.at(4).u32())
		e.num("nl_groups", Mask, 32, r.u32())
	default:
		e.emit(Value{Name: "sa_data", Kind: Bytes, Text: r.b[2:], Size: uint64(n - 2)})
	}
}

// iovBase emits one buffer of an iovec, of which there may be less to see than
// its length says.
func (e *Event) iovBase(base, n uint64) {
	if e.left >= 0 { // a call that fills the buffers: so much is left of its result
		n = min(n, uint64(e.left))
		e.left -= int64(n)
	}
	e.emitBuffer("iov_base", base, n)
}

// allData in Event.left says that buffers are as full as they are long.
const allData = -1

func decodeMsghdr(e *Event, name string, r *reader) {
	addr, addrlen := r.ptr(), r.u32()
	iov, iovlen := r.ptr(), r.ptr()
	control, controllen := r.ptr(), r.ptr()
	flags := r.u32()
	r.skip(r.abi.PointerBits()/8 - 4) // padding at the end
	outer := e.begin(name, Struct)
	defer e.close(outer)
	if e.hadOld {
		e.emitVariable("msg_name", structs["sockaddr"], addr, min(addrlen, e.old))
	} else {
		e.emitVariable("msg_name", structs["sockaddr"], addr, addrlen)
	}
	if e.hadOld && e.old != addrlen {
		change := e.begin("msg_namelen", Change)
		e.num("", Int, 32, e.old)
		e.num("", Int, 32, addrlen)
		e.close(change)
	} else {
		e.num("msg_namelen", Int, 32, addrlen)
	}
	e.emitArray("msg_iov", structs["iovec"], iov, iovlen)
	e.num("msg_iovlen", Uint, 64, iovlen)
	if controllen != 0 {
		e.control(control, controllen)
	}
	e.num("msg_controllen", Uint, 64, controllen)
	e.flags("msg_flags", 32, flags, setMsgFlags)
}
