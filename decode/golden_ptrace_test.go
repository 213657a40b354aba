package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// TestPtrace: what requests give and take. The lines are of strace 6.1.
func TestPtrace(t *testing.T) {
	info := make([]byte, table.SiginfoSize)
	le.PutUint32(info, uint32(unix.SIGUSR1))
	le.PutUint32(info[16:], 42)
	bus := make([]byte, table.SiginfoSize)
	le.PutUint32(bus, uint32(unix.SIGBUS))
	le.PutUint32(bus[4:], uint32(unix.ENOENT))
	le.PutUint32(bus[8:], 4)
	le.PutUint64(bus[16:], 0x1000)
	le.PutUint16(bus[24:], 12)
	entry := func(nr uint64) uint64 {
		return words(1|uint64(unix.AUDIT_ARCH_X86_64)<<32, 0x1000, 0x2000, nr, 1, 2, 3, 4, 5, 6, 0)
	}
	regs := make([]uint64, 27)
	for i := range regs {
		regs[i] = uint64(i)
	}
	general := words(regs...)
	whole := `{r15=0, r14=0x1, r13=0x2, r12=0x3, rbp=0x4, rbx=0x5, r11=0x6, r10=0x7, r9=0x8, r8=0x9, rax=0xa, rcx=0xb, rdx=0xc, rsi=0xd, rdi=0xe, orig_rax=0xf, rip=0x10, cs=0x11, eflags=0x12, rsp=0x13, ss=0x14, fs_base=0x15, gs_base=0x16, ds=0x17, es=0x18, fs=0x19, gs=0x1a}`
	esrch, efault, eio := failed(unix.ESRCH), failed(unix.EFAULT), failed(unix.EIO)
	checkGolden(t, Options{}, []golden{
		{`ptrace(PTRACE_TRACEME) = 0`, "ptrace", ok(0), []uint64{0, 1, 2, 3}},
		{`ptrace(PTRACE_ATTACH, 7) = -1 ESRCH (No such process)`, "ptrace", esrch, []uint64{16, 7, 2, 3}},
		{`ptrace(PTRACE_CONT, 7, 0x1, SIGUSR1) = 0`, "ptrace", ok(0), []uint64{7, 7, 1, 10}},
		{`ptrace(PTRACE_PEEKUSER, 7, 8*R15, [0x7f]) = 0`, "ptrace", ok(0), []uint64{3, 7, 0, words(0x7f)}},
		{`ptrace(PTRACE_PEEKUSER, 7, 8*SS+8, [NULL]) = 0`, "ptrace", ok(0), []uint64{3, 7, 168, words(0)}},
		{`ptrace(PTRACE_PEEKUSER, 7, offsetof(struct user, u_debugreg)+48, $3) = -1 EIO (Input/output error)`, "ptrace", eio, []uint64{3, 7, 896, words(0)}},
		{`ptrace(PTRACE_POKEUSER, 7, 0x398, 0x1) = -1 EIO (Input/output error)`, "ptrace", eio, []uint64{6, 7, 0x398, 1}},
		{`ptrace(PTRACE_PEEKDATA, 7, 0x10, 0x8) = -1 EFAULT (Bad address)`, "ptrace", efault, []uint64{2, 7, 0x10, bad}},
		{`ptrace(PTRACE_GETEVENTMSG, 7, 0x1, [5]) = 0`, "ptrace", ok(0), []uint64{0x4201, 7, 1, words(5)}},
		{`ptrace(PTRACE_GETSIGINFO, 7, NULL, {si_signo=SIGUSR1, si_code=SI_USER, si_pid=42, si_uid=0}) = 0`, "ptrace", ok(0), []uint64{0x4202, 7, 0, bytesAt(info)}},
		{`ptrace(PTRACE_SETSIGINFO, 7, NULL, {si_signo=SIGBUS, si_code=BUS_MCEERR_AR, si_errno=ENOENT, si_addr=0x1000, si_addr_lsb=0xc}) = -1 ESRCH (No such process)`, "ptrace", esrch, []uint64{0x4203, 7, 0, bytesAt(bus)}},
		{`ptrace(PTRACE_PEEKSIGINFO, 7, {off=0, flags=PTRACE_PEEKSIGINFO_SHARED, nr=3}, [{si_signo=SIGUSR1, si_code=SI_USER, si_pid=42, si_uid=0}]) = 1`, "ptrace", ok(1), []uint64{0x4209, 7, words(0, 1|3<<32), bytesAt(info)}},
		{`ptrace(PTRACE_GETSIGMASK, 7, 8, [HUP CHLD]) = 0`, "ptrace", ok(0), []uint64{0x420a, 7, 8, words(1 | 1<<16)}},
		{`ptrace(PTRACE_SETSIGMASK, 7, 4, $3) = -1 EINVAL (Invalid argument)`, "ptrace", failed(unix.EINVAL), []uint64{0x420b, 7, 4, words(1)}},
		{`ptrace(PTRACE_SECCOMP_GET_METADATA, 7, 16, {filter_off=1, flags=SECCOMP_FILTER_FLAG_LOG}) = 16`, "ptrace", ok(16), []uint64{0x420d, 7, 16, words(1, 2)}},
		{`ptrace(PTRACE_GET_SYSCALL_INFO, 7, 88, {op=PTRACE_SYSCALL_INFO_ENTRY, arch=AUDIT_ARCH_X86_64, instruction_pointer=0x1000, stack_pointer=0x2000, entry={nr=__NR_chdir, args=[0x1, 0x2, 0x3, 0x4, 0x5, 0x6]}}) = 80`, "ptrace", ok(80), []uint64{0x420e, 7, 88, entry(80)}},
		{`ptrace(PTRACE_GET_SYSCALL_INFO, 7, 39, {op=PTRACE_SYSCALL_INFO_ENTRY, arch=AUDIT_ARCH_X86_64, instruction_pointer=0x1000, stack_pointer=0x2000, entry={nr=100000}}) = 80`, "ptrace", ok(80), []uint64{0x420e, 7, 39, entry(100000)}},
		{`ptrace(PTRACE_GET_SYSCALL_INFO, 7, 88, {op=PTRACE_SYSCALL_INFO_EXIT, arch=AUDIT_ARCH_I386, instruction_pointer=0x1000, stack_pointer=0x2000, exit={rval=-ENOENT, is_error=1}}) = 33`, "ptrace", ok(33), []uint64{0x420e, 7, 88, words(2|uint64(unix.AUDIT_ARCH_I386)<<32, 0x1000, 0x2000, 1<<64-2, 1)}},
		{`ptrace(PTRACE_GET_SYSCALL_INFO, 7, 3, {op=PTRACE_SYSCALL_INFO_NONE}) = 24`, "ptrace", ok(24), []uint64{0x420e, 7, 3, words(0)}},
		{`ptrace(PTRACE_GETREGS, 7, ` + whole + `) = 0`, "ptrace", ok(0), []uint64{12, 7, 0, general}},
		{`ptrace(PTRACE_SETREGS, 7, 0x8) = -1 EFAULT (Bad address)`, "ptrace", efault, []uint64{13, 7, 0, bad}},
		{`ptrace(PTRACE_SETREGSET, 7, NT_PRSTATUS, {iov_base={r15=0, r14=0x1}, iov_len=16}) = 0`, "ptrace", ok(0), []uint64{0x4205, 7, 1, words(general, 16)}},
		{`ptrace(PTRACE_GETREGSET, 7, NT_FPREGSET, {iov_base={cwd=0, swd=0, ftw=0, fop=0, rip=0x1}, iov_len=16}) = 0`, "ptrace", ok(0), []uint64{0x4204, 7, 2, words(general, 16)}},
	})
}

// TestRegsetLength: the kernel says how much it has filled.
func TestRegsetLength(t *testing.T) {
	regs := words(make([]uint64, 40)...)
	iov := []uint64{regs, 320}
	e, c := event(t, Options{}, table.AMD64, "ptrace", 0x4204, 7, 1, at(&iov[0]))
	e.Entry(c)
	iov[1] = 16
	e.Exit(c, ok(0))
	const want = `ptrace(PTRACE_GETREGSET, 7, NT_PRSTATUS, {iov_base={r15=0, r14=0}, iov_len=320 => 16}) = 0`
	if got := line(e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
