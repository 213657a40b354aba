package decode

import (
	"math/bits"
	"strconv"

	"github.com/k42trace/k42trace/table"
)

func init() {
	t := register("sigset", sizesAll(8), decodeSigset)
	t.variable, t.exact, t.words = true, true, true
	register("old_sigset", sizesPtr(8, 4), decodeSigset)
	register("old_sigaction", sizesPtr(0, 16), func(e *Event, name string, r *reader) {
		const hasRestorer = 0x04000000
		handler, mask, flags, restorer := r.u32(), r.u32(), r.u32(), r.u32()
		outer := e.begin(name, Struct)
		e.handler("sa_handler", 32, handler)
		e.num("sa_mask", SigSet, 32, mask)
		e.flags("sa_flags", 32, flags, setSigaction)
		if flags&hasRestorer != 0 {
			e.num("sa_restorer", Addr, 32, restorer)
		}
		e.close(outer)
	})
	// A shorter set than that of all signals is filled as far as it goes.
	addSpecial(special{exit: func(e *Event) {
		if n := e.args[1]; e.good() && n > 0 && n < 8 {
			if b := e.readAll(e.args[0], int(n)); b != nil {
				e.into(0)
				decodeSigset(e, "", e.reader(b, e.args[0]))
			}
		}
	}}, "rt_sigpending")
	// Handlers and masks that there were before.
	addSpecial(special{entry: func(e *Event) {
		e.into(1)
		e.handler("", 32, e.args[1])
	}, exit: func(e *Event) {
		if n := e.res.Value(); e.good() && (n == 0 || n == 1) {
			outer := e.note()
			e.handler("", 32, uint64(n))
			e.close(outer)
		}
	}}, "signal")
	old := func(name string) special {
		return special{exit: func(e *Event) {
			if e.good() {
				outer := e.note()
				e.num(name, SigSet, 32, uint64(e.res.Value()))
				e.close(outer)
			}
		}}
	}
	addSpecial(old("mask"), "sgetmask")
	addSpecial(old("old mask"), "ssetmask")
	register("sigaction", sizesPtr(32, 20), decodeSigaction)
	// size, sp and flags of an alternate stack (sigaltstack(2)).
	register("stack_t", sizesPtr(24, 12), func(e *Event, name string, r *reader) {
		outer := e.begin(name, Struct)
		e.num("ss_sp", Addr, 64, r.ptr())
		e.flags("ss_flags", 32, r.u32(), setSigaltstack)
		e.num("ss_size", Uint, 64, r.ptr())
		e.close(outer)
	})
	register("sigevent", sizesPtr(32, 20), decodeSigevent) // of 64 bytes, the rest is padding
	// What pselect6 and io_pgetevents have as their sixth argument: a mask's
	// address and size.
	structs["aio_sigset"] = register("sigset_argpack", sizesPtr(16, 8), func(e *Event, name string, r *reader) {
		mask, size := r.ptr(), r.ptr()
		outer := e.begin(name, Struct)
		e.emitVariable("sigmask", structs["sigset"], mask, size)
		e.num("sigsetsize", Uint, 64, size)
		e.close(outer)
	})
}

func decodeSigset(e *Event, name string, r *reader) {
	n := min(len(r.b), 8)
	var mask uint64
	for i, c := range r.b[:n] {
		mask |= uint64(c) << (8 * i)
	}
	e.num(name, SigSet, uint8(8*n), mask)
}

// decodeSigaction decodes the kernel's struct sigaction, which is not libc's:
// handler, flags, restorer, mask. arm64 has sa_restorer too.
func decodeSigaction(e *Event, name string, r *reader) {
	handler := r.ptr()
	flags := r.ptr() // unsigned long, narrow in x32's compat layout
	restorer := r.ptr()
	mask := r.bytes(8)
	outer := e.begin(name, Struct)
	const label, hasRestorer = "sa_handler", 0x04000000
	word := uint8(r.abi.PointerBits())
	e.handler(label, word, handler)
	e.num("sa_mask", SigSet, 64, le.Uint64(mask))
	e.flags("sa_flags", word, flags, setSigaction)
	if flags&hasRestorer != 0 {
		e.num("sa_restorer", Addr, word, restorer)
	}
	e.close(outer)
}

