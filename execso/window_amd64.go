package execso

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/arch/x86/x86asm"
	"golang.org/x/sys/unix"
)

const (
	maxDisplaced = 8  // instructions
	maxMoved     = 64 // bytes of them in the trampoline
)

// PlanWindow decides how the system-call instruction at address call, which was
// trapped with number nr, is rewritten. Code is the function that it is part of, at
// address addr, as FunctionOf found it, without jumps of ours (see Undo). Branches
// from what is not given are not seen.
//
// It reads nothing but code and takes time in proportion to its length, whatever
// the bytes are.
func PlanWindow(code []byte, addr, call uint64, nr int) (*Window, error) {
	if nr < 0 || nr >= Numbers || nr == unix.SYS_RT_SIGRETURN {
		return nil, fmt.Errorf("%w: number %d", ErrNotCall, nr)
	}
	if len(code) > MaxFunction {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLong, len(code))
	}
	end := addr + uint64(len(code))
	if end < addr || call < addr || call > end || end-call < syscallLen || !isSyscall(code[call-addr:]) {
		return nil, fmt.Errorf("%w: at %#x", ErrNotCall, call)
	}
	f, err := survey(code, addr, call)
	if err != nil {
		return nil, err
	}

	var best *Window
	for n := 1; n <= len(f.before); n++ {
		w, e := f.window(n, nr)
		if w == nil && e != nil {
			// If there were windows that may not be used, why not says more.
			if err == nil {
				err = e
			}
			break
		}
		if e != nil {
			err = e
			continue
		}
		if w != nil && (best == nil || w.rank() > best.rank()) {
			best = w
		}
	}
	if best != nil {
		return best, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: too few bytes", ErrNoPrefix)
	}
	return nil, fmt.Errorf("call at %#x: %w", call, err)
}

// rank says which of a site's windows is the best: one that may be written at any
// time. Among equals it is the one with the fewest instructions.
func (w *Window) rank() (r int) {
	if w.Single {
		r += 4
	}
	if !w.CrossesLine() {
		r += 2
	}
	if w.AnyTime() {
		r++
	}
	return r
}

func isSyscall(b []byte) bool { return len(b) >= 2 && b[0] == 0x0f && b[1] == 0x05 }

// function is what is known of the function that a call is part of.
type function struct {
	call    uint64
	before  []instruction // those right before the call, the nearest first
	targets []uint64      // of direct branches to just before the call
	unseen  string        // why there may be branches to anywhere that were not seen
}

// instruction is a decoded instruction and where it stands.
type instruction struct {
	x86asm.Inst
	addr  uint64
	bytes []byte
}

// survey decodes the function in a straight line from its start: the way to know
// where instructions begin. Data among the instructions shows as something that
// cannot be decoded or does not meet the call.
func survey(code []byte, addr, call uint64) (*function, error) {
	f := &function{call: call}
	var recent [maxDisplaced]instruction
	n := 0
	for o := 0; o < len(code); {
		at := addr + uint64(o)
		if at == call {
			for i := 1; i <= min(n, maxDisplaced); i++ {
				f.before = append(f.before, recent[(n-i)%maxDisplaced])
			}
		}
		in, err := disassemble(code[o:])
		if at < call {
			if err != nil {
				return nil, fmt.Errorf("%w: at %#x: %w", ErrUndecodable, at, err)
			}
			if at+uint64(in.Len) > call {
				return nil, fmt.Errorf("%w: instruction at %#x reaches over the call", ErrUndecodable, at)
			}
			recent[n%maxDisplaced] = instruction{in, at, code[o : o+in.Len]}
			n++
		} else if err != nil {
			f.unseen = fmt.Sprintf("undecodable at %#x", at)
			break
		}
		f.branch(in, at, addr, addr+uint64(len(code)))
		o += in.Len
	}
	return f, nil
}

// branch notes where an instruction may branch to.
func (f *function) branch(in x86asm.Inst, at, start, end uint64) {
	switch target, direct := branchTarget(in, at); {
	case direct && target < f.call && f.call-target < maxDisplaced*15:
		f.targets = append(f.targets, target)
	case direct && in.Op != x86asm.CALL && (target < start || target >= end):
		// To another function, or to a part of this one that stands apart (gcc's
		// cold parts do) and may jump back to anywhere.
		f.unseen = fmt.Sprintf("jump out of the function at %#x", at)
	case !direct && in.Op == x86asm.JMP:
		f.unseen = fmt.Sprintf("indirect jump at %#x", at)
	}
}

