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
	t = register("nodemask", sizesAll(maxNodeMask), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Array)
		bits := longBits(r.abi)
		for n := 0; r.off < len(r.b); n++ {
			if n == e.opts.arrayLimit() {
				e.cut()
				break
			}
			e.num("", Mask, bits, r.long())
		}
		e.close(outer)
	})
	t.variable, t.unit = true, unitLongs
	t = register("mempolicy_mode", sizesAll(4), func(e *Event, name string, r *reader) {
		e.flags(name, 32, r.u32(), setMempolicy)
	})
	t.scalar = true
}

const maxNodeMask = 4096

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
			e.emitFD("", uint64(i), false)
		}
	}
	e.close(outer)
}
