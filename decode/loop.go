package decode

// Loop devices (linux/loop.h): struct loop_info64, and the older struct loop_info, which has
// device numbers as the ABI had them, and its members in another order.

var (
	loopInfo   = &structType{size: sizes64(168, 140), decode: func(e *Event, name string, r *reader) { e.loopDevice(name, r, false) }}
	loopInfo64 = &structType{size: sizesAll(232), decode: func(e *Event, name string, r *reader) { e.loopDevice(name, r, true) }}

	setLoopCrypt = SetByName("loop_crypt")
	setLoopFlags = SetByName("loop_flags")
)

// loopDevice emits either of the structs.
func (e *Event) loopDevice(name string, r *reader, wide bool) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	bits := uint8(64)
	var dev, ino, rdev, off, limit, number uint64
	if wide {
		dev, ino, rdev, off, limit, number = r.u64(), r.u64(), r.u64(), r.u64(), r.u64(), r.u32()
	} else {
		bits = r.longBits()
		device := func() uint64 {
			if bits == 32 {
				return r.u16()
			}
			return r.long()
		}
		number, dev, ino, rdev, off = r.u32(), device(), r.long(), device(), r.u32()
		e.num("lo_number", Int, 32, number)
	}
	crypt, keySize, flags := r.u32(), r.u32(), r.u32()
	file := r.bytes(64)
	var cipher []byte
	if wide {
		cipher = r.bytes(64)
	}
	key := r.bytes(32)
	encrypted := crypt != 0 || e.opts.Verbose

	if e.opts.Verbose {
		e.num("lo_device", Dev, 64, dev)
		e.num("lo_inode", Uint, bits, ino)
		e.num("lo_rdevice", Dev, 64, rdev)
	}
	e.num("lo_offset", Hex, 64, off)
	if wide {
		if e.opts.Verbose {
			e.num("lo_sizelimit", Uint, 64, limit)
		}
		e.num("lo_number", Uint, 32, number)
	}
	if encrypted {
		e.enum("lo_encrypt_type", 32, crypt, setLoopCrypt)
		e.num("lo_encrypt_key_size", Uint, 32, keySize)
	}
	e.flags("lo_flags", 32, flags, setLoopFlags)
	if wide {
		e.fixedText("lo_file_name", file)
	} else {
		e.fixedText("lo_name", file)
	}
	if encrypted {
		if wide {
			e.fixedText("lo_crypt_name", cipher)
		}
		key = key[:min(uint64(len(key)), keySize)]
		e.emit(Value{Name: "lo_encrypt_key", Kind: Bytes, Text: key, Size: uint64(len(key))})
	}
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.numbers("lo_init", Hex, int(bits/8), r, 2)
	if !wide {
		e.numbers("reserved", Hex, 1, r, 4)
	}
}
