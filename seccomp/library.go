package seccomp

import (
	"fmt"

	seccompbpf "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A list is a program of go-seccomp-bpf for the ABI of GOARCH.
type list struct {
	names           []string
	verdict, others seccompbpf.Action // of the names, of all other numbers
}

// libraryNames returns the names that go-seccomp-bpf can assemble for abi, by
// number; none if abi is not GOARCH's.
func libraryNames(abi table.ABI) map[int]string {
	info, err := arch.GetInfo("") // GOARCH, as Policy.Assemble has it
	if err != nil || uint32(info.ID) != abi.AuditArch() {
		return nil
	}
	names := make(map[int]string, len(info.SyscallNumbers))
	for nr, name := range info.SyscallNumbers {
		// The library goes from the name to the number. Where that does not
		// lead back here the name is of no use.
		if back, ok := info.SyscallNames[name]; ok && back == nr {
			names[nr] = name
		}
	}
	return names
}

// assemble returns the list's program. It reads architecture and number itself
// and returns on all paths.
func (l list) assemble() ([]bpf.Instruction, error) {
	policy := seccompbpf.Policy{
		DefaultAction: l.others,
		Syscalls:      []seccompbpf.SyscallGroup{{Names: l.names, Action: l.verdict}},
	}
	code, err := policy.Assemble()
	if err != nil {
		return nil, fmt.Errorf("seccomp: go-seccomp-bpf: %w", err)
	}
	// The library's default action cannot carry data.
	for i, ins := range code {
		if ins == (bpf.RetConstant{Val: unix.SECCOMP_RET_TRACE}) {
			code[i] = bpf.RetConstant{Val: retTrace}
		}
	}
	return code, nil
}
