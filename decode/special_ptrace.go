package decode

import (
	"strconv"

	"github.com/k42trace/k42trace/table"
)

// ptrace(2): what address and data are, by request (kernel/ptrace.c). The thread's
// registers are in registers.go.

// ptraceForms are the address and the data of a request. A zero form is one that
// the request does not use.
type ptraceForms struct{ addr, data form }

// ptraces are the requests of which the signature does not tell all: all others
// have two addresses.
var ptraces = map[uint64]ptraceForms{}

// ptraceShort are requests that have neither: how many arguments are left.
var ptraceShort = map[uint64]int{
	0: 1,                              // PTRACE_TRACEME
	8: 2, 16: 2, 0x4207: 2, 0x4208: 2, // PTRACE_KILL, _ATTACH, _INTERRUPT, _LISTEN
}

var setRegsetTypes = SetByName("ptrace_regset")

func init() {
	at := func(wide, narrow int, decode func(e *Event, name string, r *reader)) *structType {
		return &structType{size: sizesPtr(wide, narrow), decode: decode}
	}
	message := at(8, 4, func(e *Event, name string, r *reader) { e.num(name, Uint, r.longBits(), r.ptr()) })
	message.scalar = true
	peek := at(16, 16, record(field{"off", Uint, 8, nil}, field{"flags", Flags, 4, SetByName("ptrace_peeksiginfo")}, field{"nr", Uint, 4, nil}))
	mask := form{show: func(e *Event, i int, _ bool) {
		e.into(i)
		e.emitVariable("", structs["sigset"], e.args[3], e.args[2])
	}}
	maskOut := form{late: true, show: func(e *Event, i int, good bool) {
		if good {
			mask.show(e, i, good)
		} else {
			e.pointer(i, nil, false)
		}
	}}
	siginfos := form{late: true, show: func(e *Event, i int, good bool) {
		e.into(i)
		if good {
			e.emitArray("", siginfoType, e.args[i], uint64(e.res.Value()))
		} else {
			e.emitAddr("", e.args[i], true)
		}
	}}
	program := form{late: true, show: func(e *Event, i int, good bool) {
		e.into(i)
		if good {
			e.filterProgram("", e.args[i], uint64(e.res.Value()))
		} else {
			e.emitAddr("", e.args[i], true)
		}
	}}
	offset := form{show: func(e *Event, i int, _ bool) { e.userOffset(i) }}
	word, options := formOut(structs["addr"]), form{show: func(e *Event, i int, _ bool) {
		e.set(i, Value{Kind: Flags, Bits: 64, Num: e.args[i], Set: setPtraceOptions})
	}}
	general, floating := registersOf(generalRegisters), registersOf(floatRegisters)
	signalled := ptraceForms{formAddr, form{show: func(e *Event, i int, _ bool) {
		e.set(i, Value{Kind: Signal, Bits: 64, Num: e.args[i]})
	}}}
	ptraces = map[uint64]ptraceForms{
		1: {formAddr, word}, 2: {formAddr, word}, 3: {offset, word}, 6: {offset, formAddr}, // PTRACE_PEEKTEXT, _PEEKDATA, _PEEKUSER, _POKEUSER
		7: signalled, 9: signalled, 17: signalled, 24: signalled, // PTRACE_CONT, _SINGLESTEP, _DETACH, _SYSCALL
		31: signalled, 32: signalled, 33: signalled, // PTRACE_SYSEMU, _SYSEMU_SINGLESTEP, _SINGLEBLOCK
		12: {data: formOut(general)}, 13: {data: formIn(general)}, // PTRACE_GETREGS, _SETREGS
		14: {data: formOut(floating)}, 15: {data: formIn(floating)}, // PTRACE_GETFPREGS, _SETFPREGS
		21: {formAddr, options}, 0x4200: {formAddr, options}, 0x4206: {formAddr, options}, // PTRACE_OLDSETOPTIONS, _SETOPTIONS, _SEIZE
		0x4201: {formAddr, formOut(message)},                          // PTRACE_GETEVENTMSG
		0x4202: {formAddr, formOut(siginfoType)},                      // PTRACE_GETSIGINFO
		0x4203: {formAddr, formIn(siginfoType)},                       // PTRACE_SETSIGINFO
		0x4204: {formRegset, form{late: true, show: (*Event).regset}}, // PTRACE_GETREGSET
		0x4205: {formRegset, form{late: true, show: (*Event).regset}}, // PTRACE_SETREGSET
		0x4209: {formIn(peek), siginfos},                              // PTRACE_PEEKSIGINFO
		0x420a: {formUlong, maskOut}, 0x420b: {formUlong, mask},       // PTRACE_GETSIGMASK, _SETSIGMASK
		0x420c: {formUlong, program},                                            // PTRACE_SECCOMP_GET_FILTER
		0x420d: {formUlong, form{late: true, show: (*Event).seccompMetadata}},   // PTRACE_SECCOMP_GET_METADATA
		0x420e: {formUlong, form{late: true, show: (*Event).ptraceSyscallInfo}}, // PTRACE_GET_SYSCALL_INFO
	}
	addSpecial(special{entry: func(e *Event) {
		if n, ok := ptraceShort[e.args[0]]; ok {
			e.drop(n)
			return
		}
		f, ok := ptraces[e.args[0]]
		if !ok {
			return
		}
		e.showOnly(0, 1)
		if f.addr.show != nil {
			e.show(2)
			f.addr.show(e, 2, true)
		}
		e.show(3)
		e.shown = len(e.order)
		if f.data.late {
			e.shown--
			e.keepRegset()
		} else {
			f.data.show(e, 3, true)
		}
	}, exit: func(e *Event) {
		if f := ptraces[e.args[0]].data; f.late {
			f.show(e, 3, e.good())
		}
	}}, "ptrace")
}

