package decode

// IDE disks (linux/hdreg.h). The kernel has them for programs of its own width only.

func init() { ioctlFamilies = append(ioctlFamilies, hdioRequests) }

func hdioRequests(t ioctlTable) {
	nice, bus, command := setIDENice, SetByName("ide_bus_state"), SetByName("ata_command")
	t.out(&structType{size: sizes64(16, 8), decode: record(
		field{"heads", Uint, 1, nil}, field{"sectors", Uint, 1, nil}, field{"cylinders", Uint, 2, nil}, field{"start", Uint, long, nil})},
		0x301) // HDIO_GETGEO
	t.inOut(aStruct(4, func(e *Event, r *reader) {
		e.enum("command", 8, r.u8(), command)
		e.num("sector_number", Uint, 8, r.u8())
		e.num("feature", Uint, 8, r.u8())
		e.old = r.u8()
		e.num("sector_count", Uint, 8, e.old)
	}), aStruct(4, func(e *Event, r *reader) {
		e.num("status", Hex, 8, r.u8())
		e.num("error", Uint, 8, r.u8())
		e.num("nsector", Uint, 8, r.u8())
		if e.old != 0 {
			const sector = 512
			e.rawBuffer("buf", r.addr+4, e.old*sector)
		}
	}), 0x31f) // HDIO_DRIVE_CMD

	native := func(a ioctlArg, codes ...uint64) {
		a.native = true
		t.add(a, codes...)
	}
	native(ioctlArg{kind: ioctlOut, typ: oneLong(func(e *Event, bits uint8, num uint64) { e.num("", Uint, bits, num) })},
		0x302, 0x304, 0x308, 0x309, 0x30a, 0x30b, 0x30e, 0x30f, 0x310)
	native(ioctlArg{kind: ioctlLong}, 0x321, 0x322, 0x323, 0x324, 0x325, 0x326, 0x327, 0x32a, 0x32b, 0x32c, 0x32f)
	native(ioctlArg{kind: ioctlOut, typ: oneLong(func(e *Event, bits uint8, num uint64) { e.flags("", bits, num, nice) })}, 0x30c)
	native(ioctlArg{kind: ioctlFlagsLong, set: nice}, 0x329)
	native(ioctlArg{kind: ioctlOut, typ: oneLong(func(e *Event, bits uint8, num uint64) { e.enum("", bits, num, bus) })}, 0x31a)
	native(ioctlArg{kind: ioctlEnum, set: bus}, 0x32d)
	three := &structType{size: sizesAll(12), decode: func(e *Event, name string, r *reader) { e.numbers(name, Hex, 4, r, 3) }}
	native(ioctlArg{kind: ioctlIn, typ: three}, 0x31c, 0x328)        // HDIO_DRIVE_RESET, HDIO_SCAN_HWIF
	for code, size := range map[uint64]int{0x307: 142, 0x30d: 512} { // HDIO_OBSOLETE_IDENTITY, HDIO_GET_IDENTITY
		native(ioctlArg{kind: ioctlOut, typ: &structType{size: sizesAll(size), decode: func(e *Event, name string, r *reader) {
			n := min(size, e.opts.StringLimit)
			e.bytes(name, r.addr, r.b[:n], uint64(size), n < size)
		}}}, code)
	}
	native(ioctlArg{kind: ioctlHex}, 0x305, 0x306, 0x31b, 0x31d, 0x31e, 0x32e)
}

// oneLong is an unsigned long of its own.
func oneLong(show func(e *Event, bits uint8, num uint64)) *structType {
	return &structType{size: sizes64(8, 4), scalar: true, decode: func(e *Event, _ string, r *reader) { show(e, r.longBits(), r.long()) }}
}

// setIDENice is what the names of bit numbers stand for.
var setIDENice = &ConstSet{Name: "ide_nice", Prefix: "IDE_NICE_", Consts: []Const{
	{Name: "1 << IDE_NICE_DSC_OVERLAP", Value: 1 << 0}, {Name: "1 << IDE_NICE_ATAPI_OVERLAP", Value: 1 << 1},
	{Name: "1 << IDE_NICE_1", Value: 1 << 3}, {Name: "1 << IDE_NICE_0", Value: 1 << 2}, {Name: "1 << IDE_NICE_2", Value: 1 << 4},
}}
