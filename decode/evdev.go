package decode

// Input devices (linux/input.h). Their requests' numbers have sizes, axes and types of
// events in them: see ioctlcode.go.

const (
	evAbs     = 0x40 // EVIOCGABS(0)
	evBit     = 0x20 // EVIOCGBIT(0)
	evMTSlots = 0x0a
	evPropMax = 0x1f
)

func init() { ioctlFamilies = append(ioctlFamilies, evdevRequests) }

func evdevRequests(t ioctlTable) {
	two := func(second func(e *Event, num uint64)) *structType {
		return &structType{size: sizesAll(8), decode: func(e *Event, name string, r *reader) {
			outer := e.begin(name, Array)
			e.num("", Uint, 32, r.u32())
			second(e, r.u32())
			e.close(outer)
		}}
	}
	number := func(kind Kind) *structType {
		return &structType{size: sizesAll(4), scalar: true, decode: func(e *Event, name string, r *reader) { e.num(name, kind, 32, r.u32()) }}
	}
	repeat := two(func(e *Event, num uint64) { e.num("", Uint, 32, num) })
	keycode := two(func(e *Event, num uint64) { e.enum("", 32, num, setInputKeys) })
	t.out(number(Hex), 0x80044501)  // EVIOCGVERSION
	t.out(number(Uint), 0x80044584) // EVIOCGEFFECTS
	t.in(number(Uint), 0x400445a0)  // EVIOCSCLOCKID
	t.add(ioctlArg{kind: ioctlLong}, 0x40044590, 0x40044591)
	t.out(aStruct(8, func(e *Event, r *reader) {
		e.fields(r, []field{{"bustype", Uint, 2, nil}, {"vendor", Uint, 2, nil}, {"product", Uint, 2, nil}, {"version", Uint, 2, nil}})
	}), 0x80084502)
	t.out(repeat, 0x80084503)
	t.in(repeat, 0x40084503)
	t.out(keycode, 0x80084504)
	t.in(keycode, 0x40084504)
	entry := aStruct(40, decodeKeymapEntry)
	t.out(entry, 0x80284504)
	t.in(entry, 0x40284504)
	effect := &structType{size: sizesPtr(48, 44), decode: decodeEffect}
	t.in(effect, 0x40304580, 0x402c4580)
}

var (
	setInputKeys  = SetByName("input_key")
	setInputForce = SetByName("input_force")
	setInputSlots = SetByName("input_slot")
)

func decodeKeymapEntry(e *Event, r *reader) {
	e.num("flags", Uint, 8, r.u8())
	e.num("len", Uint, 8, r.u8())
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.num("index", Uint, 16, r.u16())
	e.enum("keycode", 32, r.u32(), setInputKeys)
	e.numbers("scancode", Hex, 1, r, 32)
}

// decodeEffect decodes struct ff_effect, a force-feedback effect.
func decodeEffect(e *Event, name string, r *reader) {
	defer e.close(e.begin(name, Struct))
	kind := r.u16()
	e.enum("type", 16, kind, setInputForce)
	e.num("id", Int, 16, r.u16())
	e.num("direction", Uint, 16, r.u16())
	if !e.opts.Verbose {
		e.cut()
		return
	}
	part := func(name string, rows ...field) {
		outer := e.begin(name, Struct)
		e.fields(r, rows)
		e.close(outer)
	}
	part("trigger", field{"button", Uint, 2, nil}, field{"interval", Uint, 2, nil})
	part("replay", field{"length", Uint, 2, nil}, field{"delay", Uint, 2, nil})
	r.at(16)
	envelope := func() {
		part("envelope", field{"attack_length", Uint, 2, nil}, field{"attack_level", Uint, 2, nil},
			field{"fade_length", Uint, 2, nil}, field{"fade_level", Hex, 2, nil})
	}
	const rumble, periodic, constant, ramp = 0x50, 0x51, 0x52, 0x57
	switch kind {
	case constant:
		outer := e.begin("constant", Struct)
		e.num("level", Int, 16, r.u16())
		envelope()
		e.close(outer)
	case ramp:
		outer := e.begin("ramp", Struct)
		e.num("start_level", Int, 16, r.u16())
		e.num("end_level", Int, 16, r.u16())
		envelope()
		e.close(outer)
	case periodic:
		outer := e.begin("periodic", Struct)
		e.fields(r, []field{{"waveform", Uint, 2, nil}, {"period", Uint, 2, nil}, {"magnitude", Int, 2, nil}, {"offset", Int, 2, nil}, {"phase", Uint, 2, nil}})
		envelope()
		e.num("custom_len", Uint, 32, r.u32())
		e.num("custom_data", Addr, 64, r.ptr())
		e.close(outer)
	case rumble:
		part("rumble", field{"strong_magnitude", Uint, 2, nil}, field{"weak_magnitude", Uint, 2, nil})
	}
}

