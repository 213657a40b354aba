package decode

import "golang.org/x/sys/unix"

// Structs and arrays in netlink messages.

// An nlRecord is a struct in an attribute.
type nlRecord struct {
	size   int
	or     []int // lengths that are less than size and good as well
	fields []nlField
}

// An nlField is a member of a struct, in the layout of 64-bit programs: strace shows
// everybody's in that.
type nlField struct {
	name string
	off  int
	nlForm
}

// nlStruct emits a record and what is behind it.
func (e *Event) nlStruct(name string, s span, f *nlForm) bool {
	r := &nlRecords[f.ref]
	if s.n < r.size {
		good := false
		for _, n := range r.or {
			good = good || n == s.n
		}
		if !good {
			return false
		}
	}
	e.nlMembers(name, s.first(r.size), r)
	if rest := s.from((r.size + 3) &^ 3); rest.n > 0 {
		switch {
		case f.behind > 0:
			e.nlAttrs(rest, &nlTables[f.behind])
		case f.behind == nlUnknownRest && s.has(r.size):
			e.nlBytes("", rest)
		}
	}
	return true
}

// nlMembers emits a record, of which the last members may be missing.
func (e *Event) nlMembers(name string, s span, r *nlRecord) {
	if !s.has(s.n) {
		e.emitAddr(name, s.addr, true)
		return
	}
	if r.fields[0].set == "address_family" {
		defer func(family uint64) { e.nlFamily = family }(e.nlFamily)
		e.nlFamily = s.u(0, r.fields[0].size)
	}
	outer := e.begin(name, Struct)
	e.nlFields(s, r.fields)
	e.close(outer)
}

// nlFields emits members of the struct at the start of s, which could be read.
func (e *Event) nlFields(s span, fields []nlField) {
	for i := range fields {
		f := &fields[i]
		if f.off >= s.n {
			return
		}
		e.nlField(s.from(f.off), f, s)
	}
}

// nlField emits the member f of whole, which is at the start of s.
func (e *Event) nlField(s span, f *nlField, whole span) {
	if f.optional {
		zero := true
		for _, c := range s.first(f.size).b {
			zero = zero && c == 0
		}
		if zero {
			return
		}
	}
	switch f.op {
	case nlBytesOp:
		e.emit(Value{Name: f.name, Kind: Bytes, Raw: true, Text: s.first(f.size).b, Size: uint64(f.size)})
	case nlCString:
		e.fixedText(f.name, s.first(f.size).b)
	case nlInet:
		e.nlUnion(f.name, s.first(f.size), e.nlFamily)
	case nlStruct:
		r := &nlRecords[f.ref]
		e.nlMembers(f.name, s.first(r.size), r)
	case nlStructs:
		r := &nlRecords[f.ref]
		e.nlArray(f.name, s, f.count, r.size, func(_ int, s span) { e.nlMembers("", s, r) })
	case nlList, nlIndex:
		e.nlArray(f.name, s, f.count, f.size, func(i int, s span) { e.nlElement(i, s, &f.nlForm) })
	case nlDo:
		e.nlCall(f.name, f.ref, s.first(f.size), whole)
	default:
		e.nlScalar(f.name, s.first(f.size), &f.nlForm)
	}
}

// nlUnion emits a union with addresses of all families.
func (e *Event) nlUnion(name string, s span, family uint64) {
	switch family {
	case unix.AF_INET, unix.AF_SMC: // which has the addresses of AF_INET
		e.emit(Value{Name: name, Kind: IPv4, Text: s.b[:4], Size: uint64(s.n)})
	case unix.AF_INET6:
		e.nlInet6(name, s.b[:16])
	default:
		e.nlBytes(name, s)
	}
}

// nlArray emits n elements of size bytes. false: there are none.
func (e *Event) nlArray(name string, s span, n, size int, one func(i int, s span)) bool {
	if n == 0 {
		return false
	}
	outer := int32(0)
	for i := range n {
		at := s.from(i * size).first(size)
		if !at.has(size) {
			if i == 0 {
				e.emitAddr(name, at.addr, true)
				return true
			}
			e.emitLost(at.addr)
			break
		}
		if i == 0 {
			outer = e.begin(name, Array)
		}
		if i == e.opts.arrayLimit() {
			e.cut()
			break
		}
		if e.full() {
			break
		}
		one(i, at)
	}
	e.close(outer)
	return true
}

// nlElement emits element i of an array of numbers.
func (e *Event) nlElement(i int, s span, f *nlForm) {
	if f.op == nlList {
		e.num("", f.kind, uint8(8*s.n), s.u(0, s.n))
		return
	}
	outer := e.begin("", Indexed)
	e.emit(Value{Kind: Enum, Bits: 32, Num: uint64(i), Set: SetByName(f.set), Decimal: true})
	e.num("", f.kind, uint8(8*s.n), s.u(0, s.n))
	e.close(outer)
}
