package decode

import "math/bits"

// capget(2) and capset(2): a header with a version, and sets of as many bits as the
// version has.

// capabilities shows the sets that belong to the header, argument 0: of 32 bits in
// its first version, of 64 in the others.
func (e *Event) capabilities(good bool) {
	const version2, version3 = 0x20071026, 0x20080522
	b := e.readAll(e.args[0], 8)
	e.into(1)
	switch {
	case b == nil || !good:
		e.emitAddr("", e.args[1], true)
	case le.Uint32(b) == version2 || le.Uint32(b) == version3:
		e.emitStruct("", structs["cap_data"], e.args[1])
	default:
		e.emitStruct("", capData1, e.args[1])
	}
}

func init() {
	register("cap_header", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.enum("version", 32, r.u32(), setCapVersion)
		e.num("pid", PID, 32, r.u32())
		e.close(outer)
	})
	register("cap_data", sizesAll(24), decodeCapData)
	addSpecial(special{exit: func(e *Event) { e.capabilities(e.good()) }}, "capget")
	addSpecial(special{entry: func(e *Event) { e.capabilities(true) }}, "capset")
}

var capData1 = &structType{size: sizesAll(12), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	for _, n := range [...]string{"effective", "permitted", "inheritable"} {
		e.emit(Value{Name: n, Kind: CapSet, Bits: 32, Num: r.u32(), Set: setCapabilities})
	}
	e.close(outer)
}}

// decodeCapData decodes the two structs of versions 2 and 3, one after the other,
// as the three sets that they make up.
func decodeCapData(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	for i, n := range [...]string{"effective", "permitted", "inheritable"} {
		low, high := uint64(le.Uint32(r.b[4*i:])), uint64(le.Uint32(r.b[12+4*i:]))
		e.emit(Value{Name: n, Kind: CapSet, Bits: 64, Num: low | high<<32, Set: setCapabilities})
	}
	e.close(outer)
}

// appendCapSet appends a set of capabilities: 1<<CAP_CHOWN|1<<CAP_KILL. The kernel
// has it in two words, and each ends with the bits of it that have no name.
func (t *Text) appendCapSet(dst []byte, v *Value) []byte {
	low, high := v.Num&(1<<32-1), v.Num>>32
	if low != 0 || high == 0 {
		dst = t.appendCapWord(dst, low, 0, v.Set)
	}
	if low != 0 && high != 0 {
		dst = append(dst, '|')
	}
	if high != 0 {
		dst = t.appendCapWord(dst, high, 32, v.Set)
	}
	return dst
}

// appendCapWord appends the capabilities of one word, whose bit 0 is capability first.
func (t *Text) appendCapWord(dst []byte, word, first uint64, set *ConstSet) []byte {
	if word == 0 {
		return append(dst, '0')
	}
	var known uint64
	for m := word; m != 0; m &= m - 1 {
		if set.name(first+uint64(bits.TrailingZeros64(m))) != "" {
			known |= m & -m
		}
	}
	switch {
	case t.Consts == ConstRaw:
		return appendHex(dst, word)
	case known == 0:
		dst = append(appendHex(dst, word), " /* "...)
		dst = append(dst, set.Prefix...)
		return append(dst, "??? */"...)
	case t.Consts == ConstBoth:
		dst = append(appendHex(dst, word), " /* "...)
	}
	for m := known; m != 0; m &= m - 1 {
		if m != known {
			dst = append(dst, '|')
		}
		dst = append(dst, "1<<"...)
		dst = append(dst, set.name(first+uint64(bits.TrailingZeros64(m)))...)
	}
	if rest := word &^ known; rest != 0 {
		dst = appendHex(append(dst, '|'), rest)
	}
	if t.Consts == ConstBoth {
		dst = append(dst, " */"...)
	}
	return dst
}
