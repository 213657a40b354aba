package decode

// Flash memory: MTD devices (mtd/mtd-abi.h) and the volumes of UBI (mtd/ubi-user.h).

func init() { ioctlFamilies = append(ioctlFamilies, mtdRequests, ubiRequests) }

func mtdRequests(t ioctlTable) {
	t.add(ioctlArg{kind: ioctlEnum, set: SetByName("mtd_file_mode")}, 0x4d13) // MTDFILEMODE
	t.in(&structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) {
		e.enum(name, 32, r.u32(), SetByName("mtd_otp"))
	}}, 0x80044d0d) // OTPSELECT
	t.out(oneInt, 0x80044d07, 0x40044d0e)           // MEMGETREGIONCOUNT, OTPGETREGIONCOUNT
	t.in(structs["u64dec"], 0x40084d0b, 0x40084d0c) // MEMGETBADBLOCK, MEMSETBADBLOCK
	t.grow(aStruct(16, func(e *Event, r *reader) {
		e.num("regionindex", Hex, 32, r.at(12).u32())
	}), aStruct(16, func(e *Event, r *reader) {
		e.fields(r, []field{{"offset", Hex, 4, nil}, {"erasesize", Hex, 4, nil}, {"numblocks", Hex, 4, nil}})
	}), 0xc0104d08) // MEMGETREGIONINFO
	t.in(&structType{size: sizesAll(8), decode: record(field{"start", Hex, 4, nil}, field{"length", Hex, 4, nil})},
		0x40084d02, 0x40084d05, 0x40084d06, 0x80084d17) // MEMERASE, MEMLOCK, MEMUNLOCK, MEMISLOCKED
	t.in(&structType{size: sizesAll(16), decode: record(field{"start", Hex, 8, nil}, field{"length", Hex, 8, nil})}, 0x40104d14)
	t.in(&structType{size: sizesPtr(16, 12), decode: record(field{"start", Hex, 4, nil}, field{"length", Hex, 4, nil}, field{"ptr", Addr, pointer, nil})},
		0xc0104d03, 0xc0104d04, 0xc00c4d03, 0xc00c4d04) // MEMWRITEOOB, MEMREADOOB
	t.in(&structType{size: sizesAll(24), decode: record(field{"start", Hex, 8, nil}, field{size: 4}, field{"length", Hex, 4, nil}, field{"usr_ptr", Addr, 8, nil})},
		0xc0184d15, 0xc0184d16) // MEMWRITEOOB64, MEMREADOOB64
	otp := &structType{size: sizesAll(12), decode: record(field{"start", Hex, 4, nil}, field{"length", Hex, 4, nil}, field{"locked", Uint, 4, nil})}
	t.in(otp, 0x800c4d10)  // OTPLOCK
	t.out(otp, 0x400c4d0f) // OTPGETREGIONINFO
	t.in(&structType{size: sizesAll(48), decode: record(field{"start", Hex, 8, nil}, field{"len", Hex, 8, nil}, field{"ooblen", Hex, 8, nil},
		field{"usr_data", Addr, 8, nil}, field{"usr_oob", Addr, 8, nil}, field{"mode", Enum, 1, SetByName("mtd_ops")})}, 0xc0304d18) // MEMWRITE
	t.out(&structType{size: sizesAll(32), decode: record(field{"type", Enum, 1, SetByName("mtd_type")}, field{"flags", Flags, 4, SetByName("mtd_flags")},
		field{"size", Hex, 4, nil}, field{"erasesize", Hex, 4, nil}, field{"writesize", Hex, 4, nil}, field{"oobsize", Hex, 4, nil},
		field{"padding", Hex, 8, nil})}, 0x80204d01) // MEMGETINFO
	t.out(aStruct(200, func(e *Event, r *reader) {
		e.enum("useecc", 32, r.u32(), SetByName("mtd_ecc"))
		e.num("eccbytes", Hex, 32, r.u32())
		outer := e.begin("oobfree", Array)
		for range 8 {
			e.numbers("", Hex, 4, r, 2)
		}
		e.close(outer)
		e.numbers("eccpos", Hex, 4, r, 32)
	}), 0x80c84d0a) // MEMGETOOBSEL
	t.out(aStruct(328, func(e *Event, r *reader) {
		e.num("eccbytes", Hex, 32, r.u32())
		e.numbers("eccpos", Hex, 4, r, 64)
		e.num("oobavail", Hex, 32, r.at(260).u32())
		outer := e.begin("oobfree", Array)
		for range 8 {
			inner := e.begin("", Struct)
			e.num("offset", Hex, 32, r.u32())
			e.num("length", Hex, 32, r.u32())
			e.close(inner)
		}
		e.close(outer)
	}), 0x81484d11) // ECCGETLAYOUT
	t.out(&structType{size: sizesAll(16), decode: record(field{"corrected", Hex, 4, nil}, field{"failed", Hex, 4, nil},
		field{"badblocks", Hex, 4, nil}, field{"bbtblocks", Hex, 4, nil})}, 0x80104d12)
}

