package decode

// An ioctlArg is what the third argument of ioctl is for a request.
type ioctlArg struct {
	kind ioctlKind
	typ  string
}

type ioctlKind uint8

const (
	ioctlHex  ioctlKind = iota
	ioctlNone           // no argument
	ioctlInt            // a number
	ioctlFD             // a descriptor
	ioctlIn             // a struct that the kernel reads
	ioctlOut            // a struct that the kernel fills
)

// The requests that are the same on all our architectures (asm-generic/ioctls.h,
// linux/fs.h).
var ioctlArgs = map[uint64]ioctlArg{
	0x5401: {ioctlOut, "termios"}, 0x5402: {ioctlIn, "termios"}, 0x5403: {ioctlIn, "termios"}, 0x5404: {ioctlIn, "termios"}, // TCGETS, TCSETS, TCSETSW, TCSETSF
	0x5409: {kind: ioctlInt}, 0x540a: {kind: ioctlInt}, 0x540b: {kind: ioctlInt}, // TCSBRK, TCXONC, TCFLSH
	0x540c: {kind: ioctlNone}, 0x540d: {kind: ioctlNone}, 0x540e: {kind: ioctlInt}, // TIOCEXCL, TIOCNXCL, TIOCSCTTY
	0x540f: {ioctlOut, "pid"}, 0x5410: {ioctlIn, "pid"}, // TIOCGPGRP, TIOCSPGRP
	0x5411: {ioctlOut, "int"}, 0x541b: {ioctlOut, "int"}, // TIOCOUTQ, FIONREAD
	0x5413: {ioctlOut, "winsize"}, 0x5414: {ioctlIn, "winsize"}, // TIOCGWINSZ, TIOCSWINSZ
	0x5420: {ioctlIn, "int"}, 0x5421: {ioctlIn, "int"}, 0x5452: {ioctlIn, "int"}, // TIOCPKT, FIONBIO, FIOASYNC
	0x5422: {kind: ioctlNone}, 0x5450: {kind: ioctlNone}, 0x5451: {kind: ioctlNone}, // TIOCNOTTY, FIONCLEX, FIOCLEX
	0x5423: {ioctlIn, "int"}, 0x5424: {ioctlOut, "int"}, 0x5429: {ioctlOut, "pid"}, // TIOCSETD, TIOCGETD, TIOCGSID
	0x80045430: {ioctlOut, "uint"}, 0x40045431: {ioctlIn, "int"}, // TIOCGPTN, TIOCSPTLCK
	0x40049409: {kind: ioctlFD},                                           // FICLONE
	0x80081272: {ioctlOut, "u64dec"},                                      // BLKGETSIZE64
	0x80086601: {ioctlOut, "fs_flags"}, 0x40086602: {ioctlIn, "fs_flags"}, // FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
}

func init() {
	addSpecial(special{entry: entryIoctl, exit: exitIoctl}, "ioctl")
	scalar("u64dec", sizesAll(8), Uint, (*reader).u64)
	register("winsize", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		for _, f := range [...]string{"ws_row", "ws_col", "ws_xpixel", "ws_ypixel"} {
			e.num(f, Uint, 16, r.u16())
		}
		e.close(outer)
	})
	t := register("fs_flags", sizesAll(4), func(e *Event, name string, r *reader) {
		e.flags(name, 32, r.u32(), setFSFlags)
	})
	t.scalar = true
	// The kernel's struct termios has no speeds, and 19 control characters.
	register("termios", sizesAll(36), decodeTermios)
}

func entryIoctl(e *Event) {
	v, num := e.arg(2), e.args[2]
	if e.arg(1).Set == nil || e.arg(1).Set.name(e.args[1]) == "" {
		e.ioctlCode()
	}
	a := ioctlArgs[e.args[1]]
	switch a.kind {
	case ioctlNone:
		e.drop(2)
	case ioctlInt:
		v.Kind, v.Bits, v.Num = Int, 32, uint64(uint32(num))
	case ioctlFD:
		e.into(2)
		e.emitFD("", num, false)
	case ioctlIn:
		e.pointer(2, structs[a.typ], true)
	case ioctlOut:
		e.later(2)
	}
}

func exitIoctl(e *Event) {
	if a := ioctlArgs[e.args[1]]; a.kind == ioctlOut {
		e.pointer(2, structs[a.typ], e.good())
	}
}

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

func decodeTermios(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.flags("c_iflag", 32, r.u32(), setTermiosIn)
	e.flags("c_oflag", 32, r.u32(), setTermiosOut)
	e.flags("c_cflag", 32, r.u32(), setTermiosControl)
	e.flags("c_lflag", 32, r.u32(), setTermiosLocal)
	if !e.opts.Verbose {
		e.cut()
		return
	}
	e.enum("c_line", 8, r.u8(), setLineDisciplines)
	list := e.begin("c_cc", Array)
	for i, c := range r.bytes(len(controlChars)) {
		e.emit(Value{Kind: Hex, Bits: 8, Num: uint64(c), Name: controlChars[i]})
	}
	e.close(list)
}

// controlChars are the indices in c_cc that have a meaning (asm-generic/termbits.h).
var controlChars = [19]string{
	"[VINTR]", "[VQUIT]", "[VERASE]", "[VKILL]", "[VEOF]", "[VTIME]", "[VMIN]", "[VSWTC]", "[VSTART]", "[VSTOP]", "[VSUSP]",
	"[VEOL]", "[VREPRINT]", "[VDISCARD]", "[VWERASE]", "[VLNEXT]", "[VEOL2]", "[17]", "[18]",
}

var setLineDisciplines = &ConstSet{Name: "line_discipline", Prefix: "N_", Consts: []Const{
	{Name: "N_TTY", Value: 0}, {Name: "N_SLIP", Value: 1}, {Name: "N_MOUSE", Value: 2}, {Name: "N_PPP", Value: 3},
}}
