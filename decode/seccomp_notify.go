package decode

import "golang.org/x/sys/unix"

// Calls that another process decides about (seccomp_unotify(2), linux/seccomp.h).

func init() { ioctlFamilies = append(ioctlFamilies, seccompRequests) }

func seccompRequests(t ioctlTable) {
	notify := aStruct(80, decodeSeccompNotif)
	t.add(ioctlArg{kind: ioctlInOut, typ: notify, after: notify, always: true, blank: true}, 0xc0502100)
	t.in(aStruct(24, func(e *Event, r *reader) {
		e.num("id", Hex, 64, r.u64())
		e.num("val", Int, 64, r.u64())
		num := r.u32()
		if name := ErrnoName(unix.Errno(-int32(num))); int32(num) < 0 && name != "" {
			e.emit(Value{Name: "error", Kind: Named, Bits: 32, Num: num, Symbol: "-" + name})
		} else {
			e.num("error", Int, 32, num)
		}
		e.flags("flags", 32, r.u32(), SetByName("seccomp_notif_flags"))
	}), 0xc0182101)
	t.in(&structType{size: sizesAll(8), scalar: true, decode: func(e *Event, name string, r *reader) {
		e.num(name, Hex, 64, r.u64())
	}}, 0x40082102, 0x80082102) // SECCOMP_IOCTL_NOTIF_ID_VALID, at first with the wrong direction
	t.in(aStruct(24, func(e *Event, r *reader) {
		e.num("id", Hex, 64, r.u64())
		e.flags("flags", 32, r.u32(), SetByName("seccomp_addfd_flags"))
		e.emitFD("srcfd", r.u32(), false)
		e.num("newfd", Int, 32, r.u32()) // of the other process
		e.flags("newfd_flags", 32, r.u32(), setPipeFlags)
	}), 0x40182103)
}

// decodeSeccompNotif decodes struct seccomp_notif and the struct seccomp_data in it.
func decodeSeccompNotif(e *Event, r *reader) {
	e.num("id", Hex, 64, r.u64())
	e.num("pid", PID, 32, r.u32())
	e.num("flags", Hex, 32, r.u32())
	defer e.close(e.begin("data", Struct))
	nr, arch := r.u32(), r.u32()
	e.callNumber("nr", 32, nr, uint32(arch))
	e.enum("arch", 32, arch, setAuditArch)
	e.num("instruction_pointer", Addr, 64, r.u64())
	e.numbers("args", Hex, 8, r, 6)
}
