package table

import "golang.org/x/sys/unix"

// An ABI is a system-call convention: which numbers mean what, and where the
// arguments are. One process may use several (int 0x80 in a 64-bit program).
type ABI uint8

// The ABIs that the tables know.
const (
	AMD64 ABI = iota // x86-64, syscall instruction
	I386             // 32-bit x86: int 0x80 and sysenter, also from 64-bit code
	X32              // x86-64 with bit 30 of the number set; 32-bit pointers
	ARM64            // AArch64
	NumABI
)

// X32Bit is set in every x32 system-call number (__X32_SYSCALL_BIT).
const X32Bit = 0x40000000

// Audit architecture tokens as the kernel puts them in struct seccomp_data and
// in struct ptrace_syscall_info (linux/audit.h).
const (
	AuditArchX86_64  = unix.AUDIT_ARCH_X86_64
	AuditArchI386    = unix.AUDIT_ARCH_I386
	AuditArchAArch64 = unix.AUDIT_ARCH_AARCH64
)

var abiNames = [NumABI]string{"x86_64", "i386", "x32", "aarch64"}

// String returns the name that uname -m gives the ABI.
func (a ABI) String() string {
	if a < NumABI {
		return abiNames[a]
	}
	return "unknown ABI"
}

// AuditArch returns the ABI's AUDIT_ARCH_ token. x32 shares x86-64's.
func (a ABI) AuditArch() uint32 {
	switch a {
	case I386:
		return AuditArchI386
	case ARM64:
		return AuditArchAArch64
	}
	return AuditArchX86_64
}

// PointerBits returns the width of a pointer and of a long in the ABI's calls.
func (a ABI) PointerBits() int {
	if a == I386 || a == X32 {
		return 32
	}
	return 64
}

// registerBits returns how much of an argument's register a call of the ABI can
// pass: x32 pointers are short, its registers are not.
func (a ABI) registerBits() int {
	if a == I386 {
		return 32
	}
	return 64
}

// ABIOf returns the ABI of a call with the audit architecture arch and the
// number nr as the kernel reported them, and false for an architecture that
// the tables do not know.
func ABIOf(arch uint32, nr int) (ABI, bool) {
	switch arch {
	case AuditArchX86_64:
		// A negative number has bit 30 set too, but is x86-64's: the kernel
		// tests the sign first (arch/x86/entry/common.c, do_syscall_x32).
		if nr >= 0 && nr&X32Bit != 0 {
			return X32, true
		}
		return AMD64, true
	case AuditArchI386:
		return I386, true
	case AuditArchAArch64:
		return ARM64, true
	}
	return 0, false
}