// formRegset is the type of a set of registers (linux/elf.h).
var formRegset = form{show: func(e *Event, i int, _ bool) {
	e.set(i, Value{Kind: Enum, Bits: 32, Num: e.args[i] & (1<<32 - 1), Set: setRegsetTypes})
}}

const getRegset, setRegset = 0x4204, 0x4205

// keepRegset notes how long the buffer for registers is before the call, which
// changes that. What PTRACE_SETREGSET reads, it does not change.
func (e *Event) keepRegset() {
	if e.args[0] != getRegset && e.args[0] != setRegset {
		return
	}
	if b := e.readAll(e.args[3], 2*e.abi.PointerBits()/8); b != nil {
		e.old, e.hadOld = e.word(b[e.abi.PointerBits()/8:]), true
	}
}

// regset decodes argument i, the struct iovec with the buffer of PTRACE_GETREGSET and
// PTRACE_SETREGSET.
func (e *Event) regset(i int, good bool) {
	e.into(i)
	word := e.abi.PointerBits() / 8
	b := e.readAll(e.args[i], 2*word)
	if b == nil || !e.hadOld {
		e.emitAddr("", e.args[i], true)
		return
	}
	base, now := e.word(b), e.word(b[word:])
	size := now
	if e.args[0] == setRegset {
		size = e.old
	} else if !good {
		size = 0
	}
	outer := e.begin("", Struct)
	const prStatus, fpRegset = 1, 2
	switch uint32(e.args[2]) {
	case prStatus:
		e.registers("iov_base", generalRegisters[e.abi], base, size)
	case fpRegset:
		e.registers("iov_base", floatRegisters[e.abi], base, size)
	default:
		e.emitAddr("iov_base", base, true)
	}
	if now != e.old {
		inner := e.begin("iov_len", Change)
		e.num("", Uint, 64, e.old)
		e.num("", Uint, 64, now)
		e.close(inner)
	} else {
		e.num("iov_len", Uint, 64, now)
	}
	e.close(outer)
}

// seccompMetadata decodes struct seccomp_metadata: which filter is asked for, and
// what the kernel tells of it.
func (e *Event) seccompMetadata(i int, good bool) {
	e.into(i)
	b := e.readAll(e.args[i], 8)
	if b == nil || e.args[2] < 8 {
		e.emitAddr("", e.args[i], true)
		return
	}
	outer := e.begin("", Struct)
	e.num("filter_off", Uint, 64, le.Uint64(b))
	if good && e.res.Value() > 8 {
		if b := e.readAll(e.args[i]+8, 8); b != nil {
			e.flags("flags", 64, le.Uint64(b), setSeccompFlags)
		}
		if e.res.Value() > 16 {
			e.cut()
		}
	}
	e.close(outer)
}

