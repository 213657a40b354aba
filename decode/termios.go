package decode

import (
	"cmp"
	"slices"
)

// Terminals (ioctl_tty(2), asm-generic/termbits.h).

func init() {
	register("winsize", sizesAll(8), record(
		field{"ws_row", Uint, 2, nil}, field{"ws_col", Uint, 2, nil}, field{"ws_xpixel", Uint, 2, nil}, field{"ws_ypixel", Uint, 2, nil}))
	// The kernel's struct termios has no speeds, and 19 control characters;
	// termios2 has speeds, termio is from System V.
	register("termios", sizesAll(36), func(e *Event, name string, r *reader) { e.termios(name, r, 4, 19) })
	register("termios2", sizesAll(44), func(e *Event, name string, r *reader) { e.termios(name, r, 4, 19) })
	register("termio", sizesAll(18), func(e *Event, name string, r *reader) { e.termios(name, r, 2, 8) })
}

// termios emits a struct with flags of n bytes each, and chars control characters.
func (e *Event) termios(name string, r *reader, n, chars int) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.bareFlags("c_iflag", r.u(n), setTermiosIn)
	e.fieldFlags("c_oflag", r.u(n), termiosDelayFields, setTermiosOut)
	e.fieldFlags("c_cflag", r.u(n), termiosSpeedFields, setTermiosControl)
	e.bareFlags("c_lflag", r.u(n), setTermiosLocal)
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.enum("c_line", 8, r.u8(), setLineDisciplines)
	list := e.begin("c_cc", Array)
	for i, c := range r.bytes(chars) {
		e.num(controlChars[i], Hex, 8, uint64(c))
	}
	e.close(list)
	if len(r.b) == 44 {
		e.num("c_ispeed", Uint, 32, r.u32())
		e.num("c_ospeed", Uint, 32, r.u32())
	}
}

func (e *Event) bareFlags(name string, num uint64, set *ConstSet) {
	v := e.next()
	v.Name, v.Kind, v.Bits, v.Num, v.Set, v.Bare = name, Flags, 32, num, set, true
}

// fieldFlags emits flags of which the bits in mask are numbers: one for each mask in fields.
func (e *Event) fieldFlags(name string, num uint64, fields []termiosField, flags *ConstSet) {
	outer := e.begin(name, Or)
	for i := range fields {
		f := &fields[i]
		part := num & f.set.Consts[0].Mask
		num &^= part
		switch {
		case !f.input:
			e.enum("", 32, part, f.set)
		case part != 0:
			shifted := e.begin("", Shifted)
			e.enum("", 32, part>>inputShift, f.set)
			e.emit(Value{Kind: Symbol, Symbol: "IBSHIFT", Num: inputShift})
			e.close(shifted)
		}
	}
	e.bareFlags("", num, flags)
	e.close(outer)
}

const inputShift = 16 // IBSHIFT

// A termiosField is a number among flags. The speed of input is as that of output, elsewhere,
// and not shown if it is the same.
type termiosField struct {
	set   *ConstSet
	input bool
}

var (
	termiosDelayFields = termiosFields(setTermiosDelays)
	termiosSpeedFields = func() []termiosField {
		const bits = 0x100f << inputShift // CIBAUD
		fields := termiosFields(setTermiosSpeeds)
		input := *fields[0].set
		input.Consts = append([]Const{}, input.Consts...)
		input.Consts[0].Mask = bits
		return []termiosField{fields[0], {&input, true}, fields[1]}
	}()
)

// termiosFields are the fields of a set of flags, each as a set of its own.
func termiosFields(set *ConstSet) (fields []termiosField) {
	for _, c := range set.Consts {
		if n := len(fields); n == 0 || fields[n-1].set.Consts[0].Mask != c.Mask {
			fields = append(fields, termiosField{set: &ConstSet{Name: set.Name, Prefix: set.Prefix}})
		}
		f := fields[len(fields)-1].set
		f.Consts = append(f.Consts, c)
	}
	for _, f := range fields {
		slices.SortStableFunc(f.set.Consts, func(a, b Const) int { return cmp.Compare(a.Value, b.Value) })
	}
	return fields
}

// controlChars are the indices in c_cc that have a meaning (asm-generic/termbits.h).
var controlChars = [19]string{
	"[VINTR]", "[VQUIT]", "[VERASE]", "[VKILL]", "[VEOF]", "[VTIME]", "[VMIN]", "[VSWTC]", "[VSTART]", "[VSTOP]", "[VSUSP]",
	"[VEOL]", "[VREPRINT]", "[VDISCARD]", "[VWERASE]", "[VLNEXT]", "[VEOL2]", "[17]", "[18]",
}

var setLineDisciplines = SetByName("line_discipline")