// window makes a window of the n instructions before the call. With an error, it
// returns nil if more of them are of no use either; a window that may not be used
// if they might be. It returns neither if n instructions are too short.
func (f *function) window(n, nr int) (*Window, error) {
	first := f.before[n-1]
	if why := immovable(first); why != "" {
		return nil, fmt.Errorf("%w: %s at %#x: %s", ErrNoPrefix, first.Op, first.addr, why)
	}
	w := &Window{
		Addr:   first.addr,
		Len:    int(f.call - first.addr),
		Nr:     -1,
		Single: first.Len >= JumpLen,
	}
	if w.Len < JumpLen {
		return nil, nil
	}
	to := 0
	for i := n - 1; i >= 0; i-- {
		in := f.before[i]
		d := in.displace(w.Addr, to)
		to += int(d.toLen)
		w.displaced = append(w.displaced, d)
		w.original = append(w.original, in.bytes...)
		if set, value := in.setsNumber(); set {
			w.Nr = value
		}
	}
	if to > maxMoved {
		return nil, fmt.Errorf("%w: too long", ErrNoPrefix)
	}
	if w.Nr >= 0 && w.Nr != nr {
		return w, fmt.Errorf("%w: %d, not %d", ErrOtherNumber, nr, w.Nr)
	}
	for _, t := range f.targets {
		if w.Overwritten(t) {
			return w, fmt.Errorf("%w: to %#x", ErrBranchInside, t)
		}
	}
	if !w.Single && f.unseen != "" {
		return w, fmt.Errorf("%w: %s", ErrBranchInside, f.unseen)
	}
	return w, nil
}

// displace plans the move of an instruction of the window at address start to
// offset to of the trampoline.
func (in instruction) displace(start uint64, to int) displaced {
	d := displaced{
		from: uint8(in.addr - start), to: uint8(to),
		len: uint8(in.Len), toLen: uint8(in.Len),
	}
	switch target, direct := branchTarget(in.Inst, in.addr); {
	case direct:
		d.move, d.target = conditional, target
		d.toLen, d.condition = longConditional, in.bytes[in.PCRelOff-1]&0xf
	case in.PCRel != 0:
		d.move, d.field = ripOperand, uint8(in.PCRelOff)
	}
	return d
}

// setsNumber reports whether the instruction writes any part of rax, and what the
// number is then for the kernel, which takes eax alone: -1 if that is not constant.
func (in instruction) setsNumber() (sets bool, nr int) {
	switch in.Op {
	case x86asm.CMP, x86asm.TEST, x86asm.PUSH, x86asm.NOP:
		return false, 0
	case x86asm.CBW, x86asm.CWDE, x86asm.CDQE:
		return true, -1
	}
	if isConditional(in.Op) || !isAX(in.Args[0]) {
		return false, 0
	}
	if in.Args[0] == x86asm.EAX || in.Args[0] == x86asm.RAX {
		switch imm, constant := in.Args[1].(x86asm.Imm); {
		case in.Op == x86asm.MOV && constant && int32(imm) >= 0:
			return true, int(int32(imm))
		case in.Op == x86asm.XOR && in.Args[1] == in.Args[0]:
			return true, 0
		}
	}
	return true, -1
}

func isAX(a x86asm.Arg) bool {
	switch a {
	case x86asm.AL, x86asm.AH, x86asm.AX, x86asm.EAX, x86asm.RAX:
		return true
	}
	return false
}

