package decode

import "github.com/k42trace/k42trace/table"

func init() {
	limit := func(infinity string, read func(r *reader) uint64) func(e *Event, name string, r *reader) {
		return func(e *Event, name string, r *reader) {
			bits := uint8(len(r.b) * 8 / 2)
			outer := e.begin(name, Struct)
			e.emit(Value{Name: "rlim_cur", Kind: Limit, Bits: bits, Num: read(r), Symbol: infinity})
			e.emit(Value{Name: "rlim_max", Kind: Limit, Bits: bits, Num: read(r), Symbol: infinity})
			e.close(outer)
		}
	}
	register("rlimit", sizes64(16, 8), func(e *Event, name string, r *reader) {
		infinity := "RLIM_INFINITY"
		if r.longBits() == 64 {
			infinity = "RLIM64_INFINITY"
		}
		limit(infinity, (*reader).long)(e, name, r)
	})
	register("rlimit64", sizesAll(16), limit("RLIM64_INFINITY", (*reader).u64))
	register("utsname", sizesAll(6*65), decodeUtsname)
	register("sysinfo", sizes64(112, 64), decodeSysinfo)
	t := register("clone_args", sizesAll(cloneArgsSize), decodeCloneArgs)
	t.variable = true
	register("open_how", sizesAll(openHowSize), func(e *Event, name string, r *reader) {
		flags, mode, resolve := r.u64(), r.u64(), r.u64()
		outer := e.begin(name, Struct)
		e.flags("flags", 64, flags, setOpenFlags)
		if mode != 0 || flags&oCreateMask != 0 {
			e.num("mode", Perm, 64, mode)
		}
		e.flags("resolve", 64, resolve, setResolve)
		e.unknownRest(r.addr, openHowSize, e.args[3])
		e.close(outer)
	})
	t = structs["open_how"]
	t.variable, t.least = true, openHowSize
	register("sock_fprog", sizesPtr(16, 8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		n := r.u16()
		e.num("len", Uint, 16, n)
		e.filterProgram("filter", r.ptr(), n)
		e.close(outer)
	})
	register("user_desc", sizesAll(16), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		n := r.u32()
		e.num("entry_number", entryKind(n), 32, n)
		e.num("base_addr", Mask, 32, r.u32())
		e.num("limit", Mask, 32, r.u32())
		bits := r.u32()
		for _, f := range [...]struct {
			name        string
			shift, mask uint64
		}{{"seg_32bit", 0, 1}, {"contents", 1, 3}, {"read_exec_only", 3, 1}, {"limit_in_pages", 4, 1}, {"seg_not_present", 5, 1}, {"useable", 6, 1}} {
			e.num(f.name, Uint, 8, bits>>f.shift&f.mask)
		}
		if longBits(r.abi) == 64 {
			e.num("lm", Uint, 8, bits>>7&1)
		}
		e.close(outer)
	})
	addSpecial(special{exit: func(e *Event) {
		if b := e.readAll(e.args[0], 4); b != nil && (!e.good() || e.readAll(e.args[0], 16) == nil) {
			e.into(0)
			outer := e.begin("", Struct)
			n := uint64(le.Uint32(b))
			e.num("entry_number", entryKind(n), 32, n)
			e.cut()
			e.close(outer)
		}
	}}, "get_thread_area")
	register("sysctl_args", sizesPtr(80, 40), record(
		field{"name", Addr, pointer, nil}, field{"nlen", Int, 4, nil}, field{"oldval", Addr, pointer, nil}, field{"oldlenp", Addr, pointer, nil},
		field{"newval", Addr, pointer, nil}, field{"newlen", Uint, pointer, nil}))
	register("sched_param", sizesAll(4), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Array)
		e.num("", Int, 32, r.u32())
		e.close(outer)
	})
}

func decodeUtsname(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	for i, f := range [...]string{"sysname", "nodename", "release", "version", "machine", "domainname"} {
		if i == 2 && !e.opts.Verbose {
			e.cut()
			return
		}
		e.textField(f, r.bytes(65))
	}
}

