package decode

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// A ConstStyle says how named constants and flags are shown.
type ConstStyle uint8

// Styles of constants, strace's -X abbrev, raw and verbose.
const (
	ConstNames ConstStyle = iota // O_RDONLY|O_CLOEXEC
	ConstRaw                     // 0x80000
	ConstBoth                    // 0x80000 /* O_RDONLY|O_CLOEXEC */
)

// appendStyled appends a value that has a name as a number, with the name behind it
// in ConstBoth. ok is false for values that look the same in all styles.
func (t *Text) appendStyled(dst []byte, v *Value) (_ []byte, ok bool) {
	named := false // there is a name to go with the number
	switch v.Kind {
	case Flags:
		if v.Num == 0 && v.Bare {
			return dst, false
		}
		if v.Set == setStatxFlags {
			return t.appendStatxFlags(dst, v), true
		}
		dst = appendHex(dst, v.Num)
		named = v.Set != nil && (v.Num != 0 || v.Set.namesZero()) && (v.Set.Prefix != "" || v.Num&v.Set.known() != 0)
	case Enum:
		dst = appendNumber(dst, v)
		named = v.Set != nil && (v.Set.name(v.Num) != "" || v.Set.Prefix != "")
	case Mode:
		dst = appendOctal(dst, v.Num, 3)
		named = fileTypes[v.Num>>12&15] != "" && v.Num>>16 == 0
	case Dev:
		dst = appendHex(dst, v.Num)
		named = true
	case Signal:
		dst = strconv.AppendInt(dst, int64(int32(v.Num)), 10)
		named = SignalName(int(int32(v.Num))) != ""
	case Limit:
		dst = strconv.AppendUint(dst, v.Num, 10)
		named = v.Num == 1<<v.width()-1 || v.Num > 1024 && v.Num%1024 == 0
	case Symbol:
		if v.Num == 0 || v.Symbol == "" || v.Symbol[0] < 'A' || v.Symbol[0] > 'Z' {
			return dst, false
		}
		dst = appendHex(dst, v.Num)
		named = true
	case Errno:
		dst = strconv.AppendUint(dst, v.Num, 10)
		named = ErrnoName(unix.Errno(v.Num)) != ""
	case Named:
		dst = strconv.AppendInt(dst, v.Signed(), 10)
		named = v.Symbol != ""
	case Offset:
		dst = appendAddr(dst, v)
		named = v.Symbol != ""
	case Interface:
		dst = strconv.AppendUint(dst, v.Num, 10)
		named = v.Num != 0 && interfaceName(uint32(v.Num)) != ""
	case Port:
		dst = t.appendBytes(dst, &Value{Raw: true, Text: []byte{byte(v.Num >> 8), byte(v.Num)}})
		named = true
	case NetLong:
		dst = t.appendBytes(dst, &Value{Raw: true, Text: binary.BigEndian.AppendUint32(nil, uint32(v.Num))})
		named = true
	case IPv4, IPv6, HWAddr:
		dst = t.appendBytes(dst, &Value{Raw: true, Text: v.Text})
		named = true
	case DirFD:
		if int32(v.Num) != unix.AT_FDCWD {
			return dst, false
		}
		dst = strconv.AppendInt(dst, unix.AT_FDCWD, 10)
		if t.Consts == ConstBoth {
			dst = append(dst, " /* AT_FDCWD */"...)
		}
		return t.appendFDName(dst, v), true
	default:
		return dst, false
	}
	if t.Consts == ConstBoth && named {
		dst = append(dst, " /* "...)
		plain := *t
		plain.Consts = ConstNames
		if v.Raw {
			names := *v
			names.Raw = false
			v = &names
		}
		from := len(dst)
		if v.Kind == IPv6 {
			dst = append(dst, "inet_pton(AF_INET6, "...)
			dst = append(plain.appendValue(dst, nil, v), ')')
		} else {
			dst = onlyComment(plain.appendValue(dst, nil, v), from)
		}
		dst = append(dst, " */"...)
	}
	return dst, true
}

