package decode

import (
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// Registers as ptrace(2) gives them to a tracer, of the architectures that a tracee
// can have (sys/user.h; user_pt_regs in asm/ptrace.h).

// A registerRow is a register, or several under one name.
type registerRow struct {
	name  string
	size  int // of each, in bytes
	count int // 0: a single one
}

// A registerSet is the layout of NT_PRSTATUS or NT_FPREGSET. slot is the unit in which
// the kernel copies it: other lengths are refused.
type registerSet struct {
	slot int
	rows []registerRow
}

// size returns the size of the whole set.
func (s *registerSet) size() (n int) {
	for _, r := range s.rows {
		n += r.size * max(r.count, 1)
	}
	return n
}

// each returns rows of single registers of size bytes.
func each(size int, names ...string) (rows []registerRow) {
	for _, n := range names {
		rows = append(rows, registerRow{n, size, 0})
	}
	return rows
}

var (
	generalAMD64 = &registerSet{8, each(8, "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
		"orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")}
	generalI386 = &registerSet{4, each(4, "ebx", "ecx", "edx", "esi", "edi", "ebp", "eax", "xds", "xes", "xfs", "xgs",
		"orig_eax", "eip", "xcs", "eflags", "esp", "xss")}
	generalARM64 = &registerSet{8, append([]registerRow{{"regs", 8, 31}}, each(8, "sp", "pc", "pstate")...)}
	floatAMD64   = &registerSet{8, append(append(append(each(2, "cwd", "swd", "ftw", "fop"), each(8, "rip", "rdp")...), each(4, "mxcsr", "mxcr_mask")...),
		registerRow{"st_space", 4, 32}, registerRow{"xmm_space", 4, 64}, registerRow{"padding", 4, 24})}
	floatI386 = &registerSet{4, append(each(4, "cwd", "swd", "twd", "fip", "fcs", "foo", "fos"), registerRow{"st_space", 4, 20})}

	generalRegisters = [table.NumABI]*registerSet{table.AMD64: generalAMD64, table.X32: generalAMD64, table.I386: generalI386, table.ARM64: generalARM64}
	floatRegisters   = [table.NumABI]*registerSet{table.AMD64: floatAMD64, table.X32: floatAMD64, table.I386: floatI386}
)

// registersOf is a whole set of registers as a struct.
func registersOf(sets [table.NumABI]*registerSet) *structType {
	t := &structType{}
	for abi, s := range sets {
		if s != nil {
			t.size[abi] = s.size()
		}
	}
	t.decode = func(e *Event, name string, r *reader) { e.registers(name, sets[e.abi], r.addr, uint64(len(r.b))) }
	return t
}

// registers emits the first n bytes of a set of registers at addr.
func (e *Event) registers(name string, set *registerSet, addr, n uint64) {
	if set == nil || n == 0 || n%uint64(set.slot) != 0 {
		e.emitAddr(name, addr, true)
		return
	}
	size := set.size()
	b := e.readAll(addr, clamp(n, size))
	if b == nil {
		e.emitAddr(name, addr, true)
		return
	}
	r := e.reader(b, addr)
	outer := e.begin(name, Struct)
	for _, row := range set.rows {
		if row.count == 0 {
			if r.off+row.size > len(b) {
				break
			}
			e.num(row.name, Hex, uint8(8*row.size), r.u(row.size))
			continue
		}
		if r.off >= len(b) {
			break
		}
		inner := e.begin(row.name, Array)
		for k := 0; k < row.count && r.off+row.size <= len(b); k++ {
			e.num("", Hex, uint8(8*row.size), r.u(row.size))
		}
		e.close(inner)
	}
	if n > uint64(size) {
		e.cut()
	}
	e.close(outer)
}

// A userPlace is a member of struct user with its offset.
type userPlace struct {
	offset uint64
	name   string
}

// In userAMD64 the registers behind SS have no names, as in strace.
var (
	userAMD64 = append(userRegisters("8*", 8, "R15", "R14", "R13", "R12", "RBP", "RBX", "R11", "R10", "R9", "R8", "RAX", "RCX", "RDX", "RSI", "RDI",
		"ORIG_RAX", "RIP", "CS", "EFL", "RSP", "SS"),
		userPlace{216, "offsetof(struct user, u_fpvalid)"}, userPlace{224, "offsetof(struct user, i387)"},
		userPlace{736, "offsetof(struct user, u_tsize)"}, userPlace{744, "offsetof(struct user, u_dsize)"},
		userPlace{752, "offsetof(struct user, u_ssize)"}, userPlace{760, "offsetof(struct user, start_code)"},
		userPlace{768, "offsetof(struct user, start_stack)"}, userPlace{776, "offsetof(struct user, signal)"},
		userPlace{784, "offsetof(struct user, reserved)"}, userPlace{792, "offsetof(struct user, u_ar0)"},
		userPlace{800, "offsetof(struct user, u_fpstate)"}, userPlace{808, "offsetof(struct user, magic)"},
		userPlace{816, "offsetof(struct user, u_comm)"}, userPlace{848, "offsetof(struct user, u_debugreg)"},
		userPlace{912, "sizeof(struct user)"})
	userI386 = userRegisters("4*", 4, "EBX", "ECX", "EDX", "ESI", "EDI", "EBP", "EAX", "DS", "ES", "FS", "GS", "ORIG_EAX", "EIP", "CS", "EFL", "UESP", "SS")
)

func userRegisters(prefix string, size uint64, names ...string) (places []userPlace) {
	for i, n := range names {
		places = append(places, userPlace{uint64(i) * size, prefix + n})
	}
	return places
}

// callError returns the error that a result of the kernel's stands for.
func callError(rval uint64) unix.Errno { return unix.Errno(-int64(rval)) }
