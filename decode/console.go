package decode

import (
	"fmt"
	"strconv"
)

// Consoles: keyboards and fonts (ioctl_console(2), linux/kd.h, linux/keyboard.h).

func init() { ioctlFamilies = append(ioctlFamilies, consoleRequests) }

const (
	consoleHz      = 1193182 // of the timer that makes the tones
	screenMap      = 256     // E_TABSZ
	oldFont        = 8192    // 256 characters of 32 rows
	colorMap       = 3 * 16
	charRows       = 32  // bytes of a character of 8 columns
	fontName       = 32  // MAX_FONT_NAME
	keyString      = 512 // of struct kbsentry
	maxAccents     = 256 // of struct kbdiacrs
	directFont     = 0xf000
	directFontLast = 0xf1ff
)

func consoleRequests(t ioctlTable) {
	own := func(entry, exit func(e *Event), code uint64) {
		t[code] = ioctlArg{kind: ioctlOwn, entry: entry, exit: exit}
	}
	// Numbers.
	own((*Event).consoleSound, nil, 0x4b2f) // KIOCSOUND
	own((*Event).consoleTone, nil, 0x4b30)  // KDMKTONE
	own((*Event).consolePort, nil, 0x4b34)  // KDADDIO
	own((*Event).consolePort, nil, 0x4b35)  // KDDELIO
	own(func(e *Event) {
		if num := e.args[2]; SignalName(int(min(num, 1<<16))) != "" {
			e.num("", Signal, 32, num)
		} else {
			e.num("", Uint, longBits(e.abi), num)
		}
	}, nil, 0x4b4e) // KDSIGACCEPT
	leds := func(code, to uint64, set string) {
		names := SetByName(set)
		t.out(scalarOf(1, func(e *Event, num uint64) { e.flags("", 8, num, names) }), code)
		own(func(e *Event) { e.flags("", 8, e.args[2]&0xff, names) }, nil, to)
	}
	leds(0x4b31, 0x4b32, "kd_leds") // KDGETLED, KDSETLED
	leds(0x4b64, 0x4b65, "kb_leds") // KDGKBLED, KDSKBLED
	modes := func(code, to uint64, show func(e *Event, num uint64)) {
		t.out(scalarOf(4, show), code)
		own(func(e *Event) { show(e, uint64(uint32(e.args[2]))) }, nil, to)
	}
	modes(0x4b3b, 0x4b3a, func(e *Event, num uint64) { e.enum("", 32, num, SetByName("kd_mode")) })         // KDGETMODE
	modes(0x4b44, 0x4b45, func(e *Event, num uint64) { e.enumSigned("", num, SetByName("kd_keyboard")) })   // KDGKBMODE
	modes(0x4b62, 0x4b63, func(e *Event, num uint64) { e.enum("", 32, num, SetByName("kd_meta")) })         // KDGKBMETA
	t.out(scalarOf(1, func(e *Event, num uint64) { e.enum("", 8, num, SetByName("kb_keyboard")) }), 0x4b33) // KDGKBTYPE

	// Keys.
	own((*Event).keyEntry, (*Event).keyValue, 0x4b46) // KDGKBENT
	own(func(e *Event) { e.keyEntry(); e.keyValue() }, nil, 0x4b47)
	own((*Event).keyFunction, (*Event).keyText, 0x4b48) // KDGKBSENT
	own(func(e *Event) { e.keyFunction(); e.keyText() }, nil, 0x4b49)
	accents := accentTable("kbdiacr", &structType{size: sizesAll(3), decode: record(
		field{"diacr", Char, 1, nil}, field{"base", Char, 1, nil}, field{"result", Char, 1, nil})})
	t.out(accents, 0x4b4a)
	t.in(accents, 0x4b4b)
	accents = accentTable("kbdiacruc", &structType{size: sizesAll(12), decode: record(
		field{"diacr", Hex, 4, nil}, field{"base", Hex, 4, nil}, field{"result", Hex, 4, nil})})
	t.out(accents, 0x4bfa)
	t.in(accents, 0x4bfb)
	keycode := layout(8, numbers(Hex, 4, "scancode", "keycode"))
	t.grow(keycode, aStruct(8, func(e *Event, r *reader) {
		now := r.at(4).u32()
		e.lastChanges(func() { e.num("", Hex, 32, now) })
	}), 0x4b4c) // KDGETKEYCODE
	t.in(keycode, 0x4b4d)
	repeat := layout(8, numbers(Int, 4, "delay", "period"))
	t.inOut(repeat, repeat, 0x4b52)

	// Fonts, colours and what is shown for which character.
	buffers := func(size int, get, set uint64) {
		b := &structType{size: sizesAll(1), decode: func(e *Event, name string, r *reader) { e.rawBuffer(name, r.addr, uint64(size)) }}
		t.out(b, get)
		t.in(b, set)
	}
	buffers(screenMap, 0x4b40, 0x4b41)
	buffers(oldFont, 0x4b60, 0x4b61)
	buffers(colorMap, 0x4b70, 0x4b71)
	screen := &structType{size: sizesAll(2), decode: func(e *Event, name string, r *reader) {
		e.emitArray(name, unicodeOfFont, r.addr, screenMap)
	}}
	t.out(screen, 0x4b69)
	t.in(screen, 0x4b6a)
	unimap := func(entries func(e *Event, count, addr uint64)) *structType {
		return &structType{size: sizesPtr(16, 8), decode: func(e *Event, name string, r *reader) {
			defer e.close(e.begin(name, Struct))
			n := r.u16()
			e.num("entry_ct", Uint, 16, n)
			entries(e, n, r.ptr())
		}}
	}
	pair := layout(4, numbers(Hex, 2, "unicode", "fontpos"))
	set := unimap(func(e *Event, n, addr uint64) { e.emitArray("entries", pair, addr, n) })
	t.in(set, 0x4b67)
	own(func(e *Event) {
		e.emitStruct("", unimap(func(*Event, uint64, uint64) {}), e.args[2])
		e.later(2)
	}, func(e *Event) {
		b := e.readAll(e.args[2], set.size[e.abi])
		if e.arg(2).Kind != Struct {
			return
		}
		defer e.close(e.reopen())
		if b == nil {
			e.cut()
			return
		}
		r := e.reader(b, 0)
		n, addr := r.u16(), r.ptr()
		e.lastChanges(func() { e.num("", Uint, 16, n) })
		if e.good() {
			e.emitArray("entries", pair, addr, n)
		} else {
			e.num("entries", Addr, 64, addr)
		}
	}, 0x4b66) // GIO_UNIMAP
	t.in(layout(6, numbers(Uint, 2, "advised_hashsize", "advised_hashstep", "advised_hashlevel")), 0x4b68)
	font := func(data bool) *structType {
		return &structType{size: sizesPtr(16, 8), decode: func(e *Event, name string, r *reader) {
			defer e.close(e.begin(name, Struct))
			n := r.u16()
			e.num("charcount", Uint, 16, n)
			e.num("charheight", Uint, 16, r.u16())
			if addr := r.ptr(); data {
				e.rawBuffer("chardata", addr, n*charRows)
			} else {
				e.num("chardata", Addr, 64, addr)
			}
		}}
	}
	t.inOut(font(false), font(true), 0x4b6b)
	t.in(font(true), 0x4b6c)
	t.add(ioctlArg{kind: ioctlNone}, 0x4b6d) // PIO_FONTRESET
	own((*Event).fontBefore, (*Event).fontAfter, 0x4b72)
}

