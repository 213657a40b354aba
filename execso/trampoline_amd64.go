package execso

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Lengths of the trampoline's parts behind the displaced instructions.
const (
	knownLen   = 5 + 7                     // when the number is known
	checkedLen = 3 + 5 + 5 + 2 + 5 + 5 + 8 // when it is not
	tailLen    = 7 + 5

	longConditional = 6 // a conditional jump with 4 bytes of displacement
)

// Trampoline returns the code to be put at address at: the displaced instructions,
// then the way to the service that the table has for the number, with the site
// record's address in rcx; and the address in it where a served call comes back.
// Nothing but rcx and r11 changes on the way, not even flags. It fails with
// ErrOutOfReach if that cannot stand at that address, or the jump not lead there.
func (w *Window) Trampoline(at, site uint64) (code []byte, back uint64, err error) {
	return w.trampoline(at, site, Base+TableOffset)
}

func (w *Window) trampoline(at, site, table uint64) ([]byte, uint64, error) {
	if site > math.MaxUint32 || table+8*Numbers > math.MaxInt32 || at+MaxTrampoline < at {
		return nil, 0, fmt.Errorf("%w: %#x for site %#x", ErrOutOfReach, at, site)
	}
	if _, ok := displacement(w.Addr+JumpLen, at); !ok {
		return nil, 0, fmt.Errorf("%w: %#x from %#x", ErrOutOfReach, at, w.Addr)
	}
	a := assembler{at: at, code: make([]byte, 0, MaxTrampoline)}
	for _, d := range w.displaced {
		a.displaced(w, d)
	}
	if w.Nr >= 0 {
		a.bytes(0xb9).word(site)                               // mov $site,%ecx
		a.bytes(0xff, 0x24, 0x25).word(table + 8*uint64(w.Nr)) // jmp *table+8*nr
	} else {
		a.bytes(0x41, 0x89, 0xc3)                   // mov %eax,%r11d: all that the kernel looks at
		a.bytes(0xb9).word(numberBits)              // mov $10,%ecx
		a.bytes(0xc4, 0xc2, 0xf3, 0xf7, 0xcb)       // shrx %rcx,%r11,%rcx
		a.bytes(0xe3, 5)                            // jrcxz 1f
		a.bytes(0xe9).relative(w.Call())            // jmp call
		a.bytes(0xb9).word(site)                    // 1: mov $site,%ecx
		a.bytes(0x42, 0xff, 0x24, 0xdd).word(table) // jmp *table(,%r11,8)
	}
	back := at + uint64(len(a.code))
	a.bytes(0x48, 0x8d, 0x0d).relative(w.Call() + syscallLen) // lea call+2(%rip),%rcx
	a.bytes(0xe9).relative(w.Call() + syscallLen)             // jmp call+2
	if a.err != nil {
		return nil, 0, a.err
	}
	return a.code, back, nil
}

// numberBits is what is left of a number that has a place in the table.
const (
	numberBits = 10
	_          = uint(Numbers - 1<<numberBits)
	_          = uint(1<<numberBits - Numbers)
)

// Jump returns the JumpLen bytes that lead from Addr to a trampoline for which
// Trampoline did not fail.
func (w *Window) Jump(trampoline uint64) []byte {
	a := assembler{at: w.Addr}
	return a.bytes(0xe9).relative(trampoline).code
}

// assembler puts code together that stands at address at.
type assembler struct {
	at   uint64
	code []byte
	err  error
}

func (a *assembler) bytes(b ...byte) *assembler {
	a.code = append(a.code, b...)
	return a
}

func (a *assembler) word(v uint64) *assembler {
	a.code = binary.LittleEndian.AppendUint32(a.code, uint32(v))
	return a
}

// relative appends the displacement to target that ends an instruction.
func (a *assembler) relative(target uint64) *assembler {
	d, ok := displacement(a.at+uint64(len(a.code))+4, target)
	if !ok && a.err == nil {
		a.err = fmt.Errorf("%w: %#x from %#x", ErrOutOfReach, target, a.at)
	}
	return a.word(uint64(d))
}

// displaced appends a displaced instruction.
func (a *assembler) displaced(w *Window, d displaced) {
	in := w.original[d.from : d.from+d.len]
	switch d.move {
	case verbatim:
		a.bytes(in...)
	case ripOperand:
		next := w.Addr + uint64(d.from) + uint64(d.len)
		moved := a.at + uint64(len(a.code)) + uint64(d.len)
		old := int32(binary.LittleEndian.Uint32(in[d.field:]))
		now, ok := displacement(moved, next+uint64(int64(old)))
		if !ok && a.err == nil {
			a.err = fmt.Errorf("%w: operand of the instruction at %#x", ErrOutOfReach, w.Addr+uint64(d.from))
		}
		a.bytes(in[:d.field]...).word(uint64(now)).bytes(in[d.field+4:]...)
	case conditional:
		a.bytes(0x0f, 0x80|d.condition).relative(d.target)
	}
}

// displacement returns what leads from the end of an instruction to target.
func displacement(next, target uint64) (int32, bool) {
	d := int64(target - next)
	return int32(d), d == int64(int32(d))
}
