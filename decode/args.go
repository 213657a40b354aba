package decode

import (
	"github.com/k42trace/k42trace/table"
)

// prefetch puts the memory of argument i that will surely be read into the
// batch.
func (e *Event) prefetch(i int) {
	a := &e.plan.args[i]
	addr := e.args[i]
	switch a.Kind {
	case table.Path:
		e.want(addr, min(toPageEnd(addr), firstPath))
	case table.String:
		e.want(addr, min(toPageEnd(addr), e.opts.StringLimit+1))
	case table.Buffer:
		if n, ok := e.length(a); ok {
			e.want(addr, e.span(n, e.opts.StringLimit))
		}
	case table.Struct:
		if a.typ == nil || a.typ.size[e.abi] == 0 {
			return
		}
		n := a.typ.size[e.abi]
		switch {
		case a.typ.variable:
			l, _ := e.length(a)
			n = clamp(a.typ.bytes(l), n)
		case a.array():
			l, _ := e.length(a)
			n *= e.span(l, e.opts.arrayLimit())
		}
		e.want(addr, n)
	}
}

// array says that a is an array of structs, whose elements are counted.
func (a *argPlan) array() bool {
	return (a.Len >= 0 || a.Count > 0 || a.Result) && !a.typ.variable && !(a.typ.gathers && a.Len < 0)
}

// length returns the length of the memory of a as the child or the finished
// call gave it.
func (e *Event) length(a *argPlan) (n uint64, ok bool) {
	switch {
	case a.Len >= 0:
		n, ok = e.args[a.Len], true
		if l := &e.plan.args[a.Len]; l.Kind == table.Struct { // a pointer to it
			n = e.lengthAt(n)
		} else if l.Kind == table.Int && l.Bits == 32 && int32(n) < 0 {
			return 0, false
		}
	case a.Count > 0:
		n, ok = uint64(a.Count), true
	}
	if a.Result && e.done && (a.typ == nil || !a.typ.gathers) {
		if r := uint64(max(e.res.Value(), 0)); !ok || r < n {
			n = r
		}
		ok = true
	}
	return n, ok
}

// lengthAt returns the length that a socklen argument at addr has, after the
// call no more than it was before.
func (e *Event) lengthAt(addr uint64) uint64 {
	b := e.readAll(addr, 4)
	if b == nil {
		return 0
	}
	n := uint64(le.Uint32(b))
	if e.hadOld {
		n = min(n, e.old)
	}
	return n
}

// number returns argument i with its upper half.
func (e *Event) number(i int) (num uint64, bits uint8) {
	a := &e.plan.args[i]
	if a.high {
		return e.args[i] | e.args[i+1]<<32, 64
	}
	return e.args[i], a.bits
}

// decodeArg decodes argument i by its signature. Memory that is not good to
// read (the call failed to fill it) is shown as its address.
func (e *Event) decodeArg(i int, good bool) {
	a := &e.plan.args[i]
	e.slot = argSlot + int32(i)
	num, bits := e.number(i)
	switch {
	case a.kind == FD || a.kind == DirFD:
		e.emitFD("", num, a.kind == DirFD)
	case a.followed() && num != 0 && good:
		*e.arg(i) = Value{}
		e.decodeMemory(a, num)
	case a.followed():
		e.emitAddr("", num, num != 0)
	default:
		v := e.next()
		v.Kind, v.Bits, v.Num, v.Set = a.kind, bits, num, a.set
	}
}

func (e *Event) decodeMemory(a *argPlan, addr uint64) {
	switch a.Kind {
	case table.Path:
		e.emitPath("", addr)
	case table.String:
		e.emitString("", addr)
	case table.Buffer:
		n, ok := e.length(a)
		if !ok {
			e.emitAddr("", addr, false)
			return
		}
		e.emitBuffer("", addr, n)
	case table.Strings:
		e.emitStrings(addr)
	case table.Env:
		e.emitEnv(addr)
	case table.Struct:
		if a.typ == nil || a.typ.size[e.abi] == 0 {
			e.emitAddr("", addr, false)
			return
		}
		if a.typ.gathers && a.Result {
			e.left = max(e.res.Value(), 0)
		}
		n, ok := e.length(a)
		switch {
		case (a.typ.variable || a.array()) && !ok:
			e.emitAddr("", addr, false)
		case a.typ.variable:
			e.emitVariable("", a.typ, addr, n)
		case a.array():
			e.emitArray("", a.typ, addr, n)
		default:
			e.emitStruct("", a.typ, addr)
		}
		e.left = allData
	}
}

