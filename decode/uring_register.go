package decode

import (
	"bytes"
	"sync"
)

// io_uring_register(2): what the third argument points to depends on the
// operation; the fourth is how many of them there are, or the size of the struct.

// A uringArg is the third argument for an operation.
type uringArg struct {
	typ   *structType
	array bool // the fourth is the length,
	sized bool // or the size
	one   bool // or 1
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
	slot := sized(4, func(e *Event, name string, r *reader) {
		const skip = 1<<32 - 2 // leaves a file as it is
		if fd := r.u32(); fd == skip {
			e.emit(Value{Name: name, Kind: Named, Bits: 32, Num: fd, Symbol: "IORING_REGISTER_FILES_SKIP"})
		} else {
			e.emitFD(name, fd, false)
		}
	})
	tag := sized(8, func(e *Event, name string, r *reader) { e.num(name, Hex, 64, r.u64()) })
	buffer := structs["iovec_addr"]

	filesUpdate := sized(16, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("offset", Uint, 32, r.u32())
		e.reserved("resv", r, 1, 4)
		e.emitArray("fds", slot, r.u64(), e.args[3])
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
			e.unknownRest(r.addr, 32, e.args[3])
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
			e.unknownRest(r.addr, 32, e.args[3])
			e.close(outer)
		})
	}
	ringFD := func(register bool) *structType {
		return sized(16, func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			if at := r.u32(); at == 1<<32-1 && register { // any
				e.num("offset", Int, 32, at)
			} else {
				e.num("offset", Uint, 32, at)
			}
			e.reserved("resv", r, 1, 4)
			if data := r.u64(); register {
				e.emitFD("data", data, false)
			} else if data != 0 {
				e.num("data", Hex, 64, data)
			}
			e.close(outer)
		})
	}
	bufferRing := sized(40, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, uringBufferRing)
		if flags := r.u16(); flags&^setUringRingFlags.known() == 0 && flags != 0 {
			e.flags("flags", 16, flags, setUringRingFlags)
		} else if flags != 0 { // padding, once
			e.num("pad", Hex, 16, flags)
		}
		e.reserved("resv", r, 3, 8)
		e.close(outer)
	})
	one := func(t *structType) uringArg { return uringArg{typ: t, one: true} }
	return map[uint64]uringArg{
		0:  {typ: buffer, array: true},                            // IORING_REGISTER_BUFFERS
		2:  {typ: fd, array: true},                                // IORING_REGISTER_FILES
		4:  {typ: fd, array: true},                                // IORING_REGISTER_EVENTFD
		6:  {typ: filesUpdate},                                    // IORING_REGISTER_FILES_UPDATE
		7:  {typ: fd, array: true},                                // IORING_REGISTER_EVENTFD_ASYNC
		11: {typ: sized(16, decodeUringRestriction), array: true}, // IORING_REGISTER_RESTRICTIONS
		13: {typ: resources(fd), sized: true},                     // IORING_REGISTER_FILES2
		14: {typ: resourcesUpdate(slot), sized: true},             // IORING_REGISTER_FILES_UPDATE2
		15: {typ: resources(buffer), sized: true},                 // IORING_REGISTER_BUFFERS2
		16: {typ: resourcesUpdate(buffer), sized: true},           // IORING_REGISTER_BUFFERS_UPDATE
		20: {typ: ringFD(true), array: true},                      // IORING_REGISTER_RING_FDS
		21: {typ: ringFD(false), array: true},                     // IORING_UNREGISTER_RING_FDS
		22: {typ: bufferRing},                                     // IORING_REGISTER_PBUF_RING
		23: {typ: bufferRing},                                     // IORING_UNREGISTER_PBUF_RING
		24: one(uringSyncCancel),                                  // IORING_REGISTER_SYNC_CANCEL
		25: {typ: uringFileRange},                                 // IORING_REGISTER_FILE_ALLOC_RANGE
		26: {typ: uringBufferStatus, one: true, late: true},       // IORING_REGISTER_PBUF_STATUS
		27: one(uringNAPI),                                        // IORING_REGISTER_NAPI
		28: {typ: uringNAPIState, one: true, late: true},          // IORING_UNREGISTER_NAPI
		29: {typ: uringClock},                                     // IORING_REGISTER_CLOCK
		30: one(uringCloneBuffers),                                // IORING_REGISTER_CLONE_BUFFERS
		32: one(uringZeroCopy),                                    // IORING_REGISTER_ZCRX_IFQ
		33: one(uringResize),                                      // IORING_REGISTER_RESIZE_RINGS
		34: one(uringRegion),                                      // IORING_REGISTER_MEM_REGION
		35: {typ: uringQuery, late: true},                         // IORING_REGISTER_QUERY
	}
})

var uringBufferRing = []field{{"ring_addr", Addr, 8, nil}, {"ring_entries", Uint, 4, nil}, {"bgid", Uint, 2, nil}}

// Operations whose argument is no struct or array of structs.
const (
	uringAffinity   = 17
	uringMaxWorkers = 19
	uringProbe      = 8
)

