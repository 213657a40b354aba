package decode

// Asynchronous input and output, io_submit(2) (linux/aio_abi.h).

// Operations of which there is something to show beside their descriptor.
const (
	aioPread   = 0
	aioPwrite  = 1
	aioPoll    = 5
	aioPreadv  = 7
	aioPwritev = 8
)

const (
	aioFlagResFD  = 1
	aioFlagIoprio = 2
)

var (
	setAioOps   = SetByName("aio_op")
	setAioFlags = SetByName("aio_flags")
	setRWF      = SetByName("rwf_flags")
)

func init() {
	register("iocb", sizesAll(64), func(e *Event, name string, r *reader) { e.iocb(name, r, false) })
	register("iocbp", sizesPtr(8, 4), func(e *Event, name string, r *reader) {
		addr := r.ptr()
		b := e.readAll(addr, 64)
		if b == nil {
			e.emitAddr(name, addr, addr != 0)
			return
		}
		e.iocb(name, e.reader(b, addr), true)
	})
	register("io_event", sizesAll(32), record(
		field{"data", Hex, 8, nil}, field{"obj", Hex, 8, nil}, field{"res", Int, 8, nil}, field{"res2", Int, 8, nil}))
	// A context is an address of the program's own.
	addSpecial(special{entry: func(e *Event) { e.arg(0).Kind = Addr }}, "io_submit", "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64")
}

// iocb emits a struct iocb, with what it is to do if that is known by now.
func (e *Event) iocb(name string, r *reader, whole bool) {
	data, key, rwf, op, prio, fd := r.u64(), r.u32(), r.u32(), r.u16(), r.u16(), r.u32()
	buf, n, off := r.u64(), r.u64(), r.u64()
	r.skip(8)
	flags, resfd := r.u32(), r.u32()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("aio_data", Hex, 64, data)
	if key != 0 {
		e.num("aio_key", Uint, 32, key)
	}
	if rwf != 0 {
		e.flags("aio_rw_flags", 32, rwf, setRWF)
	}
	e.enumDecimal("aio_lio_opcode", 16, op, setAioOps)
	switch {
	case flags&aioFlagIoprio != 0:
		e.ioprio("aio_reqprio", 32, prio)
	case prio != 0:
		e.num("aio_reqprio", Int, 16, prio)
	}
	e.emitFD("aio_fildes", fd, false)
	if !whole {
		return
	}
	switch op {
	case aioPread, aioPwrite:
		if op == aioPwrite {
			e.emitBuffer("aio_buf", buf, n)
		} else {
			e.num("aio_buf", Hex, 64, buf)
		}
		e.num("aio_nbytes", Uint, 64, n)
		e.num("aio_offset", Int, 64, off)
	case aioPreadv, aioPwritev:
		const most = 1024 // IOV_MAX
		if n > most {
			e.num("aio_buf", Hex, 64, buf)
			e.num("aio_nbytes", Uint, 64, n)
			e.num("aio_offset", Int, 64, off)
			break
		}
		t := structs["iovec"]
		if op == aioPreadv {
			t = structs["iovec_addr"]
		}
		e.emitArray("aio_buf", t, buf, n)
		e.num("aio_offset", Int, 64, off)
	case aioPoll:
		e.flags("aio_buf", 32, buf, setPoll)
	default:
		return
	}
	if flags != 0 {
		e.flags("aio_flags", 32, flags, setAioFlags)
	}
	if flags&aioFlagResFD != 0 {
		e.emitFD("aio_resfd", resfd, false)
	} else if resfd != 0 {
		e.num("aio_resfd", Hex, 32, resfd)
	}
}
