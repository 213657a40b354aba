package ptrace

import (
	"encoding/binary"

	"github.com/k42trace/k42trace/table"
)

// SigreturnTo returns what rt_sigreturn(2) will make of the stopped thread's instruction
// pointer and result register: what its frame has at sp, where a handler of a signal has
// returned to (struct rt_sigframe, arch/x86/include/asm/sigframe.h). ok is false
// where that is not known, or the frame cannot be read.
func SigreturnTo(tid int, abi table.ABI, sp uint64) (ip uint64, result table.Result, ok bool) {
	if abi != table.AMD64 {
		return 0, table.Result{}, false
	}
	// Behind uc_flags, uc_link and uc_stack is struct sigcontext, of 64-bit registers.
	const rax, rip, end = 40 + 13*8, 40 + 16*8, 40 + 17*8
	var frame [end]byte
	if n, err := ReadMemory(tid, sp, frame[:]); err != nil || n < end {
		return 0, table.Result{}, false
	}
	ax := binary.LittleEndian.Uint64(frame[rax:])
	return binary.LittleEndian.Uint64(frame[rip:]), table.FromRaw(int64(ax)), true
}
