package decode

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// oCreateMask are the flags with which open looks at its mode: O_CREAT and
// __O_TMPFILE, the same on all our architectures.
const oCreateMask = unix.O_CREAT | 020000000

func entrySendfile(e *Event) {
	if e.args[2] == 0 {
		return
	}
	// The offset moves: [0] => [100].
	t := e.plan.args[2].typ
	e.into(2)
	outer := e.begin("", Change)
	e.emitStruct("", t, e.args[2])
	e.close(outer)
	e.later(2)
	e.partial = true
}

func exitSendfile(e *Event) {
	if e.args[2] == 0 || !e.good() || e.res.Value() == 0 {
		return
	}
	v := e.arg(2)
	if v.first == 0 || e.values[v.first].Kind != Array {
		return
	}
	outer := e.parent
	e.parent = argSlot + 2
	e.emitStruct("", e.plan.args[2].typ, e.args[2])
	e.close(outer)
}

// exitDents counts the entries that getdents returned or, if all is to be shown,
// decodes them.
func exitDents(e *Event) {
	if !e.good() {
		return
	}
	n := clamp(uint64(max(e.res.Value(), 0)), maxDents)
	b := e.read(e.args[1], n)
	e.into(1)
	if n > 0 && (e.args[1] == 0 || len(b) < n) {
		e.emitAddr("", e.args[1], true)
		return
	}
	list := Value{Kind: Count, Bits: 64, Num: e.args[1], Symbol: "entries"}
	if e.opts.Verbose {
		list = Value{Kind: Array, Num: e.args[1]}
	}
	outer := e.open(list)
	for {
		size := e.dirent(b)
		if size == 0 {
			break
		}
		e.arg(1).Size++
		b = b[size:]
	}
	e.close(outer)
}

// exitReaddir decodes the one entry that readdir(2) returns: d_ino, the offset, the length of
// the name, and that.
func exitReaddir(e *Event) {
	if !e.good() || e.res.Value() == 0 {
		return
	}
	word := int(longBits(e.abi) / 8)
	header := 2*word + 2
	b := e.readAll(e.args[1], header)
	if b == nil {
		return
	}
	r := e.reader(b, e.args[1])
	ino, off, n := r.u(word), r.u(word), r.u16()
	e.into(1)
	outer := e.begin("", Struct)
	e.num("d_ino", Uint, uint8(8*word), ino)
	e.num("d_off", Uint, uint8(8*word), off)
	e.num("d_reclen", Uint, 16, n)
	most := int(min(n, 256))
	text := e.read(e.args[1]+uint64(header), most)
	if name := upToNUL(text); len(name) < len(text) || len(text) == most {
		e.emit(Value{Name: "d_name", Kind: Bytes, Text: name, Size: uint64(len(name))})
	} else {
		e.emitAddr("d_name", e.args[1]+uint64(header), true)
	}
	e.close(outer)
}

const maxDents = 1 << 20

// dirent decodes the directory entry at the start of b and returns its size, 0
// if there is none: d_ino, d_off, d_reclen, then d_type and d_name, or, from the
// older getdents, d_name and d_type in the last byte.
func (e *Event) dirent(b []byte) int {
	word, old := 8, e.name == "getdents"
	if old {
		word = int(longBits(e.abi) / 8)
	}
	header := 2*word + 2
	if len(b) < header+2 {
		return 0
	}
	size := int(le.Uint16(b[2*word:]))
	if size < header+2 || size > len(b) || e.full() {
		return 0
	}
	if !e.opts.Verbose {
		return size
	}
	r := e.reader(b[:size], 0)
	outer := e.begin("", Struct)
	bits := uint8(8 * word)
	e.num("d_ino", Uint, bits, r.u(word))
	e.num("d_off", Int, bits, r.u(word))
	e.num("d_reclen", Uint, 16, r.u16())
	name, typ := b[header:size-1], uint64(b[size-1])
	if !old {
		name, typ = b[header+1:size], uint64(b[header])
		e.enum("d_type", 8, typ, setDirentTypes)
	}
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	e.emit(Value{Name: "d_name", Kind: Bytes, Text: name, Size: uint64(len(name))})
	if old {
		e.enum("d_type", 8, typ, setDirentTypes)
	}
	e.close(outer)
	return size
}