// scalarOf is a number of size bytes behind a pointer.
func scalarOf(size int, show func(e *Event, num uint64)) *structType {
	return &structType{size: sizesAll(size), scalar: true, decode: func(e *Event, _ string, r *reader) { show(e, r.u(size)) }}
}

// enumSigned emits a number with the names of a set; one without is shown as a signed one.
func (e *Event) enumSigned(name string, num uint64, set *ConstSet) {
	if label := set.name(num); label != "" {
		e.emit(Value{Name: name, Kind: Named, Bits: 32, Num: num, Symbol: label})
		return
	}
	e.noted(name, Int, 32, num, set.Prefix+"???")
}

func (e *Event) consoleSound() {
	tone := "off"
	if n := e.args[2]; n > 0 && n <= consoleHz {
		tone = strconv.FormatUint(consoleHz/n, 10) + " Hz"
	}
	e.noted("", Uint, longBits(e.abi), e.args[2], tone)
}

// consoleTone emits a tone and for how long it is to be heard, in the upper half.
func (e *Event) consoleTone() {
	ms, n := e.args[2]>>16&0xffff, e.args[2]&0xffff
	tone := "off"
	if ms > 0 && n > 0 {
		tone = fmt.Sprintf("%d Hz, %d ms", consoleHz/n, ms)
	}
	defer e.close(e.begin("", Noted))
	if ms == 0 {
		e.num("", Uint, 16, n)
	} else {
		outer := e.begin("", Or)
		shifted := e.begin("", Shifted)
		e.num("", Uint, 16, ms)
		e.num("", Uint, 8, 16)
		e.close(shifted)
		e.num("", Uint, 16, n)
		e.close(outer)
	}
	e.emit(Value{Kind: Symbol, Symbol: tone})
}

