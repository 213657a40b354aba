package ptrace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// NativeABI is the ABI of this supervisor.
const NativeABI = table.ARM64

// Regs is struct user_pt_regs and, apart, the number of the pending call, which
// arm64 keeps in a register set of its own (NT_ARM_SYSTEM_CALL).
type Regs struct {
	unix.PtraceRegs
	nr    int32
	setNr bool
}

const (
	ntPrstatus      = 1
	ntArmSystemCall = 0x404
)

func regset(req, tid int, note uintptr, p unsafe.Pointer, n uintptr) error {
	iov := unix.Iovec{Base: (*byte)(p)}
	iov.SetLen(int(n))
	return requestPtr(req, tid, note, unsafe.Pointer(&iov))
}

// Get reads the registers of the stopped thread tid.
func (r *Regs) Get(tid int) error {
	r.setNr = false
	if err := regset(unix.PTRACE_GETREGSET, tid, ntPrstatus, unsafe.Pointer(&r.PtraceRegs), unsafe.Sizeof(r.PtraceRegs)); err != nil {
		return requestError("PTRACE_GETREGSET", tid, err)
	}
	return nil
}

// Set writes the registers of the stopped thread tid.
func (r *Regs) Set(tid int) error {
	if r.setNr {
		if err := setNumber(tid, r.nr); err != nil {
			return err
		}
	}
	if err := regset(unix.PTRACE_SETREGSET, tid, ntPrstatus, unsafe.Pointer(&r.PtraceRegs), unsafe.Sizeof(r.PtraceRegs)); err != nil {
		return requestError("PTRACE_SETREGSET", tid, err)
	}
	return nil
}

func setNumber(tid int, nr int32) error {
	if err := regset(unix.PTRACE_SETREGSET, tid, ntArmSystemCall, unsafe.Pointer(&nr), unsafe.Sizeof(nr)); err != nil {
		return requestError("PTRACE_SETREGSET(NT_ARM_SYSTEM_CALL)", tid, err)
	}
	return nil
}

// IP returns the program counter.
func (r *Regs) IP() uint64 { return r.Pc }

// SetIP sets the program counter.
func (r *Regs) SetIP(ip uint64) { r.Pc = ip }

// SP returns the stack pointer.
func (r *Regs) SP() uint64 { return r.Sp }

// Mode32 is false: AArch32 tracees are not supported.
func (r *Regs) Mode32() bool { return false }

// Result returns x0.
func (r *Regs) Result() table.Result { return table.FromRaw(int64(r.Regs[0])) }

// SetResult sets x0.
func (r *Regs) SetResult(res table.Result) { r.Regs[0] = uint64(res.Raw()) }

// SetArg sets the register of argument i.
func (r *Regs) SetArg(_ table.ABI, i int, v uint64) { r.Regs[i] = v }

// SetCall makes the pending call another one.
func (r *Regs) SetCall(abi table.ABI, nr int, args [6]uint64) {
	r.Regs[8] = uint64(nr)
	r.nr, r.setNr = int32(nr), true
	for i, v := range args {
		r.SetArg(abi, i, v)
	}
}

// SetEntry prepares a call by the svc instruction at site. The number -1 keeps
// the kernel from restarting the call before (arch/arm64/kernel/signal.c).
func (r *Regs) SetEntry(abi table.ABI, site uint64, nr int, args [6]uint64) {
	r.SetCall(abi, nr, args)
	r.nr = -1
	r.Pc = site
}

// SyscallInsnLen is the length of svc #0.
const SyscallInsnLen = 4

// Answer makes the call at a seccomp stop return res without running.
func Answer(tid int, _ table.ABI, res table.Result) error {
	if err := setNumber(tid, -1); err != nil {
		return err
	}
	return SetResult(tid, res)
}

// SetResult sets the result register at an exit stop and touches no other.
func SetResult(tid int, res table.Result) error {
	var r Regs
	if err := r.Get(tid); err != nil {
		return err
	}
	r.SetResult(res)
	return r.Set(tid)
}

// SyscallInsn returns the bytes of svc #0.
func SyscallInsn(table.ABI) []byte {
	return binary.LittleEndian.AppendUint32(nil, 0xd4000001)
}

// IsVsyscall is false: arm64 has no vsyscall page.
func IsVsyscall(uint64) bool { return false }

// RestartInterrupted: by the time of the stop arm64 has already turned its
// ERESTART codes into EINTR or a restart, and a plain EINTR cannot be told from
// one that the program must see.
func (r *Regs) RestartInterrupted() bool { return false }

// Call returns the call of x8. Its first argument is lost when it has ended.
func (r *Regs) Call() (table.ABI, int, [6]uint64) {
	return table.ARM64, int(int32(r.Regs[8])), r.args(table.ARM64)
}

// args returns the arguments of a call as the kernel takes them from the registers.
func (r *Regs) args(table.ABI) [6]uint64 { return [6]uint64(r.Regs[:6]) }

// SetAreaBase fails: the register that would do (x18 of the platform) is the
// program's.
func SetAreaBase(tid int, addr uint64) error {
	return fmt.Errorf("thread %d: a base for the area: %w", tid, errors.ErrUnsupported)
}

// AreaBase returns 0: there is none.
func (r *Regs) AreaBase() (base uint64, selected bool) { return 0, false }

// DWARF gives the registers in DWARF's numbering (DWARF for the Arm 64-bit
// Architecture, table 4). 32-bit programs are not known there.
func (r *Regs) DWARF(to *table.Registers) {
	*to = table.Registers{ABI: table.ARM64, IP: r.Pc, Known: 1<<32 - 1}
	copy(to.Reg[:31], r.Regs[:])
	to.Reg[31] = r.Sp
}

// TakeBases does nothing: the base of thread-local memory is not among these.
func (r *Regs) TakeBases(from *Regs) {}
