package unwind

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// goTool returns an ELF file that Go's linker has made.
func goTool(t testing.TB) []byte {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func libcPath(t testing.TB) string {
	t.Helper()
	names, _ := filepath.Glob("/lib/*/libc.so.6")
	if len(names) == 0 {
		t.Skip("there is no C library where it is looked for")
	}
	return names[0]
}

func libc(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(libcPath(t))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every function of real files has rules at every address.
func TestRulesOfRealFiles(t *testing.T) {
	for name, file := range map[string][]byte{"libc": libc(t), "Go": goTool(t)} {
		m, err := readModule(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if name == "libc" && len(m.frames.functions) < 1000 || len(m.symbols.symbols) < 1000 {
			t.Errorf("%s has %d functions and %d symbols", name, len(m.frames.functions), len(m.symbols.symbols))
		}
		for i := range m.frames.functions {
			f := &m.frames.functions[i]
			if g := m.frames.find(f.start); g != f {
				t.Fatalf("%s: the function at %#x is not found", name, f.start)
			}
			for _, pc := range []uint64{f.start, (f.start + f.end) / 2, f.end - 1} {
				r, err := f.rowAt(pc)
				if err != nil || r.cfa.kind == ruleSame {
					t.Fatalf("%s: function %#x at %#x: %+v, %v", name, f.start, pc, r, err)
				}
			}
		}
	}
}

// words is memory that has just what is in the map.
type words map[uint64]uint64

func (w words) word(addr uint64, size int) (uint64, bool) {
	v, ok := w[addr]
	return v, ok
}

func TestExpressions(t *testing.T) {
	regs := &registers{known: 1<<7 | 1<<16}
	regs.value[7], regs.value[16] = 0x1000, 0x401007
	for _, test := range []struct {
		name string
		expr []byte
		want uint64
		ok   bool
	}{
		{"breg7 16", []byte{opBreg0 + 7, 16}, 0x1010, true},
		{"breg7 -8, deref", []byte{opBreg0 + 7, 0x78, opDeref}, 77, true},
		{"a register that is not known", []byte{opBreg0 + 3, 0}, 0, false},
		{"memory that is not there", []byte{opLit0, opDeref}, 0, false},
		// What linkers write for procedure linkage tables.
		{"plt", []byte{opBreg0 + 7, 8, opBreg0 + 16, 0, opLit0 + 15, opAnd, opLit0 + 11, opGe, opLit0 + 3, opShl, opPlus}, 0x1008, true},
		{"const2s", []byte{0x0b, 0xfe, 0xff}, ^uint64(1), true},
		{"const1u, neg", []byte{0x08, 5, opNeg}, ^uint64(4), true},
		{"swap, minus", []byte{opLit0 + 3, opLit0 + 9, opSwap, opMinus}, 6, true},
		{"rot", []byte{opLit0 + 1, opLit0 + 2, opLit0 + 3, opRot, opDrop, opShl}, 6 << 1, false},
		{"bra", []byte{opLit0 + 1, opBra, 1, 0, opLit0 + 9, opLit0 + 4}, 4, true},
		{"a loop", []byte{opSkip, 0xfd, 0xff}, 0, false},
		{"growth", []byte{opLit0, opDup, opSkip, 0xfc, 0xff}, 0, false},
		{"nothing", nil, 0, false},
		{"division by 0", []byte{opLit0 + 1, opLit0, opDiv}, 0, false},
	} {
		got, err := evaluate(test.expr, regs, words{0xff8: 77}, 8)
		if test.name == "rot" {
			// The stack was 1 2 3, is 3 1 2, then 3 1, then 3<<1.
			test.want, test.ok = 6, true
		}
		if (err == nil) != test.ok || test.ok && got != test.want {
			t.Errorf("%s: %#x, %v, want %#x", test.name, got, err, test.want)
		}
	}
}

func TestMappings(t *testing.T) {
	got := parseMappings([]byte(`00400000-00401000 r--p 00000000 fe:00 7 /bin/x
00401000-00402000 r-xp 00001000 fe:00 7                          /bin/a b (deleted)
7ffff000-80000000 rwxp 00000000 00:00 0
90000000-90001000 r-xp 00000000 00:00 0                          [vdso]
nonsense
-1-2 r-xp 0 0 0
`))
	if len(got) != 3 || got[0].path != "/bin/a b (deleted)" || got[0].offset != 0x1000 || got[1].path != "" || got[2].path != "[vdso]" {
		t.Errorf("%+v", got)
	}
	if got := parseMappings([]byte("1000-2000 r-xp 0 0:0 0 /x\x1b[31m\x7f\n")); len(got) != 1 || got[0].path != "/x?[31m?" {
		t.Errorf("%+v", got)
	}
}

// hostile is a thread whose memory and registers are anything. Its process is the test, so
// that there is code.
type hostile struct {
	table.Thread
	regs table.Registers
	rand *rand.Rand
	code []uint64
}

func (h *hostile) Process() table.Process { return itself{} }

type itself struct{ table.Process }

func (itself) PID() int { return os.Getpid() }

func (h *hostile) Registers(r *table.Registers) error { *r = h.regs; return nil }

// anything is an address that may lead somewhere.
func (h *hostile) anything() uint64 {
	switch h.rand.IntN(4) {
	case 0:
		return h.rand.Uint64()
	case 1:
		return h.regs.Reg[7] + h.rand.Uint64N(4096)&^7
	}
	return h.code[h.rand.IntN(len(h.code))]
}

func (h *hostile) ReadMemory(addr uint64, p []byte) (int, error) {
	if h.rand.IntN(8) == 0 {
		return 0, unix.EFAULT
	}
	for i := 0; i+8 <= len(p); i += 8 {
		little.PutUint64(p[i:], h.anything())
	}
	return len(p), nil
}

// TestHostileStacks: whatever is in a thread's registers and on its stack, its stack has an
// end.
func TestHostileStacks(t *testing.T) {
	// Code with rules.
	file, err := os.Open(libcPath(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	image, err := unix.Mmap(int(file.Fd()), 0, 1<<20, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(image) }()
	s := space{pid: os.Getpid()}
	s.refresh()
	h := &hostile{rand: rand.New(rand.NewPCG(1, 2))}
	for _, m := range s.mappings {
		for range 100 {
			h.code = append(h.code, m.start+h.rand.Uint64N(m.end-m.start))
		}
	}
	u := New()
	longest := 0
	for range 20000 {
		h.regs = table.Registers{ABI: []table.ABI{table.AMD64, table.I386, table.ARM64, table.X32}[h.rand.IntN(4)], Known: h.rand.Uint64()}
		for i := range h.regs.Reg {
			h.regs.Reg[i] = h.anything()
		}
		sp := uint64(0x7fff0000)
		h.regs.Reg[7], h.regs.Reg[4], h.regs.Reg[31] = sp, sp, sp
		h.regs.Reg[6], h.regs.Reg[5], h.regs.Reg[29] = sp+64, sp+64, sp+64
		h.regs.IP = h.anything()
		frames, _ := u.Stack(h)
		n := len(frames)
		longest = max(longest, n)
		if n > MaxFrames {
			t.Fatalf("%d frames", n)
		}
	}
	if longest < 3 {
		t.Errorf("no stack had more than %d frames: nothing was tried", longest)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{16, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 12, 7, 8, 20, 0, 0, 0, 24, 0, 0, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0x41, 14, 16, 0, 0, 0, 0}, true, false)
	file := libc(f)
	if m, err := readModule(bytes.NewReader(file), int64(len(file))); err == nil && len(m.frames.functions) > 9 {
		f.Add(m.frames.functions[9].program, true, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, eh, narrow bool) {
		word := 8
		if narrow {
			word = 4
		}
		frames := parseFrames(b, 0x1000, word, eh)
		for i := range frames.functions {
			fn := &frames.functions[i]
			frames.find(fn.end - 1)
			if r, err := fn.rowAt(fn.end - 1); err == nil {
				w := walk{machine: machineOf(table.AMD64), space: &space{}, mem: stackMemory{thread: nothing{}, pages: map[uint64][]byte{}}}
				w.regs.known = ^uint64(0)
				_ = r
				w.byRules(fn, fn.end-1)
			}
		}
		// As instructions and as an expression of their own.
		fn := function{start: 0x1000, end: 0x2000, common: &common{codeAlign: 1, dataAlign: -8, ra: 16, program: b}, program: b}
		_, _ = fn.rowAt(0x1fff)
		_, _ = evaluate(b, &registers{known: ^uint64(0)}, words{}, word)
	})
}

type nothing struct{}

func (nothing) ReadMemory(addr uint64, p []byte) (int, error) { return len(p), nil }

func FuzzModule(f *testing.F) {
	for _, b := range [][]byte{libc(f)} {
		f.Add(b[:min(len(b), 1<<20)])
	}
	f.Add([]byte(strings.Repeat("\x7fELF\x02\x01\x01", 20)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readModule(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for i := range min(len(m.frames.functions), 100) {
			fn := &m.frames.functions[i]
			_, _ = fn.rowAt(fn.start)
			m.symbols.find(fn.start)
		}
		m.address(0)
	})
}
