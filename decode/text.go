package decode

import (
	"bytes"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Text renders events as strace does. The zero Text is strace without flags.
type Text struct {
	// Hex shows the bytes of strings in hexadecimal.
	Hex HexMode
	// Consts says how named constants are shown.
	Consts ConstStyle
	// ArgNames shows the names of arguments (strace -N).
	ArgNames bool
	// Comm, if set, tells the name of a process or thread, which is shown with its id
	// (strace -Y); "" for none.
	Comm func(pid int) string
	// Translate, if set, tells which id in the tracer's pid namespace a process, group or
	// session has that thread tid of the child knows by another; 0 for none. Comm is asked by
	// that id.
	Translate func(tid, id int) int
	// Translated shows that id behind each that is another one (strace --pidns-translation).
	Translated bool
}

// DefaultColumn is the column at which strace puts the result (its -a).
const DefaultColumn = 40

// AppendEntry appends the call's name and what Entry has decoded:
//
//	openat(AT_FDCWD, "/etc/passwd", O_RDONLY
//	read(3,␣
//
// The separator to what AppendExit appends is there if more is to come, as in
// the second.
func (t *Text) AppendEntry(dst []byte, e *Event) []byte {
	if e.plan != nil {
		dst = append(dst, e.plan.head...)
	} else {
		dst = append(dst, e.name...)
		dst = append(dst, '(')
	}
	for n, i := range e.order[:e.shown] {
		if n > 0 {
			dst = append(dst, ", "...)
		}
		dst = t.appendArg(dst, e, i)
	}
	if e.shown == len(e.order) {
		return dst
	}
	if e.shown > 0 && !e.lateComma {
		dst = append(dst, ", "...)
	}
	if e.partial {
		v := e.arg(e.order[e.shown])
		dst = t.appendArgName(dst, e, e.order[e.shown])
		dst = t.appendNamed(dst, e, &e.values[v.first])
	}
	return dst
}

// AppendExit appends the arguments that AppendEntry has not, and the closing
// parenthesis.
func (t *Text) AppendExit(dst []byte, e *Event) []byte {
	for n, i := range e.order[e.shown:] {
		v := e.arg(i)
		if n == 0 && e.partial {
			if after := e.values[v.first].next; after != 0 {
				dst = append(dst, " => "...)
				dst = t.appendNamed(dst, e, &e.values[after])
			}
			continue
		}
		if n > 0 || e.lateComma && e.shown > 0 {
			dst = append(dst, ", "...)
		}
		dst = t.appendArg(dst, e, i)
	}
	return append(dst, ')')
}

// Pending reports whether AppendExit has arguments to add to what AppendEntry
// appended.
func (e *Event) Pending() bool { return len(e.order) > e.shown }

// AppendResult appends the result:
//
//	= 3
//	= -1 ENOENT (No such file or directory)
//	= ? ERESTARTSYS (To be restarted if SA_RESTART is set)
//	= 1 (in [3], left {tv_sec=0, tv_usec=99})
func (t *Text) AppendResult(dst []byte, e *Event) []byte {
	dst = append(dst, "= "...)
	res := e.res
	if !e.done || res.Gone() {
		return append(dst, '?')
	}
	if !res.ShownFailed() {
		dst = t.appendValue(dst, e, &e.values[resultSlot])
	} else {
		if res.Restarting() {
			dst = append(dst, "? "...)
		} else {
			dst = append(dst, "-1 "...)
		}
		dst = AppendErrno(dst, res.Errno())
	}
	first := e.values[noteSlot].first
	if first == 0 || t.Consts == ConstRaw && (e.values[first].Kind == Macro || e.values[first].Whole) {
		return dst
	}
	dst = append(dst, " ("...)
	plain := *t
	plain.Consts = ConstNames // so strace shows flags, but not what structs have
	for i := first; i != 0; i = e.values[i].next {
		if i != first {
			dst = append(dst, ", "...)
		}
		if v := &e.values[i]; v.Kind == Flags || v.Kind == Enum || v.Whole {
			dst = plain.appendLabelled(dst, e, v)
		} else {
			dst = t.appendLabelled(dst, e, v)
		}
	}
	return append(dst, ')')
}

// AppendErrno appends an errno with its text: ENOENT (No such file or directory).
func AppendErrno(dst []byte, errno unix.Errno) []byte {
	if name := ErrnoName(errno); name != "" {
		dst = append(dst, name...)
	} else {
		dst = append(dst, "ERRNO_"...)
		dst = strconv.AppendUint(dst, uint64(errno), 10)
	}
	dst = append(dst, " ("...)
	dst = append(dst, ErrnoText(errno)...)
	return append(dst, ')')
}

// Pad appends a space, and as many more as it takes to be at column, for a line
// that begins at dst[start]: what strace puts in front of the result.
func Pad(dst []byte, start, column int) []byte {
	dst = append(dst, ' ')
	for len(dst)-start < column {
		dst = append(dst, ' ')
	}
	return dst
}

// appendNamed appends a value with its name in front, if it has one.
func (t *Text) appendNamed(dst []byte, e *Event, v *Value) []byte {
	if v.Kind == IPv6 && v.Name != "" && t.Consts == ConstNames {
		dst = append(dst, "inet_pton(AF_INET6, \""...)
		dst = t.appendIP(dst, v.Text)
		dst = append(dst, "\", &"...)
		dst = append(dst, v.Name...)
		return append(dst, ')')
	}
	if v.Name != "" {
		dst = append(dst, v.Name...)
		dst = append(dst, '=')
	}
	return t.appendValue(dst, e, v)
}

// appendLabelled is appendNamed for explanations of a result: "in [3]".
func (t *Text) appendLabelled(dst []byte, e *Event, v *Value) []byte {
	if v.Name != "" {
		dst = append(dst, v.Name...)
		if v.Equals {
			dst = append(dst, '=')
		} else {
			dst = append(dst, ' ')
		}
	}
	return t.appendValue(dst, e, v)
}

func (t *Text) appendValue(dst []byte, e *Event, v *Value) []byte {
	if v.Raw && t.Consts == ConstNames && (v.Kind == Flags || v.Kind == Enum) {
		both := *t
		both.Consts = ConstBoth
		t = &both
	}
	if t.Consts != ConstNames {
		if styled, ok := t.appendStyled(dst, v); ok {
			return styled
		}
	}
	switch v.Kind {
	case Absent:
	case Int:
		dst = strconv.AppendInt(dst, v.Signed(), 10)
	case PID:
		dst = strconv.AppendInt(dst, v.Signed(), 10)
		dst = t.appendProcess(dst, e.tid, int(v.Signed()), true)
	case Group:
		dst = strconv.AppendInt(dst, v.Signed(), 10)
		dst = t.appendProcess(dst, e.tid, int(v.Signed()), false)
	case Uint:
		dst = strconv.AppendUint(dst, v.Num, 10)
	case Hex:
		dst = appendHex(dst, v.Num)
	case Octal, Perm:
		dst = appendOctal(dst, v.Num, btoi(v.Kind == Perm)*3)
	case NodeMask:
		// C's %#0*lx.
		digits := int(v.width()) / 4
		if v.Num != 0 {
			dst = append(dst, "0x"...)
			digits -= 2
		}
		dst = appendHexDigits(dst, v.Num, digits)
	case Mask:
		// C's %#08x.
		if v.Num != 0 {
			dst = append(dst, "0x"...)
		}
		dst = appendHexDigits(dst, v.Num, int(v.width())/4-2*btoi(v.Num != 0))
	case Time:
		dst = strconv.AppendInt(dst, v.Signed(), 10)
		if v.Num == 0 && v.Size == 0 || !dated(v.Signed()) {
			break
		}
		dst = append(dst, " /* "...)
		dst = appendDate(dst, v)
		dst = append(dst, " */"...)
	case Limit:
		dst = appendLimit(dst, v)
	case Addr:
		dst = appendAddr(dst, v)
	case FD, DirFD:
		dst = t.appendFD(dst, v)
	case UID:
		if v.Num == 1<<v.width()-1 {
			dst = append(dst, "-1"...)
		} else {
			dst = strconv.AppendUint(dst, v.Num, 10)
		}
	case Signal:
		dst = appendSignal(dst, int(int32(v.Num)))
	case Errno:
		if name := ErrnoName(unix.Errno(v.Num)); name != "" {
			dst = append(dst, name...)
		} else {
			dst = strconv.AppendUint(dst, v.Num, 10)
		}
	case Mode:
		dst = appendMode(dst, uint32(v.Num))
	case Dev:
		dst = appendDev(dst, v.Num)
	case Port:
		dst = append(dst, "htons("...)
		dst = strconv.AppendUint(dst, v.Num, 10)
		dst = append(dst, ')')
	case NetLong:
		dst = append(dst, "htonl("...)
		dst = strconv.AppendUint(dst, v.Num, 10)
		dst = append(dst, ')')
	case IPv4:
		dst = append(dst, "inet_addr(\""...)
		dst = t.appendIP(dst, v.Text)
		dst = append(dst, "\")"...)
	case IPv6:
		dst = append(dst, '"')
		dst = t.appendIP(dst, v.Text)
		dst = append(dst, '"')
	case HWAddr:
		dst = appendHardware(dst, v)
	case Interface:
		dst = t.appendInterface(dst, uint32(v.Num))
	case Flags:
		if v.Num != 0 || !v.Bare {
			dst = appendFlags(dst, v.Set, v.Num)
		}
	case CapSet:
		dst = t.appendCapSet(dst, v)
	case Ticks:
		if t.Consts == ConstRaw {
			return strconv.AppendUint(dst, v.Num, 10)
		}
		dst = appendTicks(dst, v.Num)
	case Date:
		dst = appendDate(dst, v)
	case Enum:
		dst = appendEnum(dst, v)
	case Symbol:
		dst = append(dst, v.Symbol...)
	case Bytes:
		dst = append(dst, v.Symbol...)
		dst = t.appendBytes(dst, v)
	case SigSet:
		dst = appendSigSet(dst, v.Num, int(v.width()), t.Consts)
	case Status:
		dst = appendStatus(dst, uint32(v.Num))
	case Struct:
		dst = append(dst, '{')
		dst = t.appendChildren(dst, e, v, ", ")
		dst = append(dst, '}')
	case Array:
		dst = append(dst, '[')
		dst = t.appendChildren(dst, e, v, ", ")
		dst = append(dst, ']')
	case List:
		dst = append(dst, v.Symbol...)
		dst = append(dst, '[')
		dst = t.appendChildren(dst, e, v, " ")
		dst = append(dst, ']')
	case BitArray:
		dst = t.appendBitArray(dst, e, v)
	case Indexed:
		dst = append(dst, '[')
		first := &e.values[v.first]
		dst = t.appendValue(dst, e, first)
		dst = append(dst, "]="...)
		dst = t.appendValue(dst, e, &e.values[first.next])
	case Joined:
		dst = t.appendChildren(dst, e, v, "")
	case Sum:
		dst = t.appendSum(dst, e, v)
	case Or:
		dst = t.appendOr(dst, e, v)
	case Change:
		dst = t.appendChildren(dst, e, v, " => ")
	case Count:
		if v.Num == 0 {
			dst = append(dst, "NULL"...)
		} else {
			dst = appendHex(dst, v.Num)
		}
		dst = append(dst, " /* "...)
		dst = strconv.AppendUint(dst, v.Size, 10)
		dst = append(dst, ' ')
		dst = append(dst, v.Symbol...)
		if v.Size == 1 && v.Symbol == "vars" {
			dst = dst[:len(dst)-1]
		}
		if v.Failed {
			dst = append(dst, ", unterminated"...)
		} else if v.Cut {
			dst = append(dst, " or more"...)
		}
		dst = append(dst, " */"...)
	case Meaning:
		children := v.first
		if t.Consts == ConstNames && children != 0 {
			return t.appendValue(dst, e, &e.values[e.values[children].next])
		}
		fallthrough
	case Noted:
		n := 0
		for c := range e.Children(v) {
			if n == 1 && t.Consts == ConstRaw && (c.Kind == Symbol || v.Raw) && !v.Whole {
				break
			}
			if n == 1 {
				dst = append(dst, " /* "...)
			}
			dst = t.appendValue(dst, e, c)
			if n == 1 {
				dst = append(dst, " */"...)
			}
			n++
		}
	case Named:
		dst = append(dst, v.Symbol...)
	case Offset:
		if v.Symbol != "" {
			dst = append(dst, v.Symbol...)
		} else {
			dst = appendAddr(dst, v)
		}
	case Char:
		dst = appendChar(dst, byte(v.Num), true)
	case FourCC:
		dst = t.appendFourCC(dst, v)
	case Shifted:
		dst = t.appendChildren(dst, e, v, "<<")
	case Macro:
		dst = t.appendMacro(dst, e, v)
	}
	return dst
}

// AppendArgs appends all arguments without the call's name and parentheses.
func (t *Text) AppendArgs(dst []byte, e *Event) []byte {
	for n, i := range e.order {
		if n > 0 {
			dst = append(dst, ", "...)
		}
		dst = t.appendArg(dst, e, i)
	}
	return dst
}

func (t *Text) appendChildren(dst []byte, e *Event, v *Value, sep string) []byte {
	first := true
	for c := range e.Children(v) {
		if !first {
			dst = append(dst, sep...)
		}
		dst = t.appendNamed(dst, e, c)
		first = false
	}
	if v.Cut {
		if !first {
			dst = append(dst, sep...)
		}
		dst = append(dst, "..."...)
	}
	return dst
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// appendHex appends C's %#x.
func appendHex(dst []byte, n uint64) []byte {
	if n == 0 {
		return append(dst, '0')
	}
	var digits [18]byte
	i := len(digits)
	for ; n != 0; n >>= 4 {
		i--
		digits[i] = hexDigits[n&15]
	}
	i -= 2
	digits[i], digits[i+1] = '0', 'x'
	return append(dst, digits[i:]...)
}

// appendHexDigits appends n with zeros in front to at least digits digits.
func appendHexDigits(dst []byte, n uint64, digits int) []byte {
	for i := max(1, (bits.Len64(n)+3)/4); i < digits; i++ {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, n, 16)
}

// appendOctal appends n with a zero in front, and more to fill up digits.
func appendOctal(dst []byte, n uint64, digits int) []byte {
	for i := 1 + (bits.Len64(n)+2)/3; i < digits; i++ {
		dst = append(dst, '0')
	}
	dst = append(dst, '0')
	if n == 0 {
		return dst
	}
	return strconv.AppendUint(dst, n, 8)
}

func appendAddr(dst []byte, v *Value) []byte {
	if v.Failed && v.Cut {
		dst = append(dst, "... /* "...)
		dst = appendHex(dst, v.Num)
		return append(dst, " */"...)
	}
	if v.Num == 0 {
		return append(dst, "NULL"...)
	}
	return appendHex(dst, v.Num)
}

func (t *Text) appendFD(dst []byte, v *Value) []byte {
	fd := int32(v.Num)
	if fd == unix.AT_FDCWD && v.Kind == DirFD {
		dst = append(dst, "AT_FDCWD"...)
	} else {
		dst = strconv.AppendInt(dst, int64(fd), 10)
	}
	return t.appendFDName(dst, v)
}

// appendFDName appends what a descriptor refers to, if that is known.
func (t *Text) appendFDName(dst []byte, v *Value) []byte {
	if v.Text != nil || v.Symbol != "" {
		path, deleted := v.Text, false
		if !v.Whole {
			path, deleted = bytes.CutSuffix(path, []byte(" (deleted)"))
		}
		dst = append(dst, '<')
		dst = t.appendText(dst, path, true)
		dst = append(dst, v.Symbol...)
		dst = append(dst, '>')
		if deleted {
			dst = append(dst, "(deleted)"...)
		}
	}
	return dst
}

func appendSignal(dst []byte, sig int) []byte {
	if name := SignalName(sig); name != "" {
		return append(dst, name...)
	}
	return strconv.AppendInt(dst, int64(sig), 10)
}

// appendLimit appends a size as strace does: multiples of 1024 as such.
func appendLimit(dst []byte, v *Value) []byte {
	switch {
	case v.Num == 1<<v.width()-1:
		return append(dst, v.Symbol...)
	case v.Num > 1024 && v.Num%1024 == 0:
		dst = strconv.AppendUint(dst, v.Num/1024, 10)
		return append(dst, "*1024"...)
	}
	return strconv.AppendUint(dst, v.Num, 10)
}

var fileTypes = [16]string{
	unix.S_IFIFO >> 12: "S_IFIFO", unix.S_IFCHR >> 12: "S_IFCHR", unix.S_IFDIR >> 12: "S_IFDIR",
	unix.S_IFBLK >> 12: "S_IFBLK", unix.S_IFREG >> 12: "S_IFREG", unix.S_IFLNK >> 12: "S_IFLNK",
	unix.S_IFSOCK >> 12: "S_IFSOCK",
}

func appendMode(dst []byte, mode uint32) []byte {
	name := fileTypes[mode>>12&15]
	if name == "" && mode&unix.S_IFMT != 0 {
		return appendOctal(dst, uint64(mode), 3)
	}
	if name != "" {
		dst = append(dst, name...)
		dst = append(dst, '|')
	}
	mode &^= unix.S_IFMT
	for _, b := range [...]struct {
		bit  uint32
		name string
	}{{unix.S_ISUID, "S_ISUID|"}, {unix.S_ISGID, "S_ISGID|"}, {unix.S_ISVTX, "S_ISVTX|"}} {
		if mode&b.bit != 0 {
			dst = append(dst, b.name...)
			mode &^= b.bit
		}
	}
	return appendOctal(dst, uint64(mode), 3)
}

func appendDev(dst []byte, dev uint64) []byte {
	dst = append(dst, "makedev("...)
	dst = appendHex(dst, uint64(unix.Major(dev)))
	dst = append(dst, ", "...)
	dst = appendHex(dst, uint64(unix.Minor(dev)))
	return append(dst, ')')
}

func appendIP(dst []byte, b []byte) []byte {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return dst
	}
	// A version 4 address in the last 4 bytes, and 0 before, is shown as such;
	// ::1 and the like are not.
	if len(b) == 16 && b[12]|b[13] != 0 && [12]byte(b) == [12]byte{} {
		dst = append(dst, "::"...)
		a, _ = netip.AddrFromSlice(b[12:])
	}
	return a.AppendTo(dst)
}

// appendFlags appends the names of a value's bits, and of its fields.
func appendFlags(dst []byte, set *ConstSet, num uint64) []byte {
	if set == nil {
		return appendHex(dst, num)
	}
	start := len(dst)
	rest, fields := num, uint64(0)
	old := num&set.Newer != 0 && num&^set.known() != 0
	for i := range set.Consts {
		c := &set.Consts[i]
		switch {
		case old && c.New:
			continue
		case c.Mask != 0: // a field is shown once, also if it is 0
			if num&c.Mask != c.Value || fields&c.Mask != 0 {
				continue
			}
			fields |= c.Mask
			rest &^= c.Mask
		case num == 0:
			if c.Value != 0 {
				continue
			}
		case rest == 0:
			return dst
		case c.Value == 0 || rest&c.Value != c.Value:
			continue
		}
		if len(dst) > start {
			dst = append(dst, '|')
		}
		dst = append(dst, c.Name...)
		rest &^= c.Value
	}
	switch {
	case len(dst) == start && rest == 0:
		return append(dst, '0')
	case rest == 0:
		return dst
	case len(dst) == start:
		dst = appendHex(dst, rest)
		return appendUnknown(dst, set)
	}
	dst = append(dst, '|')
	return appendHex(dst, rest)
}

func appendUnknown(dst []byte, set *ConstSet) []byte {
	if set == nil || set.Prefix == "" {
		return dst
	}
	dst = append(dst, " /* "...)
	dst = append(dst, set.Prefix...)
	if strings.HasSuffix(set.Prefix, "?") || strings.HasSuffix(set.Prefix, "_OK") || strings.Contains(set.Prefix, "???") { // all of it
		return append(dst, " */"...)
	}
	return append(dst, "??? */"...)
}

// appendDate appends seconds since 1970 as a date of the UTC, with v.Size
// nanoseconds, of which as many digits are shown as v.Symbol, a layout, has.
func appendDate(dst []byte, v *Value) []byte {
	t := time.Unix(v.Signed(), int64(v.Size)).Local()
	dst = t.AppendFormat(dst, "2006-01-02T15:04:05")
	if v.Size != 0 {
		dst = t.AppendFormat(dst, v.Symbol)
	}
	return t.AppendFormat(dst, "-0700")
}

// dated reports whether a time has a date: localtime(3) has none for years that
// are no int.
func dated(sec int64) bool {
	const first, last = -67768040609740800, 67768036191676799
	return sec >= first && sec <= last
}

// appendTicks appends a number of clock ticks with the seconds that they are.
// appendHardware appends an address of hardware, Size bytes of it if that is not 0.
func appendHardware(dst []byte, v *Value) []byte {
	b := v.Text
	if v.Size != 0 {
		b = b[:min(uint64(len(b)), v.Size)]
	}
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

func appendTicks(dst []byte, n uint64) []byte {
	dst = strconv.AppendUint(dst, n, 10)
	if n == 0 {
		return dst
	}
	dst = append(dst, " /* "...)
	dst = strconv.AppendUint(dst, n/100, 10)
	dst = append(dst, '.', byte('0'+n/10%10), byte('0'+n%10))
	return append(dst, " s */"...)
}

func appendEnum(dst []byte, v *Value) []byte {
	if v.Set != nil {
		if name := v.Set.name(v.Num); name != "" {
			return append(dst, name...)
		}
	}
	return appendUnknown(appendNumber(dst, v), v.Set)
}

// appendNumber appends the number of an Enum.
func appendNumber(dst []byte, v *Value) []byte {
	if v.Decimal {
		return strconv.AppendInt(dst, v.Signed(), 10)
	}
	return appendHex(dst, v.Num)
}
