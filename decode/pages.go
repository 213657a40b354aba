package decode

func init() {
	// The kernel fills a byte for each page; the lowest bit counts.
	register("mincore", sizesAll(1), func(e *Event, name string, r *reader) {})
	addSpecial(special{exit: func(e *Event) {
		e.into(2)
		if !e.good() && e.args[1] != 0 {
			e.emitAddr("", e.args[2], true)
			return
		}
		pages := e.args[1] / pageSize
		if e.args[1]%pageSize != 0 {
			pages++
		}
		e.emitArray("", residence, e.args[2], pages)
	}}, "mincore")
	register("kexec_segment", sizesPtr(32, 16), record(
		field{"buf", Addr, pointer, nil}, field{"bufsz", Uint, pointer, nil}, field{"mem", Addr, pointer, nil}, field{"memsz", Uint, pointer, nil}))
	addSpecial(special{entry: func(e *Event) {
		e.inFields(3, 0xffff0000, setKexecArchs, setKexecFlags)
		const most = 16 // KEXEC_SEGMENT_MAX
		if e.args[1] > most {
			e.set(2, Value{Kind: Addr, Bits: 64, Num: e.args[2]})
		}
	}}, "kexec_load")
}

var residence = &structType{size: sizesAll(1), decode: func(e *Event, name string, r *reader) { e.num(name, Uint, 8, r.u8()&1) }}