func (e *Event) consolePort() {
	const first, last = 0x3b4, 0x3df // GPFIRST, GPLAST
	meaning := ""
	if n := e.args[2]; n >= first && n <= last {
		meaning = fmt.Sprintf("GPFIRST + %d", n-first)
	}
	e.noted("", Hex, longBits(e.abi), e.args[2], meaning)
}

// setKeyTables are modifiers, of which a table of keys is for some.
var setKeyTables = bitSet("1<<KG_", "KG_SHIFT", "KG_ALTGR", "KG_CTRL", "KG_ALT", "KG_SHIFTL", "KG_SHIFTR", "KG_CTRLL", "KG_CTRLR")

// keyEntry emits which key of struct kbentry it is about.
func (e *Event) keyEntry() {
	b := e.readAll(e.args[2], 2)
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	outer := e.begin("", Struct)
	if names := SetByName("kb_tables"); names.name(uint64(b[0])) != "" {
		e.enum("kb_table", 8, uint64(b[0]), names)
	} else {
		e.flags("kb_table", 8, uint64(b[0]), setKeyTables)
	}
	e.num("kb_index", Uint, 8, uint64(b[1]))
	e.close(outer)
	e.lateUnlessSet(0x4b47)
}

// lateUnlessSet leaves the rest to Exit, but of a request that sets something.
func (e *Event) lateUnlessSet(set uint64) {
	if e.args[1] != set {
		e.later(2)
	}
}

// more goes on with the struct that the third argument is, if it is one.
func (e *Event) more(members func()) {
	if e.arg(2).Kind != Struct || e.done && !e.good() {
		return
	}
	outer := e.reopen()
	members()
	e.close(outer)
}

var unknownText = Value{Kind: Symbol, Symbol: "???"}

// keyValue emits what a key does.
func (e *Event) keyValue() {
	e.more(func() {
		b := e.readAll(e.args[2]+2, 2)
		if b == nil {
			v := unknownText
			v.Name = "kb_value"
			e.emit(v)
			return
		}
		num := uint64(le.Uint16(b))
		e.noted("kb_value", Hex, 16, num, keyMeaning(num))
	})
}

// keyMeaning returns the name of what a key does, or what it is made of.
func keyMeaning(num uint64) string {
	const latin, meta, letter, dead2 = 0, 8, 11, 13
	if name := SetByName("kb_value").name(num); name != "" {
		return name
	}
	typ, val := num>>8, num&0xff
	name := SetByName("kb_type").name(typ)
	if name == "" {
		name = string(appendHex(nil, typ))
	}
	switch typ {
	case latin, meta, letter, dead2:
		return "K(" + name + ", " + string(appendChar(nil, byte(val), true)) + ")"
	}
	return "K(" + name + ", " + string(appendHex(nil, val)) + ")"
}

// setKeyFunctions are the keys that have a text of their own.
var setKeyFunctions = func() *ConstSet {
	const function = 1 // KT_FN
	s := &ConstSet{Name: "kb_func", Prefix: "KVAL(K_"}
	for _, c := range SetByName("kb_value").Consts {
		if c.Value>>8 == function {
			s.Consts = append(s.Consts, Const{Name: "KVAL(" + c.Name + ")", Value: c.Value & 0xff})
		}
	}
	return s
}()

