package decode

// Structs of io_uring_register(2) for what is newer than Linux 6.0 (linux/io_uring.h).

var (
	setUringRingFlags = SetByName("io_uring_pbuf_ring_flags")
	setUringCancel    = SetByName("io_uring_cancel_flags")
	setUringClone     = SetByName("io_uring_clone_flags")
	setUringNAPI      = SetByName("io_uring_napi_op")
	setUringTracking  = SetByName("io_uring_napi_tracking")
	setUringRegion    = SetByName("io_uring_mem_region_reg_flags")
	setUringQuery     = SetByName("io_uring_query_op")
)

var uringSyncCancel = aStruct(64, func(e *Event, r *reader) {
	const byFD, byOp = 2, 0x20
	addr, fd, flags := r.u64(), r.u32(), r.u32()
	e.num("addr", Hex, 64, addr)
	if flags&byFD != 0 {
		e.emitFD("fd", fd, false)
	} else {
		e.num("fd", Int, 32, fd)
	}
	e.flags("flags", 32, flags, setUringCancel)
	e.emitBytesAs("timeout", structs["timespec64"], r.bytes(16))
	if op := r.u8(); flags&byOp != 0 || op != 0 {
		e.enum("opcode", 8, op, setUringOps)
	}
	e.reserved("pad", r, 7, 1)
	e.reserved("pad2", r, 3, 8)
})

var uringFileRange = aStruct(16, func(e *Event, r *reader) {
	e.num("off", Uint, 32, r.u32())
	e.num("len", Uint, 32, r.u32())
	e.reserved("resv", r, 1, 8)
})

var uringBufferStatus = aStruct(40, func(e *Event, r *reader) {
	e.num("buf_group", Uint, 32, r.u32())
	e.num("head", Uint, 32, r.u32())
	e.reserved("resv", r, 8, 4)
})

var uringNAPI = aStruct(16, func(e *Event, r *reader) {
	const register = 0
	e.num("busy_poll_to", Uint, 32, r.u32())
	e.num("prefer_busy_poll", Uint, 8, r.u8())
	op := r.u8()
	e.enum("opcode", 8, op, setUringNAPI)
	e.reserved("pad", r, 2, 1)
	if param := r.u32(); op == register {
		e.enum("op_param", 32, param, setUringTracking)
	} else {
		e.num("op_param", Uint, 32, param)
	}
	e.reserved("resv", r, 1, 4)
})

// uringNAPIState is what was in force.
var uringNAPIState = aStruct(16, func(e *Event, r *reader) {
	e.num("busy_poll_to", Uint, 32, r.u32())
	e.num("prefer_busy_poll", Uint, 8, r.u8())
})

var uringClock = aStruct(16, func(e *Event, r *reader) {
	e.enum("clockid", 32, r.u32(), setClockID)
	e.reserved("__resv", r, 3, 4)
})

var uringCloneBuffers = aStruct(32, func(e *Event, r *reader) {
	const registered = 1 // the descriptor is the number of a registered one
	fd, flags := r.u32(), r.u32()
	if flags&registered != 0 {
		e.num("src_fd", Uint, 32, fd)
	} else {
		e.emitFD("src_fd", fd, false)
	}
	e.flags("flags", 32, flags, setUringClone)
	e.fields(r, []field{{"src_off", Uint, 4, nil}, {"dst_off", Uint, 4, nil}, {"nr", Uint, 4, nil}})
	e.reserved("pad", r, 3, 4)
})

var uringZeroCopy = aStruct(96, func(e *Event, r *reader) {
	e.fields(r, []field{
		{"if_idx", Interface, 4, nil}, {"if_rxq", Uint, 4, nil}, {"rq_entries", Uint, 4, nil}, {"flags", Hex, 4, nil},
		{"area_ptr", Addr, 8, nil}, {"region_ptr", Addr, 8, nil},
	})
	inner := e.begin("offsets", Struct)
	e.fields(r, []field{{"head", Uint, 4, nil}, {"tail", Uint, 4, nil}, {"rqes", Uint, 4, nil}})
	e.reserved("__resv2", r, 1, 4)
	e.reserved("__resv", r, 2, 8)
	e.close(inner)
	e.num("zcrx_id", Uint, 32, r.u32())
	e.reserved("__resv2", r, 1, 4)
	e.reserved("__resv", r, 3, 8)
})

// uringResize is the start of struct io_uring_params, of which the rest is the kernel's.
var uringResize = aStruct(uringParamsSize, func(e *Event, r *reader) {
	e.fields(r, uringEntries)
	e.flags("flags", 32, r.u32(), setUringSetup)
})

var uringRegion = aStruct(32, func(e *Event, r *reader) {
	addr := r.u64()
	if b := e.readAll(addr, 64); b != nil { // struct io_uring_region_desc
		inner := e.begin("region_uptr", Struct)
		e.fields(e.reader(b, addr), []field{{"user_addr", Addr, 8, nil}, {"size", Uint, 8, nil}, {"flags", Hex, 4, nil}, {"id", Uint, 4, nil}, {"mmap_offset", Hex, 8, nil}})
		e.close(inner)
	} else {
		e.emitAddr("region_uptr", addr, addr != 0)
	}
	e.flags("flags", 64, r.u64(), setUringRegion)
	e.reserved("__resv", r, 2, 8)
})

var uringQuery = aStruct(40, func(e *Event, r *reader) {
	e.fields(r, []field{
		{"next_entry", Addr, 8, nil}, {"query_data", Addr, 8, nil}, {"query_op", Enum, 4, setUringQuery}, {"size", Uint, 4, nil}, {"result", Int, 4, nil},
	})
	e.reserved("__resv", r, 3, 4)
})
