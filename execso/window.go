package execso

import (
	"errors"
	"slices"
)

// Why a system call is left alone. Unpatched is always right, so every doubt is a
// refusal.
var (
	// ErrNotCall: no system-call instruction is where it should be, or it is one
	// that is never rewritten (rt_sigreturn, a number without a service).
	ErrNotCall = errors.New("not a system call that can be rewritten")
	// ErrUndecodable: what stands between the function's start and the call cannot
	// be decoded, or its instructions do not meet the call.
	ErrUndecodable = errors.New("function cannot be decoded")
	// ErrNoPrefix: too little, or something that cannot be moved, stands before the call.
	ErrNoPrefix = errors.New("no instructions before the call that can be displaced")
	// ErrBranchInside: something jumps, or may jump, to the bytes to be rewritten.
	ErrBranchInside = errors.New("a branch may lead into the bytes to be rewritten")
	// ErrOtherNumber: the code before the call sets another number than the call had.
	ErrOtherNumber = errors.New("call's number is not the one set before it")
	// ErrOutOfReach: the trampoline is too far away for 32-bit displacements.
	ErrOutOfReach = errors.New("trampoline is out of reach")
	// ErrTooLong: the function is longer than MaxFunction.
	ErrTooLong = errors.New("function is too long")
)

const (
	// JumpLen is how many bytes of the program are rewritten: a jump's.
	JumpLen = 5

	// MaxFunction is the length in bytes that a function may have. It bounds the time
	// that PlanWindow takes: 26 us for libc's functions on average, 15 ms at most. No
	// function with a call is longer than 16 KiB in the programs we know.
	MaxFunction = 32 << 10

	// MaxTrampoline is more than the length of any trampoline.
	MaxTrampoline = 128
)

// Window is how one system-call site is rewritten: whole instructions before the
// call are displaced to a trampoline, and a jump to it stands in place of their
// first JumpLen bytes. The call itself stays, and stays behind the displaced
// bytes: threads that wait in it, restarts, and branches to it meet what they met
// before.
type Window struct {
	Addr uint64 // of the first displaced instruction
	Len  int    // bytes displaced: all from Addr to the call
	Nr   int    // the call's number, when the displaced instructions set it; else -1

	// Single says that the rewritten bytes hold no instruction's start but the
	// first: no thread can stand among them and no branch lead there, so a write
	// that is seen whole may happen at any time. Any other window is written only
	// while the process has one thread, and needs Resume.
	Single bool

	original  []byte
	displaced []displaced
}

// displaced is one displaced instruction.
type displaced struct {
	from, to   uint8 // offset in the window and in the trampoline
	len, toLen uint8 // there and here
	move       relocation
	field      uint8 // offset of the displacement in the instruction
	condition  uint8 // low half of the opcode of a conditional jump
	target     uint64
}

// relocation is what moving an instruction takes.
type relocation uint8

const (
	verbatim    relocation = iota
	ripOperand             // the 4 bytes of displacement at field follow the move
	conditional            // a jump to target, which becomes one with 4 bytes of displacement
)

// Call returns the address of the system-call instruction.
func (w *Window) Call() uint64 { return w.Addr + uint64(w.Len) }

// Original returns the displaced bytes. The first JumpLen of them are rewritten, the
// others stay as they are in the program too, and are to be verified with them.
func (w *Window) Original() []byte { return slices.Clone(w.original) }

// Moved returns the window of the same code where it stands delta bytes further on:
// in another process, that has the same file mapped elsewhere by whole pages. The
// caller sees to it that Original's bytes stand there, as for any window, and may
// so keep windows by file and offset instead of planning them again.
func (w *Window) Moved(delta uint64) *Window {
	moved := *w
	moved.Addr += delta
	moved.displaced = slices.Clone(w.displaced)
	for i := range moved.displaced {
		moved.displaced[i].target += delta
	}
	return &moved
}

// Undo puts the program's own bytes into code, which was read at address addr, where
// a jump may have been written over them. That is to be done for all windows of a
// function before PlanWindow sees it: the rest of a rewritten instruction is none.
func (w *Window) Undo(code []byte, addr uint64) {
	for i, b := range w.original[:JumpLen] {
		if o := w.Addr + uint64(i) - addr; o < uint64(len(code)) {
			code[o] = b
		}
	}
}

// CrossesLine reports whether the rewritten bytes lie in two cache lines, so that
// other threads may see a write of them by halves.
func (w *Window) CrossesLine() bool {
	const line = 64
	return w.Addr/line != (w.Addr+JumpLen-1)/line
}

// Place is where in a trampoline a thread was interrupted.
type Place uint8

const (
	// OutsideTrampoline: not there, or not at the start of an instruction of ours.
	OutsideTrampoline Place = iota
	// InDisplaced: at a displaced instruction. The original has the same address in
	// the program, with the same registers. See Overwritten.
	InDisplaced
	// BeforeCall: behind the displaced instructions; as if at the call, but for rcx
	// and r11, which the call destroys.
	BeforeCall
	// AfterCall: behind the call, but that rcx should be the address it returned to.
	AfterCall
)

func (p Place) String() string {
	switch p {
	case InDisplaced:
		return "in displaced"
	case BeforeCall:
		return "before call"
	case AfterCall:
		return "after call"
	}
	return "outside trampoline"
}

// Translate returns for a thread whose instruction pointer is ip, in the
// trampoline at address at, the address in the original program, and what kind of
// place it is. An ip elsewhere is returned as it is.
func (w *Window) Translate(at, ip uint64) (uint64, Place) {
	if ip < at || ip-at >= MaxTrampoline {
		return ip, OutsideTrampoline
	}
	o := int(ip - at)
	for _, d := range w.displaced {
		if o == int(d.to) {
			return w.Addr + uint64(d.from), InDisplaced
		}
	}
	switch back := w.backOffset(); {
	case o < w.enterOffset():
		return ip, OutsideTrampoline
	case o < back:
		return w.Call(), BeforeCall
	case o < back+tailLen:
		return w.Call() + syscallLen, AfterCall
	}
	return ip, OutsideTrampoline
}

// Overwritten reports whether ip is the address of an instruction of the program
// that is not there any more, as a jump was written over it. A thread must not
// be made to run there; Resume knows where it may.
func (w *Window) Overwritten(ip uint64) bool { return ip > w.Addr && ip < w.Addr+JumpLen }

// Resume is Translate's inverse for overwritten instructions: where in the
// trampoline at address at a thread goes on that was told it is at ip, or that was
// there before the jump was written (a signal's frame on its stack may say so).
func (w *Window) Resume(at, ip uint64) (uint64, bool) {
	if !w.Overwritten(ip) {
		return ip, false
	}
	for _, d := range w.displaced {
		if w.Addr+uint64(d.from) == ip {
			return at + uint64(d.to), true
		}
	}
	return ip, false
}

// enterOffset is where in the trampoline the displaced instructions end.
func (w *Window) enterOffset() int {
	if len(w.displaced) == 0 {
		return 0
	}
	last := w.displaced[len(w.displaced)-1]
	return int(last.to) + int(last.toLen)
}

// backOffset is where in the trampoline a served call comes back.
func (w *Window) backOffset() int {
	if w.Nr >= 0 {
		return w.enterOffset() + knownLen
	}
	return w.enterOffset() + checkedLen
}
