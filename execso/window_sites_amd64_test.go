package execso

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

// image is an ELF file as it lies in memory at base, as far as it is not written to.
type image struct {
	path  string
	file  *os.File
	base  uint64
	parts []part
}

type part struct {
	addr       uint64
	data       []byte
	executable bool
}

// ReadAt reads the image's memory.
func (m *image) ReadAt(b []byte, at int64) (int, error) {
	for _, p := range m.parts {
		if o := uint64(at) - p.addr; uint64(at) >= p.addr && o < uint64(len(p.data)) {
			n := copy(b, p.data[o:])
			if n < len(b) {
				return n, io.EOF
			}
			return n, nil
		}
	}
	return 0, errors.New("not mapped")
}

// load maps a program or library in thought, where the kernel might.
func load(t testing.TB, path string) *image {
	t.Helper()
	return loadAt(t, path, 0x7f00_0000_0000)
}

// loadAt maps it at base, if it can be mapped anywhere.
func loadAt(t testing.TB, path string, base uint64) *image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { file.Close() })
	f, err := elf.NewFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := &image{path: path, file: file}
	bias := uint64(0)
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if m.parts == nil {
			m.base = p.Vaddr &^ (pageSize - 1)
			if f.Type == elf.ET_DYN {
				m.base, bias = base, base-m.base
			}
		}
		// Whole pages are mapped.
		into := p.Vaddr & (pageSize - 1)
		data := make([]byte, (p.Memsz+into+pageSize-1)&^(pageSize-1))
		n, err := file.ReadAt(data[:p.Filesz+into], int64(p.Off-into))
		if uint64(n) != p.Filesz+into {
			t.Fatal(err)
		}
		m.parts = append(m.parts, part{bias + p.Vaddr - into, data, p.Flags&elf.PF_X != 0})
	}
	return m
}

// site is a system-call instruction of an image.
type site struct {
	call       uint64
	start, end uint64
	nr         int // as the code before it says, or -1
}

func (m *image) code(s site) []byte {
	b := make([]byte, s.end-s.start)
	if err := readAt(m, b, s.start); err != nil {
		panic(err)
	}
	return b
}

// sites finds the system calls of an image: of all pairs of bytes that look like one,
// those that decode as one from their function's start.
func (m *image) sites(t testing.TB) (found []site, unknown int) {
	t.Helper()
	for _, p := range m.parts {
		if !p.executable {
			continue
		}
		for o := 0; ; o += 2 {
			i := bytes.Index(p.data[o:], []byte{0x0f, 0x05})
			if i < 0 {
				break
			}
			o += i
			call := p.addr + uint64(o)
			start, end, err := FunctionOf(m, m.base, m.file, call)
			if errors.Is(err, ErrSignalFrame) {
				continue
			}
			if err != nil {
				unknown++
				t.Logf("%s: %v", filepath.Base(m.path), err)
				continue
			}
			s := site{call: call, start: start, end: end, nr: -1}
			if m.decodesTo(&s) {
				found = append(found, s)
			}
		}
	}
	return found, unknown
}

// decodesTo reports whether the function's instructions meet the call, and notes the
// number that they set in a straight line, in its plainest form.
func (m *image) decodesTo(s *site) bool {
	code := m.code(*s)
	for o := uint64(0); s.start+o < s.call; {
		in, err := disassemble(code[o:])
		if err != nil {
			return false
		}
		imm, constant := in.Args[1].(x86asm.Imm)
		switch whole := in.Args[0] == x86asm.EAX || in.Args[0] == x86asm.RAX; {
		case in.Op == x86asm.MOV && whole && constant:
			s.nr = int(imm)
		case in.Op == x86asm.XOR && whole && in.Args[1] == in.Args[0]:
			s.nr = 0
		case isAX(in.Args[0]) || in.Op == x86asm.CALL:
			s.nr = -1
		}
		o += uint64(in.Len)
		if s.start+o == s.call {
			return true
		}
	}
	return s.start == s.call
}

