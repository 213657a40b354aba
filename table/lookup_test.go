package table

import (
	"math"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		abi  ABI
		nr   int
		name string // "" for none
	}{
		{AMD64, 0, "read"},
		{AMD64, 334, "rseq"},
		{AMD64, 335, "uretprobe"},
		{AMD64, 337, ""},
		{AMD64, 423, ""},
		{AMD64, 424, "pidfd_send_signal"},
		{AMD64, 469, "file_setattr"},
		{AMD64, 470, "listns"},
		{AMD64, 512, ""},
		{AMD64, 547, ""},
		{AMD64, 548, ""},
		{AMD64, -1, ""},
		{AMD64, math.MinInt, ""},
		{AMD64, math.MaxInt, ""},
		{AMD64, X32Bit, ""},
		{I386, 1, "exit"},
		{I386, 102, "socketcall"},
		{I386, 117, "ipc"},
		{I386, 140, "_llseek"},
		{I386, 222, ""},
		{I386, 285, ""},
		{I386, 403, "clock_gettime64"},
		{X32, X32Bit, "read"},
		{X32, 0, "read"},
		{X32, X32Bit | 13, ""}, // rt_sigaction is 512 there
		{X32, X32Bit | 16, ""},
		{X32, X32Bit | 512, "rt_sigaction"},
		{X32, X32Bit | 514, "ioctl"},
		{X32, X32Bit | 547, "pwritev2"},
		{X32, X32Bit | 548, ""},
		{X32, -1, ""},
		{ARM64, 56, "openat"},
		{ARM64, 79, "newfstatat"},
		{ARM64, 244, ""},
		{ARM64, 294, "kexec_file_load"},
		{NumABI, 0, ""},
	} {
		sig := SignatureOf(c.abi, c.nr)
		switch {
		case sig == nil && c.name != "":
			t.Errorf("%v %d: none, want %s", c.abi, c.nr, c.name)
		case sig != nil && sig.Name != c.name:
			t.Errorf("%v %d: %s, want %q", c.abi, c.nr, sig.Name, c.name)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		abi  ABI
		name string
		nr   int // -1 for none
	}{
		{AMD64, "openat", 257},
		{I386, "openat", 295},
		{ARM64, "openat", 56},
		{X32, "openat", X32Bit | 257},
		{X32, "execve", X32Bit | 520},
		{AMD64, "mmap2", -1},
		{I386, "mmap2", 192},
		{ARM64, "open", -1},
		{AMD64, "", -1},
		{AMD64, "opena", -1},
		{NumABI, "read", -1},
	} {
		nr, ok := Number(c.abi, c.name)
		if ok != (c.nr >= 0) || ok && nr != c.nr {
			t.Errorf("Number(%v, %q) = %d, %v, want %d", c.abi, c.name, nr, ok, c.nr)
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		SignatureOf(AMD64, 257)
		Number(AMD64, "openat")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var sink *Signature

func BenchmarkSignatureOf(b *testing.B) {
	nr := 0
	for b.Loop() {
		sink = SignatureOf(AMD64, nr)
		nr = (nr + 1) & 511
	}
}

func BenchmarkNumber(b *testing.B) {
	for b.Loop() {
		Number(AMD64, "openat")
	}
}
