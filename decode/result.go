package decode

import "github.com/k42trace/k42trace/table"

// resultKind returns the kind of a result's value.
func resultKind(k table.Kind) Kind {
	switch k {
	case table.Hex, table.Addr:
		return Hex
	case table.Octal:
		return Perm
	case table.Uint, table.UID: // of an id, -1 is no more than a number
		return Uint
	case table.FD:
		return FD
	case table.PID:
		return PID
	}
	return Int
}

// emitResult emits what the call returned.
func (e *Event) emitResult(kind Kind) {
	e.slot = resultSlot
	num := uint64(e.res.Raw())
	if kind == FD && e.good() {
		e.emitFD("", num, false)
		return
	}
	v := e.next()
	if !e.good() {
		return
	}
	if kind == Int && e.res.Failed() {
		kind = Uint // no errno, but a value
	}
	v.Kind, v.Bits, v.Num = kind, longBits(e.abi), num
	if v.Bits == 32 {
		v.Num = uint64(uint32(num))
	}
}
