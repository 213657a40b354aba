package execso

import (
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// goProgram builds a Go program.
func goProgram(flags ...string) func(testing.TB) string {
	return func(t testing.TB) string {
		dir := t.TempDir()
		source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
		text := "package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"done\\n\") }\n"
		if err := os.WriteFile(source, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		args := append(append([]string{"build", "-o", program}, flags...), source)
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("%v: %s", err, out)
		}
		return program
	}
}

// TestSources asks each source of bounds about the same calls: those that know them
// must not contradict each other.
func TestSources(t *testing.T) {
	for name, path := range map[string]func(testing.TB) string{
		"static glibc": compiled("gcc"),
		"Go":           goProgram(),
		"Go PIE":       goProgram("-buildmode=pie"),
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, path(t))
			mod, err := readModule(m, m.base, m.file)
			if err != nil {
				t.Fatal(err)
			}
			sections, err := readSections(m.file)
			if err != nil {
				t.Fatal(err)
			}
			sites, _ := m.sites(t)
			var agree [2]int
			for _, s := range sites {
				at := s.call - mod.bias
				symbol, _, err := functionBySymbols(m.file, sections, at)
				if err != nil {
					continue
				}
				frame, _, err := functionByFrames(m.file, sections, at)
				if err == nil {
					// A function may be told in several pieces.
					if frame.start < symbol.start || frame.end > symbol.end {
						t.Errorf("call at %#x: symbol says %#x, unwinding information %#x", at, symbol, frame)
					}
					agree[0]++
				}
				function, err := functionByGo(m.file, sections, at)
				if err == nil {
					// Go's table has the next function's start for an end.
					if function.start != symbol.start || function.end < symbol.end || function.end > symbol.end+64 {
						t.Errorf("call at %#x: symbol says %#x, Go's table %#x", at, symbol, function)
					}
					agree[1]++
				}
			}
			t.Logf("%d calls: of two sources, %d agree with unwinding information, %d with Go's table", len(sites), agree[0], agree[1])
			if agree[0]+agree[1] == 0 {
				t.Error("no call is known to two sources")
			}
		})
	}
}

// TestBoundsOfLibc compares what the table in memory says of libc's functions with
// libc's symbols.
func TestBoundsOfLibc(t *testing.T) {
	m := load(t, "/lib/x86_64-linux-gnu/libc.so.6")
	f, err := elf.NewFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, s := range symbols {
		switch s.Name {
		case "read", "write", "openat", "getppid", "close", "mmap", "poll", "nanosleep":
			start, end, err := FunctionOf(m, m.base, nil, m.base+s.Value+1)
			if err != nil || start != m.base+s.Value || end > m.base+s.Value+s.Size {
				t.Errorf("%s is at %#x to %#x, found %#x to %#x: %v", s.Name, m.base+s.Value, m.base+s.Value+s.Size, start, end, err)
			}
			found++
		}
	}
	if found < 8 {
		t.Errorf("only %d functions found", found)
	}
}

// TestSignalReturn checks that what signal handlers return to is recognised.
func TestSignalReturn(t *testing.T) {
	m := load(t, "/lib/x86_64-linux-gnu/libc.so.6")
	refused := 0
	for _, p := range m.parts {
		// mov $15,%rax; syscall
		for o, code := 0, []byte{0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05}; p.executable && o+len(code) < len(p.data); o++ {
			if string(p.data[o:o+len(code)]) != string(code) {
				continue
			}
			if _, _, err := FunctionOf(m, m.base, m.file, p.addr+uint64(o)+7); !errors.Is(err, ErrSignalFrame) {
				t.Errorf("at %#x: %v", p.addr+uint64(o), err)
			}
			refused++
		}
	}
	if refused == 0 {
		t.Error("libc has none")
	}
}

// TestNoFunction asks for calls that are in no function, or in none that is known.
func TestNoFunction(t *testing.T) {
	m := load(t, "/lib/x86_64-linux-gnu/libc.so.6")
	for name, c := range map[string]struct{ base, call uint64 }{
		"outside the module":       {m.base, m.base - 8},
		"in data":                  {m.base, m.base + 16},
		"no module":                {m.base + 1, m.base + 0x30000},
		"end of the address space": {^uint64(0) - 10, ^uint64(0) - 1},
	} {
		if s, e, err := FunctionOf(m, c.base, nil, c.call); !errors.Is(err, ErrNoFunction) {
			t.Errorf("%s: %#x to %#x, %v", name, s, e, err)
		}
	}
}