// An fcntlArg is what the third argument of fcntl is for a command.
type fcntlArg uint8

const (
	fcntlHex fcntlArg = iota
	fcntlNone
	fcntlInt
	fcntlPID
	fcntlLong
	fcntlSignal
	fcntlFDFlags
	fcntlOpenFlags
	fcntlSeals
	fcntlLease
	fcntlNotify
	fcntlLock // struct flock
	fcntlGetLock
	fcntlOwner // struct f_owner_ex
	fcntlGetOwner
	fcntlHint // uint64_t
	fcntlGetHint
	fcntlAddr
)

var fcntlArgs = map[uint64]fcntlArg{
	unix.F_DUPFD: fcntlLong, unix.F_DUPFD_CLOEXEC: fcntlLong,
	unix.F_GETFD: fcntlNone, unix.F_SETFD: fcntlFDFlags,
	unix.F_GETFL: fcntlNone, unix.F_SETFL: fcntlOpenFlags,
	fGetLock: fcntlGetLock, fSetLock: fcntlLock, fSetLockWait: fcntlLock,
	fGetLock64: fcntlGetLock, fSetLock64: fcntlLock, fSetLockWait64: fcntlLock,
	unix.F_OFD_GETLK: fcntlGetLock, unix.F_OFD_SETLK: fcntlLock, unix.F_OFD_SETLKW: fcntlLock,
	unix.F_GETOWN: fcntlNone, unix.F_SETOWN: fcntlPID,
	unix.F_GETOWN_EX: fcntlGetOwner, unix.F_SETOWN_EX: fcntlOwner,
	unix.F_GETSIG: fcntlNone, unix.F_SETSIG: fcntlSignal,
	unix.F_GETLEASE: fcntlNone, unix.F_SETLEASE: fcntlLease, unix.F_NOTIFY: fcntlNotify,
	unix.F_GETPIPE_SZ: fcntlNone, unix.F_SETPIPE_SZ: fcntlInt,
	unix.F_GET_SEALS: fcntlNone, unix.F_ADD_SEALS: fcntlSeals,
	unix.F_GET_RW_HINT: fcntlGetHint, unix.F_SET_RW_HINT: fcntlHint,
	unix.F_GET_FILE_RW_HINT: fcntlGetHint, unix.F_SET_FILE_RW_HINT: fcntlHint,
}

// Commands that x/sys/unix gives as those of the 64-bit locks on some systems.
const (
	fGetLock, fSetLock, fSetLockWait       = 5, 6, 7
	fGetLock64, fSetLock64, fSetLockWait64 = 12, 13, 14 // i386
)

var setDirentTypes = &ConstSet{Name: "dirent_type", Prefix: "DT_", Consts: []Const{
	{Name: "DT_UNKNOWN", Value: 0}, {Name: "DT_FIFO", Value: 1}, {Name: "DT_CHR", Value: 2}, {Name: "DT_DIR", Value: 4},
	{Name: "DT_BLK", Value: 6}, {Name: "DT_REG", Value: 8}, {Name: "DT_LNK", Value: 10}, {Name: "DT_SOCK", Value: 12}, {Name: "DT_WHT", Value: 14},
}}

func init() {
	addSpecial(special{entry: func(e *Event) {
		if e.args[2] == 1 { // as the C library has it always
			e.drop(2)
		}
	}, exit: exitReaddir}, "readdir")
	addSpecial(special{entry: entryFcntl, exit: exitFcntl}, "fcntl", "fcntl64")

	flock := func(bits uint8, off func(r *reader) uint64) func(e *Event, name string, r *reader) {
		return func(e *Event, name string, r *reader) {
			outer := e.begin(name, Struct)
			e.enum("l_type", 16, r.u16(), setLockTypes)
			e.enum("l_whence", 16, r.u16(), setWhence)
			e.num("l_start", Int, bits, off(r))
			e.num("l_len", Int, bits, off(r))
			if pid := r.u32(); e.done {
				e.num("l_pid", PID, 32, pid)
			}
			e.close(outer)
		}
	}
	register("flock", sizes64(32, 16), func(e *Event, name string, r *reader) {
		flock(r.longBits(), (*reader).long)(e, name, r)
	})
	register("flock64", sizes64(32, 24), flock(64, (*reader).u64))
	register("f_owner_ex", sizesAll(8), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.enum("type", 32, r.u32(), setOwnerTypes)
		e.num("pid", PID, 32, r.u32())
		e.close(outer)
	})
}

