package decode

// Faults that are handled in user space (ioctl_userfaultfd(2), linux/userfaultfd.h).

func init() { ioctlFamilies = append(ioctlFamilies, uffdRequests) }

func uffdRequests(t ioctlTable) {
	features := SetByName("uffd_features")
	at := func(name string, kind Kind, off, size int) *structType {
		return aStruct(size, func(e *Event, r *reader) { e.num(name, kind, 64, r.at(off).u64()) })
	}
	mapped := func(off int, set *ConstSet) func(e *Event, r *reader) {
		return func(e *Event, r *reader) { e.flags("ioctls", 64, r.at(off).u64(), set) }
	}
	rang := func(e *Event, r *reader) {
		e.num("start", Hex, 64, r.u64())
		e.num("len", Hex, 64, r.u64())
	}
	inner := aStruct(16, rang)
	t.in(inner, 0x8010aa01, 0x8010aa02) // UFFDIO_UNREGISTER, UFFDIO_WAKE
	ranged := func(size int, modes string) *structType {
		return aStruct(size, func(e *Event, r *reader) {
			e.emitBytesAs("range", inner, r.bytes(16))
			e.flags("mode", 64, r.u64(), SetByName(modes))
		})
	}
	t.grow(aStruct(24, func(e *Event, r *reader) {
		e.num("api", Hex, 64, r.u64())
		e.old = r.u64()
		e.flags("features", 64, e.old, features)
	}), aStruct(24, func(e *Event, r *reader) {
		if now := r.at(8).u64(); now != e.old {
			e.lastBecomes(func() { e.flags("features", 64, now, features) })
		}
		mapped(16, setUffdAPI)(e, r)
	}), 0xc018aa3f) // UFFDIO_API
	t.grow(ranged(32, "uffd_register_mode"), aStruct(32, mapped(24, setUffdIoctls)), 0xc020aa00)
	t.grow(ranged(32, "uffd_zeropage_mode"), at("zeropage", Hex, 24, 32), 0xc020aa04)
	t.grow(aStruct(40, func(e *Event, r *reader) {
		e.num("dst", Hex, 64, r.u64())
		e.num("src", Hex, 64, r.u64())
		e.num("len", Hex, 64, r.u64())
		e.flags("mode", 64, r.u64(), SetByName("uffd_copy_mode"))
	}), at("copy", Hex, 32, 40), 0xc028aa03)
}

// What a descriptor can do, and what can be done with a range that is registered.
var (
	setUffdAPI = func() *ConstSet {
		s := bitSet("_UFFDIO_", "_UFFDIO_REGISTER", "_UFFDIO_UNREGISTER")
		s.Consts = append(s.Consts, Const{Name: "1<<_UFFDIO_API", Value: 1 << 0x3f})
		return s
	}()
	setUffdIoctls = bitSet("_UFFDIO_", "", "", "_UFFDIO_WAKE", "_UFFDIO_COPY", "_UFFDIO_ZEROPAGE", "", "_UFFDIO_WRITEPROTECT", "_UFFDIO_CONTINUE")
)
