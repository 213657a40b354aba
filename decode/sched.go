package decode

import "golang.org/x/sys/unix"

// struct sched_attr of sched_setattr(2), which has grown: the first version, and
// with the clamps of utilization.
const (
	schedAttrSize0 = 48
	schedAttrSize  = 56
)

// Flags with which the policy, or the parameters, do not count.
const schedKeepPolicy, schedKeepParams = 8, 0x10

var (
	setSchedPolicy = SetByName("sched_policy")
	setSchedFlags  = SetByName("sched_flags")
)

func init() {
	t := register("sched_attr", sizesAll(schedAttrSize), decodeSchedAttr)
	t.variable = true
	// sched_setattr has the size in the struct only.
	addSpecial(special{entry: func(e *Event) {
		addr := e.args[1]
		b := e.readAll(addr, 4)
		if b == nil {
			return
		}
		n := uint64(le.Uint32(b))
		if n == 0 {
			n = schedAttrSize0
		}
		e.into(1)
		outer := e.begin("", Change)
		e.emitVariable("", structs["sched_attr"], addr, max(n, 4))
		e.close(outer)
		e.later(1)
		e.partial = true
	}, exit: func(e *Event) {
		// The kernel says which size it would have taken.
		b := e.readAll(e.args[1], 4)
		if v := e.arg(1); v.Kind != Change || e.res.Errno() != unix.E2BIG || b == nil {
			return
		}
		outer := e.parent
		e.parent = argSlot + 1
		inner := e.begin("", Struct)
		e.num("size", Uint, 32, uint64(le.Uint32(b)))
		e.close(inner)
		e.close(outer)
	}}, "sched_setattr")
}

func decodeSchedAttr(e *Event, name string, r *reader) {
	if len(r.b) < 4 {
		e.emitAddr(name, r.addr, true)
		return
	}
	if len(r.b) < schedAttrSize { // what is cut off is 0, the rest of a number too
		b := append(make([]byte, 0, schedAttrSize), r.b...)
		r = &reader{b: b[:schedAttrSize], abi: r.abi, addr: r.addr}
	}
	size, set := r.u32(), e.name == "sched_setattr"
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("size", Uint, 32, size)
	if size < schedAttrSize0 && !(size == 0 && set) {
		return
	}
	policy, flags := r.u32(), r.u64()
	if !set || flags&(schedKeepPolicy|schedKeepParams) == 0 || int32(policy) < 0 { // the kernel refuses negative ones first
		e.enum("sched_policy", 32, policy, setSchedPolicy)
	}
	e.flags("sched_flags", 64, flags, setSchedFlags)
	if !set || flags&schedKeepParams == 0 {
		e.fields(r, schedParams)
	}
	if r = r.at(schedAttrSize0); size >= schedAttrSize {
		e.fields(r, schedClamps)
	}
	if set && size > schedAttrSize {
		e.cut()
	}
}

var (
	schedParams = []field{
		{"sched_nice", Int, 4, nil}, {"sched_priority", Uint, 4, nil},
		{"sched_runtime", Uint, 8, nil}, {"sched_deadline", Uint, 8, nil}, {"sched_period", Uint, 8, nil},
	}
	schedClamps = []field{{"sched_util_min", Uint, 4, nil}, {"sched_util_max", Uint, 4, nil}}
)
