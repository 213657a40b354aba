package seccomp

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// data is struct seccomp_data.
type data struct {
	nr   uint32
	arch uint32
	ip   uint64
	args [6]uint64
}

// words returns d as the kernel lays it out on a little-endian machine, in words
// of 32 bits.
func (d data) words() []uint32 {
	w := []uint32{d.nr, d.arch, uint32(d.ip), uint32(d.ip >> 32)}
	for _, a := range d.args {
		w = append(w, uint32(a), uint32(a>>32))
	}
	return w
}

// A machine runs a program from the bytes that the kernel would get.
type machine struct {
	vm   *bpf.VM
	code []bpf.RawInstruction
}

func newMachine(t testing.TB, p Program) *machine {
	t.Helper()
	m := &machine{code: decode(p.Bytes())}
	checkClassic(t, m.code)
	code, ok := bpf.Disassemble(m.code)
	if !ok {
		t.Fatal("the program has instructions that x/net/bpf does not know")
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		t.Fatal(err)
	}
	m.vm = vm
	return m
}

// run returns the verdict for d. The VM loads big-endian words, as socket filters
// do; seccomp's loads are native.
func (m *machine) run(t testing.TB, d data) uint32 {
	var in []byte
	for _, w := range d.words() {
		in = binary.BigEndian.AppendUint32(in, w)
	}
	v, err := m.vm.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(v)
}

// decode reads an array of struct sock_filter.
func decode(b []byte) []bpf.RawInstruction {
	var code []bpf.RawInstruction
	for ; len(b) >= 8; b = b[8:] {
		code = append(code, bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(b),
			Jt: b[2],
			Jf: b[3],
			K:  binary.NativeEndian.Uint32(b[4:]),
		})
	}
	return code
}

// Operation codes that our programs have (linux/bpf_common.h).
const (
	opLoad  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd   = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opJump  = unix.BPF_JMP | unix.BPF_JA
	opEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opOver  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opFrom  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opRet   = unix.BPF_RET | unix.BPF_K
)

// checkClassic fails unless the kernel would take code: bpf_check_classic
// (net/core/filter.c) and seccomp_check_filter (kernel/seccomp.c).
func checkClassic(t testing.TB, code []bpf.RawInstruction) {
	t.Helper()
	if len(code) == 0 || len(code) > MaxInstructions {
		t.Fatalf("%d instructions", len(code))
	}
	for i, c := range code {
		rest := uint32(len(code) - i - 1)
		switch c.Op {
		case opLoad:
			if c.K%4 != 0 || c.K > 60 {
				t.Fatalf("%d: load from %d", i, c.K)
			}
		case opAnd, opRet:
		case opJump:
			if c.K >= rest {
				t.Fatalf("%d: jump over the end", i)
			}
		case opEqual, opOver, opFrom:
			if uint32(c.Jt) >= rest || uint32(c.Jf) >= rest {
				t.Fatalf("%d: jump over the end", i)
			}
		default:
			t.Fatalf("%d: operation %#x", i, c.Op)
		}
	}
	if code[len(code)-1].Op != opRet {
		t.Fatal("does not end with a return")
	}
}

// alwaysAllowed does what the kernel does to learn whether it may allow a number
// without running the filter: emulate it with nothing but number and architecture
// known (seccomp_is_const_allow in kernel/seccomp.c). It also returns how many
// instructions it took.
func (m *machine) alwaysAllowed(nr, arch uint32) (bool, int) {
	var a uint32
	steps := 0
	for pc := 0; ; pc++ {
		steps++
		c := m.code[pc]
		jump := func(yes bool) {
			if yes {
				pc += int(c.Jt)
			} else {
				pc += int(c.Jf)
			}
		}
		switch c.Op {
		case opLoad:
			switch c.K {
			case offNr:
				a = nr
			case offArch:
				a = arch
			default:
				return false, steps
			}
		case opAnd:
			a &= c.K
		case opJump:
			pc += int(c.K)
		case opEqual:
			jump(a == c.K)
		case opOver:
			jump(a > c.K)
		case opFrom:
			jump(a >= c.K)
		case opRet:
			return c.K == retAllow, steps
		}
	}
}

// want is what a Policy promises for d, read from its documentation.
func want(p *Policy, d data) uint32 {
	abi, ok := table.ABIOf(d.arch, int(int32(d.nr)))
	if !ok || (abi == table.ARM64) != (p.Native == table.ARM64) {
		return retForeign
	}
	nr := int(int32(d.nr))
	for _, r := range p.Rules {
		number := r.Nr
		if abi == table.X32 {
			number |= table.X32Bit
		}
		if r.ABI == abi && number == nr && uint32(d.args[r.Arg])&r.Mask == r.Value {
			return retTrace
		}
	}
	if p.Trace == nil || !p.Trace.Has(abi, nr) {
		return retAllow
	}
	if p.ExemptSet != nil && p.ExemptSet.Has(abi, nr) {
		if p.ExemptKey != 0 && uint32(d.args[4]>>32) == p.ExemptKey {
			return retAllow
		}
		for _, r := range p.Exempt {
			if d.ip >= r.Start && d.ip < r.End {
				return retAllow
			}
		}
	}
	return retTrace
}
