package ptrace

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// NativeABI is the ABI of this supervisor.
const NativeABI = table.AMD64

// Regs is struct user_regs_struct. A 64-bit tracer gets this layout from 32-bit
// tracees too (arch/x86/kernel/ptrace.c, arch_ptrace).
type Regs struct{ unix.PtraceRegs }

// Offsets in struct user, for POKEUSER.
const (
	offRax     = unsafe.Offsetof(unix.PtraceRegs{}.Rax)
	offOrigRax = unsafe.Offsetof(unix.PtraceRegs{}.Orig_rax)
	offGsBase  = unsafe.Offsetof(unix.PtraceRegs{}.Gs_base)
)

// SetAreaBase gives the stopped thread tid a place in memory that code of ours finds
// without a register: the base of GS, which 64-bit programs leave alone.
func SetAreaBase(tid int, addr uint64) error {
	if err := request(unix.PTRACE_POKEUSR, tid, offGsBase, uintptr(addr)); err != nil {
		return requestError("PTRACE_POKEUSER", tid, err)
	}
	return nil
}

// AreaBase returns what SetAreaBase has set, if the program has not changed it.
// selected: GS has a selector, as in 32-bit programs, whose thread-local memory it
// leads to; then the base is not to be set.
func (r *Regs) AreaBase() (base uint64, selected bool) { return r.Gs_base, r.Gs != 0 }

// Code segment selector of 32-bit code (arch/x86/include/asm/segment.h,
// __USER32_CS).
const user32CS = 0x23

// Get reads the registers of the stopped thread tid.
func (r *Regs) Get(tid int) error {
	if err := requestPtr(unix.PTRACE_GETREGS, tid, 0, unsafe.Pointer(&r.PtraceRegs)); err != nil {
		return requestError("PTRACE_GETREGS", tid, err)
	}
	return nil
}

// Set writes the registers of the stopped thread tid.
//
// Programs can have what the kernel refuses to be told (EIO: putreg,
// arch/x86/kernel/ptrace.c). WRGSBASE points a segment at the kernel's half of the addresses:
// nobody can use such a base, and it becomes 0. Of the four null selectors ptrace takes 0 and 3; the
// others become 0, as they do whenever the kernel returns by IRET.
func (r *Regs) Set(tid int) error {
	err := r.set(tid)
	if !errors.Is(err, unix.EIO) {
		return err
	}
	usable := *r
	for _, base := range []*uint64{&usable.Fs_base, &usable.Gs_base} {
		if *base >= taskSizeMax {
			*base = 0
		}
	}
	for _, selector := range []*uint64{&usable.Ds, &usable.Es, &usable.Fs, &usable.Gs} {
		if *selector == 1 || *selector == 2 {
			*selector = 0
		}
	}
	if usable == *r {
		return err
	}
	return usable.set(tid)
}

// taskSizeMax is TASK_SIZE_MAX with four levels of page tables.
const taskSizeMax = 1<<47 - 4096

func (r *Regs) set(tid int) error {
	if err := requestPtr(unix.PTRACE_SETREGS, tid, 0, unsafe.Pointer(&r.PtraceRegs)); err != nil {
		return requestError("PTRACE_SETREGS", tid, err)
	}
	return nil
}

// IP returns the instruction pointer.
func (r *Regs) IP() uint64 { return r.Rip }

// SetIP sets the instruction pointer.
func (r *Regs) SetIP(ip uint64) { r.Rip = ip }

// SP returns the stack pointer.
func (r *Regs) SP() uint64 { return r.Rsp }

// Mode32 reports whether the thread runs 32-bit code.
func (r *Regs) Mode32() bool { return r.Cs == user32CS }

// Result returns the result register.
func (r *Regs) Result() table.Result {
	if r.Mode32() {
		return table.FromRaw(int64(int32(r.Rax)))
	}
	return table.FromRaw(int64(r.Rax))
}

// SetResult sets the result register.
func (r *Regs) SetResult(res table.Result) { r.Rax = uint64(res.Raw()) }

// arg returns the register of argument i.
func (r *Regs) arg(abi table.ABI, i int) *uint64 {
	if abi == table.I386 {
		return [...]*uint64{&r.Rbx, &r.Rcx, &r.Rdx, &r.Rsi, &r.Rdi, &r.Rbp}[i]
	}
	return [...]*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9}[i]
}

