package decode

import (
	"math/bits"

	"github.com/k42trace/k42trace/table"
)

// A structType is a struct of the kernel's interface that has a decoder.
type structType struct {
	// size is sizeof the struct in each ABI; 0 where its layout is not known
	// here, which shows the address instead.
	size [table.NumABI]int
	// variable: the size is what a length argument says, at most size, in
	// unit.
	variable bool
	unit     unit
	least    int // less is no such struct; 0 if there is no such limit
	// most elements of an array are shown, whatever the limit: the kernel takes no more.
	// 0 if there is no such limit.
	most int
	// exact: only a length of size is good.
	exact bool
	// words: one word is good too.
	words bool
	// scalar: a single one is shown in brackets.
	scalar bool
	// gathers: it has buffers of its own, and where the call returns a number,
	// it is that of the bytes in them.
	gathers bool
	// change: shown with its values before and after the call.
	change bool
	// late: what the call gave is not shown, even if it is used.
	late bool
	// rest: without what it has, the struct that it belongs to is shown as cut.
	rest bool
	// members emits what the struct has; nil where decode does so itself.
	members func(e *Event, r *reader)
	// decode emits the struct whose bytes r holds as one value.
	decode func(e *Event, name string, r *reader)
}

// A unit says what a length argument counts.
type unit uint8

const (
	unitBytes unit = iota
	unitBits
	unitLongs // bits, of which there are whole longs
)

// bytes converts a length of the child's to bytes.
func (t *structType) bytes(n uint64) uint64 {
	switch t.unit {
	case unitBits:
		return n/8 + uint64(btoi(n%8 != 0))
	case unitLongs:
		return (n/64 + uint64(btoi(n%64 != 0))) * 8
	}
	return n
}

// sizes64 is for structs with longs: 64 bits wide in x32 as well.
func sizes64(wide, narrow int) [table.NumABI]int {
	return [table.NumABI]int{table.AMD64: wide, table.I386: narrow, table.X32: wide, table.ARM64: wide}
}

// sizesPtr is for structs with pointers, which x32 has narrow.
func sizesPtr(wide, narrow int) [table.NumABI]int {
	return [table.NumABI]int{table.AMD64: wide, table.I386: narrow, table.X32: narrow, table.ARM64: wide}
}

// sizesAll is for structs that are the same everywhere.
func sizesAll(n int) [table.NumABI]int { return sizes64(n, n) }

// A reader takes the fields of a struct from its bytes, in order, with the
// alignment of the ABI. Beyond the end there are zeros.
type reader struct {
	b    []byte
	off  int
	abi  table.ABI
	addr uint64
}

// reader returns a reader of b, which is at addr in the child.
func (e *Event) reader(b []byte, addr uint64) *reader {
	if len(e.readers) == cap(e.readers) {
		e.readers = make([]reader, 0, 16) // those in use stay where they are
	}
	e.readers = append(e.readers, reader{b: b, abi: e.abi, addr: addr})
	return &e.readers[len(e.readers)-1]
}

func (r *reader) take(n, align int) []byte {
	r.off = (r.off + align - 1) / align * align
	i := min(r.off, len(r.b))
	r.off += n
	return r.b[i:min(r.off, len(r.b))]
}

// u reads an unsigned number of n bytes.
func (r *reader) u(n int) uint64 {
	align := n
	if n == 8 && r.abi == table.I386 {
		align = 4
	}
	b := r.take(n, align)
	if len(b) < n {
		return 0
	}
	switch n {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(le.Uint16(b))
	case 4:
		return uint64(le.Uint32(b))
	}
	return le.Uint64(b)
}

func (r *reader) u8() uint64  { return r.u(1) }
func (r *reader) u16() uint64 { return r.u(2) }
func (r *reader) u32() uint64 { return r.u(4) }
func (r *reader) u64() uint64 { return r.u(8) }

// long reads an unsigned long (and with it, time_t); longBits is its width.
func (r *reader) long() uint64    { return r.u(int(r.longBits() / 8)) }
func (r *reader) longBits() uint8 { return longBits(r.abi) }

