package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// The values of SyscallInfo.Op (ptrace(2), PTRACE_GET_SYSCALL_INFO).
const (
	OpNone    = 0
	OpEntry   = 1
	OpExit    = 2
	OpSeccomp = 3
)

// Requests that x/sys/unix does not name.
const (
	ptraceGetSyscallInfo = 0x420e
	ptraceSetSyscallInfo = 0x4212
)

// SyscallInfo is struct ptrace_syscall_info.
type SyscallInfo struct {
	Op       uint8
	reserved uint8
	flags    uint16
	Arch     uint32 // AUDIT_ARCH_
	IP       uint64
	SP       uint64
	// At OpEntry and OpSeccomp: number, 6 arguments, filter data.
	// At OpExit: return value, is_error.
	u [8]uint64
}

// Nr returns the number at entry and seccomp stops, sign-extended from 32 bits
// as the kernel reads it.
func (i *SyscallInfo) Nr() int { return int(int32(i.u[0])) }

// Args returns the arguments at entry and seccomp stops. Of a 32-bit call's
// registers, the kernel reads the lower half, and so do we.
func (i *SyscallInfo) Args() [6]uint64 {
	args := [6]uint64(i.u[1:7])
	if i.Arch == table.AuditArchI386 {
		for n := range args {
			args[n] = uint64(uint32(args[n]))
		}
	}
	return args
}

// FilterData returns the SECCOMP_RET_DATA at seccomp stops.
func (i *SyscallInfo) FilterData() uint32 { return uint32(i.u[7]) }

// Result returns the result at exit stops.
func (i *SyscallInfo) Result() table.Result { return table.FromRaw(int64(i.u[0])) }

// GetSyscallInfo reads what is known of the call at a syscall or seccomp stop,
// and IP, SP and Arch at every other. Since Linux 5.3.
func GetSyscallInfo(tid int, info *SyscallInfo) error {
	err := requestPtr(ptraceGetSyscallInfo, tid, unsafe.Sizeof(*info), unsafe.Pointer(info))
	if err == nil {
		return nil
	}
	if err == unix.EIO {
		GetSyscallInfoFeature.missing.Store(true)
		return GetSyscallInfoFeature.Err()
	}
	return requestError("PTRACE_GET_SYSCALL_INFO", tid, err)
}

// SetCall changes number and arguments of the call at an entry or seccomp stop.
// info is what GetSyscallInfo gave at this stop. Where the kernel has
// PTRACE_SET_SYSCALL_INFO (Linux 6.16) that is one request, else registers are
// read and written.
func SetCall(tid int, abi table.ABI, info *SyscallInfo, nr int, args [6]uint64) error {
	if SetSyscallInfo.usable() {
		set := *info
		set.reserved, set.flags = 0, 0
		set.u[0] = uint64(int64(nr))
		copy(set.u[1:7], args[:])
		set.u[7] = 0
		set.Op = OpEntry
		if info.Op == OpSeccomp {
			set.Op, set.u[7] = OpSeccomp, uint64(uint32(info.u[7]))
		}
		err := requestPtr(ptraceSetSyscallInfo, tid, unsafe.Sizeof(set), unsafe.Pointer(&set))
		if err == nil {
			return nil
		}
		if err != unix.EIO { // EIO is the answer to an unknown request
			return requestError("PTRACE_SET_SYSCALL_INFO", tid, err)
		}
		SetSyscallInfo.missing.Store(true)
	}
	var regs Regs
	if err := regs.Get(tid); err != nil {
		return err
	}
	regs.SetCall(abi, nr, args)
	return regs.Set(tid)
}
