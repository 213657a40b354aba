package ptrace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Tags of the auxiliary vector (getauxval(3)).
const (
	AuxBase        = 7  // AT_BASE: where the program's interpreter is
	auxSysinfoEhdr = 33 // AT_SYSINFO_EHDR: where the vDSO is
)

// AuxValue returns an entry of the auxiliary vector of the program that tid has
// executed, of the ABI abi; 0 if there is none.
func AuxValue(tid int, abi table.ABI, tag uint64) (uint64, error) {
	word := abi.PointerBits() / 8
	auxv, err := readAuxv(tid)
	if err != nil {
		return 0, fmt.Errorf("reading the auxiliary vector of %d: %w", tid, err)
	}
	get := func(i int) uint64 {
		if word == 4 {
			return uint64(binary.NativeEndian.Uint32(auxv[i:]))
		}
		return binary.NativeEndian.Uint64(auxv[i:])
	}
	for i := 0; i+2*word <= len(auxv); i += 2 * word {
		if get(i) == tag {
			return get(i + word), nil
		}
	}
	return 0, nil
}

func readAuxv(tid int) ([]byte, error) {
	fd, err := unix.Open(procfs.Path(tid, "auxv"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		err = unix.ESRCH // see OpenMemory
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var auxv [1024]byte // more than AT_VECTOR_SIZE
	n, err := unix.Read(fd, auxv[:])
	if n == 0 && err == nil {
		err = unix.ESRCH // it has no memory any more
	}
	return auxv[:max(n, 0)], err
}

// errNoSite: the vDSO has no system-call instruction, or there is no vDSO.
var errNoSite = errors.New("no system-call instruction found")

// siteOffsets are where in the vDSO they were found, for each ABI: the kernel has one of
// each kind. 0: not known.
var siteOffsets [table.NumABI]atomic.Uint64

// FindSite returns the address of an instruction in the process's memory that
// makes calls of abi: in its vDSO, so that nothing of the program's is touched.
func FindSite(tid int, abi table.ABI) (uint64, error) {
	base, err := AuxValue(tid, abi, auxSysinfoEhdr)
	if err != nil {
		return 0, err
	}
	if base == 0 {
		return 0, errNoSite
	}
	insn := SyscallInsn(abi)
	if off := siteOffsets[abi].Load(); off != 0 {
		there := make([]byte, len(insn))
		if n, err := ReadMemory(tid, base+off, there); err == nil && bytes.Equal(there[:n], insn) {
			return base + off, nil
		}
	}
	image := make([]byte, 4*pageSize)
	n, err := ReadMemory(tid, base, image)
	if err != nil {
		return 0, fmt.Errorf("reading the vDSO of %d: %w", tid, err)
	}
	at := bytes.Index(image[:n], insn)
	if at < 0 {
		return 0, errNoSite
	}
	siteOffsets[abi].Store(uint64(at))
	return base + uint64(at), nil
}