// handler emits the address of a signal handler, or what stands for none.
func (e *Event) handler(name string, bits uint8, num uint64) {
	switch num {
	case 0, 1, 1<<64 - 1: // SIG_ERR of 32 bits is no name to strace
		e.enum(name, bits, num, &handlers)
	default:
		e.num(name, Addr, bits, num)
	}
}

// handlers are what stands in the place of a handler's address (signal(2)).
var handlers = ConstSet{Name: "handlers", Consts: []Const{
	{Name: "SIG_DFL", Value: 0}, {Name: "SIG_IGN", Value: 1},
	{Name: "SIG_ERR", Value: 1<<64 - 1},
}}

// AppendSignals appends a set of signals, of which signal n is bit n-1, as it is shown where
// constants have names: [INT CHLD].
func AppendSignals(dst []byte, mask uint64) []byte { return appendSigSet(dst, mask, 64, ConstNames) }

// appendSigSet appends a set of n signals: [INT CHLD]. One with two thirds of
// all in it is shown by what it lacks: ~[KILL].
func appendSigSet(dst []byte, mask uint64, n int, style ConstStyle) []byte {
	if bits.OnesCount64(mask) >= n*2/3 {
		dst = append(dst, '~')
		mask = ^mask
		if n < 64 {
			mask &= 1<<n - 1
		}
	}
	dst = append(dst, '[')
	for first := true; mask != 0; mask &= mask - 1 {
		if !first {
			dst = append(dst, ' ')
		}
		first = false
		sig := bits.TrailingZeros64(mask) + 1
		name := SignalName(sig)
		if style != ConstNames || len(name) <= 3 {
			dst = strconv.AppendInt(dst, int64(sig), 10)
		}
		switch {
		case len(name) <= 3 || style == ConstRaw:
		case style == ConstBoth:
			dst = append(append(append(dst, " /* "...), name[3:]...), " */"...)
		default:
			dst = append(dst, name[3:]...)
		}
	}
	return append(dst, ']')
}

// sigframeMask is where the signal mask is in the frame that rt_sigreturn
// finds at the stack pointer: uc_sigmask of struct ucontext.
func sigframeMask(abi table.ABI, sp uint64) (addr uint64, ok bool) {
	switch abi {
	case table.AMD64:
		// uc_flags, uc_link, uc_stack and the 256 bytes of struct sigcontext.
		return sp + 8 + 8 + 24 + 256, true
	case table.I386:
		// The signal number, two pointers and a siginfo_t; then uc_flags,
		// uc_link, uc_stack and the 88 bytes of struct sigcontext.
		return sp + 4 + 4 + 4 + table.SiginfoSize + 4 + 4 + 12 + 88, true
	case table.ARM64:
		// struct rt_sigframe begins with a siginfo_t.
		return sp + table.SiginfoSize + 8 + 8 + 24, true
	}
	return 0, false
}

// decodeSigevent decodes how a timer or a queue tells that it is ready
// (sigevent(7)).
func decodeSigevent(e *Event, name string, r *reader) {
	value, signo, notify := r.ptr(), r.u32(), r.u32()
	union := r.off
	outer := e.begin(name, Struct)
	if value != 0 {
		inner := e.begin("sigev_value", Struct)
		e.num("sival_int", Int, 32, uint64(uint32(value)))
		e.num("sival_ptr", Addr, 64, value)
		e.close(inner)
	}
	const signal, thread, threadID = 0, 2, 4
	kind := Uint
	if notify == signal || notify == thread || notify == threadID {
		kind = Signal
	}
	e.num("sigev_signo", kind, 32, signo)
	e.enum("sigev_notify", 32, notify, setSigev)
	switch notify {
	case threadID:
		e.num("sigev_notify_thread_id", PID, 32, r.u32())
	case thread:
		r.at(union)
		e.num("sigev_notify_function", Addr, 64, r.ptr())
		e.num("sigev_notify_attributes", Addr, 64, r.ptr())
	}
	e.close(outer)
}