// entryInput decodes what the program gives with a request with a size in it.
func (e *Event) entryInput() {
	if e.args[1]>>30 == 1 { // EVIOCSABS
		e.into(2)
		e.inputAxis()
		return
	}
	e.later(2)
}

// exitInput decodes what such a request returns.
func (e *Event) exitInput() {
	n := e.args[1]
	nr, addr := n&0xff, e.args[2]
	if n>>30 == 1 {
		return
	}
	e.into(2)
	got := uint64(max(e.res.Value(), 0))
	switch {
	case !e.good():
		e.emitAddr("", addr, true)
	case nr >= evAbs:
		e.inputAxis()
	case nr == evMTSlots:
		e.inputSlots(addr, n>>16&0x3fff)
	case nr < evMTSlots-1: // EVIOCGNAME, EVIOCGPHYS, EVIOCGUNIQ
		if got == 0 {
			e.emitAddr("", addr, true)
			return
		}
		e.emitBuffer("", addr, got)
	default:
		names, most := inputBits(nr)
		e.inputNames(addr, min(got*8, most+1), names)
	}
}

// inputAxis emits struct input_absinfo of which the request has the size.
func (e *Event) inputAxis() {
	const least, whole = 20, 24
	addr, size := e.args[2], int(e.args[1]>>16&0x3fff)
	b := e.readAll(addr, min(size, whole))
	if size < least || b == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	r := e.reader(b, addr)
	defer e.close(e.begin("", Struct))
	for i, name := range [...]string{"value", "minimum", "maximum", "fuzz", "flat", "resolution"} {
		if i == 2 && !e.opts.Verbose || 4*(i+1) > len(b) {
			break
		}
		e.num(name, Uint, 32, r.u32())
	}
	if !e.opts.Verbose || size != least && size != whole {
		e.cut()
	}
}

// inputSlots emits a code and a value for each slot of a touch screen.
func (e *Event) inputSlots(addr, size uint64) {
	n := size / 4
	b := e.readAll(addr, 4)
	if n == 0 || b == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	defer e.close(e.begin("", Struct))
	e.enum("code", 32, uint64(le.Uint32(b)), setInputSlots)
	e.emitArray("values", inputValue, addr+4, n-1)
}

var inputValue = &structType{size: sizesAll(4), decode: func(e *Event, name string, r *reader) { e.num(name, Int, 32, r.u32()) }}

// inputBits returns the names of the bits that a request gives, and the largest of them.
func inputBits(nr uint64) (names *ConstSet, most uint64) {
	sized := map[uint64]struct {
		set  string
		most uint64
	}{
		0x09: {"input_property", evPropMax},
		0x18: {"input_key", 0x2ff}, 0x19: {"input_led", 0xf}, 0x1a: {"input_sound", 7}, 0x1b: {"input_switch", 0x10},
		evBit: {"input_event", 0x1f}, evBit + 1: {"input_key", 0x2ff}, evBit + 2: {"input_relative", 0xf}, evBit + 3: {"input_abs", 0x3f},
		evBit + 4: {"input_misc", 7}, evBit + 5: {"input_switch", 0x10}, evBit + 0x11: {"input_led", 0xf}, evBit + 0x12: {"input_sound", 7},
		evBit + 0x14: {"input_repeat", 1}, evBit + 0x15: {"input_force", 0x7f},
	}
	s, ok := sized[nr]
	if !ok {
		return nil, 0
	}
	return SetByName(s.set), s.most
}

// inputNames emits an array of n bits by their names. The kernel writes whole longs.
func (e *Event) inputNames(addr, n uint64, names *ConstSet) {
	word := int(longBits(e.abi) / 8)
	b := e.read(addr, (int(n)+8*word-1)/(8*word)*word)
	if len(b) == 0 || names == nil {
		e.emitAddr("", addr, addr != 0)
		return
	}
	defer e.close(e.open(Value{Kind: BitArray, Bits: uint8(8 * word), Num: addr, Text: b}))
	const few = 4
	shown := 0
	for i := range min(n, uint64(8*len(b))) {
		if b[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if shown == few && !e.opts.Verbose {
			e.cut()
			return
		}
		e.enum("", 16, i, names)
		shown++
	}
}
