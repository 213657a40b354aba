package decode

import "sync"

// io_uring_register(2): what the third argument points to depends on the
// operation; the fourth is how many of them there are, or the size of the struct.

// A uringArg is the third argument for an operation.
type uringArg struct {
	typ   *structType
	array bool // the fourth is the length,
	sized bool // or the size
	late  bool // the kernel fills it
}

var (
	setUringOps         = SetByName("io_uring_op")
	setUringOpFlags     = SetByName("io_uring_op_flags")
	setUringRegister    = SetByName("io_uring_register_op")
	setUringRsrc        = SetByName("io_uring_rsrc_flags")
	setUringRestriction = SetByName("io_uring_restriction")
	setUringSQE         = SetByName("io_uring_sqe_flags")
)

// useRingFD in the operation says that the descriptor is the number of a
// registered one (IORING_REGISTER_USE_REGISTERED_RING).
const useRingFD = 1 << 31

func init() {
	addSpecial(special{entry: entryUringRegister, exit: exitUringRegister}, "io_uring_register")
}

// uringArgs returns the arguments by operation.
var uringArgs = sync.OnceValue(func() map[uint64]uringArg {
	sized := func(n int, decode func(e *Event, name string, r *reader)) *structType {
		return &structType{size: sizesAll(n), decode: decode}
	}
	fd := sized(4, func(e *Event, name string, r *reader) { e.emitFD(name, r.u32(), false) })
	tag := sized(8, func(e *Event, name string, r *reader) { e.num(name, Hex, 64, r.u64()) })
	buffer := structs["iovec_addr"]

	filesUpdate := sized(16, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("offset", Uint, 32, r.u32())
		e.reserved("resv", r, 1, 4)
		e.emitArray("fds", fd, r.u64(), e.args[3])
		e.close(outer)
	})
	resources := func(data *structType) *structType {
		return sized(32, func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			n := r.u32()
			e.num("nr", Uint, 32, n)
			e.flags("flags", 32, r.u32(), setUringRsrc)
			e.reserved("resv2", r, 1, 8)
			e.emitArray("data", data, r.u64(), n)
			e.emitArray("tags", tag, r.u64(), n)
			e.close(outer)
		})
	}
	resourcesUpdate := func(data *structType) *structType {
		return sized(32, func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			e.num("offset", Uint, 32, r.u32())
			e.reserved("resv", r, 1, 4)
			at, tags, n := r.u64(), r.u64(), r.u32()
			e.emitArray("data", data, at, n)
			e.emitArray("tags", tag, tags, n)
			e.num("nr", Uint, 32, n)
			e.reserved("resv2", r, 1, 4)
			e.close(outer)
		})
	}
	ringFD := func(register bool) *structType {
		return sized(16, func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			e.num("offset", Int, 32, r.u32())
			e.reserved("resv", r, 1, 4)
			if data := r.u64(); register {
				e.emitFD("data", data, false)
			} else {
				e.num("data", Hex, 64, data)
			}
			e.close(outer)
		})
	}
	bufferRing := sized(40, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, uringBufferRing)
		e.reserved("flags", r, 1, 2)
		e.reserved("resv", r, 3, 8)
		e.close(outer)
	})
	return map[uint64]uringArg{
		0:  {typ: buffer, array: true},                            // IORING_REGISTER_BUFFERS
		2:  {typ: fd, array: true},                                // IORING_REGISTER_FILES
		4:  {typ: fd, array: true},                                // IORING_REGISTER_EVENTFD
		6:  {typ: filesUpdate},                                    // IORING_REGISTER_FILES_UPDATE
		7:  {typ: fd, array: true},                                // IORING_REGISTER_EVENTFD_ASYNC
		8:  {typ: sized(16, decodeUringProbe), late: true},        // IORING_REGISTER_PROBE
		11: {typ: sized(16, decodeUringRestriction), array: true}, // IORING_REGISTER_RESTRICTIONS
		13: {typ: resources(fd), sized: true},                     // IORING_REGISTER_FILES2
		14: {typ: resourcesUpdate(fd), sized: true},               // IORING_REGISTER_FILES_UPDATE2
		15: {typ: resources(buffer), sized: true},                 // IORING_REGISTER_BUFFERS2
		16: {typ: resourcesUpdate(buffer), sized: true},           // IORING_REGISTER_BUFFERS_UPDATE
		20: {typ: ringFD(true), array: true},                      // IORING_REGISTER_RING_FDS
		21: {typ: ringFD(false), array: true},                     // IORING_UNREGISTER_RING_FDS
		22: {typ: bufferRing},                                     // IORING_REGISTER_PBUF_RING
		23: {typ: bufferRing},                                     // IORING_UNREGISTER_PBUF_RING
	}
})

