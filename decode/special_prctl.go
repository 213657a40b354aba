package decode

import "golang.org/x/sys/unix"

// prctl(2): what its arguments are, by option (kernel/sys.c).

// A prctl is what an option's arguments are, and what its result means.
type prctl struct {
	forms []form
	note  func(e *Event, res uint64)
}

const (
	taskComm   = 16 // TASK_COMM_LEN
	vmaNameMax = 80 // ANON_VMA_NAME_MAX_LEN
)

var prctls = map[uint64]prctl{}

func init() {
	flags := func(set string) form { return scalarForm(Flags, 64, SetByName(set)) }
	flags32 := func(set string) form { return formFlags(SetByName(set)) }
	enum := func(set string) form { return scalarForm(Enum, 64, SetByName(set)) }
	enum32 := func(set string) form { return formEnum(SetByName(set)) }
	row := func(forms ...form) prctl { return prctl{forms: forms} }
	// rest is a row that goes on with numbers up to the last argument.
	rest := func(forms ...form) prctl {
		for len(forms) < 4 {
			forms = append(forms, formHex)
		}
		return prctl{forms: forms}
	}
	out := func(kind Kind, set *ConstSet) form {
		return formOut(&structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) {
			e.emit(Value{Name: name, Kind: kind, Bits: 32, Num: r.u32(), Set: set})
		}})
	}
	text := func(limit int, late bool) form {
		return form{late: late, show: func(e *Event, i int, good bool) {
			e.into(i)
			if good {
				e.emitShort("", e.args[i], limit)
			} else {
				e.emitAddr("", e.args[i], true)
			}
		}}
	}
	noted := func(set string, kind Kind) func(e *Event, res uint64) {
		s := SetByName(set)
		return func(e *Event, res uint64) { e.noteNamed(kind, res, s) }
	}
	none, long := row(), row(formUlong)
	signal := row(form{show: func(e *Event, i int, _ bool) {
		if e.args[i]>>32 != 0 || uint32(e.args[i]) > 128 {
			formUlong.show(e, i, true)
		} else {
			formSignal.show(e, i, true)
		}
	}})
	vlNote := func(set string) func(e *Event, res uint64) {
		flags := SetByName(set)
		return func(e *Event, res uint64) {
			hexResult(e, res)
			if res > vectorLengthMask {
				outer := e.note()
				e.vectorLength(res, flags)
				e.close(outer)
			}
		}
	}
	vl := func(set string) prctl {
		flags := SetByName(set)
		return prctl{note: vlNote(set), forms: []form{{show: func(e *Event, i int, _ bool) {
			e.into(i)
			e.vectorLength(e.args[i], flags)
		}}}}
	}
	spec := SetByName("prctl_spec")
	prctls = map[uint64]prctl{
		unix.PR_GET_DUMPABLE: {note: noted("dumpable", Enum)}, unix.PR_SET_DUMPABLE: row(enum("dumpable")),
		unix.PR_GET_KEEPCAPS: none, unix.PR_SET_KEEPCAPS: long,
		unix.PR_GET_TIMERSLACK: none, unix.PR_SET_TIMERSLACK: row(scalarForm(Int, 64, nil)),
		unix.PR_GET_TIMING: none, unix.PR_SET_TIMING: long, unix.PR_SET_FPEMU: long, unix.PR_SET_FPEXC: long, unix.PR_SET_ENDIAN: long,
		unix.PR_SET_CHILD_SUBREAPER: long, unix.PR_GET_SECCOMP: none,
		unix.PR_TASK_PERF_EVENTS_DISABLE: none, unix.PR_TASK_PERF_EVENTS_ENABLE: none,
		unix.PR_SET_NO_NEW_PRIVS: rest(formUlong), unix.PR_SET_THP_DISABLE: rest(formUlong), unix.PR_SET_IO_FLUSHER: rest(formUlong),
		unix.PR_SET_PDEATHSIG: signal, unix.PR_GET_PDEATHSIG: row(out(Signal, nil)),
		unix.PR_CAPBSET_READ: row(scalarForm(Enum, 64, setCapabilities)), unix.PR_CAPBSET_DROP: row(scalarForm(Enum, 64, setCapabilities)),
		unix.PR_SET_NAME: row(text(taskComm-1, false)), unix.PR_GET_NAME: row(text(taskComm, true)),
		unix.PR_GET_CHILD_SUBREAPER: row(out(Uint, nil)), unix.PR_GET_FPEMU: row(out(Uint, nil)), unix.PR_GET_FPEXC: row(out(Uint, nil)),
		unix.PR_GET_ENDIAN: row(out(Uint, nil)), unix.PR_GET_TID_ADDRESS: row(formOut(structs["addr"])),
		unix.PR_GET_TSC: row(out(Enum, SetByName("prctl_tsc"))), unix.PR_SET_TSC: row(enum32("prctl_tsc")),
		unix.PR_GET_UNALIGN: row(out(Flags, SetByName("prctl_unalign"))), unix.PR_SET_UNALIGN: row(flags32("prctl_unalign")),
		unix.PR_GET_SECUREBITS: {note: noted("securebits", Flags)}, unix.PR_SET_SECUREBITS: row(flags("securebits")),
		unix.PR_GET_FP_MODE: {note: noted("prctl_fp_mode", Flags)}, unix.PR_SET_FP_MODE: row(flags32("prctl_fp_mode")),
		unix.PR_SET_MM:     rest(enum32("prctl_mm")),
		unix.PR_SET_VMA:    rest(enum("prctl_vma")),
		unix.PR_SVE_SET_VL: vl("prctl_sve"), unix.PR_SME_SET_VL: vl("prctl_sme"), unix.PR_SVE_GET_VL: {note: vlNote("prctl_sve")}, unix.PR_SME_GET_VL: {note: vlNote("prctl_sme")},
		unix.PR_PAC_RESET_KEYS: rest(flags("prctl_pac")), unix.PR_PAC_SET_ENABLED_KEYS: rest(flags("prctl_pac_enabled"), flags("prctl_pac_enabled")),
		unix.PR_PAC_GET_ENABLED_KEYS: {forms: rest().forms, note: noted("prctl_pac_enabled", Flags)},
		unix.PR_GET_SPECULATION_CTRL: {forms: []form{enum("prctl_spec")}, note: func(e *Event, res uint64) {
			if spec.name(e.args[1]) == "" {
				return
			}
			hexResult(e, res)
			if set := SetByName("prctl_spec_state"); res == 0 || res&set.known() != 0 {
				outer := e.note()
				e.emit(Value{Kind: Flags, Bits: 64, Num: res, Set: set, Whole: true})
				e.close(outer)
			}
		}},
		unix.PR_SET_SPECULATION_CTRL: row(enum("prctl_spec"), form{show: func(e *Event, i int, _ bool) {
			if spec.name(e.args[1]) == "" {
				formHex.show(e, i, true)
			} else {
				enum("prctl_spec_state_set").show(e, i, true)
			}
		}}),
		unix.PR_SCHED_CORE: row(enum32("prctl_sched_core"), formPID, form{show: func(e *Event, i int, _ bool) {
			e.into(i)
			e.namedNote("", 32, e.args[i]&(1<<32-1), SetByName("prctl_pidtype"))
		}}, form{late: true, show: func(e *Event, i int, good bool) {
			e.pointer(i, structs["u64"], good && uint32(e.args[1]) == unix.PR_SCHED_CORE_GET)
		}}),
		unix.PR_SET_TAGGED_ADDR_CTRL: rest(form{show: func(e *Event, i int, _ bool) {
			e.into(i)
			e.taggedAddress(e.args[i])
		}}),
		unix.PR_GET_TAGGED_ADDR_CTRL: {forms: rest().forms, note: func(e *Event, res uint64) {
			hexResult(e, res)
			outer := e.note()
			e.taggedAddress(res)
			e.close(outer)
		}},
		unix.PR_MCE_KILL_GET:              {forms: rest().forms, note: noted("prctl_mce_policy", Enum)},
		unix.PR_MCE_KILL:                  rest(enum("prctl_mce")),
		unix.PR_SET_SYSCALL_USER_DISPATCH: row(enum("prctl_dispatch"), formHex, formHex, formAddr),
		unix.PR_SET_SECCOMP:               rest(enum("seccomp_mode")),
		unix.PR_CAP_AMBIENT:               rest(enum("prctl_cap_ambient")),
		unix.PR_SET_PTRACER: row(form{show: func(e *Event, i int, _ bool) {
			if uint32(e.args[i]) == 1<<32-1 {
				e.set(i, Value{Kind: Named, Bits: 32, Num: 1<<32 - 1, Symbol: "PR_SET_PTRACER_ANY"})
			} else {
				e.set(i, Value{Kind: PID, Bits: 32, Num: e.args[i]})
			}
		}}),
	}
	mcePolicy, fprog := enum("prctl_mce_policy"), formIn(structs["sock_fprog"])
	capability := scalarForm(Enum, 64, setCapabilities)
	// Some options have options of their own.
	more := map[[2]uint64][]form{
		{unix.PR_SET_SECCOMP, 1}:                          {enum("seccomp_mode")},
		{unix.PR_SET_SECCOMP, 2}:                          {enum("seccomp_mode"), fprog},
		{unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET}: {enum("prctl_cap_ambient"), capability, formHex, formHex},
		{unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE}:  {enum("prctl_cap_ambient"), capability, formHex, formHex},
		{unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_LOWER}:  {enum("prctl_cap_ambient"), capability, formHex, formHex},
		{unix.PR_MCE_KILL, unix.PR_MCE_KILL_SET}:          {enum("prctl_mce"), mcePolicy, formHex, formHex},
		{unix.PR_SET_VMA, unix.PR_SET_VMA_ANON_NAME}:      {enum("prctl_vma"), formAddr, formUlong, text(vmaNameMax, false)},
	}
	find := func(e *Event) (p prctl, ok bool) {
		p, ok = prctls[e.args[0]]
		if forms, special := more[[2]uint64{e.args[0], e.args[1]}]; special {
			p.forms = forms
		}
		return p, ok
	}
	addSpecial(special{entry: func(e *Event) {
		if p, ok := find(e); ok {
			e.enterCommand(1, p.forms)
		}
	}, exit: func(e *Event) {
		p, ok := find(e)
		if !ok {
			return
		}
		e.exitCommand(1, p.forms)
		if p.note != nil && e.good() {
			p.note(e, uint64(e.res.Value()))
		}
	}}, "prctl")
}

