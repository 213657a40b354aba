package unwind

import (
	"bytes"
	"cmp"
	"debug/elf"
	"io"
	"slices"
)

// symbolTable has the names of a file's functions, by address.
type symbolTable struct {
	symbols []symbol
	shown   map[int]string // names that have been asked for
}

type symbol struct {
	addr  uint64
	names []byte // the string table
	at    uint32 // where in it the name begins
}

const (
	maxSymbols = 1 << 22
	maxName    = 4096
	maxShown   = 1 << 14
)

// readSymbols reads .dynsym and .symtab, whichever there are. Of several names of one
// function the first is kept.
func readSymbols(f *elf.File, size int64) *symbolTable {
	t := &symbolTable{}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM || int(s.Link) >= len(f.Sections) {
			continue
		}
		entries := contents(s, size)
		names := contents(f.Sections[s.Link], size)
		entry := elf.Sym64Size
		if f.Class == elf.ELFCLASS32 {
			entry = elf.Sym32Size
		}
		for ; len(entries) >= entry && len(t.symbols) < maxSymbols; entries = entries[entry:] {
			x := symbol{names: names, at: little.Uint32(entries)}
			var info byte
			var section uint16
			if f.Class == elf.ELFCLASS32 {
				x.addr = uint64(little.Uint32(entries[4:]))
				info, section = entries[12], little.Uint16(entries[14:])
			} else {
				x.addr = little.Uint64(entries[8:])
				info, section = entries[4], little.Uint16(entries[6:])
			}
			if elf.ST_TYPE(info) == elf.STT_FUNC && section != uint16(elf.SHN_UNDEF) {
				t.symbols = append(t.symbols, x)
			}
		}
	}
	slices.SortStableFunc(t.symbols, func(a, b symbol) int { return cmp.Compare(a.addr, b.addr) })
	t.symbols = slices.Clip(slices.CompactFunc(t.symbols, func(a, b symbol) bool { return a.addr == b.addr }))
	return t
}

// contents reads a section that is in the file as it is.
func contents(s *elf.Section, size int64) []byte {
	if s.Type == elf.SHT_NOBITS || s.Flags&elf.SHF_COMPRESSED != 0 || s.FileSize > maxSection || s.FileSize > uint64(size) {
		return nil
	}
	data := make([]byte, s.FileSize)
	n, _ := io.ReadFull(io.NewSectionReader(s, 0, int64(s.FileSize)), data)
	return data[:n]
}

// find returns the name of the function that begins last before an address, and where
// it begins; "" if there is none. Its end is not looked at: a name nearby tells more than
// none where a file has been stripped of others.
func (t *symbolTable) find(addr uint64) (name string, start uint64) {
	i, ok := slices.BinarySearchFunc(t.symbols, addr, func(s symbol, a uint64) int { return cmp.Compare(s.addr, a) })
	if !ok {
		i--
	}
	if i < 0 {
		return "", 0
	}
	name, ok = t.shown[i]
	if !ok {
		name = t.symbols[i].name()
		if t.shown == nil || len(t.shown) >= maxShown {
			t.shown = map[int]string{}
		}
		t.shown[i] = name
	}
	return name, t.symbols[i].addr
}

// name returns the symbol's name as it is shown, "" if it has none.
func (s *symbol) name() string {
	if uint64(s.at) >= uint64(len(s.names)) {
		return ""
	}
	text, _, _ := bytes.Cut(s.names[s.at:min(uint64(len(s.names)), uint64(s.at)+maxName)], []byte{0})
	return printable(demangled(string(text)))
}
