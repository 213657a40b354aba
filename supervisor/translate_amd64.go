package supervisor

import (
	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
)

// frameOf returns those of the registers that exec.so uses.
func frameOf(r *ptrace.Regs) execso.Frame {
	return execso.Frame{
		IP: r.Rip, AX: r.Rax, BX: r.Rbx, CX: r.Rcx, DX: r.Rdx, SI: r.Rsi, DI: r.Rdi,
		R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, Flags: r.Eflags,
	}
}

// setFrame puts them back.
func setFrame(r *ptrace.Regs, f *execso.Frame) {
	r.Rip, r.Rax, r.Rbx, r.Rcx, r.Rdx, r.Rsi, r.Rdi = f.IP, f.AX, f.BX, f.CX, f.DX, f.SI, f.DI
	r.R8, r.R9, r.R10, r.R11, r.Eflags = f.R8, f.R9, f.R10, f.R11, f.Flags
}

// noCall makes the kernel skip the call at whose stop the thread stands, and leave
// the registers as they are.
func noCall(r *ptrace.Regs) { r.Orig_rax = ^uint64(0) }

// enterSetup makes the registers those with which a thread enters the loader, which is at
// code; key is what the filter lets its calls pass for.
func enterSetup(r *ptrace.Regs, s execso.Setup, code, near uint64, nr int, key uint32) {
	noCall(r)
	r.Rip, r.Rsi, r.Rbx = code, code+uint64(s.Name), s.IP
	r.Rbp, r.R12, r.R13, r.R14, r.R15 = uint64(key)<<32, ^uint64(0), near, nearSize, uint64(nr)
}

// leaveSetup reads what has come of it: where memory for trampolines is now, 0 if there is
// none, whether the region's file could be opened, and whether all is there.
func leaveSetup(r *ptrace.Regs) (near uint64, opened, ok bool) {
	return r.R13, int64(r.R12) >= 0, r.Rbx == 0
}