// textField emits the text in b, which ends with a NUL unless it is too long.
func (e *Event) textField(name string, b []byte) {
	s := upToNUL(b)
	cut := len(s) == len(b)
	if cut {
		s = s[:max(0, len(s)-1)]
	}
	e.emit(Value{Name: name, Kind: Bytes, Text: s, Size: uint64(len(s)), Cut: cut})
}

func decodeSysinfo(e *Event, name string, r *reader) {
	bits := r.longBits()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.num("uptime", Uint, bits, r.long())
	loads := e.begin("loads", Array)
	for range 3 {
		e.num("", Uint, bits, r.long())
	}
	e.close(loads)
	for _, f := range [...]string{"totalram", "freeram", "sharedram", "bufferram", "totalswap", "freeswap"} {
		e.num(f, Uint, bits, r.long())
	}
	e.num("procs", Uint, 16, r.u16())
	r.skip(2)
	e.num("totalhigh", Uint, bits, r.long())
	e.num("freehigh", Uint, bits, r.long())
	e.num("mem_unit", Uint, 32, r.u32())
}

const openHowSize = 24 // OPEN_HOW_SIZE_VER0

// Sizes of struct clone_args (clone3(2)): the first version, and with set_tid
// and cgroup.
const (
	cloneArgsSize0 = 64
	cloneArgsSize1 = 80
	cloneArgsSize  = 88
)

// Flags that decide which arguments of clone are used.
const (
	clonePIDFD         = 0x1000
	cloneSetTLS        = 0x80000
	cloneParentSetTID  = 0x100000
	cloneChildClearTID = 0x200000
	cloneChildSetTID   = 0x1000000
	cloneIntoCgroup    = 0x200000000
)

func decodeCloneArgs(e *Event, name string, r *reader) {
	if len(r.b) < cloneArgsSize0 { // the kernel takes none that is shorter
		e.emitAddr(name, r.addr, true)
		return
	}
	flags, pidfd, childTID, parentTID := r.u64(), r.u64(), r.u64(), r.u64()
	signal, stack, stackSize, tls := r.u64(), r.u64(), r.u64(), r.u64()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.flags("flags", 64, flags, setClone3)
	if flags&clonePIDFD != 0 {
		e.num("pidfd", Addr, 64, pidfd)
	}
	if flags&(cloneChildSetTID|cloneChildClearTID) != 0 {
		e.num("child_tid", Addr, 64, childTID)
	}
	if flags&cloneParentSetTID != 0 {
		e.num("parent_tid", Addr, 64, parentTID)
	}
	if signal <= 64 {
		e.num("exit_signal", Signal, 32, signal)
	} else {
		e.num("exit_signal", Uint, 64, signal)
	}
	e.num("stack", Addr, 64, stack)
	e.num("stack_size", Hex, 64, stackSize)
	switch {
	case flags&cloneSetTLS == 0:
	case e.abi == table.I386: // a segment, as in entryClone
		e.emitStruct("tls", structs["user_desc"], tls)
	default:
		e.num("tls", Addr, 64, tls)
	}
	if len(r.b) >= cloneArgsSize1 {
		setTID, n := r.u64(), r.u64()
		if setTID != 0 || n != 0 {
			const most = 32 // MAX_PID_NS_LEVEL
			if n == 0 || n > most {
				e.emitAddr("set_tid", setTID, true)
			} else {
				e.emitArray("set_tid", structs["pid"], setTID, n)
			}
			e.num("set_tid_size", Uint, 64, n)
		}
	}
	if len(r.b) >= cloneArgsSize {
		if cgroup := r.u64(); cgroup != 0 || flags&cloneIntoCgroup != 0 {
			e.num("cgroup", Uint, 64, cgroup)
		}
	}
	e.unknownRest(r.addr, cloneArgsSize, e.args[1])
}

// entryKind is how the number of an entry of the table of segments is shown: -1 asks for
// a free one.
func entryKind(n uint64) Kind {
	if n == 1<<32-1 {
		return Int
	}
	return Uint
}
