package decode

func init() {
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
		i := int(r.addr-e.args[1]) / len(r.b)
		if e.done && e.plan.args[1].Result {
			e.left = int64(n)
			if e.hadOld = i < len(e.olds); e.hadOld {
				e.old = uint64(e.olds[i])
			}
		}
		decodeMsghdr(e, "msg_hdr", r)
		if e.good() && e.done && int64(i) < e.res.Value() {
			e.num("msg_len", Uint, 32, n)
		}
		e.close(outer)
	})
}

func init() {
	structs["mmsghdr"].most = 1024 // UIO_MAXIOV
	for _, n := range []string{"iovec", "msghdr"} {
		structs[n].gathers = true
	}
}

// iovBase emits one buffer of an iovec, of which there may be less to see than
// its length says.
func (e *Event) iovBase(base, n uint64) {
	if e.left >= 0 { // a call that fills the buffers: so much is left of its result
		n = min(n, uint64(e.left))
		e.left -= int64(n)
	}
	e.emitPayload("iov_base", base, n)
}

// bufferAddresses shows where the buffers are that a call did not fill.
func (e *Event) bufferAddresses(i int) {
	e.into(i)
	e.emitArray("", structs["iovec_addr"], e.args[i], e.args[e.plan.args[i].Len])
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
	if int32(addrlen) < 0 {
		e.emitAddr("msg_name", addr, true)
	} else if e.hadOld {
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