// ptraceSyscallInfo decodes struct ptrace_syscall_info, as much of it as there was
// room for.
func (e *Event) ptraceSyscallInfo(i int, good bool) {
	const size = 88
	e.into(i)
	var b []byte
	if good {
		b = e.readAll(e.args[i], clamp(min(e.args[2], uint64(max(0, e.res.Value()))), size))
	}
	if b == nil {
		e.emitAddr("", e.args[i], true)
		return
	}
	const none, entry, exit, seccomp = 0, 1, 2, 3
	has := func(end int) bool { return len(b) >= end }
	outer := e.begin("", Struct)
	defer e.close(outer)
	op := uint64(b[0])
	e.enum("op", 8, op, setSyscallInfo)
	if !has(8) {
		return
	}
	arch := le.Uint32(b[4:])
	e.enum("arch", 32, uint64(arch), setAuditArch)
	if !has(16) {
		return
	}
	e.num("instruction_pointer", Hex, 64, le.Uint64(b[8:]))
	if !has(24) {
		return
	}
	e.num("stack_pointer", Hex, 64, le.Uint64(b[16:]))
	if !has(32) {
		return
	}
	switch op {
	case entry, seccomp:
		inner := e.begin([]string{entry: "entry", seccomp: "seccomp"}[op], Struct)
		e.callNumber("nr", 64, le.Uint64(b[24:]), arch)
		if has(40) {
			array := e.begin("args", Array)
			for at := 32; at < 80 && has(at+8); at += 8 {
				e.num("", Hex, 64, le.Uint64(b[at:]))
			}
			e.close(array)
		}
		if op == seccomp && has(84) {
			e.num("ret_data", Hex, 32, uint64(le.Uint32(b[80:])))
		}
		e.close(inner)
	case exit:
		inner := e.begin("exit", Struct)
		rval := le.Uint64(b[24:])
		if has(33) && b[32] != 0 && ErrnoName(callError(rval)) != "" {
			e.emit(Value{Name: "rval", Kind: Named, Bits: 64, Num: rval, Symbol: "-" + ErrnoName(callError(rval))})
		} else {
			e.num("rval", Int, 64, rval)
		}
		if has(33) {
			e.num("is_error", Uint, 8, uint64(b[32]))
		}
		e.close(inner)
	}
}

var (
	setSyscallInfo  = SetByName("ptrace_syscall_info_op")
	setSeccompFlags = SetByName("seccomp_flags")
)

// callNumber emits the number of a call of the architecture arch (an AUDIT_ARCH_
// constant) with the name that it has there: as a constant if that is the
// architecture of the call in hand.
func (e *Event) callNumber(name string, bits uint8, nr uint64, arch uint32) {
	if abi, ok := table.ABIOf(arch, int(int32(nr))); ok && nr < 1<<31 {
		if sig := table.SignatureOf(abi, int(nr)); sig != nil {
			if abi == e.abi {
				e.emit(Value{Name: name, Kind: Named, Bits: bits, Num: nr, Symbol: "__NR_" + sig.Name})
				return
			}
			outer := e.begin(name, Noted)
			e.num("", Uint, bits, nr)
			e.emit(Value{Kind: Symbol, Symbol: sig.Name})
			e.close(outer)
			return
		}
	}
	e.num(name, Uint, bits, nr)
}

// userOffset shows argument i as a place in struct user (sys/user.h), where
// PTRACE_PEEKUSER finds registers.
func (e *Event) userOffset(i int) {
	num := e.args[i]
	v := Value{Kind: Offset, Bits: 64, Num: num}
	var places []userPlace
	switch e.abi {
	case table.AMD64, table.X32:
		places = userAMD64
	case table.I386:
		places = userI386
	}
	for n := len(places) - 1; n >= 0 && num <= places[len(places)-1].offset; n-- {
		if p := places[n]; p.offset <= num {
			v.Symbol = p.name
			if rest := num - p.offset; rest != 0 {
				v.Symbol += "+" + strconv.FormatUint(rest, 10)
			}
			break
		}
	}
	e.set(i, v)
}
