package decode

import "math"

// struct mount_attr of mount_setattr(2), which may grow: what is behind the
// members known here is shown as bytes, if it is not 0.
const mountAttrSize = 32

var setPropagation = SetByName("mount_propagation")

func init() {
	set := SetByName("mount_attr")
	register("mount_attr", sizesAll(mountAttrSize), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		const idmap = 0x100000
		flags := r.u64()
		e.flags("attr_set", 64, flags, set)
		e.flags("attr_clr", 64, r.u64(), set)
		e.enum("propagation", 64, r.u64(), setPropagation)
		if fd := r.u64(); flags&idmap != 0 && fd <= math.MaxInt32 {
			e.emitFD("userns_fd", fd, false)
		} else {
			e.num("userns_fd", Uint, 64, fd)
		}
		e.unknownRest(r.addr, mountAttrSize, e.args[4])
		e.close(outer)
	})
	t := structs["mount_attr"]
	t.variable, t.least = true, mountAttrSize
}
