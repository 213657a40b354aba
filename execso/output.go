package execso

import (
	"bytes"
	"encoding/binary"
)

// An Output is what select(2) or ppoll(2) was about to write to the program's memory.
type Output struct {
	Addr uint64
	Data []byte
	// Optional: the call's result does not depend on whether it can be written.
	Optional bool
}

// Outputs returns what remains to be written where Translate says ReturnedUnstored, some of which
// may have been. All of it is as the program says: it must be written with no other
// rights than the program's own.
func (s *Slot) Outputs() (list []Output) {
	if size := min(peek(s.mem, areaSetsSize), setSize); size > 0 {
		for i := range 3 {
			if at := peek(s.mem, areaArgs+8*(1+i)); at != 0 {
				from := areaSets + i*setSize
				list = append(list, Output{Addr: at, Data: bytes.Clone(s.mem[from : from+int(size)])})
			}
		}
	}
	if at := peek(s.mem, areaTimeAt); at != 0 {
		b := binary.NativeEndian.AppendUint64(nil, peek(s.mem, areaTimeLeft))
		b = binary.NativeEndian.AppendUint64(b, peek(s.mem, areaTimeLeft+8))
		list = append(list, Output{at, b, true})
	}
	return list
}
