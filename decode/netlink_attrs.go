package decode

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Attributes of netlink messages, and the forms of what they hold.

// An nlTable is the attributes of one kind.
type nlTable struct {
	names string // the set of their names
	plain bool   // types with flags in them have no form
	forms []nlForm
}

// An nlForm is how an attribute or field is shown.
type nlForm struct {
	op       nlOp
	kind     Kind  // of a number
	ref      uint8 // what op refers to: a table, a record, a function
	optional bool  // a field that is shown if it is not 0
	short    bool  // a number may have up to 8 bytes, and no more
	behind   int16 // the table of what is behind a struct, 0 for nothing
	size     int   // of a number or field, the least that it needs
	count    int   // of an array's elements
	set      string
}

const nlUnknownRest = -1 // nlForm.behind: bytes

type nlOp uint8

const (
	nlBytesOp    nlOp = iota // bytes in hexadecimal
	nlNumber                 // a number of kind
	nlVerbose                // a number and its name
	nlString                 // text that should end with a NUL
	nlText                   // text
	nlCString                // text up to a NUL
	nlHardware               // address of hardware
	nlLink                   // the same, in a message about a link
	nlInet                   // IP address, of the family that size tells if it is not 0
	nlClock                  // number of ticks
	nlXInt                   // hexadecimal number
	nlEther                  // ETH_P_*, in network order
	nlBig                    // number in network order
	nlPort                   // TCP or UDP port
	nlFD                     // descriptor
	nlNest                   // attributes of table ref
	nlStruct                 // record ref
	nlStructText             // the same; less of it is text
	nlStructs                // array of records ref
	nlList                   // array of numbers
	nlIndex                  // array of numbers whose places are named
	nlDo                     // what nlCall does with ref
)

// nlAttrs emits the attributes in s, as an array if there are several.
func (e *Event) nlAttrs(s span, t *nlTable) {
	outer, array := int32(0), false
	for i := 0; e.nlFetch("", s, nlaHeader, array); i++ {
		if i == e.opts.arrayLimit() {
			e.cut()
			break
		}
		next := s.after(s.u(0, 2), nlaHeader)
		if !array && next.n > 0 {
			outer, array = e.begin("", Array), true
		}
		e.nlAttr(s, t)
		if next.n == 0 || e.full() {
			break
		}
		s = next
	}
	if array {
		e.close(outer)
	}
}

const nlaFlags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER

// nlAttr emits the attribute at the start of s.
func (e *Event) nlAttr(s span, t *nlTable) {
	size := min(int(s.u(0, 2)), s.n)
	if size <= nlaHeader {
		e.nlaHeader(s, SetByName(t.names))
		return
	}
	outer := e.begin("", Array)
	defer e.close(outer)
	e.nlaHeader(s, SetByName(t.names))
	value := s.first(size).from(nlaHeader)
	typ := int(s.u(2, 2))
	if !t.plain {
		typ &^= nlaFlags
	}
	if typ >= len(t.forms) || !e.nlValue(value, &t.forms[typ]) {
		e.nlBytes("", value)
	}
}

func (e *Event) nlaHeader(s span, names *ConstSet) {
	typ := s.u(2, 2)
	outer := e.begin("", Struct)
	defer e.close(outer)
	e.num("nla_len", Uint, 16, s.u(0, 2))
	if typ&nlaFlags == 0 {
		e.enum("nla_type", 16, typ, names)
		return
	}
	inner := e.open(Value{Name: "nla_type", Kind: Or, Bits: 16, Num: typ})
	if typ&unix.NLA_F_NESTED != 0 {
		e.emit(Value{Kind: Symbol, Symbol: "NLA_F_NESTED", Num: unix.NLA_F_NESTED})
	}
	if typ&unix.NLA_F_NET_BYTEORDER != 0 {
		e.emit(Value{Kind: Symbol, Symbol: "NLA_F_NET_BYTEORDER", Num: unix.NLA_F_NET_BYTEORDER})
	}
	e.enum("", 16, typ&^nlaFlags, names)
	e.close(inner)
}

// nlBytes emits the bytes of s, as many of them as the limit allows.
func (e *Event) nlBytes(name string, s span) {
	if b, ok := e.nlText(name, s); ok {
		e.emit(Value{Name: name, Kind: Bytes, Raw: true, Num: s.addr, Text: b, Size: uint64(s.n), Cut: len(b) < s.n})
	}
}

// nlText returns as many bytes of s as are shown. If they cannot be read it emits
// their address.
func (e *Event) nlText(name string, s span) (b []byte, ok bool) {
	if !s.has(e.span(uint64(s.n), e.opts.StringLimit)) {
		e.emitAddr(name, s.addr, true)
		return nil, false
	}
	return s.b[:min(s.n, e.opts.StringLimit)], true
}

