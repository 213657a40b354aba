package decode

// Operations of futex(2), without its two flags.
const (
	futexWait = iota
	futexWake
	futexFD
	futexRequeue
	futexCmpRequeue
	futexWakeOp
	futexLockPI
	futexUnlockPI
	futexTrylockPI
	futexWaitBitset
	futexWakeBitset
	futexWaitRequeuePI
	futexCmpRequeuePI
	futexLockPI2

	futexPrivate       = 128
	futexClockRealtime = 256
)

func init() {
	addSpecial(special{entry: entryFutex}, "futex", "futex_time64")
	set := SetByName("futex_waitv_flags")
	register("futex_waitv", sizesAll(24), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("val", Hex, 64, r.u64())
		e.num("uaddr", Addr, 64, r.u64())
		e.flags("flags", 32, r.u32(), set)
		e.reserved("__reserved", r, 1, 4)
		e.close(outer)
	}).most = 128 // FUTEX_WAITV_MAX
}

// entryFutex shows the arguments that the operation uses. The fourth is a time
// for some, a count for others; so its memory is read here and not before.
func entryFutex(e *Event) {
	op := e.args[1] & (futexPrivate - 1) // whatever flags come with it, known or not
	e.futexOp()
	count := func() { // the fourth argument is a number
		e.set(3, Value{Kind: Uint, Bits: 32, Num: uint64(uint32(e.args[3]))})
	}
	bitset := func() {
		v := e.arg(5)
		if v.Num == 0xffffffff {
			v.Kind, v.Symbol = Symbol, "FUTEX_BITSET_MATCH_ANY"
		}
	}
	switch op {
	case futexWait:
		e.drop(4)
	case futexLockPI, futexLockPI2: // without the value
		e.showOnly(0, 1, 3)
		e.shown = 3
	case futexWake, futexFD:
		e.drop(3)
	case futexRequeue:
		count()
		e.drop(5)
	case futexCmpRequeue, futexCmpRequeuePI:
		count()
		e.arg(5).Kind = Uint
	case futexWakeOp:
		count()
		e.futexWakeOpArg()
	case futexUnlockPI, futexTrylockPI:
		e.drop(2)
	case futexWaitBitset:
		bitset()
		e.showOnly(0, 1, 2, 3, 5)
		e.shown = 5
	case futexWakeBitset:
		bitset()
		e.showOnly(0, 1, 2, 5)
		e.shown = 4
	case futexWaitRequeuePI:
		e.drop(5)
	default:
		e.set(3, Value{Kind: Addr, Bits: 64, Num: e.args[3]})
	}
}

// futexOp emits the operation with its flags. Only some may be combined.
func (e *Event) futexOp() {
	e.set(1, Value{Kind: Enum, Bits: 32, Num: e.args[1], Set: setFutexOps})
}

var setFutexOps = SetByName("futex_op")

var (
	futexOps  = [...]string{"FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"}
	futexCmps = [...]string{"FUTEX_OP_CMP_EQ", "FUTEX_OP_CMP_NE", "FUTEX_OP_CMP_LT", "FUTEX_OP_CMP_LE", "FUTEX_OP_CMP_GT", "FUTEX_OP_CMP_GE"}
)

// futexWakeOpArg takes the sixth argument of FUTEX_WAKE_OP apart: an operation
// in the top 4 bits, a comparison in the next 4, 12 bits for each's operand.
func (e *Event) futexWakeOpArg() {
	const shiftedArg = 8
	n := e.args[5]
	op, cmp := n>>28&15, n>>24&15
	e.into(5)
	outer := e.open(Value{Kind: Or, Bits: 32, Num: n})
	if op&shiftedArg != 0 {
		e.shifted("FUTEX_OP_OPARG_SHIFT", shiftedArg, 28)
	}
	op &^= shiftedArg
	e.shiftedName(futexOps[:], "FUTEX_OP_???", op, 28)
	e.shifted("", n>>12&0xfff, 12)
	e.shiftedName(futexCmps[:], "FUTEX_OP_CMP_???", cmp, 24)
	e.num("", Hex, 32, n&0xfff)
	e.close(outer)
}

// shiftedName emits one of names, shifted to the left, or a number with a note.
func (e *Event) shiftedName(names []string, unknown string, num uint64, by uint8) {
	if num < uint64(len(names)) {
		e.shifted(names[num], num, by)
		return
	}
	outer := e.begin("", Noted)
	e.shifted("", num, by)
	e.emit(Value{Kind: Symbol, Symbol: unknown})
	e.close(outer)
}

// shifted emits a number, or its name, shifted to the left.
func (e *Event) shifted(symbol string, num uint64, by uint8) {
	outer := e.open(Value{Kind: Shifted, Bits: 32, Num: num << by})
	if symbol != "" {
		e.emit(Value{Kind: Symbol, Symbol: symbol, Num: num})
	} else {
		e.num("", Hex, 32, num)
	}
	e.num("", Uint, 8, uint64(by))
	e.close(outer)
}
