package decode

// maxHandle is the most bytes of a file handle that the kernel takes
// (MAX_HANDLE_SZ, open_by_handle_at(2)).
const maxHandle = 128

func init() {
	addSpecial(special{entry: func(e *Event) {
		if b := e.readAll(e.args[2], 4); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b)), true
		}
		e.later(2)
	}, exit: exitToHandle}, "name_to_handle_at")
	addSpecial(special{entry: func(e *Event) {
		addr := e.args[1]
		b := e.readAll(addr, 8)
		if b == nil {
			e.into(1)
			e.emitAddr("", addr, true)
			return
		}
		n := uint64(le.Uint32(b))
		e.into(1)
		outer := e.begin("", Struct)
		e.num("handle_bytes", Uint, 32, n)
		e.handle(addr, n)
		e.close(outer)
	}}, "open_by_handle_at")
}

// exitToHandle shows the struct that name_to_handle_at fills, or of which it says
// how long it must be.
func exitToHandle(e *Event) {
	const overflow = 75 // EOVERFLOW
	if !e.hadOld {
		e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
		return
	}
	addr := e.args[2]
	now := e.old
	filled := e.good()
	if filled || e.res.Errno() == overflow {
		if b := e.readAll(addr, 4); b != nil {
			now = uint64(le.Uint32(b))
		}
	}
	e.into(2)
	outer := e.begin("", Struct)
	defer e.close(outer)
	if now != e.old {
		inner := e.begin("handle_bytes", Change)
		e.num("", Uint, 32, e.old)
		e.num("", Uint, 32, now)
		e.close(inner)
	} else {
		e.num("handle_bytes", Uint, 32, now)
	}
	if filled {
		e.handle(addr, now)
	}
}

// handle emits what stands behind the length of a struct file_handle.
func (e *Event) handle(addr, n uint64) {
	cut := clamp(n, maxHandle)
	b := e.read(addr+4, 4+cut)
	if len(b) < 4 {
		return
	}
	e.num("handle_type", Int, 32, uint64(le.Uint32(b)))
	b = b[4:]
	if len(b) < cut {
		e.emit(Value{Name: "f_handle", Kind: Symbol, Symbol: "???"})
		return
	}
	v := e.next()
	v.Name, v.Kind, v.Raw, v.Text, v.Size, v.Cut = "f_handle", Bytes, true, b, n, uint64(cut) < n
}
