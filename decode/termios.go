package decode

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

// Bits of the flags that are numbers.
const (
	termiosDelays = 0xff00
	termiosSpeeds = 0x100f | 0x100f<<16 | 0x30 // and the size of characters
)

// termios emits a struct with flags of n bytes each, and chars control characters.
func (e *Event) termios(name string, r *reader, n, chars int) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.bareFlags("c_iflag", r.u(n), setTermiosIn)
	e.fieldFlags("c_oflag", r.u(n), termiosDelays, setTermiosDelays, setTermiosOut)
	e.fieldFlags("c_cflag", r.u(n), termiosSpeeds, setTermiosSpeeds, setTermiosControl)
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

// fieldFlags emits flags of which the bits in mask are numbers.
func (e *Event) fieldFlags(name string, num, mask uint64, fields, flags *ConstSet) {
	outer := e.begin(name, Or)
	e.flags("", 32, num&mask, fields)
	e.bareFlags("", num&^mask, flags)
	e.close(outer)
}

// controlChars are the indices in c_cc that have a meaning (asm-generic/termbits.h).
var controlChars = [19]string{
	"[VINTR]", "[VQUIT]", "[VERASE]", "[VKILL]", "[VEOF]", "[VTIME]", "[VMIN]", "[VSWTC]", "[VSTART]", "[VSTOP]", "[VSUSP]",
	"[VEOL]", "[VREPRINT]", "[VDISCARD]", "[VWERASE]", "[VLNEXT]", "[VEOL2]", "[17]", "[18]",
}

var setLineDisciplines = SetByName("line_discipline")
