package decode

import (
	"bytes"
	"fmt"
)

// Most structs are a list of numbers: a row for each says all there is to it.

// A field is a row: a member of a struct, in the order of memory. An Absent
// one is padding, or not shown.
type field struct {
	name string
	kind Kind
	size width
	set  *ConstSet
}

// A width is how many bytes a field has.
type width uint8

// Widths beside 1, 2, 4 and 8.
const (
	long    width = 100 + iota // as an unsigned long
	pointer                    // as a pointer or a size_t
)

// fields emits the fields of a struct, which is open.
func (e *Event) fields(r *reader, rows []field) {
	for i := range rows {
		f := &rows[i]
		n := int(f.size)
		switch f.size {
		case long:
			n = int(r.longBits() / 8)
		case pointer:
			n = r.abi.PointerBits() / 8
		}
		num := r.u(n)
		if f.kind == Absent {
			continue
		}
		v := e.next()
		v.Name, v.Kind, v.Bits, v.Num, v.Set = f.name, f.kind, uint8(8*n), num, f.set
	}
}

// record returns the decoder of a struct of such fields.
func record(rows ...field) func(e *Event, name string, r *reader) {
	return func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.fields(r, rows)
		e.close(outer)
	}
}

// enumDecimal emits a number with the names of a set; one without a name is
// shown in decimal.
func (e *Event) enumDecimal(name string, bits uint8, num uint64, set *ConstSet) {
	if set.name(num) != "" {
		e.enum(name, bits, num, set)
		return
	}
	e.noted(name, Uint, bits, num, set.Prefix+"???")
}

// noted emits a number with what it means, which is not shown with numbers alone.
func (e *Event) noted(name string, kind Kind, bits uint8, num uint64, meaning string) {
	e.explained(name, Noted, kind, bits, num, meaning)
}

// explained emits a number with what it means, if that is anything: how is Noted or Meaning.
func (e *Event) explained(name string, how, kind Kind, bits uint8, num uint64, meaning string) {
	if meaning == "" {
		e.num(name, kind, bits, num)
		return
	}
	outer := e.begin(name, how)
	e.num("", kind, bits, num)
	e.emit(Value{Kind: Symbol, Symbol: meaning})
	e.close(outer)
}

// namedNote emits a number with its name behind it, in all styles that have names.
func (e *Event) namedNote(name string, bits uint8, num uint64, set *ConstSet) {
	label := set.name(num)
	if label == "" {
		e.enum(name, bits, num, set)
		return
	}
	e.noted(name, Hex, bits, num, label)
}

// comment emits a note, the second child of a Noted, that is shown in all styles.
func (e *Event) comment(text string) {
	outer := e.begin("", Joined)
	e.emit(Value{Kind: Symbol, Symbol: text})
	e.close(outer)
}

// rawEnum and rawFlags emit a number with its names behind it, in all styles that have
// names.
func (e *Event) rawEnum(name string, bits uint8, num uint64, set *ConstSet) {
	e.enum(name, bits, num, set)
	e.values[e.latest].Raw = true
}

func (e *Event) rawFlags(name string, bits uint8, num uint64, set *ConstSet) {
	e.flags(name, bits, num, set)
	e.values[e.latest].Raw = true
}

// reserved emits n reserved numbers of the given width if one is not 0.
func (e *Event) reserved(name string, r *reader, n, width int) {
	b := r.bytes(n * width)
	if len(bytes.Trim(b, "\x00")) == 0 {
		return
	}
	if n == 1 {
		e.num(name, Hex, uint8(8*width), r.at(r.off-width).u(width))
		return
	}
	outer := e.begin(name, Array)
	for r.off -= n * width; n > 0; n-- {
		e.num("", Hex, uint8(8*width), r.u(width))
	}
	e.close(outer)
}

// unknownRest emits the bytes of a struct of n bytes at addr that are behind the
// known ones, if one is not 0. The kernel takes no struct of more than a page.
func (e *Event) unknownRest(addr, known, n uint64) {
	if n = min(n, pageSize); n <= known {
		return
	}
	want := int(n - known)
	b := e.read(addr+known, want)
	if len(b) < want {
		e.emit(Value{Kind: Symbol, Symbol: "???"})
		return
	}
	if len(bytes.Trim(b, "\x00")) == 0 {
		return
	}
	show := min(want, e.opts.StringLimit)
	v := e.next()
	v.Kind, v.Raw = Bytes, true
	v.Symbol = fmt.Sprintf("/* bytes %d..%d */ ", known, n-1)
	v.Text, v.Size, v.Cut = b[:show], n-known, show < want
}

// aStruct is a struct that is size bytes large in all ABIs; members emits what it has.
func aStruct(size int, members func(e *Event, r *reader)) *structType {
	return &structType{size: sizesAll(size), members: members, decode: func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		members(e, r)
		e.close(outer)
	}}
}

// fixedText emits the string that b, all of an array, has room for: one that is not ended
// is shown as cut, without its last byte, where the NUL should be.
func (e *Event) fixedText(name string, b []byte) {
	s := upToNUL(b)
	cut := len(s) == len(b)
	if cut {
		s = s[:max(len(b)-1, 0)]
	}
	e.bytes(name, 0, s, uint64(len(s)), cut)
}

// numbers emits n numbers of width bytes each.
func (e *Event) numbers(name string, kind Kind, width int, r *reader, n int) {
	defer e.close(e.begin(name, Array))
	for i := range n {
		if i == e.opts.arrayLimit() {
			e.cut()
			return
		}
		e.num("", kind, uint8(8*width), r.u(width))
	}
}

// rawBuffer emits a buffer of n bytes at addr that are no text.
func (e *Event) rawBuffer(name string, addr, n uint64) {
	e.emitBuffer(name, addr, n)
	if v := &e.values[e.latest]; v.Kind == Bytes {
		v.Raw = true
	}
}

// some emits an array of n things, as many of them as the limit allows.
func (e *Event) some(name string, n int, one func()) {
	defer e.close(e.begin(name, Array))
	for i := range n {
		if i == e.opts.arrayLimit() {
			e.cut()
			return
		}
		one()
	}
}