// appendOr appends parts of a number, in the other styles as the whole, if it is one.
func (t *Text) appendOr(dst []byte, e *Event, v *Value) []byte {
	if t.Consts == ConstRaw && v.Raw {
		return appendHex(dst, v.Num)
	}
	if t.Consts == ConstNames || !v.Whole {
		return t.appendChildren(dst, e, v, "|")
	}
	dst = appendHex(dst, v.Num)
	if t.Consts == ConstBoth {
		plain := *t
		plain.Consts = ConstNames
		dst = append(dst, " /* "...)
		dst = append(plain.appendChildren(dst, e, v, "|"), " */"...)
	}
	return dst
}

// appendSum appends parts, in the other styles with the sum in front of them, if it has one.
func (t *Text) appendSum(dst []byte, e *Event, v *Value) []byte {
	if t.Consts == ConstNames || !v.Whole {
		return t.appendChildren(dst, e, v, "+")
	}
	dst = appendHex(dst, v.Num)
	if t.Consts == ConstBoth {
		dst = append(dst, " /* "...)
		dst = append(t.appendChildren(dst, e, v, "+"), " */"...)
	}
	return dst
}

// appendFourCC appends four characters that are a number.
func (t *Text) appendFourCC(dst []byte, v *Value) []byte {
	if t.Consts == ConstRaw {
		return appendHex(dst, v.Num)
	}
	dst = append(dst, "v4l2_fourcc("...)
	for i := range 4 {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendChar(dst, byte(v.Num>>(8*i)), false)
	}
	dst = append(dst, ')')
	if name := v.Set.name(v.Num); name != "" {
		dst = append(dst, " /* "...)
		dst = append(append(dst, name...), " */"...)
	}
	return dst
}

// appendMacro appends a macro with its operands, in the other styles as the number that
// it stands for, or the bytes that it is in memory.
func (t *Text) appendMacro(dst []byte, e *Event, v *Value) []byte {
	inner := *t
	comment := false
	if t.Consts != ConstNames && v.Bits != 0 {
		switch {
		case v.Text != nil:
			dst = t.appendBytes(dst, &Value{Raw: true, Text: v.Text})
			inner.Consts = ConstNames
		case v.Decimal:
			dst = strconv.AppendInt(dst, v.Signed(), 10)
		default:
			dst = appendHex(dst, v.Num)
		}
		if v.Whole {
			inner.Consts = ConstNames
		}
		if t.Consts == ConstRaw {
			return dst
		}
		dst = append(dst, " /* "...)
		comment = true
	}
	dst = append(dst, v.Symbol...)
	dst = append(dst, '(')
	if comment && v.Bare {
		inner.Consts = ConstNames
		dst = inner.appendBare(dst, e, v)
	} else {
		dst = inner.appendChildren(dst, e, v, ", ")
	}
	dst = append(dst, ')')
	if comment {
		dst = append(dst, " */"...)
	}
	return dst
}

// appendBare appends the operands of a macro, those without a name as numbers alone.
func (t *Text) appendBare(dst []byte, e *Event, v *Value) []byte {
	first := true
	for c := range e.Children(v) {
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		if c.Kind == Enum && c.Set.name(c.Num) == "" {
			dst = appendHex(dst, c.Num)
		} else {
			dst = t.appendValue(dst, e, c)
		}
	}
	return dst
}

// appendBitArray appends the names of bits, or the numbers that they are in, or both.
func (t *Text) appendBitArray(dst []byte, e *Event, v *Value) []byte {
	if t.Consts != ConstRaw {
		dst = append(dst, '[')
		whole := *v
		whole.Cut = false
		dst = t.appendChildren(dst, e, &whole, " ")
		if v.Cut {
			dst = append(dst, " ..."...)
		}
		dst = append(dst, ']')
	}
	if t.Consts == ConstNames {
		return dst
	}
	if t.Consts == ConstBoth {
		dst = append(dst, " /* "...)
	}
	dst = append(dst, '[')
	word := int(v.width() / 8)
	for i := 0; i+word <= len(v.Text); i += word {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if word == 4 {
			dst = appendHex(dst, uint64(le.Uint32(v.Text[i:])))
		} else {
			dst = appendHex(dst, le.Uint64(v.Text[i:]))
		}
	}
	dst = append(dst, ']')
	if t.Consts == ConstBoth {
		dst = append(dst, " */"...)
	}
	return dst
}