// immovable says why an instruction cannot be displaced, or nothing. Only those are
// moved that are known to do the same wherever they stand, but for one
// displacement that can be adapted.
func immovable(in instruction) string {
	if !movable[in.Op] && !isConditional(in.Op) {
		return "not known to be movable"
	}
	for _, p := range in.Prefix {
		if p == 0 {
			break
		}
		switch p &^ (x86asm.PrefixImplicit | x86asm.PrefixIgnored | x86asm.PrefixInvalid) {
		case x86asm.PrefixLOCK:
			// Programs jump over it, to the instruction's second byte.
			return "locked"
		case x86asm.PrefixREP, x86asm.PrefixREPN, x86asm.PrefixXACQUIRE, x86asm.PrefixXRELEASE, x86asm.PrefixBND:
			if p&x86asm.PrefixImplicit == 0 && in.Op != x86asm.NOP {
				return "repeated"
			}
		case x86asm.PrefixGS:
			return "uses gs"
		}
	}
	relative := false
	for _, a := range in.Args {
		switch a := a.(type) {
		case x86asm.Reg:
			if !plainRegister(a) {
				return "unusual register"
			}
		case x86asm.Mem:
			if a.Base == x86asm.RIP || a.Base == x86asm.EIP || a.Base == x86asm.IP || a.Index == x86asm.RIP {
				relative = true
				if a.Base != x86asm.RIP || in.PCRel != 4 || in.PCRelOff+4 > in.Len ||
					int64(int32(binary.LittleEndian.Uint32(in.bytes[in.PCRelOff:]))) != a.Disp {
					return "unusual rip-relative operand"
				}
			}
		case x86asm.Rel:
			relative = true
			if !isConditional(in.Op) || in.PCRel != 1 && in.PCRel != 4 || in.PCRelOff < 1 || in.PCRelOff > len(in.bytes) {
				return "unusual branch"
			}
		}
	}
	if !relative && in.PCRel != 0 {
		return "unusual relative operand"
	}
	return ""
}

func plainRegister(r x86asm.Reg) bool {
	return r >= x86asm.AL && r <= x86asm.R15 || r >= x86asm.X0 && r <= x86asm.X15
}

// movable are the operations that are displaced: what compilers put before a
// system call. None transfers control or depends on where it stands; a fault in
// one is told by Translate.
var movable = func() map[x86asm.Op]bool {
	m := make(map[x86asm.Op]bool)
	for _, op := range []x86asm.Op{
		x86asm.MOV, x86asm.MOVZX, x86asm.MOVSX, x86asm.MOVSXD, x86asm.LEA, x86asm.BSWAP,
		x86asm.CBW, x86asm.CWDE, x86asm.CDQE,
		x86asm.AND, x86asm.OR, x86asm.XOR, x86asm.NOT,
		x86asm.ADD, x86asm.SUB, x86asm.ADC, x86asm.SBB, x86asm.INC, x86asm.DEC, x86asm.NEG,
		x86asm.SHL, x86asm.SHR, x86asm.SAR, x86asm.ROL, x86asm.ROR,
		x86asm.CMP, x86asm.TEST, x86asm.BT, x86asm.NOP,
		x86asm.PUSH, x86asm.POP,
		x86asm.MOVAPS, x86asm.MOVUPS, x86asm.MOVAPD, x86asm.MOVUPD, x86asm.MOVDQA, x86asm.MOVDQU,
		x86asm.MOVD, x86asm.MOVQ, x86asm.MOVHPS, x86asm.MOVLPS, x86asm.MOVHPD, x86asm.MOVLPD,
		x86asm.XORPS, x86asm.PXOR, x86asm.PUNPCKLQDQ,
		x86asm.CMOVA, x86asm.CMOVAE, x86asm.CMOVB, x86asm.CMOVBE, x86asm.CMOVE, x86asm.CMOVG,
		x86asm.CMOVGE, x86asm.CMOVL, x86asm.CMOVLE, x86asm.CMOVNE, x86asm.CMOVNO, x86asm.CMOVNP,
		x86asm.CMOVNS, x86asm.CMOVO, x86asm.CMOVP, x86asm.CMOVS,
		x86asm.SETA, x86asm.SETAE, x86asm.SETB, x86asm.SETBE, x86asm.SETE, x86asm.SETG,
		x86asm.SETGE, x86asm.SETL, x86asm.SETLE, x86asm.SETNE, x86asm.SETNO, x86asm.SETNP,
		x86asm.SETNS, x86asm.SETO, x86asm.SETP, x86asm.SETS,
	} {
		m[op] = true
	}
	return m
}()
