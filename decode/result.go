package decode

import "github.com/k42trace/k42trace/table"

// emitResult emits what the call returned, by the kind of its result.
func (e *Event) emitResult() {
	if e.res.Failed() || e.res.Gone() {
		e.emit(Value{})
		return
	}
	v := Value{Kind: Int, Bits: longBits(e.abi), Num: uint64(e.res.Raw())}
	if e.sig != nil {
		switch e.sig.Result {
		case table.Hex, table.Addr:
			v.Kind = Hex
		case table.Octal:
			v.Kind = Octal
		case table.Uint:
			v.Kind = Uint
		case table.FD:
			e.emitFD("", v.Num, false)
			return
		case table.UID:
			v.Kind, v.Bits = UID, 32
		case table.PID:
			v.Kind = PID
		}
	}
	if v.Bits == 32 {
		v.Num = uint64(uint32(v.Num))
	}
	e.emit(v)
}