func hexResult(e *Event, _ uint64) { e.values[resultSlot].Kind = Hex }

// noteNamed explains a result by the names of set, if it has one for it.
func (e *Event) noteNamed(kind Kind, res uint64, set *ConstSet) {
	if kind == Flags {
		hexResult(e, res)
		if res&set.known() == 0 {
			return
		}
	} else if set.name(res) == "" {
		return
	}
	outer := e.note()
	e.emit(Value{Kind: kind, Bits: 64, Num: res, Set: set, Whole: kind == Flags})
	e.close(outer)
}

var (
	setTagChecks = SetByName("prctl_tag_check")
)

// vectorLengthMask are the bits of the length in what PR_SVE_SET_VL takes and returns.
const vectorLengthMask = 0xffff

// vectorLength emits such a number: flags and a length.
func (e *Event) vectorLength(num uint64, set *ConstSet) {
	const length = vectorLengthMask
	outer := e.open(Value{Kind: Or, Bits: 64, Num: num, Set: set, Whole: num > length})
	if flags := num &^ length; flags != 0 {
		e.flags("", 64, flags, set)
	}
	e.num("", Hex, 64, num&length)
	e.close(outer)
}

// taggedAddress emits a setting of PR_SET_TAGGED_ADDR_CTRL (arm64).
func (e *Event) taggedAddress(num uint64) {
	const enable, check, tags, shift = 1, 3 << 1, 0xffff << 3, 3
	outer := e.open(Value{Kind: Or, Bits: 64, Num: num, Whole: true})
	if num&enable != 0 {
		e.emit(Value{Kind: Symbol, Symbol: "PR_TAGGED_ADDR_ENABLE"})
	} else {
		e.emit(Value{Kind: Symbol, Symbol: "!PR_TAGGED_ADDR_ENABLE"})
	}
	e.enum("", 64, num&check, setTagChecks)
	if num&tags != 0 {
		inner := e.open(Value{Kind: Shifted, Bits: 64, Num: num & tags})
		e.num("", Hex, 64, num&tags>>shift)
		e.emit(Value{Kind: Symbol, Symbol: "PR_MTE_TAG_SHIFT", Num: shift})
		e.close(inner)
	}
	if rest := num &^ (enable | check | tags); rest != 0 {
		e.num("", Hex, 64, rest)
	}
	e.close(outer)
}
