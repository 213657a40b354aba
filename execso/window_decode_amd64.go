package execso

import (
	"bytes"
	"errors"

	"golang.org/x/arch/x86/x86asm"
)

var errTruncated = errors.New("truncated instruction")

// disassemble decodes one instruction of 64-bit code, and knows what x86asm does not
// decode, or to the wrong length.
func disassemble(code []byte) (x86asm.Inst, error) {
	switch {
	case bytes.HasPrefix(code, []byte{0xf3, 0x0f, 0x1e}) && len(code) > 3 && code[3]&0xfe == 0xfa:
		// endbr64, endbr32
		return x86asm.Inst{Op: x86asm.NOP, Mode: 64, Len: 4}, nil
	case len(code) > 2 && code[0] == 0xc5 && code[1]&3 == 0 && code[2] == 0x77:
		// vzeroupper, vzeroall: a ModRM byte that they don't have is read by x86asm.
		return x86asm.Inst{Op: x86asm.VZEROUPPER, Mode: 64, Len: 3}, nil
	case len(code) > 2 && code[0] == 0x0f && code[1] == 0x01 && code[2]&0xfe == 0xee:
		// rdpkru, wrpkru, as in pkey_set(3)
		return x86asm.Inst{Op: x86asm.RDPMC, Mode: 64, Len: 3}, nil
	}
	in, err := x86asm.Decode(code, 64)
	if err != nil {
		return in, err
	}
	if in.Op == 0 || in.PCRel == 2 {
		return in, x86asm.ErrUnrecognized
	}
	if in.Len <= 0 || in.Len > 15 || in.Len > len(code) {
		return in, errTruncated
	}
	return in, nil
}

// branchTarget returns where an instruction at address at branches to, if that is
// part of the instruction.
func branchTarget(in x86asm.Inst, at uint64) (uint64, bool) {
	for _, a := range in.Args {
		if rel, ok := a.(x86asm.Rel); ok {
			return at + uint64(in.Len) + uint64(int64(rel)), true
		}
	}
	return 0, false
}

// isConditional reports whether the operation is a jump on flags: one that has a
// form with 4 bytes of displacement.
func isConditional(op x86asm.Op) bool {
	switch op {
	case x86asm.JA, x86asm.JAE, x86asm.JB, x86asm.JBE, x86asm.JE, x86asm.JNE,
		x86asm.JG, x86asm.JGE, x86asm.JL, x86asm.JLE, x86asm.JO, x86asm.JNO,
		x86asm.JP, x86asm.JNP, x86asm.JS, x86asm.JNS:
		return true
	}
	return false
}
