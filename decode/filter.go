package decode

// Programs of classic BPF (linux/filter.h): filters of seccomp(2) and of sockets. They
// are shown with the macros that they are written with, and only if all is to be shown.

var (
	setBPFClass = SetByName("bpf_class")
	setBPFSize  = SetByName("bpf_size")
	setBPFMode  = SetByName("bpf_mode")
	setBPFALU   = SetByName("bpf_alu")
	setBPFJump  = SetByName("bpf_jump")
	setBPFSrc   = SetByName("bpf_source")
	setBPFValue = SetByName("bpf_value")
	setBPFMisc  = SetByName("bpf_misc")
)

// filterProgram emits the n instructions at addr.
func (e *Event) filterProgram(name string, addr, n uint64) {
	if !e.opts.Verbose {
		e.emitAddr(name, addr, false)
		return
	}
	const most = 4096 // BPF_MAXINSNS
	at := len(e.values)
	e.emitArray(name, filterInstruction, addr, min(n, most))
	if n > most && at < len(e.values) && e.values[at].Kind == Array {
		e.values[at].Cut = true
	}
}

var filterInstruction = &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) {
	code, jt, jf, k := r.u16(), r.u8(), r.u8(), r.u32()
	macro := "BPF_STMT"
	if jt != 0 || jf != 0 {
		macro = "BPF_JUMP"
	}
	outer := e.open(Value{Name: name, Kind: Macro, Symbol: macro})
	e.filterCode(code)
	const class, ret, action, data = 7, 6, 0xffff0000, 0xffff
	if code&class == ret && e.filtersCalls() {
		inner := e.open(Value{Kind: Or, Bits: 32, Num: k})
		e.enum("", 32, k&action, setSeccompAction)
		if k&data != 0 {
			e.num("", Hex, 32, k&data)
		}
		e.close(inner)
	} else {
		e.filterOperand(code, k)
	}
	if jt != 0 || jf != 0 {
		e.num("", Hex, 8, jt)
		e.num("", Hex, 8, jf)
	}
	e.close(outer)
}}

// filtersCalls says that the call that is shown is about filters of system calls, whose
// results have names, and not about those of sockets.
func (e *Event) filtersCalls() bool {
	return e.name == "seccomp" || e.name == "prctl" || e.name == "ptrace"
}

// filterOperand emits the constant of an instruction. Loads from negative offsets are
// of what is not in the packet (linux/filter.h).
func (e *Event) filterOperand(code, k uint64) {
	const classAndMode, loadAbsolute = 0xe7, 0x20
	if code&classAndMode == loadAbsolute {
		for _, part := range [...]struct {
			name string
			off  int32
		}{{"SKF_AD_OFF", -0x1000}, {"SKF_NET_OFF", -0x100000}, {"SKF_LL_OFF", -0x200000}} {
			if k := int32(k); k >= 0 || k < part.off {
				continue
			}
			rest := uint64(int32(k) - part.off)
			outer := e.begin("", Sum)
			e.emit(Value{Kind: Symbol, Symbol: part.name, Bits: 32, Num: uint64(uint32(part.off))})
			if part.name == "SKF_AD_OFF" {
				e.enum("", 32, rest, setSkfAd)
			} else {
				e.num("", Uint, 32, rest)
			}
			e.close(outer)
			return
		}
	}
	e.num("", Hex, 32, k)
}

var setSkfAd = SetByName("skf_ad")

// filterCode emits an instruction's code: a class, and what it has in other bits.
func (e *Event) filterCode(code uint64) {
	const ld, ldx, alu, jmp, ret, misc = 0, 1, 4, 5, 6, 7
	outer := e.open(Value{Kind: Or, Bits: 16, Num: code})
	defer e.close(outer)
	class := code & 7
	e.enum("", 16, class, setBPFClass)
	part := func(mask uint64, set *ConstSet) {
		e.enum("", 16, code&mask, set)
		code &^= mask
	}
	code &^= 7
	if class == ld || class == ldx || class == alu || class == jmp || class == ret {
		code &= 0xff // strace looks at no more of these
	}
	switch class {
	case ld, ldx:
		part(0x18, setBPFSize)
		part(0xe0, setBPFMode)
	case alu:
		part(0x08, setBPFSrc)
		part(0xf0, setBPFALU)
	case jmp:
		part(0x08, setBPFSrc)
		part(0xf0, setBPFJump)
	case ret:
		part(0x18, setBPFValue)
	case misc:
		part(0xf8, setBPFMisc)
	}
	if code != 0 {
		e.enum("", 16, code, unknownBPF)
	}
}

var unknownBPF = &ConstSet{Prefix: "BPF_"}
