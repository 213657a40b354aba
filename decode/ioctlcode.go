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

// Those of input devices are macros (linux/input.h), which are Bare: the number has an axis or a
// type of events in it. The size is that of the program's buffer, which may be short.

const (
	inputRead  = 2<<30 | 'E'<<8 // _IOC(_IOC_READ, 'E', 0, 0)
	inputWrite = 1<<30 | 'E'<<8
)

var inputSized = map[uint64]string{
	0x06: "EVIOCGNAME", 0x07: "EVIOCGPHYS", 0x08: "EVIOCGUNIQ", 0x09: "EVIOCGPROP", 0x0a: "EVIOCGMTSLOTS",
	0x18: "EVIOCGKEY", 0x19: "EVIOCGLED", 0x1a: "EVIOCGSND", 0x1b: "EVIOCGSW",
}

var (
	setInputEvent = SetByName("input_event")
	setInputAbs   = SetByName("input_abs")
)

// inputRequest emits a request of an input device, if n is one.
func (e *Event) inputRequest(n uint64) bool {
	nr, size := n&0xff, n>>16&0x3fff
	macro := func(name string) (outer int32) {
		e.into(1)
		return e.open(Value{Kind: Macro, Symbol: name, Bits: 32, Num: n, Bare: true})
	}
	switch kind := n &^ (0xff | 0x3fff<<16); {
	case kind == inputRead && inputSized[nr] != "":
		outer := macro(inputSized[nr])
		e.num("", Uint, 16, size)
		e.close(outer)
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
		return false
	}
	return true
}
