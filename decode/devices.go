package decode

import "github.com/k42trace/k42trace/table"

// Requests of drivers that have one struct or two: watchdogs, counters, random numbers,
// SCSI, block devices.

func init() { ioctlFamilies = append(ioctlFamilies, deviceRequests, blockRequests) }

// oneInt is an int of its own.
var oneInt = &structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) { e.num(name, Int, 32, r.u32()) }}

func deviceRequests(t ioctlTable) {
	long := ioctlArg{kind: ioctlLong}

	// linux/watchdog.h
	t.out(oneInt, 0x80045701, 0x80045702, 0x80045703, 0x80045707, 0x80045709, 0x8004570a)
	t.in(oneInt, 0xc0045706, 0xc0045708) // WDIOC_SETTIMEOUT, WDIOC_SETPRETIMEOUT

	// linux/counter.h
	component := aStruct(4, func(e *Event, r *reader) {
		e.enum("type", 8, r.u8(), SetByName("counter_component"))
		e.enum("scope", 8, r.u8(), SetByName("counter_scope"))
		e.num("parent", Uint, 8, r.u8())
		e.num("id", Uint, 8, r.u8())
	})
	t.in(aStruct(6, func(e *Event, r *reader) {
		e.emitBytesAs("component", component, r.bytes(4))
		e.enum("event", 8, r.u8(), SetByName("counter_event"))
		e.num("channel", Uint, 8, r.u8())
	}), 0x40063e00)

	// linux/random.h
	t.in(aStruct(8, func(e *Event, r *reader) {
		e.num("entropy_count", Int, 32, r.u32())
		size := r.u32()
		e.num("buf_size", Int, 32, size)
		e.emitBuffer("buf", r.addr+8, size)
	}), 0x40085203)

	// linux/inotify.h
	t.add(ioctlArg{kind: ioctlInt}, 0x40044900)

	// linux/nsfs.h
	t.add(ioctlArg{kind: ioctlNone, fd: true}, 0xb701, 0xb702)                   // NS_GET_USERNS, NS_GET_PARENT
	t.add(ioctlArg{kind: ioctlNone, means: SetByName("namespace_type")}, 0xb703) // NS_GET_NSTYPE
	t.out(structs["uint"], 0xb704)                                               // NS_GET_OWNER_UID

	// scsi/sg.h
	t.add(ioctlArg{kind: ioctlFlags}, 0x2204) // SG_SET_TRANSFORM
	t.in(oneInt, 0x2201, 0x2271, 0x2275, 0x2279, 0x227b, 0x227e, 0x2283, 0x2287)
	t.out(oneInt, 0x2205, 0x2203, 0x2270, 0x2272, 0x227a, 0x227c, 0x227d, 0x227f, 0x2282, 0x2288, 0x2289)
	t.in(&structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) { e.scsiReset(name, r.u32()) }}, 0x2284)

	t.out(&structType{size: sizesPtr(24, 20), decode: structOf(numbers(Int, 1, "req_state", "orphan", "sg_io_owned", "problem"),
		number("pack_id", Int, 4), number("usr_ptr", Addr, pointer), number("duration", Uint, 4))}, 0x2286) // SG_GET_REQUEST_TABLE
	t.out(layout(32, numbers(Int, 4, "host_no", "channel"), number("scsi_id", Hex, 4), number("lun", Int, 4), number("scsi_type", Hex, 4),
		numbers(Int, 2, "h_cmd_per_lun", "d_queue_depth")), 0x2276) // SG_GET_SCSI_ID

	// linux/perf_event.h; the first are of 32-bit programs.
	number := structs["u64dec"]
	t.in(number, 0x40042404, 0x40082404)                       // PERF_EVENT_IOC_PERIOD
	t.out(number, 0x80042407, 0x80082407)                      // PERF_EVENT_IOC_ID
	t.add(ioctlArg{kind: ioctlString}, 0x40042406, 0x40082406) // PERF_EVENT_IOC_SET_FILTER
	t.add(long, 0x40042409)                                    // PERF_EVENT_IOC_PAUSE_OUTPUT
	query := aStruct(8, func(e *Event, r *reader) {
		n := r.at(4).u32()
		e.num("prog_cnt", Uint, 32, n)
		e.emitArray("ids", plainUint, r.addr+8, n)
	})
	query.rest = true
	t.grow(aStruct(4, func(e *Event, r *reader) { e.num("ids_len", Uint, 32, r.u32()) }), query, 0xc004240a, 0xc008240a)
	t.add(ioctlArg{kind: ioctlPerfAttr}, 0x4004240b, 0x4008240b) // PERF_EVENT_IOC_MODIFY_ATTRIBUTES
}

