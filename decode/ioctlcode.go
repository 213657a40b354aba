package decode

// Requests of ioctl(2) that have no name of their own (ioctl(2), asm-generic/ioctl.h).

var ioctlDirs = [4]string{"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"}

// ioctlCode emits a request without a name as what it is made of.
func (e *Event) ioctlCode() {
	n := e.args[1]
	e.into(1)
	outer := e.open(Value{Kind: Macro, Symbol: "_IOC", Bits: 32, Num: n})
	e.emit(Value{Kind: Symbol, Symbol: ioctlDirs[n>>30&3], Num: n >> 30})
	e.num("", Hex, 8, n>>8&0xff)
	e.num("", Hex, 8, n&0xff)
	e.num("", Hex, 16, n>>16&0x3fff)
	e.close(outer)
}

// Those of some drivers are macros whose operand is in the number: the size of the program's
// buffer, which may be short, or which channel of a mixer. As Values they are Bare.

const (
	inputRead  = 2<<30 | 'E'<<8 // _IOC(_IOC_READ, 'E', 0, 0)
	inputWrite = 1<<30 | 'E'<<8
	mixerRead  = 2<<30 | 'M'<<8
	mixerWrite = 1<<30 | 'M'<<8
)

// sizedRequests are the macros that have the size as their operand, by the number without it.
var sizedRequests = map[uint64]string{
	// linux/input.h
	inputRead | 0x06: "EVIOCGNAME", inputRead | 0x07: "EVIOCGPHYS", inputRead | 0x08: "EVIOCGUNIQ", inputRead | 0x09: "EVIOCGPROP",
	inputRead | 0x0a: "EVIOCGMTSLOTS", inputRead | 0x18: "EVIOCGKEY", inputRead | 0x19: "EVIOCGLED", inputRead | 0x1a: "EVIOCGSND",
	inputRead | 0x1b: "EVIOCGSW",
	// linux/hidraw.h, linux/hiddev.h
	2<<30 | 'H'<<8 | 0x04: "HIDIOCGRAWNAME", 2<<30 | 'H'<<8 | 0x05: "HIDIOCGRAWPHYS", 2<<30 | 'H'<<8 | 0x08: "HIDIOCGRAWUNIQ",
	2<<30 | 'H'<<8 | 0x12: "HIDIOCGPHYS", 2<<30 | 'H'<<8 | 0x06: "HIDIOCSFEATURE", 3<<30 | 'H'<<8 | 0x06: "HIDIOCSFEATURE",
	3<<30 | 'H'<<8 | 0x07: "HIDIOCGFEATURE",
	// linux/uinput.h, linux/joystick.h, linux/spi/spidev.h
	2<<30 | 'U'<<8 | 0x2c: "UI_GET_SYSNAME", 2<<30 | 'j'<<8 | 0x13: "JSIOCGNAME", 1<<30 | 'k'<<8: "SPI_IOC_MESSAGE",
}

var (
	setInputEvent = SetByName("input_event")
	setInputAbs   = SetByName("input_abs")
)

// macroRequest emits a request that is a macro with an operand, if n is one. input says that it
// is an input device's.
func (e *Event) macroRequest(n uint64) (input, ok bool) {
	nr, size := n&0xff, n>>16&0x3fff
	macro := func(name string) (outer int32) {
		e.into(1)
		return e.open(Value{Kind: Macro, Symbol: name, Bits: 32, Num: n, Bare: true})
	}
	number := func(name string, num uint64) {
		outer := macro(name)
		e.num("", Uint, 16, num)
		e.close(outer)
	}
	kind := n &^ (0xff | 0x3fff<<16)
	switch name := sizedRequests[kind|nr]; {
	case name != "":
		number(name, size)
	case kind == mixerRead:
		number("MIXER_READ", nr)
	case kind == mixerWrite:
		number("MIXER_WRITE", nr)
	case kind == inputRead && nr >= 0x20 && nr < 0x40:
		outer := macro("EVIOCGBIT")
		if typ := nr - 0x20; typ == 0 { // not EV_SYN, but which types there are
			e.num("", Uint, 8, 0)
		} else {
			e.enum("", 8, typ, setInputEvent)
		}
		e.num("", Uint, 16, size)
		e.close(outer)
	case kind == inputRead && nr >= 0x40 && nr < 0x80:
		outer := macro("EVIOCGABS")
		e.enum("", 8, nr-0x40, setInputAbs)
		e.close(outer)
	case kind == inputWrite && nr >= 0xc0:
		outer := macro("EVIOCSABS")
		e.enum("", 8, nr-0xc0, setInputAbs)
		e.close(outer)
	default:
		return false, false
	}
	return kind == inputRead || kind == inputWrite, true
}
