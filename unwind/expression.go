package unwind

// DWARF expressions (DWARF 5, section 2.5 and 7.7.1), as far as they occur in
// call-frame information: signal trampolines and procedure linkage tables.
const (
	opAddr   = 0x03
	opDeref  = 0x06
	opConst1 = 0x08 // u, s, then of 2, 4 and 8 bytes
	opConstU = 0x10
	opConstS = 0x11
	opDup    = 0x12
	opDrop   = 0x13
	opOver   = 0x14
	opPick   = 0x15
	opSwap   = 0x16
	opRot    = 0x17
	opAbs    = 0x19
	opAnd    = 0x1a
	opDiv    = 0x1b
	opMinus  = 0x1c
	opMod    = 0x1d
	opMul    = 0x1e
	opNeg    = 0x1f
	opNot    = 0x20
	opOr     = 0x21
	opPlus   = 0x22
	opPlusU  = 0x23
	opShl    = 0x24
	opShr    = 0x25
	opShra   = 0x26
	opXor    = 0x27
	opBra    = 0x28
	opEq     = 0x29
	opGe     = 0x2a
	opGt     = 0x2b
	opLe     = 0x2c
	opLt     = 0x2d
	opNe     = 0x2e
	opSkip   = 0x2f
	opLit0   = 0x30
	opBreg0  = 0x70
	opBregX  = 0x92
	opDerefN = 0x94
	opNop    = 0x96
)

const (
	maxSteps = 1000
	maxDepth = 64
)

// reader reads a word of memory.
type reader interface {
	word(addr uint64, size int) (uint64, bool)
}

// evaluate runs an expression, with the CFA on the stack if it has one.
func evaluate(expr []byte, regs *registers, mem reader, word int, initial ...uint64) (uint64, error) {
	e := evaluation{stack: append(make([]uint64, 0, 8), initial...), regs: regs, mem: mem, word: word}
	d := cursor{b: expr}
	for steps := 0; len(d.b) > 0; steps++ {
		if steps > maxSteps || len(e.stack) > maxDepth {
			return 0, errFrames
		}
		op := d.byte()
		if op == opBra || op == opSkip {
			distance := d.int(2)
			if op == opBra && e.pop() == 0 {
				continue
			}
			to := int64(len(expr)-len(d.b)) + distance
			if d.short || to < 0 || to > int64(len(expr)) {
				return 0, errFrames
			}
			d.b = expr[to:]
			continue
		}
		e.step(op, &d)
		if e.failed || d.short {
			return 0, errFrames
		}
	}
	v := e.pop()
	if e.failed {
		return 0, errFrames
	}
	if word == 4 {
		v = uint64(uint32(v))
	}
	return v, nil
}

type evaluation struct {
	stack  []uint64
	regs   *registers
	mem    reader
	word   int
	failed bool
}

func (e *evaluation) push(v uint64) { e.stack = append(e.stack, v) }

func (e *evaluation) pop() uint64 {
	n := len(e.stack)
	if n == 0 {
		e.failed = true
		return 0
	}
	v := e.stack[n-1]
	e.stack = e.stack[:n-1]
	return v
}

// pick returns the value that many below the top.
func (e *evaluation) pick(i int) uint64 {
	n := len(e.stack)
	if i >= n {
		e.failed = true
		return 0
	}
	return e.stack[n-1-i]
}

func (e *evaluation) register(n uint64, off int64) {
	v, ok := e.regs.get(n)
	e.failed = e.failed || !ok
	e.push(v + uint64(off))
}

func (e *evaluation) deref(size int) {
	v, ok := e.mem.word(e.pop(), size)
	e.failed = e.failed || !ok
	e.push(v)
}

func (e *evaluation) step(op byte, d *cursor) {
	switch {
	case op >= opLit0 && op < opLit0+32:
		e.push(uint64(op - opLit0))
		return
	case op >= opBreg0 && op < opBreg0+32:
		e.register(uint64(op-opBreg0), d.sleb())
		return
	case op >= opConst1 && op < opConst1+8:
		size := 1 << ((op - opConst1) / 2)
		if op%2 == 0 {
			e.push(d.uint(size))
		} else {
			e.push(uint64(d.int(size)))
		}
		return
	}
	switch op {
	case opNop:
	case opAddr:
		e.push(d.uint(e.word))
	case opConstU:
		e.push(d.uleb())
	case opConstS:
		e.push(uint64(d.sleb()))
	case opBregX:
		n := d.uleb()
		e.register(n, d.sleb())
	case opDeref:
		e.deref(e.word)
	case opDerefN:
		switch n := int(d.byte()); n {
		case 1, 2, 4, 8:
			e.deref(n)
		default:
			e.failed = true
		}
	case opDup:
		e.push(e.pick(0))
	case opDrop:
		e.pop()
	case opOver:
		e.push(e.pick(1))
	case opPick:
		e.push(e.pick(int(d.byte())))
	case opSwap:
		a, b := e.pop(), e.pop()
		e.push(a)
		e.push(b)
	case opRot:
		a, b, c := e.pop(), e.pop(), e.pop()
		e.push(a)
		e.push(c)
		e.push(b)
	case opAbs:
		if v := int64(e.pop()); v < 0 {
			e.push(uint64(-v))
		} else {
			e.push(uint64(v))
		}
	case opNeg:
		e.push(-e.pop())
	case opNot:
		e.push(^e.pop())
	case opPlusU:
		e.push(e.pop() + d.uleb())
	default:
		b, a := e.pop(), e.pop()
		v, ok := combine(op, a, b)
		e.failed = e.failed || !ok
		e.push(v)
	}
}

// combine is an operation on two values.
func combine(op byte, a, b uint64) (uint64, bool) {
	truth := func(ok bool) (uint64, bool) {
		if ok {
			return 1, true
		}
		return 0, true
	}
	switch op {
	case opAnd:
		return a & b, true
	case opOr:
		return a | b, true
	case opXor:
		return a ^ b, true
	case opPlus:
		return a + b, true
	case opMinus:
		return a - b, true
	case opMul:
		return a * b, true
	case opDiv:
		if b == 0 {
			return 0, false
		}
		return uint64(int64(a) / int64(b)), true
	case opMod:
		if b == 0 {
			return 0, false
		}
		return a % b, true
	case opShl:
		return a << b, true
	case opShr:
		return a >> b, true
	case opShra:
		return uint64(int64(a) >> b), true
	case opEq:
		return truth(a == b)
	case opNe:
		return truth(a != b)
	case opGe:
		return truth(int64(a) >= int64(b))
	case opGt:
		return truth(int64(a) > int64(b))
	case opLe:
		return truth(int64(a) <= int64(b))
	case opLt:
		return truth(int64(a) < int64(b))
	}
	return 0, false
}
