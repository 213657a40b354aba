package seccomp

import (
	"encoding/binary"

	"golang.org/x/net/bpf"

	"github.com/k42trace/k42trace/table"
)

// A Program is what seccomp(2) takes as a filter.
type Program []bpf.RawInstruction

// instructionSize is the size of struct sock_filter (linux/filter.h).
const instructionSize = 8

// Bytes returns the array of struct sock_filter, as it must lie in the memory of
// the thread that installs it. It needs an alignment of 4 bytes.
func (p Program) Bytes() []byte {
	b := make([]byte, 0, len(p)*instructionSize)
	for _, i := range p {
		b = binary.NativeEndian.AppendUint16(b, i.Op)
		b = append(b, i.Jt, i.Jf)
		b = binary.NativeEndian.AppendUint32(b, i.K)
	}
	return b
}

// Header returns the struct sock_fprog to which the last argument of seccomp(2)
// points, for a program that lies at addr. Its layout is that of the ABI in which
// seccomp(2) is called: the kernel reads the 32-bit one for i386 and x32.
func (p Program) Header(abi table.ABI, addr uint64) []byte {
	if abi.PointerBits() == 32 {
		b := make([]byte, 8)
		binary.NativeEndian.PutUint16(b, uint16(len(p)))
		binary.NativeEndian.PutUint32(b[4:], uint32(addr))
		return b
	}
	b := make([]byte, 16)
	binary.NativeEndian.PutUint16(b, uint16(len(p)))
	binary.NativeEndian.PutUint64(b[8:], addr)
	return b
}