// keepOld remembers the value that argument i points to, which the call may
// change.
func (e *Event) keepOld(i int) {
	if b := e.readAll(e.args[i], 4); b != nil {
		e.old, e.hadOld = uint64(le.Uint32(b)), true
	}
}

// decodeChange decodes a length behind a pointer: [16], or [128 => 16] if the
// call changed it.
func (e *Event) decodeChange(i int, good bool) {
	e.slot = argSlot + int32(i)
	addr := e.args[i]
	if addr == 0 || !e.hadOld || e.opts.Shallow {
		e.emitAddr("", addr, addr != 0)
		return
	}
	now := e.old
	if b := e.readAll(addr, 4); good && b != nil {
		now = uint64(le.Uint32(b))
	}
	outer := e.open(Value{Kind: Array, Num: addr})
	if now != e.old {
		inner := e.begin("", Change)
		e.num("", Int, 32, e.old)
		e.num("", Int, 32, now)
		e.close(inner)
	} else {
		e.num("", Int, 32, now)
	}
	e.close(outer)
}

// span is how many of n elements are read if limit of them are shown: one more tells
// whether there is more, as strace does it.
func (e *Event) span(n uint64, limit int) int {
	if e.peeks && n > uint64(limit) {
		return limit + 1
	}
	return clamp(n, limit)
}

// emitAddr emits an address in place of what it points to. failed says that
// there should have been more.
func (e *Event) emitAddr(name string, addr uint64, failed bool) {
	v := e.next()
	v.Kind, v.Name, v.Bits, v.Num, v.Failed = Addr, name, 64, addr, failed
}

func (e *Event) emitFD(name string, num uint64, dir bool) {
	v := e.next()
	v.Kind, v.Name, v.Bits, v.Num = FD, name, 32, uint64(uint32(num))
	if dir {
		v.Kind = DirFD
	}
	fd := int(int32(num))
	if f := e.opts.FDName; f != nil && e.thread != nil && (fd >= 0 || dir) {
		name, ok := f(e.thread, fd)
		if ok {
			e.nameFD(v, name)
		}
		e.fds = append(e.fds, NamedFD{fd, name, ok})
	}
}

// nameFD notes what a descriptor refers to.
func (e *Event) nameFD(v *Value, name FDName) {
	v.Text = append(e.alloc(len(name.Path))[:0], name.Path...)
	v.Symbol, v.Whole = name.Note, name.Exists
}

func (e *Event) emitPath(name string, addr uint64) {
	e.emitText(name, addr, table.PathMax-1, firstPath)
}

