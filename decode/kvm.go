package decode

import "github.com/k42trace/k42trace/table"

// Virtual machines (linux/kvm.h, KVM's api.rst), as they are on x86.

func init() { ioctlFamilies = append(ioctlFamilies, kvmRequests) }

func kvmRequests(t ioctlTable) {
	t.add(ioctlArg{kind: ioctlEnum, set: SetByName("kvm_capability")}, 0xae03) // KVM_CHECK_EXTENSION
	t.add(ioctlArg{kind: ioctlHex, fd: true}, 0xae01)                          // KVM_CREATE_VM
	t.add(ioctlArg{kind: ioctlOwn, fd: true, entry: func(e *Event) { e.num("", Uint, 32, uint64(uint32(e.args[2]))) }}, 0xae41)
	t.in(layout(32, number("slot", Uint, 4), flagged("flags", 4, "kvm_memory_flags"), number("guest_phys_addr", Hex, 8),
		number("memory_size", Uint, 8), number("userspace_addr", Hex, 8)), 0x4020ae46) // KVM_SET_USER_MEMORY_REGION

	x86 := func(size int, pieces ...piece) *structType {
		s := layout(size, pieces...)
		s.size[table.ARM64] = 0
		return s
	}
	low, rest := []string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi"}, []string{"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"}
	registers := x86(144, number("rax", Hex, 8), inVerbose(numbers(Hex, 8, low[1:]...), 8*(len(low)-1)), numbers(Hex, 8, "rsp", "rbp"),
		inVerbose(numbers(Hex, 8, rest...), 8*len(rest)), numbers(Hex, 8, "rip", "rflags"))
	t.out(registers, 0x8090ae81)
	t.in(registers, 0x4090ae82)
	segment := func(name string) piece {
		return sub(name, number("base", Hex, 8), number("limit", Uint, 4), number("selector", Uint, 2),
			numbers(Uint, 1, "type", "present", "dpl", "db", "s", "l", "g", "avl"), gap(2))
	}
	limits := func(name string) piece { return sub(name, number("base", Hex, 8), number("limit", Uint, 2), gap(6)) }
	special := x86(312, segment("cs"), verbose(segment("ds"), segment("es"), segment("fs"), segment("gs"), segment("ss"), segment("tr"), segment("ldt"),
		limits("gdt"), limits("idt"), numbers(Uint, 8, "cr0", "cr2", "cr3", "cr4", "cr8", "efer"), number("apic_base", Hex, 8),
		array("interrupt_bitmap", Hex, 8, 4)))
	t.out(special, 0x8138ae83)
	t.in(special, 0x4138ae84)
	entry := layout(40, numbers(Hex, 4, "function", "index"), flagged("flags", 4, "kvm_cpuid_flags"), numbers(Hex, 4, "eax", "ebx", "ecx", "edx"))
	cpuid := x86(8, func(e *Event, r *reader) {
		n := r.u32()
		e.num("nent", Uint, 32, n)
		if e.opts.Verbose || n == 0 {
			e.emitArray("entries", entry, r.addr+8, n)
			return
		}
		defer e.close(e.begin("entries", Array))
		e.cut()
	})
	t.out(cpuid, 0xc008ae05, 0xc008ae09) // KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID
	t.in(cpuid, 0x4008ae90)              // KVM_SET_CPUID2
}

// inVerbose is what takes size bytes and is shown in verbose mode only, else as left out.
func inVerbose(shown piece, size int) piece {
	return func(e *Event, r *reader) {
		if e.opts.Verbose {
			shown(e, r)
			return
		}
		r.skip(size)
		e.emit(Value{Kind: Symbol, Symbol: "..."})
	}
}
