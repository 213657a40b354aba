package ptrace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/k42trace/k42trace/table"
)

// atSysinfoEhdr tags the vDSO's address in the auxiliary vector (getauxval(3)).
const atSysinfoEhdr = 33

// errNoSite: the vDSO has no system-call instruction, or there is no vDSO.
var errNoSite = errors.New("no system-call instruction found")

// FindSite returns the address of an instruction in the process's memory that
// makes calls of abi: in its vDSO, so that nothing of the program's is touched.
func FindSite(tid int, abi table.ABI) (uint64, error) {
	word := abi.PointerBits() / 8
	auxv, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", tid))
	if err != nil {
		return 0, fmt.Errorf("finding the vDSO of %d: %w", tid, err)
	}
	get := func(i int) uint64 {
		if word == 4 {
			return uint64(binary.NativeEndian.Uint32(auxv[i:]))
		}
		return binary.NativeEndian.Uint64(auxv[i:])
	}
	for i := 0; i+2*word <= len(auxv); i += 2 * word {
		if get(i) != atSysinfoEhdr {
			continue
		}
		base := get(i + word)
		image := make([]byte, 4*pageSize)
		n, err := ReadMemory(tid, base, image)
		if err != nil {
			return 0, fmt.Errorf("reading the vDSO of %d: %w", tid, err)
		}
		if at := bytes.Index(image[:n], SyscallInsn(abi)); at >= 0 {
			return base + uint64(at), nil
		}
	}
	return 0, errNoSite
}