var plainUint = &structType{size: sizesAll(4), decode: func(e *Event, name string, r *reader) { e.num(name, Uint, 32, r.u32()) }}

// scsiReset emits what is to be reset, SG_SCSI_RESET_NOTHING among them.
func (e *Event) scsiReset(name string, num uint64) {
	const noEscalate = 0x100
	set := SetByName("scsi_reset")
	if num&noEscalate == 0 || set.name(num&^noEscalate) == "" {
		e.enum(name, 32, num, set)
		return
	}
	outer := e.open(Value{Name: name, Kind: Or, Bits: 32, Num: num})
	e.flags("", 32, noEscalate, SetByName("scsi_reset_flags"))
	e.enum("", 32, num&^noEscalate, set)
	e.close(outer)
}

func blockRequests(t ioctlTable) {
	long := ioctlArg{kind: ioctlLong}
	t.add(long, 0x1262, 0x1264)                 // BLKRASET, BLKFRASET
	t.add(long, 0x4c08, 0x4c09)                 // LOOP_SET_DIRECT_IO, LOOP_SET_BLOCK_SIZE
	t.add(long, 0xab01, 0xab02, 0xab07, 0xab09) // NBD_SET_BLKSIZE, -SIZE, -SIZE_BLOCKS, -TIMEOUT
	t.out(oneInt, 0x125e, 0x1268, 0x1278, 0x127a, 0x127b, 0x80081270)
	t.out(structs["off"], 0x1260, 0x1263, 0x1265)
	t.out(structs["uint"], 0x1279, 0x127c, 0x80041284, 0x80041285)                              // BLKIOOPT, BLKDISCARDZEROES, BLKGETZONESZ, BLKGETNRZONES
	t.out(scalarOf(2, func(e *Event, num uint64) { e.num("", Uint, 16, num) }), 0x1267, 0x127e) // BLKSECTGET, BLKROTATIONAL
	t.out(structs["u64dec"], 0x80081280)                                                        // BLKGETDISKSEQ

	partition := aStruct(152, func(e *Event, r *reader) {
		e.num("start", Int, 64, r.u64())
		e.num("length", Int, 64, r.u64())
		e.num("pno", Int, 32, r.u32())
		e.fixedText("devname", r.bytes(64))
		e.fixedText("volname", r.bytes(64))
	})
	partition.size[table.I386] = 148 // where a long long is aligned as an int
	t.in(&structType{size: sizesPtr(24, 16), decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.enum("op", 32, r.u32(), SetByName("block_partition"))
		e.num("flags", Int, 32, r.u32())
		e.num("datalen", Int, 32, r.u32())
		e.emitStruct("data", partition, r.ptr())
		e.close(outer)
	}}, 0x1269) // BLKPG
	size := &structType{size: sizes64(72, 64), decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		r.skip(32)
		e.fields(r, []field{{"act_mask", Uint, 2, nil}, {"buf_size", Uint, 4, nil}, {"buf_nr", Uint, 4, nil},
			{"start_lba", Uint, 8, nil}, {"end_lba", Uint, 8, nil}, {"pid", PID, 4, nil}})
		e.close(outer)
	}}
	t.grow(size, aStruct(32, func(e *Event, r *reader) { e.fixedText("name", r.bytes(32)) }), 0xc0481273, 0xc0401273)

	// linux/loop.h
	t.in(loopInfo, 0x4c02)
	t.out(loopInfo, 0x4c03)
	t.in(loopInfo64, 0x4c04)
	t.out(loopInfo64, 0x4c05)
	t.in(aStruct(304, func(e *Event, r *reader) {
		e.emitFD("fd", r.u32(), false)
		e.num("block_size", Uint, 32, r.u32())
		e.emitBytesAs("info", loopInfo64, r.bytes(232))
		e.reserved("__reserved", r, 8, 8)
	}), 0x4c0a)
}
