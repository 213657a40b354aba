package decode

import "fmt"

// Trusted execution environments (linux/tee.h).

func init() { ioctlFamilies = append(ioctlFamilies, teeRequests) }

func teeRequests(t ioctlTable) {
	t.out(aStruct(12, func(e *Event, r *reader) {
		const optee = 1 // TEE_IMPL_ID_OPTEE
		id, caps := r.u32(), r.u32()
		e.enum("impl_id", 32, id, SetByName("tee_impl"))
		e.flags("gen_caps", 32, r.u32(), SetByName("tee_capabilities"))
		if id == optee {
			e.flags("impl_caps", 32, caps, SetByName("tee_optee"))
		} else {
			e.num("impl_caps", Hex, 32, caps)
		}
	}), 0x800ca400) // TEE_IOC_VERSION
	flags, id := flagged("flags", 4, "tee_memory"), number("id", Int, 4)
	size, length := number("size", Hex, 8), number("length", Hex, 8)
	shared := func(code uint64, before, after *structType) {
		t.add(ioctlArg{kind: ioctlInOut, typ: before, after: after, fd: true}, code)
	}
	shared(0xc010a401, layout(16, size, flags), layout(16, size, flags, id))
	shared(0xc018a409, layout(24, number("addr", Addr, 8), length, flags), layout(24, gap(8), length, flags, id))
	fd := func(e *Event, r *reader) { e.emitFD("fd", r.u64(), false) }
	shared(0xc020a408, layout(32, fd, from(16), flags), layout(32, from(8), size, flags, id))
	t.in(layout(8, number("cancel_id", Uint, 4), number("session", Hex, 4)), 0x8008a404)
	t.in(layout(4, number("session", Hex, 4)), 0x8004a405)

	call := numbers(Uint, 4, "cancel_id")
	result := all(number("ret", Uint, 4), named("ret_origin", 4, "tee_origin"))
	open, invoke := 4*4+2*16+2*4, 6*4
	buffers := func(code uint64, fixed int, before, after piece) {
		t[code] = ioctlArg{kind: ioctlOwn, entry: func(e *Event) { e.teeBefore(fixed, before) }, exit: func(e *Event) { e.teeAfter(fixed, after) }}
	}
	buffers(0x8010a402, open, all(teeSession, from(36), call), all(from(40), number("session", Hex, 4), result))
	buffers(0x8010a403, invoke, all(number("func", Uint, 4), number("session", Hex, 4), call), all(from(12), result))
	buffers(0x8010a406, 8, number("func", Uint, 4), nil)
	buffers(0x8010a407, 8, nil, number("ret", Uint, 4))
}

// teeSession is whom a session is opened with, and as whom.
func teeSession(e *Event, r *reader) {
	const public, user, group, application, userApplication, groupApplication = 0, 1, 2, 4, 5, 6 // TEE_IOCTL_LOGIN_...
	e.uuid("uuid", r.bytes(16))
	client := r.bytes(16)
	login := r.u32()
	e.enum("clnt_login", 32, login, SetByName("tee_login"))
	switch login {
	case group, groupApplication:
		e.num("clnt_uuid", Uint, 32, uint64(le.Uint32(client)))
	case public, user, application, userApplication:
	default:
		e.numbers("clnt_uuid", Hex, 1, e.reader(client, 0), len(client))
	}
}

// uuid emits a UUID of which b has the bytes in the order in which they are written.
func (e *Event) uuid(name string, b []byte) {
	e.emit(Value{Name: name, Kind: Symbol, Symbol: fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])})
}

// teeBuffer returns the buffer that struct tee_ioctl_buf_data refers to. There is none if its
// size is not that of the struct with its parameters.
func (e *Event) teeBuffer(fixed int) (length, addr uint64, r *reader, params int) {
	const most, param = 1024, 32 // TEE_MAX_ARG_SIZE
	b := e.readAll(e.args[2], 16)
	if b == nil {
		return 0, 0, nil, 0
	}
	addr, length = le.Uint64(b), le.Uint64(b[8:])
	if length < uint64(fixed) || length > most {
		return length, addr, nil, 0
	}
	whole := e.readAll(addr, int(length))
	if whole == nil {
		return length, addr, nil, 0
	}
	n := uint64(le.Uint32(whole[fixed-4:]))
	if uint64(fixed)+n*param != length {
		return length, addr, nil, 0
	}
	return length, addr, e.reader(whole, addr), int(n)
}

func (e *Event) teeBefore(fixed int, before piece) {
	if e.readAll(e.args[2], 16) == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	length, addr, r, n := e.teeBuffer(fixed)
	defer e.close(e.begin("", Struct))
	e.num("buf_len", Uint, 64, length)
	if r == nil {
		e.num("buf_ptr", Addr, 64, addr)
		return
	}
	e.later(2)
	defer e.close(e.begin("buf_ptr", Change))
	defer e.close(e.begin("", Struct))
	if before != nil {
		before(e, r)
	}
	e.num("num_params", Uint, 32, uint64(n))
	e.teeParameters(r.at(fixed), n)
}

func (e *Event) teeAfter(fixed int, after piece) {
	v := e.arg(2)
	if v.Kind != Struct || !e.good() || e.values[v.last].Kind != Change {
		return
	}
	outer := e.parent
	e.parent = v.last
	defer e.close(outer)
	_, addr, r, n := e.teeBuffer(fixed)
	if r == nil {
		e.num("", Addr, 64, addr)
		return
	}
	defer e.close(e.begin("", Struct))
	if after != nil {
		after(e, r)
	} else {
		e.num("num_params", Uint, 32, uint64(n))
	}
	e.teeParameters(r.at(fixed), n)
}

// teeParameters emits an array of struct tee_ioctl_param.
func (e *Event) teeParameters(r *reader, n int) {
	e.some("params", n, func() {
		const none, ref, refs, meta = 0, 5, 7, 0x100
		attr, a, b, c := r.u64(), r.u64(), r.u64(), r.u64()
		defer e.close(e.begin("", Struct))
		types := SetByName("tee_parameter")
		if typ := attr &^ meta; types.name(typ) == "" {
			e.noted("attr", Hex, 64, attr, types.Prefix)
		} else {
			outer := e.open(Value{Name: "attr", Kind: Or, Whole: true, Bits: 64, Num: attr})
			e.enum("", 64, typ, types)
			if attr&meta != 0 {
				e.flags("", 64, meta, SetByName("tee_parameter_flags"))
			}
			e.close(outer)
		}
		switch { // strace takes no reference with META for one
		case attr == none:
		case attr >= ref && attr <= refs:
			e.num("shm_offs", Hex, 64, a)
			e.num("size", Hex, 64, b)
			e.num("shm_id", Uint, 64, c)
		default:
			e.num("a", Hex, 64, a)
			e.num("b", Hex, 64, b)
			e.num("c", Hex, 64, c)
		}
	})
}