// keyFunction emits which function of struct kbsentry it is about.
func (e *Event) keyFunction() {
	b := e.readAll(e.args[2], 1)
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	outer := e.begin("", Struct)
	e.enum("kb_func", 8, uint64(b[0]), setKeyFunctions)
	e.close(outer)
	e.lateUnlessSet(0x4b49)
}

// keyText emits the text of a function key.
func (e *Event) keyText() {
	e.more(func() {
		limit := min(keyString, e.opts.StringLimit)
		s, ok := e.readTextUpTo(e.args[2]+1, limit)
		if !ok {
			v := unknownText
			v.Name = "kb_string"
			e.emit(v)
			return
		}
		e.bytes("kb_string", e.args[2]+1, s, uint64(len(s)), len(s) == limit)
	})
}

// accentTable is struct kbdiacrs or kbdiacrsuc.
func accentTable(name string, accent *structType) *structType {
	return aStruct(4, func(e *Event, r *reader) {
		n := r.u32()
		e.num("kb_cnt", Uint, 32, n)
		e.emitArray(name, accent, r.addr+4, min(n, maxAccents))
		if v := &e.values[e.latestChild()]; n > maxAccents && v.Kind == Array {
			v.Cut = true
		}
	})
}

// unicodeOfFont is a character, or a place in the font.
var unicodeOfFont = &structType{size: sizesAll(2), decode: func(e *Event, name string, r *reader) {
	num := r.u16()
	if num < directFont || num > directFontLast {
		e.num(name, Hex, 16, num)
		return
	}
	outer := e.begin(name, Meaning)
	e.num("", Hex, 16, num)
	e.emit(Value{Kind: Symbol, Symbol: fmt.Sprintf("UNI_DIRECT_BASE+%s", appendHex(nil, num-directFont))})
	e.close(outer)
}}

// Operations of KDFONTOP.
const (
	fontSet = iota
	fontGet
	fontDefault
	fontCopy
)

// fontBefore emits struct console_font_op as the program gives it.
func (e *Event) fontBefore() {
	b := e.readAll(e.args[2], consoleFontSize(e))
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	r := e.reader(b, e.args[2])
	op, flags := r.u32(), r.u32()
	change := op != fontSet && op != fontCopy
	if change {
		e.later(2)
		e.partial = true
		defer e.close(e.begin("", Change))
	}
	defer e.close(e.begin("", Struct))
	e.enum("op", 32, op, SetByName("kd_font_op"))
	switch op {
	case fontDefault:
		e.num("width", Uint, 32, r.u32())
		e.num("height", Uint, 32, r.u32())
		e.fontName(r.at(20).ptr())
	case fontCopy:
		e.num("height", Uint, 32, r.at(12).u32())
	default:
		e.flags("flags", 32, flags, SetByName("kd_font_flags"))
		e.fontSizes(r, op == fontSet)
	}
}

// fontAfter adds what the kernel has filled in.
func (e *Event) fontAfter() {
	v := e.arg(2)
	if v.Kind != Change || !e.good() {
		return
	}
	defer e.close(e.reopen())
	b := e.readAll(e.args[2], consoleFontSize(e))
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	r := e.reader(b, e.args[2])
	op := r.u32()
	defer e.close(e.begin("", Struct))
	r.skip(4)
	if op == fontDefault {
		e.num("width", Uint, 32, r.u32())
		e.num("height", Uint, 32, r.u32())
		return
	}
	e.fontSizes(r, op == fontGet)
}

func consoleFontSize(e *Event) int { return 24 + btoi(e.abi.PointerBits() == 64)*8 }

// fontSizes emits the members from the width on.
func (e *Event) fontSizes(r *reader, data bool) {
	width, height, count := r.u32(), r.u32(), r.u32()
	e.num("width", Uint, 32, width)
	e.num("height", Uint, 32, height)
	e.num("charcount", Uint, 32, count)
	if addr := r.ptr(); data {
		e.rawBuffer("data", addr, (width+7)/8*charRows*count)
	} else {
		e.num("data", Addr, 64, addr)
	}
}

// fontName emits the name of a font, which is short.
func (e *Event) fontName(addr uint64) {
	s, ended, ok := e.readString(addr, min(fontName-1, e.opts.StringLimit), pageSize)
	if !ok {
		e.emitAddr("data", addr, true)
		return
	}
	e.bytes("data", addr, s, uint64(len(s)), !ended)
}