func entryUringRegister(e *Event) {
	op, n := e.args[1]&^useRingFD, e.args[3]
	a := uringArgs()[op]
	if e.args[1]&useRingFD != 0 {
		v := e.arg(1)
		set := v.Set
		e.into(1)
		outer := e.open(Value{Kind: Or, Bits: 32, Num: e.args[1]})
		e.emit(Value{Kind: Symbol, Symbol: "IORING_REGISTER_USE_REGISTERED_RING"})
		e.enum("", 32, op, set)
		e.close(outer)
	}
	switch {
	case op == uringAffinity && n > 0:
		e.into(2)
		e.emitVariable("", structs["cpu_set"], e.args[2], n)
	case op == uringAffinity:
		e.set(2, Value{Kind: Array})
	case op == uringMaxWorkers:
		if e.into(2); n == 0 {
			e.set(2, Value{Kind: Array})
			break
		}
		outer := e.begin("", Change)
		e.uringWorkers(true)
		e.close(outer)
		e.later(2)
		e.partial = true
	case op == uringProbe:
		e.later(2)
		if b := e.uringProbe(); len(bytes.Trim(b, "\x00")) > 0 { // else there is nothing to see yet
			e.into(2)
			outer := e.begin("", Change)
			e.emitProbe(b, false)
			e.close(outer)
			e.partial = true
		}
	case a.late && (n == 1 || !a.one):
		e.later(2)
	case a.one && n != 1 || a.late:
	case a.array:
		e.into(2)
		e.emitArray("", a.typ, e.args[2], n)
	case a.typ != nil && (n >= uint64(a.typ.size[e.abi]) || !a.sized):
		e.into(2)
		e.emitStruct("", a.typ, e.args[2])
	}
}

func exitUringRegister(e *Event) {
	op := e.args[1] &^ useRingFD
	if a := uringArgs()[op]; a.late && (e.args[3] == 1 || !a.one) {
		e.pointer(2, a.typ, e.good())
		return
	}
	outer := e.parent
	defer e.close(outer)
	switch {
	case op == uringProbe && e.partial && !e.good():
	case op == uringProbe:
		if e.partial {
			e.parent = argSlot + 2
		} else {
			e.into(2)
		}
		if b := e.uringProbe(); b != nil && e.good() {
			e.emitProbe(b, true)
		} else {
			e.emitAddr("", e.args[2], true)
		}
	case op == uringMaxWorkers && e.partial && e.values[e.arg(2).first].Kind == Array && e.readAll(e.args[2], 4*clamp(e.args[3], e.opts.arrayLimit())) != nil:
		e.parent = argSlot + 2
		e.uringWorkers(e.good())
	}
}

// uringWorkers emits how many workers there are of each sort.
func (e *Event) uringWorkers(good bool) {
	addr, n := e.args[2], e.args[3]
	show := clamp(n, e.opts.arrayLimit())
	b := e.read(addr, 4*show)
	if !good || addr == 0 || len(b) < 4 {
		e.emitAddr("", addr, true)
		return
	}
	outer := e.begin("", Array)
	for i := range len(b) / 4 {
		place := e.begin("", Indexed)
		e.enum("", 32, uint64(i), setUringWorkers)
		e.values[e.latest].Decimal = true
		e.num("", Uint, 32, uint64(le.Uint32(b[4*i:])))
		e.close(place)
	}
	if len(b) < 4*show {
		e.emitLost(addr + uint64(len(b)&^3))
	} else if uint64(show) < n {
		e.cut()
	}
	e.close(outer)
}

var setUringWorkers = SetByName("io_wq_type")

// uringProbe returns the bytes of a struct io_uring_probe with room for as many operations
// as the fourth argument says, nil if they are not there.
func (e *Event) uringProbe() []byte {
	const header, op, most = 16, 8, 256
	if e.args[3] > most {
		return nil
	}
	return e.readAll(e.args[2], header+op*int(e.args[3]))
}

// emitProbe emits which operations the kernel knows; before it has filled them in, what is
// in their place.
func (e *Event) emitProbe(b []byte, filled bool) {
	r := e.reader(b, e.args[2])
	outer := e.begin("", Struct)
	e.uringOp("last_op", r.u8())
	known := r.u8()
	e.num("ops_len", Uint, 8, known)
	e.reserved("resv", r, 1, 2)
	e.reserved("resv2", r, 3, 4)
	room := e.args[3]
	n := room
	if filled {
		n = min(known, room)
	}
	inner := e.begin("ops", Array)
	for i := range n {
		if i == uint64(e.opts.arrayLimit()) {
			e.cut()
			break
		}
		one := e.begin("", Struct)
		e.uringOp("op", r.u8())
		e.reserved("resv", r, 1, 1)
		e.flags("flags", 16, r.u16(), setUringOpFlags)
		e.reserved("resv2", r, 1, 4)
		e.close(one)
	}
	if filled && known > room {
		e.cut()
	}
	e.close(inner)
	e.close(outer)
}

// uringOp emits the number of an operation, in decimal.
func (e *Event) uringOp(name string, op uint64) {
	e.enum(name, 32, op, setUringOps)
	e.values[e.latest].Decimal = true
}

func decodeUringRestriction(e *Event, name string, r *reader) {
	const registerOp, sqeOp, sqeFlagsAllowed, sqeFlagsRequired = 0, 1, 2, 3
	op, arg := r.u16(), r.u8()
	outer := e.begin(name, Struct)
	switch op {
	case registerOp, sqeOp, sqeFlagsAllowed, sqeFlagsRequired:
		e.enum("opcode", 16, op, setUringRestriction)
	default:
		inner := e.begin("opcode", Joined)
		e.enum("", 16, op, setUringRestriction)
		e.emit(Value{Kind: Symbol, Symbol: " /* op: "})
		e.num("", Hex, 8, arg)
		e.emit(Value{Kind: Symbol, Symbol: " */"})
		e.close(inner)
	}
	switch op {
	case registerOp:
		e.enum("register_op", 8, arg, setUringRegister)
	case sqeOp:
		e.enum("sqe_op", 8, arg, setUringOps)
	case sqeFlagsAllowed, sqeFlagsRequired:
		e.flags("sqe_flags", 8, arg, setUringSQE)
	}
	e.reserved("resv", r, 1, 1)
	e.reserved("resv2", r, 3, 4)
	e.close(outer)
}
