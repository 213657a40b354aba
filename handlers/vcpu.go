package handlers

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"strings"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Virtual processors of KVM (Documentation/virt/kvm/api.rst): a process maps what the kernel
// tells of each, and lets it run by an ioctl.

const (
	kvmRun     = 0xae80 // KVM_RUN
	kvmExitAt  = 8      // of exit_reason in struct kvm_run
	vcpuPrefix = "anon_inode:kvm-vcpu:"
)

// VCPUs returns the remark that tells why virtual processors have come back: strace
// --kvm=vcpu. If a process has several machines, those of their processors that have the same
// number are not told apart.
func VCPUs() *Remark {
	return newRemark(map[string]func(*table.Call, table.Result) string{
		"ioctl": func(c *table.Call, _ table.Result) string {
			if c.Arg(1) != kvmRun {
				return ""
			}
			name, ok := FDPath(c.Thread(), int(int32(c.Arg(0))))
			if !ok || !strings.HasPrefix(name, vcpuPrefix) {
				return ""
			}
			addr, ok := mappedAt(c.Process().PID(), name)
			if !ok {
				return ""
			}
			var reason [4]byte
			if n, err := c.Thread().ReadMemory(addr+kvmExitAt, reason[:]); err != nil || n < len(reason) {
				return ""
			}
			return kvmExit(binary.NativeEndian.Uint32(reason[:]))
		},
	})
}

// mappedAt returns where a process has mapped what has that name (proc_pid_maps(5)).
func mappedAt(pid int, name string) (addr uint64, ok bool) {
	maps, err := os.ReadFile(procfs.Path(pid, "maps"))
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(maps) {
		if fields := strings.Fields(string(line)); len(fields) == 6 && fields[5] == name {
			begin, _, _ := strings.Cut(fields[0], "-")
			addr, err = strconv.ParseUint(begin, 16, 64)
			return addr, err == nil
		}
	}
	return 0, false
}

func kvmExit(reason uint32) string {
	if reason < uint32(len(kvmExits)) {
		return "KVM_EXIT_" + kvmExits[reason]
	}
	return "KVM_EXIT_???"
}

// kvmExits are the KVM_EXIT_ constants of linux/kvm.h, by number.
var kvmExits = [...]string{
	"UNKNOWN", "EXCEPTION", "IO", "HYPERCALL", "DEBUG", "HLT", "MMIO", "IRQ_WINDOW_OPEN", "SHUTDOWN", "FAIL_ENTRY",
	"INTR", "SET_TPR", "TPR_ACCESS", "S390_SIEIC", "S390_RESET", "DCR", "NMI", "INTERNAL_ERROR", "OSI", "PAPR_HCALL",
	"S390_UCONTROL", "WATCHDOG", "S390_TSCH", "EPR", "SYSTEM_EVENT", "S390_STSI", "IOAPIC_EOI", "HYPERV", "ARM_NISV", "X86_RDMSR",
	"X86_WRMSR", "DIRTY_RING_FULL", "AP_RESET_HOLD", "X86_BUS_LOCK", "XEN", "RISCV_SBI", "RISCV_CSR", "NOTIFY", "LOONGARCH_IOCSR", "MEMORY_FAULT",
	"TDX", "ARM_SEA", "ARM_LDST64B", "SNP_REQ_CERTS",
}