// nlValue emits the value s of an attribute. false: it has no such form.
func (e *Event) nlValue(s span, f *nlForm) bool {
	size := f.size
	if f.short && s.n > 8 || s.n < size {
		return false
	}
	switch f.op {
	case nlBytesOp:
		return false
	case nlNumber:
		if size == 0 {
			size = s.n
		}
	case nlString, nlText, nlCString:
		e.nlNamed("", s, f.op)
		return true
	case nlHardware, nlLink:
		if size = s.n; size > nlAddressMax {
			return false
		}
	case nlInet:
		if size == 0 {
			e.nlAddress("", s, e.nlFamily)
			return true
		}
	case nlClock:
		if size = s.n; size > 8 {
			return false
		}
	case nlXInt:
		if size = s.n; size > 8 || size&(size-1) != 0 {
			return false
		}
	case nlNest:
		e.nlAttrs(s, &nlTables[f.ref])
		return true
	case nlStruct:
		return e.nlStruct("", s, f)
	case nlStructText:
		if !e.nlStruct("", s, f) {
			e.nlNamed("", s, nlText)
		}
		return true
	case nlStructs:
		r := &nlRecords[f.ref]
		return e.nlArray("", s, s.n/r.size, r.size, func(_ int, s span) { e.nlMembers("", s, r) })
	case nlList, nlIndex:
		return e.nlArray("", s, s.n/size, size, func(i int, s span) { e.nlElement(i, s, f) })
	case nlDo:
		return e.nlCall("", f.ref, s, span{})
	}
	if !s.has(size) {
		e.emitAddr("", s.addr, true)
		return true
	}
	e.nlScalar("", s.first(size), f)
	return true
}

// nlScalar emits s, all of which could be read.
func (e *Event) nlScalar(name string, s span, f *nlForm) {
	bits := uint8(8 * s.n)
	switch f.op {
	case nlNumber:
		e.emit(Value{Name: name, Kind: f.kind, Bits: bits, Num: s.u(0, s.n), Set: SetByName(f.set)})
	case nlVerbose:
		e.emit(Value{Name: name, Kind: f.kind, Bits: bits, Num: s.u(0, s.n), Set: SetByName(f.set), Raw: true})
	case nlClock:
		e.num(name, Ticks, 64, s.u(0, s.n))
	case nlXInt:
		e.num(name, Hex, bits, s.u(0, s.n))
	case nlFD:
		e.emitFD(name, s.u(0, 4), false)
	case nlHardware:
		e.emit(Value{Name: name, Kind: HWAddr, Text: s.b})
	case nlLink:
		e.emit(Value{Name: name, Kind: HWAddr, Text: s.b, Size: uint64(nlHardwareSizes[e.nlFamily])})
	case nlInet:
		family := uint64(unix.AF_INET)
		if s.n == 16 {
			family = unix.AF_INET6
		}
		e.nlAddress(name, s, family)
	case nlPort:
		e.num(name, Port, 16, uint64(binary.BigEndian.Uint16(s.b)))
	case nlEther:
		outer := e.open(Value{Name: name, Kind: Macro, Symbol: "htons"})
		e.enum("", 16, uint64(binary.BigEndian.Uint16(s.b)), setEtherTypes)
		e.close(outer)
	case nlBig:
		function, kind, num := "htons", Uint, uint64(0)
		switch s.n {
		case 2:
			num = uint64(binary.BigEndian.Uint16(s.b))
		case 4:
			function, kind, num = "htonl", Hex, uint64(binary.BigEndian.Uint32(s.b))
		default:
			function, num = "htobe64", binary.BigEndian.Uint64(s.b)
		}
		outer := e.open(Value{Name: name, Kind: Macro, Symbol: function})
		e.num("", kind, bits, num)
		e.close(outer)
	}
}

// nlNamed emits text.
func (e *Event) nlNamed(name string, s span, op nlOp) {
	b, ok := s.b[:min(len(s.b), e.opts.StringLimit)], true
	if op != nlCString || len(upToNUL(s.b)) == len(s.b) { // else it ends in what could be read
		if b, ok = e.nlText(name, s); !ok {
			return
		}
	}
	v := Value{Name: name, Kind: Bytes, Num: s.addr, Size: uint64(s.n)}
	switch n := len(b); {
	case op == nlText:
		v.Cut = n < s.n
	case op == nlCString:
		b = upToNUL(b)
		v.Cut = len(b) == n
	case n > 0 && b[n-1] == 0:
		b, v.Bare = b[:n-1], true
	default:
		v.Cut = n > 0
	}
	v.Text = b
	e.emit(v)
}

const nlAddressMax = 32 // MAX_ADDR_LEN

// nlHardwareSizes are the lengths that strace shows of the addresses of links: it takes
// the family of the message for the type of the hardware.
var nlHardwareSizes = [256]uint8{0: 7, 1: 6, 3: 7, 6: 6, 7: 1, 15: 2, 24: 16, 27: 8, 32: 20}

// nlAddress emits an address of a family.
func (e *Event) nlAddress(name string, s span, family uint64) {
	size := map[uint64]int{unix.AF_INET: 4, unix.AF_INET6: 16}[family]
	switch {
	case size == 0 || s.n < size:
		e.nlBytes(name, s)
	case !s.has(size):
		e.emitAddr(name, s.addr, true)
	case family == unix.AF_INET:
		e.emit(Value{Name: name, Kind: IPv4, Text: s.b[:4]})
	default:
		e.nlInet6(name, s.b[:16])
	}
}

// nlInet6 emits an address of IP version 6, which is shown with the function that makes it.
func (e *Event) nlInet6(name string, b []byte) {
	if name != "" {
		e.emit(Value{Name: name, Kind: IPv6, Text: b})
		return
	}
	outer := e.open(Value{Kind: Macro, Symbol: "inet_pton", Bits: 8, Text: b, Whole: true})
	e.emit(Value{Kind: Symbol, Symbol: "AF_INET6"})
	e.emit(Value{Kind: IPv6, Text: b})
	e.close(outer)
}