// onlyComment leaves of dst[from:] the comment with which a value ends that has no
// name, as the number is there already.
func onlyComment(dst []byte, from int) []byte {
	const begin, end = " /* ", " */"
	for i := from; i+len(begin) <= len(dst); i++ {
		if string(dst[i:i+len(begin)]) == begin {
			n := copy(dst[from:], dst[i+len(begin):])
			return dst[:from+n-len(end)]
		}
	}
	return dst
}

// appendArg appends argument i, with its name if names are wanted.
func (t *Text) appendArg(dst []byte, e *Event, i int) []byte {
	return t.appendNamed(t.appendArgName(dst, e, i), e, e.arg(i))
}

// appendArgName appends the name of argument i and =, if names are wanted and the
// value has none of its own.
func (t *Text) appendArgName(dst []byte, e *Event, i int) []byte {
	if !t.ArgNames || e.sig == nil || i >= len(e.sig.Args) || e.arg(i).Name != "" {
		return dst
	}
	dst = append(dst, e.sig.Args[i].Name...)
	return append(dst, '=')
}

// namesZero reports whether no bits at all have a name: O_RDONLY, PROT_NONE.
func (s *ConstSet) namesZero() bool {
	for i := range s.Consts {
		if s.Consts[i].Value == 0 {
			return true
		}
	}
	return false
}

// AppendComm appends the name of a process or thread, in <>, if it has one. Names are the
// program's, and may contain anything.
func (t *Text) AppendComm(dst []byte, tid int) []byte {
	name := t.Comm(tid)
	if name == "" {
		return dst
	}
	return append(t.appendText(append(dst, '<'), []byte(name), true), '>')
}

// appendProcess appends what is to be shown of a process or thread besides its id: its name,
// its id for the tracer.
func (t *Text) appendProcess(dst []byte, tid, id int, named bool) []byte {
	if t.Comm == nil && !t.Translated || id == 0 || id == -1 {
		return dst
	}
	here := max(id, -id)
	if t.Translate != nil && tid != 0 {
		here = t.Translate(tid, here)
	}
	if t.Comm != nil && named && id > 0 && here > 0 {
		dst = t.AppendComm(dst, here)
	}
	if t.Translated && here > 0 && here != max(id, -id) {
		dst = append(dst, " /* "...)
		dst = strconv.AppendInt(dst, int64(here), 10)
		dst = append(dst, " in strace's PID NS */"...)
	}
	return dst
}

// appendIP appends an address as text, which strace shows in hexadecimal as it does
// strings.
func (t *Text) appendIP(dst, b []byte) []byte {
	if t.Hex != HexAlways {
		return appendIP(dst, b)
	}
	for _, c := range appendIP(nil, b) {
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

var statxRest = setAtFlags.withPrefix("")

// appendStatxFlags appends the flags of statx(2) as numbers. How far the data is to be
// synchronized is a number of its own, which strace leaves out if it is 0 and has no name.
func (t *Text) appendStatxFlags(dst []byte, v *Value) []byte {
	const sync = 0x6000 // AT_STATX_SYNC_TYPE
	if how := v.Num & sync; t.Consts == ConstBoth {
		dst = append(appendHex(dst, how), " /* "...)
		dst = append(appendFlags(dst, v.Set, how), " */"...)
	} else if how != 0 {
		dst = appendHex(dst, how)
	}
	if rest := v.Num &^ sync; rest != 0 {
		dst, _ = t.appendStyled(append(dst, '|'), &Value{Kind: Flags, Bits: v.Bits, Num: rest, Set: statxRest})
	}
	return dst
}
