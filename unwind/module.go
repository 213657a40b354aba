package unwind

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// A module is an ELF file, or the vDSO, that code runs from.
type module struct {
	loads   []elf.ProgHeader
	frames  *frameTable
	symbols *symbolTable
	sources *sources // nil until it is asked for
}

// What one file may claim.
const (
	maxFile    = 16 << 30
	maxSection = 256 << 20
)

var errModule = errors.New("not an ELF file that can be used")

// openModule reads the file of a mapping.
func openModule(pid int, m *mapping) (*module, error) {
	f, err := openMapped(pid, m)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return readModule(f, info.Size())
}

// openMapped opens the file of a mapping: the one that is mapped, where the kernel gives
// it to us, else the one of that name.
func openMapped(pid int, m *mapping) (f *os.File, err error) {
	dir := procfs.Dir(pid)
	for _, name := range []string{fmt.Sprintf("%s/map_files/%x-%x", dir, m.start, m.end), dir + "/root" + m.path} {
		// A name may lead to a device or pipe: that must do nothing.
		if f, err = os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		err = errModule
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// readModule reads an ELF file. debug/elf is not made for files that mean ill: it may
// panic, and believes what they say of sizes.
func readModule(r io.ReaderAt, size int64) (m *module, err error) {
	defer func() {
		if recover() != nil {
			m, err = nil, errModule
		}
	}()
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	word := 8
	if f.Class == elf.ELFCLASS32 {
		word = 4
	}
	if f.ByteOrder != little {
		return nil, errModule
	}
	m = &module{frames: &frameTable{}}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			m.loads = append(m.loads, p.ProgHeader)
		}
	}
	for _, name := range []string{".eh_frame", ".debug_frame"} {
		s := f.Section(name)
		if s == nil || s.Type == elf.SHT_NOBITS || s.Size > maxSection {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(s.Open(), maxSection))
		if err != nil {
			continue
		}
		t := parseFrames(data, s.Addr, word, name == ".eh_frame")
		m.frames.functions = append(m.frames.functions, t.functions...)
	}
	m.frames.sort()
	m.symbols = readSymbols(f, size)
	return m, nil
}

// readVDSO reads the vDSO from the thread's memory.
func readVDSO(mem *stackMemory, m *mapping) (*module, error) {
	const largest = 64 << 10
	image := make([]byte, min(m.end-m.start, largest))
	n, err := mem.thread.ReadMemory(m.start, image)
	if err != nil {
		return nil, err
	}
	return readModule(bytes.NewReader(image[:n]), int64(n))
}

// address returns the address that the file has for an offset in it.
func (m *module) address(offset uint64) (uint64, bool) {
	for _, p := range m.loads {
		if offset >= p.Off && offset-p.Off < p.Filesz {
			return offset - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}

// sort puts functions in order; those of .eh_frame come first of equals.
func (t *frameTable) sort() {
	slices.SortStableFunc(t.functions, byStart)
	t.functions = slices.CompactFunc(t.functions, func(a, b function) bool { return a.start == b.start })
}
