package decode

import "github.com/k42trace/k42trace/table"

func init() {
	register("pollfd", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		fd, events := r.u32(), r.u16()
		e.emitFD("fd", fd, false)
		if int32(fd) >= 0 {
			e.flags("events", 16, events, setPoll)
		}
		e.close(outer)
	})
	// struct epoll_event is packed on x86-64 and its compat ABIs.
	register("epoll_event", [table.NumABI]int{table.AMD64: 12, table.I386: 12, table.X32: 12, table.ARM64: 16}, func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.flags("events", 32, r.u32(), setEpoll)
		if r.abi == table.ARM64 {
			r.skip(4)
		}
		data := le.Uint64(r.bytes(8))
		inner := e.begin("data", Struct)
		e.num("u32", Uint, 32, uint64(uint32(data)))
		e.num("u64", Uint, 64, data)
		e.close(inner)
		e.close(outer)
	})
	t := register("fd_set", sizesAll(maxFDSet/8), func(e *Event, name string, r *reader) {
		e.fdSet(name, r.b, clamp(e.args[0], maxFDSet))
	})
	t.variable, t.unit = true, unitBits
}

const maxFDSet = 1 << 16 // descriptors that are looked at in an fd_set

func init() {
	t := register("cpu_set", sizesAll(maxCPUSet), func(e *Event, name string, r *reader) {
		e.bitList(name, r.b, 8*len(r.b))
	})
	t.variable = true

	// A mask of memory nodes is shown as its words.
	t = register("nodemask", sizesAll(maxNodeMask), func(e *Event, name string, r *reader) {})
	t.variable, t.unit = true, unitLongs
	masks := func(before bool, args ...int) func(e *Event) {
		return func(e *Event) {
			for _, i := range args {
				e.into(i)
				if n := e.args[e.plan.args[i].Len]; !before && !e.good() && n != 0 {
					e.emitAddr("", e.args[i], true)
				} else {
					e.nodeMask(e.args[i], e.args[e.plan.args[i].Len])
				}
			}
		}
	}
	addSpecial(special{entry: func(e *Event) {
		masks(true, 3)(e)
		e.memoryPolicy(2)
	}}, "mbind")
	addSpecial(special{entry: func(e *Event) {
		masks(true, 1)(e)
		e.memoryPolicy(0)
	}}, "set_mempolicy")
	addSpecial(special{exit: masks(false, 1)}, "get_mempolicy")
	addSpecial(special{entry: masks(true, 2, 3)}, "migrate_pages")
	addSpecial(special{entry: func(e *Event) {
		e.into(2)
		e.affinity(e.args[2], e.args[1])
	}}, "sched_setaffinity")
	t = register("mempolicy_mode", sizesAll(4), func(e *Event, name string, r *reader) {
		e.enum(name, 32, r.u32(), setMempolicies)
	})
	t.scalar = true
}

const maxNodeMask = 4096

var (
	setMempolicies = SetByName("mempolicy")
	setMempolicyF  = SetByName("mempolicy_flags")
)

var nodeWord = &structType{size: sizesLong, decode: func(e *Event, name string, r *reader) {
	e.num(name, NodeMask, r.longBits(), r.long())
}}

// nodeMask emits a mask of n bits at addr.
func (e *Event) nodeMask(addr, n uint64) {
	bits := uint64(longBits(e.abi))
	if n == 1 || n > 1<<62 {
		e.emitAddr("", addr, true)
		return
	}
	if n > 0 {
		n-- // as the kernel counts them
	}
	e.emitArray("", nodeWord, addr, n/bits+uint64(btoi(n%bits != 0)))
}

// memoryPolicy shows argument i, a policy with flags.
func (e *Event) memoryPolicy(i int) {
	const flags = 0xe000
	v := e.arg(i)
	switch num := v.Num; {
	case num&flags == 0:
		v.Kind, v.Set = Enum, setMempolicies
	case setMempolicies.name(num&^flags) != "":
		bits := v.Bits
		e.into(i)
		outer := e.open(Value{Kind: Or, Bits: bits, Num: num, Whole: true})
		e.enum("", bits, num&^flags, setMempolicies)
		e.flags("", bits, num&flags, setMempolicyF)
		e.close(outer)
	default:
		v.Set = setMempolicyF
	}
}

// affinity emits the set of CPUs that is n bytes at addr.
func (e *Event) affinity(addr, n uint64) {
	b := e.read(addr, clamp(n, maxCPUSet))
	if addr == 0 || uint64(len(b)) < min(n, maxCPUSet) {
		e.emitAddr("", addr, true)
		return
	}
	outer := e.begin("", List)
	for i := range 8 * len(b) {
		if b[i/8]>>(i%8)&1 != 0 {
			e.num("", Int, 32, uint64(i))
		}
	}
	if n > maxCPUSet {
		e.cut()
	}
	e.close(outer)
}

// bitList emits the numbers below n that are in the set b.
func (e *Event) bitList(name string, b []byte, n int) {
	outer := e.begin(name, List)
	for i := 0; i < min(n, 8*len(b)) && !e.full(); i++ {
		if b[i/8]>>(i%8)&1 != 0 {
			e.num("", Int, 32, uint64(i))
		}
	}
	e.close(outer)
}

// fdSet emits the descriptors below n that are in the set b.
func (e *Event) fdSet(name string, b []byte, n int) {
	outer := e.begin(name, List)
	for i := 0; i < min(n, 8*len(b)) && !e.full(); i++ {
		if b[i/8]>>(i%8)&1 != 0 {
			if e.noting {
				e.num("", Int, 32, uint64(i)) // without names, as in strace
			} else {
				e.emitFD("", uint64(i), false)
			}
		}
	}
	e.close(outer)
}