// ptr reads a pointer or a size_t.
func (r *reader) ptr() uint64 { return r.u(r.abi.PointerBits() / 8) }

func (r *reader) skip(n int) { r.off += n }

// bytes reads n bytes.
func (r *reader) bytes(n int) []byte { return r.take(n, 1) }

// at returns a reader of the same struct that stands at off.
func (r *reader) at(off int) *reader {
	r.off = off
	return r
}

func longBits(abi table.ABI) uint8 {
	if abi == table.I386 {
		return 32
	}
	return 64
}

// num emits a number.
func (e *Event) num(name string, kind Kind, bits uint8, num uint64) {
	v := e.next()
	v.Name, v.Kind, v.Bits, v.Num = name, kind, bits, num
}

// flags and enum emit a number with the names of a set.
func (e *Event) flags(name string, bits uint8, num uint64, set *ConstSet) {
	v := e.next()
	v.Name, v.Kind, v.Bits, v.Num, v.Set = name, Flags, bits, num, set
}

func (e *Event) enum(name string, bits uint8, num uint64, set *ConstSet) {
	v := e.next()
	v.Name, v.Kind, v.Bits, v.Num, v.Set = name, Enum, bits, num, set
}

// cut marks the open value as shown in part.
func (e *Event) cut() { e.values[e.parent].Cut = true }

// emitStruct emits the struct at addr.
func (e *Event) emitStruct(name string, t *structType, addr uint64) {
	b := e.readAll(addr, t.size[e.abi])
	if b == nil {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	if t.scalar {
		outer := e.open(Value{Name: name, Kind: Array, Num: addr})
		defer e.close(outer)
		name = ""
	}
	t.decode(e, name, e.reader(b, addr))
}

// emitBytesAs emits the struct whose bytes are b.
func (e *Event) emitBytesAs(name string, t *structType, b []byte) {
	t.decode(e, name, e.reader(b, 0))
}

// takes reports whether n is a good length of a struct that is exact: its size, or, of a set of
// signals, one word.
func (t *structType) takes(abi table.ABI, n uint64) bool {
	return n == uint64(t.size[abi]) || t.words && n >= uint64(longBits(abi)/8) && n <= uint64(t.size[abi])
}

// emitVariable emits a struct of n bytes at addr.
func (e *Event) emitVariable(name string, t *structType, addr, n uint64) {
	want := clamp(t.bytes(n), t.size[e.abi])
	b := e.read(addr, want)
	if addr == 0 || len(b) < want || want == 0 || want < t.least || t.exact && !t.takes(e.abi, n) {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	t.decode(e, name, e.reader(b, addr))
}

// emitArray emits n structs at addr, as many of them as the limit allows.
func (e *Event) emitArray(name string, t *structType, addr, n uint64) {
	if addr == 0 {
		e.emitAddr(name, addr, false)
		return
	}
	size := t.size[e.abi]
	if hi, bytes := bits.Mul64(n, uint64(size)); hi != 0 || addr+bytes < addr {
		e.emitAddr(name, addr, true) // no memory is so large
		return
	}
	limit := e.opts.arrayLimit()
	if t.most != 0 {
		limit = min(limit, t.most)
	}
	show, span := clamp(n, limit), e.span(n, limit)
	b := e.read(addr, span*size)
	got := len(b) / size
	if span > 0 && got == 0 {
		e.emitAddr(name, addr, true)
		return
	}
	outer := e.open(Value{Name: name, Kind: Array, Num: addr, Size: n, Cut: got == span && uint64(show) < n})
	r := e.reader(nil, 0)
	for i := 0; i < min(got, show) && !e.full(); i++ {
		*r = reader{b: b[i*size : (i+1)*size], abi: e.abi, addr: addr + uint64(i*size)}
		t.decode(e, "", r)
	}
	if got < span {
		e.emitLost(addr + uint64(got*size))
	}
	e.close(outer)
}

// structs are the decoders by the name that table.Arg.Set gives.
var structs = make(map[string]*structType, 128)

func register(name string, size [table.NumABI]int, decode func(e *Event, name string, r *reader)) *structType {
	t := &structType{size: size, decode: decode}
	structs[name] = t
	return t
}