// plan plans a site's rewriting as if it had been trapped with the number that
// it has.
func (m *image) plan(s site) (*Window, error) {
	nr := s.nr
	if nr < 0 {
		nr = 1
	}
	w, err := PlanWindow(m.code(s), s.start, s.call, nr)
	return w, err
}

// programs are real programs and libraries; those that are not there are skipped. (Node
// and Java's libjvm make all their calls through libc.)
func programs(t testing.TB) map[string]func(testing.TB) string {
	installed := func(path string) func(testing.TB) string {
		return func(testing.TB) string { return path }
	}
	return map[string]func(testing.TB) string{
		"libc":                  installed("/lib/x86_64-linux-gnu/libc.so.6"),
		"ld.so":                 installed("/lib64/ld-linux-x86-64.so.2"),
		"musl libc":             installed("/lib/ld-musl-x86_64.so.1"),
		"static glibc":          compiled("gcc"),
		"static musl":           compiled("musl-gcc"),
		"stripped static glibc": compiled("gcc", "-s"),
		"Go":                    goCommand,
		"stripped Go":           goProgram("-ldflags=-s"),
		"stripped Go PIE":       goProgram("-ldflags=-s", "-buildmode=pie"),
	}
}

// goCommand is the go command itself.
func goCommand(t testing.TB) string {
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// compiled returns a static program with threads in it.
func compiled(compiler string, flags ...string) func(testing.TB) string {
	return func(t testing.TB) string {
		path, err := exec.LookPath(compiler)
		if err != nil {
			t.Skip(err)
		}
		dir := t.TempDir()
		source, program := filepath.Join(dir, "a.c"), filepath.Join(dir, "a")
		text := `
#include <pthread.h>
#include <stdio.h>
static void *f(void *p) { return p; }
int main(void) {
	pthread_t t;
	pthread_create(&t, 0, f, 0);
	pthread_join(t, 0);
	printf("done\n");
	return 0;
}`
		if err := os.WriteFile(source, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-O2", "-static", "-pthread", "-o", program, source}, flags...)
		if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
		return program
	}
}

// TestSites plans all system calls of real programs, and says how many can be
// rewritten, and why the others cannot.
func TestSites(t *testing.T) {
	for name, path := range programs(t) {
		t.Run(name, func(t *testing.T) {
			m := load(t, path(t))
			sites, unknown := m.sites(t)
			why := map[string]int{}
			var planned, single, crossing, once, anyTime, known, longest int
			for _, s := range sites {
				longest = max(longest, int(s.end-s.start))
				w, err := m.plan(s)
				if err != nil {
					t.Log(err)
					for _, e := range []error{ErrNotCall, ErrUndecodable, ErrNoPrefix, ErrBranchInside, ErrOtherNumber, ErrTooLong} {
						if errors.Is(err, e) {
							why[e.Error()]++
						}
					}
					continue
				}
				planned++
				if w.Single {
					single++
				}
				if w.CrossesLine() {
					crossing++
				}
				if stores, _ := Stores(w.Addr, [2]uint64{}, w.original[:JumpLen]); w.AnyTime() {
					anyTime++
					if len(stores) == 1 {
						once++
					}
				}
				if w.Nr >= 0 {
					known++
				}
			}
			share := 100 * float64(planned) / float64(max(1, len(sites)))
			t.Logf("%d calls, %d planned (%.1f %%): %d by a jump over one instruction, %d at any time (%d with one store), %d with a known number, %d across lines; %d in no known function; longest function %d; refused: %v",
				len(sites), planned, share, single, anyTime, once, known, crossing, unknown, longest, why)
			if len(sites) == 0 {
				t.Skip("makes no calls of its own")
			}
			// Most of what is refused stands right behind another call, a return or a jump.
			if share < 90 {
				t.Errorf("only %.1f %% of the calls can be rewritten", share)
			}
		})
	}
}
