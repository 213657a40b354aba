package unwind

import (
	"bytes"
	"debug/dwarf"
	"debug/elf"
	"encoding/hex"
	"os"
	"strings"
)

// sources tells the places in the source that a file's code was made of, as far as its
// debugging information has them: DWARF 5, section 6.2.
type sources struct {
	data  *dwarf.Data // nil: there is none
	known map[uint64]place
}

type place struct {
	file string
	line int
}

const (
	maxDebug  = 512 << 20 // of one file's sections, unpacked
	maxPlaces = 1 << 14
	debugDir  = "/usr/lib/debug/.build-id/"
)

// sourceOf returns the place in the source of the code at an address of a module.
func (w *walk) sourceOf(where *mapping, mod *module, addr uint64) (file string, line int) {
	if mod.sources == nil {
		mod.sources = &sources{known: map[uint64]place{}}
		if f, err := openMapped(w.space.pid, where); err == nil {
			mod.sources.data = readDebug(f)
			_ = f.Close()
		}
	}
	p := mod.sources.find(addr)
	return p.file, p.line
}

// readDebug reads the debugging information in a file, or in the file that its build id
// names. It is read at once: the file may change.
func readDebug(file *os.File) (data *dwarf.Data) {
	defer func() {
		if recover() != nil { // see readModule
			data = nil
		}
	}()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil
	}
	if f.Section(".debug_info") == nil {
		separate, err := os.Open(debugDir + buildID(f))
		if err != nil {
			return nil
		}
		defer separate.Close()
		if f, err = elf.NewFile(separate); err != nil {
			return nil
		}
	}
	var size uint64
	for _, s := range f.Sections {
		switch {
		case strings.HasPrefix(s.Name, ".debug_"):
			size += min(s.Size, maxDebug)
		case strings.HasPrefix(s.Name, ".zdebug_"):
			return nil // of an old form, which does not tell its size
		}
	}
	if size >= maxDebug {
		return nil
	}
	data, err = f.DWARF()
	if err != nil {
		return nil
	}
	return data
}

// buildID returns the name that the debugging information of a file has below debugDir.
func buildID(f *elf.File) string {
	s := f.Section(".note.gnu.build-id")
	if s == nil || s.Size > pageSize {
		return ""
	}
	note, err := s.Data()
	_, id, found := bytes.Cut(note, []byte("GNU\x00"))
	if err != nil || !found || len(id) < 2 {
		return ""
	}
	return hex.EncodeToString(id[:1]) + "/" + hex.EncodeToString(id[1:]) + ".debug"
}

func (s *sources) find(addr uint64) (p place) {
	if s.data == nil {
		return place{}
	}
	if p, ok := s.known[addr]; ok {
		return p
	}
	defer func() {
		_ = recover() // see readModule
		if len(s.known) >= maxPlaces {
			clear(s.known)
		}
		s.known[addr] = p
	}()
	unit, err := s.data.Reader().SeekPC(addr)
	if err != nil {
		return place{}
	}
	lines, err := s.data.LineReader(unit)
	if err != nil || lines == nil {
		return place{}
	}
	var entry dwarf.LineEntry
	if lines.SeekPC(addr, &entry) != nil || entry.File == nil {
		return place{}
	}
	return place{printable(entry.File.Name), entry.Line}
}
