package execso

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
)

// What is read of an ELF file or its image is read here and not by debug/elf, which
// is not made for files that mean ill.

// Most that is read of what an ELF file claims.
const (
	maxSegments     = 128
	maxSections     = 4096
	maxSectionNames = 64 << 10
	pageSize        = 4096
)

// module is what the program headers say.
type module struct {
	bias       uint64 // what is to be added to the file's addresses
	executable []extent
	ehFrameHdr extent // PT_GNU_EH_FRAME, or zero
}

var errNotELF = errors.New("no 64-bit ELF file")

// readModule reads the headers, which are mapped with the module's first segment;
// if they are not, from the file.
func readModule(mem io.ReaderAt, base uint64, file io.ReaderAt) (*module, error) {
	headers, at := mem, base
	var ident [64]byte
	if err := readHeader(mem, base, &ident); err != nil {
		if file == nil {
			return nil, err
		}
		if err := readHeader(file, 0, &ident); err != nil {
			return nil, err
		}
		headers, at = file, 0
	}
	phoff, phentsize, phnum := little.Uint64(ident[32:]), little.Uint16(ident[54:]), little.Uint16(ident[56:])
	if phentsize != 56 || phnum == 0 || phnum > maxSegments {
		return nil, errNotELF
	}
	table := make([]byte, int(phnum)*56)
	if err := readAt(headers, table, at+phoff); err != nil {
		return nil, err
	}

	m := &module{}
	first := true
	for ; len(table) > 0; table = table[56:] {
		kind, flags := elf.ProgType(little.Uint32(table)), elf.ProgFlag(little.Uint32(table[4:]))
		vaddr, memsz := little.Uint64(table[16:]), little.Uint64(table[40:])
		switch kind {
		case elf.PT_LOAD:
			// Segments are in order of their addresses: elf(5).
			if first {
				m.bias = base - vaddr&^(pageSize-1)
				first = false
			}
			if flags&elf.PF_X != 0 && vaddr+memsz >= vaddr {
				m.executable = append(m.executable, extent{vaddr, vaddr + memsz})
			}
		case elf.PT_GNU_EH_FRAME:
			if vaddr+memsz >= vaddr {
				m.ehFrameHdr = extent{vaddr, vaddr + memsz}
			}
		}
	}
	for i := range m.executable {
		m.executable[i].start += m.bias
		m.executable[i].end += m.bias
	}
	if m.ehFrameHdr.start != 0 {
		m.ehFrameHdr.start += m.bias
		m.ehFrameHdr.end += m.bias
	}
	return m, nil
}

func readHeader(r io.ReaderAt, at uint64, h *[64]byte) error {
	if err := readAt(r, h[:], at); err != nil {
		return err
	}
	if string(h[:4]) != elf.ELFMAG || h[elf.EI_CLASS] != byte(elf.ELFCLASS64) || h[elf.EI_DATA] != byte(elf.ELFDATA2LSB) {
		return errNotELF
	}
	return nil
}

// segment returns the executable segment with a call at that address.
func (m *module) segment(call uint64) (extent, bool) {
	for _, e := range m.executable {
		if e.holds(call) {
			return e, true
		}
	}
	return extent{}, false
}

// section is an entry of the file's section header table.
type section struct {
	name               string
	kind               elf.SectionType
	addr, offset, size uint64
}

func readSections(file io.ReaderAt) ([]section, error) {
	var h [64]byte
	if err := readHeader(file, 0, &h); err != nil {
		return nil, err
	}
	shoff, shentsize := little.Uint64(h[40:]), little.Uint16(h[58:])
	shnum, shstrndx := little.Uint16(h[60:]), little.Uint16(h[62:])
	if shentsize != 64 || shnum > maxSections {
		return nil, errNotELF
	}
	table := make([]byte, int(shnum)*64)
	if err := readAt(file, table, shoff); err != nil {
		return nil, err
	}
	sections := make([]section, shnum)
	nameAt := make([]uint32, shnum)
	for i := range sections {
		s := table[i*64:]
		nameAt[i] = little.Uint32(s)
		sections[i] = section{
			kind: elf.SectionType(little.Uint32(s[4:])),
			addr: little.Uint64(s[16:]), offset: little.Uint64(s[24:]), size: little.Uint64(s[32:]),
		}
	}
	if int(shstrndx) < len(sections) {
		s := sections[shstrndx]
		names := some(file, make([]byte, min(s.size, maxSectionNames)), s.offset)
		for i, at := range nameAt {
			if uint64(at) < uint64(len(names)) {
				name, _, _ := bytes.Cut(names[at:min(len(names), int(at)+64)], []byte{0})
				sections[i].name = string(name)
			}
		}
	}
	return sections, nil
}

// named returns the section of that name.
func named(sections []section, name string) (section, bool) {
	for _, s := range sections {
		if s.name == name && s.kind != elf.SHT_NOBITS {
			return s, true
		}
	}
	return section{}, false
}