func (e *Event) flockType() *structType {
	if cmd := e.args[1]; cmd == fGetLock || cmd == fSetLock || cmd == fSetLockWait {
		return structs["flock"]
	}
	return structs["flock64"]
}

// fcntlArg is what the third argument is. The commands of 64-bit locks are those of
// fcntl64 only.
func (e *Event) fcntlArg() fcntlArg {
	if cmd := e.args[1]; cmd >= fGetLock64 && cmd <= fSetLockWait64 && (longBits(e.abi) == 64 || e.name == "fcntl") {
		return fcntlAddr
	}
	return fcntlArgs[e.args[1]]
}

func entryFcntl(e *Event) {
	v, num := e.arg(2), e.args[2]
	switch e.fcntlArg() {
	case fcntlAddr:
		v.Kind = Hex
	case fcntlNone:
		e.drop(2)
	case fcntlInt:
		v.Kind, v.Bits, v.Num = Int, 32, uint64(uint32(num))
	case fcntlPID:
		v.Kind, v.Bits, v.Num = PID, 32, uint64(uint32(num))
	case fcntlLong:
		v.Kind, v.Bits, v.Num = Int, 64, num
	case fcntlSignal:
		v.Kind, v.Bits, v.Num = Signal, 32, uint64(uint32(num))
	case fcntlFDFlags:
		v.Kind, v.Set = Flags, setFDFlags
	case fcntlOpenFlags:
		v.Kind, v.Set = Flags, setOpenFlags
	case fcntlSeals:
		v.Kind, v.Set = Flags, setSeals
	case fcntlLease:
		v.Kind, v.Set = Enum, setLockTypes
	case fcntlNotify:
		v.Kind, v.Set = Flags, setNotify
	case fcntlLock:
		e.pointer(2, e.flockType(), true)
	case fcntlOwner:
		e.pointer(2, structs["f_owner_ex"], true)
	case fcntlHint:
		e.pointer(2, structs["u64"], true)
	case fcntlGetLock, fcntlGetOwner, fcntlGetHint:
		e.later(2)
	}
}

func exitFcntl(e *Event) {
	switch e.fcntlArg() {
	case fcntlGetLock:
		e.pointer(2, e.flockType(), e.good())
	case fcntlGetOwner:
		e.pointer(2, structs["f_owner_ex"], e.good())
	case fcntlGetHint:
		e.pointer(2, structs["u64"], e.good())
	}
	if !e.good() {
		return
	}
	res := uint64(e.res.Value())
	outer := e.note()
	defer e.close(outer)
	switch e.args[1] {
	case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC:
		e.slot = resultSlot
		e.emitFD("", res, false)
	case unix.F_GETFD:
		e.values[resultSlot].Kind = Hex
		if res != 0 {
			// Not a Flags itself: strace shows it in the style of arguments.
			inner := e.begin("flags", Joined)
			e.flags("", 32, res, setFDFlags.withPrefix(""))
			e.close(inner)
		}
	case unix.F_GETFL:
		e.values[resultSlot].Kind = Hex
		e.emit(Value{Name: "flags", Kind: Flags, Bits: 32, Num: res, Set: setOpenFlags})
	case unix.F_GETOWN:
		e.values[resultSlot].Kind = PID
	case unix.F_GETSIG:
		if res > 0 && res <= 64 {
			e.num("", Signal, 32, res)
		}
	case unix.F_GET_SEALS:
		e.values[resultSlot].Kind = Hex
		if res != 0 {
			e.flags("seals", 32, res, setSeals)
		}
	case unix.F_GETLEASE:
		e.values[resultSlot].Kind = Hex
		e.enum("", 32, res, setLockTypes)
	}
}