// emitShort emits a string of which the kernel reads no more than most bytes.
func (e *Event) emitShort(name string, addr uint64, most int) {
	if most > e.opts.StringLimit {
		e.emitString(name, addr)
		return
	}
	s, ok := e.readTextUpTo(addr, most)
	if !ok {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	e.bytes(name, addr, s, uint64(len(s)), len(s) == most)
}

func (e *Event) emitString(name string, addr uint64) {
	e.emitText(name, addr, e.opts.StringLimit, pageSize)
}

func (e *Event) emitText(name string, addr uint64, limit, first int) {
	s, ended, ok := e.readString(addr, limit, first)
	if !ok {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	e.bytes(name, addr, s, uint64(len(s)), !ended)
}

// emitBuffer emits n bytes at addr, as many of them as the limit allows.
func (e *Event) emitBuffer(name string, addr, n uint64) {
	want := e.span(n, e.opts.StringLimit)
	b := e.readText(addr, want)
	if addr == 0 || len(b) < want {
		e.emitAddr(name, addr, addr != 0)
		return
	}
	b = b[:min(want, e.opts.StringLimit)]
	e.bytes(name, addr, b, n, uint64(len(b)) < n)
}

// bytes emits text that is at addr in the child: all of size bytes, unless cut.
func (e *Event) bytes(name string, addr uint64, text []byte, size uint64, cut bool) {
	v := e.next()
	v.Kind, v.Name, v.Num, v.Text, v.Size, v.Cut = Bytes, name, addr, text, size, cut
}

// emitStrings emits a NULL-terminated array of strings: argv.
func (e *Event) emitStrings(addr uint64) {
	word := e.abi.PointerBits() / 8
	limit := e.opts.arrayLimit()
	ptrs := e.pointers(addr, limit+1)
	if len(ptrs) < word {
		e.emitAddr("", addr, true)
		return
	}
	outer := e.open(Value{Kind: Array, Num: addr})
	defer e.close(outer)
	n := 0
	for n < limit && (n+1)*word <= len(ptrs) && e.word(ptrs[n*word:]) != 0 {
		a := e.word(ptrs[n*word:])
		e.want(a, min(toPageEnd(a), e.opts.StringLimit+1))
		n++
	}
	e.fetch()
	for i := range n {
		e.emitString("", e.word(ptrs[i*word:]))
	}
	switch rest := ptrs[n*word:]; {
	case len(rest) < word: // the array runs into unreadable memory
		e.emitLost(addr + uint64(n*word))
	case e.word(rest) != 0:
		e.values[e.parent].Cut = true
	}
}

// emitLost ends an array whose next element, at addr, cannot be read.
func (e *Event) emitLost(addr uint64) {
	e.emit(Value{Kind: Addr, Bits: 64, Num: addr, Failed: true, Cut: true})
}

// pointers returns up to n pointers at addr, up to and with a NULL, in whole
// bytes as they are in memory.
func (e *Event) pointers(addr uint64, n int) []byte {
	word := e.abi.PointerBits() / 8
	var all []byte
	for n > 0 {
		k := min(n*word, toPageEnd(addr)/word*word)
		if k == 0 { // a pointer that lies across the page's end
			k = word
		}
		b := e.read(addr, k)
		b = b[:len(b)/word*word]
		for i := 0; i < len(b); i += word {
			if e.word(b[i:]) == 0 {
				return append(all, b[:i+word]...)
			}
		}
		if all == nil {
			all = b
		} else {
			all = append(all, b...)
		}
		if len(b) < k {
			break
		}
		n -= k / word
		addr += uint64(k)
	}
	return all
}

// word returns the pointer at the start of b.
func (e *Event) word(b []byte) uint64 {
	if e.abi.PointerBits() == 32 {
		return uint64(le.Uint32(b))
	}
	return le.Uint64(b)
}

// emitEnv emits an environment: its address and how many strings it has.
func (e *Event) emitEnv(addr uint64) {
	if e.opts.Verbose {
		e.emitStrings(addr)
		return
	}
	if e.opts.Shallow {
		e.emitAddr("", addr, false)
		return
	}
	word := e.abi.PointerBits() / 8
	v := Value{Kind: Count, Bits: 64, Num: addr, Symbol: "vars"}
	page := e.alloc(pageSize)
	at := addr
	for at-addr < maxCount && page != nil {
		k := toPageEnd(at) / word * word
		if k == 0 {
			k = word
		}
		got, err := e.thread.ReadMemory(at, page[:k])
		if err != nil || got < word {
			if at == addr {
				e.emitAddr("", addr, true)
				return
			}
			v.Failed = true // ends in unreadable memory
			break
		}
		for i := 0; i+word <= got; i += word {
			if e.word(page[i:]) == 0 {
				e.emit(v)
				return
			}
			v.Size++
		}
		at += uint64(got / word * word)
	}
	v.Cut = true
	e.emit(v)
}