var uringBufferRing = []field{{"ring_addr", Addr, 8, nil}, {"ring_entries", Uint, 4, nil}, {"bgid", Uint, 2, nil}}

// Operations whose argument is no struct or array of structs.
const (
	uringAffinity   = 17
	uringMaxWorkers = 19
)

func entryUringRegister(e *Event) {
	op, n := e.args[1]&^useRingFD, e.args[3]
	a := uringArgs()[op]
	switch {
	case op == uringAffinity && n > 0:
		e.into(2)
		e.emitVariable("", structs["cpu_set"], e.args[2], n)
	case op == uringAffinity:
		e.set(2, Value{Kind: Array})
	case op == uringMaxWorkers:
		e.into(2)
		outer := e.begin("", Change)
		e.uringWorkers(true)
		e.close(outer)
		e.later(2)
		e.partial = true
	case a.late:
		e.later(2)
	case a.array:
		e.into(2)
		e.emitArray("", a.typ, e.args[2], n)
	case a.typ != nil && (n == uint64(a.typ.size[e.abi]) || !a.sized):
		e.into(2)
		e.emitStruct("", a.typ, e.args[2])
	}
}

func exitUringRegister(e *Event) {
	op := e.args[1] &^ useRingFD
	if uringArgs()[op].late {
		e.pointer(2, uringArgs()[op].typ, e.good())
	}
	if op == uringMaxWorkers && e.values[e.arg(2).first].Kind == Array {
		outer := e.parent
		e.parent = argSlot + 2
		e.uringWorkers(e.good())
		e.close(outer)
	}
}

// uringWorkers emits how many workers there are of each sort.
func (e *Event) uringWorkers(good bool) {
	addr := e.args[2]
	n := clamp(e.args[3], e.opts.arrayLimit())
	b := e.read(addr, 4*n)
	if !good || addr == 0 || len(b) < 4*n {
		e.emitAddr("", addr, true)
		return
	}
	outer := e.begin("", Array)
	for i := range n {
		name := "[IO_WQ_???]"
		if i < len(uringWorkerNames) {
			name = uringWorkerNames[i]
		}
		e.num(name, Uint, 32, uint64(le.Uint32(b[4*i:])))
	}
	e.close(outer)
}

var uringWorkerNames = [...]string{"[IO_WQ_BOUND]", "[IO_WQ_UNBOUND]"}

// decodeUringProbe decodes which operations the kernel knows.
func decodeUringProbe(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.enumDecimal("last_op", 8, r.u8(), setUringOps)
	n := r.u8()
	e.num("ops_len", Uint, 8, n)
	e.reserved("resv", r, 1, 2)
	e.reserved("resv2", r, 3, 4)
	e.emitArray("ops", uringProbeOp, r.addr+16, n)
	e.close(outer)
}

var uringProbeOp = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.enumDecimal("op", 8, r.u8(), setUringOps)
	e.flags("flags", 16, r.at(2).u16(), setUringOpFlags)
	e.close(outer)
}}

func decodeUringRestriction(e *Event, name string, r *reader) {
	const registerOp, sqeOp = 0, 1
	op, arg := r.u16(), r.u8()
	outer := e.begin(name, Struct)
	e.enum("opcode", 16, op, setUringRestriction)
	switch op {
	case registerOp:
		e.enum("register_op", 8, arg, setUringRegister)
	case sqeOp:
		e.enumDecimal("sqe_op", 8, arg, setUringOps)
	default:
		e.flags("sqe_flags", 8, arg, setUringSQE)
	}
	e.reserved("resv2", r.at(4), 3, 4)
	e.close(outer)
}