const (
	ubiMaxName    = 127 // UBI_MAX_VOLUME_NAME
	ubiMaxRenames = 32  // UBI_MAX_RNVOL
)

func ubiRequests(t ioctlTable) {
	t.in(oneInt, 0x40046f41, 0x40044f01, 0x80044f05, 0x40044f04, 0x40046f01, 0x40046f04, 0x40046f05)
	t.in(&structType{size: sizesAll(8), scalar: true, decode: func(e *Event, name string, r *reader) { e.num(name, Int, 64, r.u64()) }}, 0x40084f00)
	t.inOut(aStruct(24, func(e *Event, r *reader) {
		e.fields(r, []field{{"ubi_num", Int, 4, nil}, {"mtd_num", Int, 4, nil}, {"vid_hdr_offset", Int, 4, nil}, {"max_beb_per1024", Int, 2, nil}})
	}), oneInt, 0x40186f40) // UBI_IOCATT: which number the device has got
	data := SetByName("ubi_data_type")
	t.in(&structType{size: sizesAll(16), decode: record(field{"lnum", Int, 4, nil}, field{"bytes", Int, 4, nil}, field{"dtype", Enum, 1, data})}, 0x40044f02)
	t.in(&structType{size: sizesAll(8), decode: record(field{"lnum", Int, 4, nil}, field{"dtype", Enum, 1, data})}, 0x40084f03)
	t.inOut(aStruct(152, func(e *Event, r *reader) {
		e.fields(r, []field{{"vol_id", Int, 4, nil}, {"alignment", Int, 4, nil}, {"bytes", Int, 8, nil},
			{"vol_type", Enum, 1, SetByName("ubi_volume_type")}, {"flags", Flags, 1, SetByName("ubi_volume_flags")}})
		n := r.u16()
		e.num("name_len", Int, 16, n)
		e.ubiName(n, r.at(24).bytes(ubiMaxName+1))
	}), oneInt, 0x40986f00) // UBI_IOCMKVOL
	t.in(aStruct(16+ubiMaxRenames*136, func(e *Event, r *reader) {
		count := r.u32()
		e.num("count", Int, 32, count)
		defer e.close(e.begin("ents", Array))
		for i := range max(0, min(int32(count), ubiMaxRenames)) {
			if int(i) == e.opts.arrayLimit() {
				e.cut()
				return
			}
			r.at(16 + 136*int(i))
			outer := e.begin("", Struct)
			e.num("vol_id", Int, 32, r.u32())
			n := r.u16()
			e.num("name_len", Int, 16, n)
			r.skip(2)
			e.ubiName(n, r.bytes(ubiMaxName+1))
			e.close(outer)
		}
	}), 0x51106f03)
	t.in(&structType{size: sizesAll(12), decode: record(field{"bytes", Int, 8, nil}, field{"vol_id", Int, 4, nil})}, 0x400c6f02)
	t.in(aStruct(16, func(e *Event, r *reader) {
		e.enum("property", 8, r.u8(), SetByName("ubi_property"))
		e.num("value", Hex, 64, r.at(8).u64())
	}), 0x40104f06)
}

// ubiName emits the name of a volume, of which length says how long it is.
func (e *Event) ubiName(length uint64, b []byte) {
	n := min(max(int(int16(length)), 0), ubiMaxName)
	e.fixedText("name", b[:n+1])
}