// SetArg sets the register of argument i.
func (r *Regs) SetArg(abi table.ABI, i int, v uint64) { *r.arg(abi, i) = v }

// SetCall makes the pending call another one.
func (r *Regs) SetCall(abi table.ABI, nr int, args [6]uint64) {
	r.Orig_rax = uint64(int64(nr))
	for i, v := range args {
		r.SetArg(abi, i, v)
	}
}

// SetEntry prepares a call by the system-call instruction at site.
func (r *Regs) SetEntry(abi table.ABI, site uint64, nr int, args [6]uint64) {
	r.SetCall(abi, nr, args)
	r.Rax = uint64(int64(nr))
	r.Orig_rax = ^uint64(0)
	r.Rip = site
}

// SyscallInsnLen is the length of syscall, sysenter and int 0x80 alike.
const SyscallInsnLen = 2

// Answer makes the call at a seccomp stop return res without running.
func Answer(tid int, _ table.ABI, res table.Result) error {
	if err := request(unix.PTRACE_POKEUSR, tid, offOrigRax, ^uintptr(0)); err != nil {
		return requestError("PTRACE_POKEUSER", tid, err)
	}
	return SetResult(tid, res)
}

// SetResult sets the result register at an exit stop and touches no other.
func SetResult(tid int, res table.Result) error {
	if err := request(unix.PTRACE_POKEUSR, tid, offRax, uintptr(res.Raw())); err != nil {
		return requestError("PTRACE_POKEUSER", tid, err)
	}
	return nil
}

// SyscallInsn returns the bytes of the instruction that makes a call of abi.
func SyscallInsn(abi table.ABI) []byte {
	if abi == table.I386 {
		return []byte{0xcd, 0x80} // int 0x80
	}
	return []byte{0x0f, 0x05} // syscall
}

// The vsyscall page (arch/x86/include/asm/vsyscall.h): calls from there are
// emulated inside the page fault and have no exit stop.
const (
	vsyscallStart = 0xffffffffff600000
	vsyscallEnd   = 0xffffffffff601000
)

// IsVsyscall reports whether a call with the instruction pointer ip comes from
// the vsyscall page.
func IsVsyscall(ip uint64) bool { return ip >= vsyscallStart && ip < vsyscallEnd }

// RestartInterrupted turns an EINTR into ERESTARTNOHAND, which the kernel turns
// back into EINTR if a handler is to run, and into a restart if none is.
func (r *Regs) RestartInterrupted() bool {
	if int64(r.Orig_rax) < 0 || r.Result().Errno() != unix.EINTR {
		return false
	}
	r.SetResult(table.Errno(table.ERESTARTNOHAND))
	return true
}

// Call returns the call of orig_rax.
func (r *Regs) Call() (table.ABI, int, [6]uint64) {
	abi, nr := table.AMD64, int(int32(r.Orig_rax))
	switch {
	case r.Mode32():
		abi = table.I386
	case nr >= 0 && nr&table.X32Bit != 0:
		abi = table.X32
	}
	return abi, nr, r.args(abi)
}

// args returns the arguments of a call as the kernel takes them from the registers.
func (r *Regs) args(abi table.ABI) (args [6]uint64) {
	for i := range args {
		args[i] = *r.arg(abi, i)
		if abi == table.I386 {
			args[i] = uint64(uint32(args[i]))
		}
	}
	return args
}

// DWARF gives the registers in DWARF's numbering (System V ABI, AMD64 supplement,
// figure 3.36; i386 supplement, table 2.14).
func (r *Regs) DWARF(to *table.Registers) {
	var list []uint64
	if r.Mode32() {
		list = []uint64{r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi}
	} else {
		list = []uint64{r.Rax, r.Rdx, r.Rcx, r.Rbx, r.Rsi, r.Rdi, r.Rbp, r.Rsp,
			r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15}
	}
	*to = table.Registers{ABI: table.AMD64, IP: r.Rip, Known: 1<<len(list) - 1}
	copy(to.Reg[:], list)
	if r.Mode32() {
		to.ABI = table.I386
	}
}

// TakeBases takes the bases of thread-local memory from other registers.
func (r *Regs) TakeBases(from *Regs) { r.Fs_base, r.Gs_base = from.Fs_base, from.Gs_base }
