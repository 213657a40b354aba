package decode

// Instructions of bpf(2) programs (linux/bpf.h, Documentation/bpf/standardization). They are
// shown only if all is to be shown.

// bpfProgram emits the n instructions at addr.
func (e *Event) bpfProgram(name string, addr, n uint64) {
	if !e.opts.Verbose {
		e.emitAddr(name, addr, false)
		return
	}
	e.emitArray(name, bpfInstruction, addr, n)
}

var (
	setEBPFClass = SetByName("ebpf_class")
	setEBPFSize  = SetByName("ebpf_size")
	setEBPFMode  = SetByName("ebpf_mode")
	setEBPFALU   = SetByName("ebpf_alu")
	setEBPFReg   = SetByName("ebpf_register")
)

var bpfInstruction = &structType{size: sizesAll(8), most: 4096, decode: func(e *Event, name string, r *reader) {
	code, regs := r.u8(), r.u8()
	outer := e.begin(name, Struct)
	e.bpfOpcode(code)
	e.enum("dst_reg", 8, regs&15, setEBPFReg)
	e.enum("src_reg", 8, regs>>4, setEBPFReg)
	e.num("off", Int, 16, r.u16())
	e.num("imm", Hex, 32, r.u32())
	e.close(outer)
}}

// bpfOpcode emits an instruction's code: a class, and what it has in other bits.
func (e *Event) bpfOpcode(code uint64) {
	const alu, jmp, jmp32, alu64 = 4, 5, 6, 7
	outer := e.open(Value{Name: "code", Kind: Or, Bits: 8, Num: code})
	defer e.close(outer)
	class := code & 7
	e.enum("", 8, class, setEBPFClass)
	switch class {
	case alu, alu64:
		e.enum("", 8, code&8, setBPFSrc)
		e.enum("", 8, code&0xf0, setEBPFALU)
	case jmp:
		e.enum("", 8, code&8, setBPFSrc)
		e.enum("", 8, code&0xf0, setBPFJump)
	case jmp32:
		if rest := code &^ 7; rest != 0 {
			e.enum("", 8, rest, unknownBPF)
		}
	default:
		e.enum("", 8, code&0x18, setEBPFSize)
		e.enum("", 8, code&0xe0, setEBPFMode)
	}
}
