package execso

import (
	"io"
)

// functionByGo looks for a function in the table that every Go program has for its
// runtime's own use, stripped or not (runtime/symtab.go: pcHeader, functab).
func functionByGo(file io.ReaderAt, sections []section, at uint64) (extent, error) {
	text, ok := named(sections, ".text")
	if !ok {
		return extent{}, errAbsent
	}
	table, ok := named(sections, ".gopclntab")
	if !ok {
		if table, ok = named(sections, ".data.rel.ro.gopclntab"); !ok {
			return extent{}, errAbsent
		}
	}
	const (
		magic120 = 0xfffffff1 // since Go 1.20
		header   = 8 + 8*8
		entry    = 8
	)
	var h [header]byte
	if err := readAt(file, h[:], table.offset); err != nil {
		return extent{}, err
	}
	if little.Uint32(h[:]) != magic120 || h[7] != 8 {
		return extent{}, errAbsent
	}
	n, base, functab := little.Uint64(h[8:]), little.Uint64(h[24:]), little.Uint64(h[64:])
	if base == 0 {
		// Go 1.26 and later, and position-independent programs, whose loader fills it in.
		base = text.addr
	}
	if functab > table.size || n >= (table.size-functab)/entry || at < base {
		return extent{}, errAbsent
	}
	// The table is in order of addresses and ends with the end of the last function.
	start := func(i uint64) (uint64, error) {
		var b [4]byte
		err := readAt(file, b[:], table.offset+functab+i*entry)
		return base + uint64(little.Uint32(b[:])), err
	}
	low, high := uint64(0), n
	for low+1 < high {
		middle := low + (high-low)/2
		s, err := start(middle)
		if err != nil {
			return extent{}, err
		}
		if s <= at {
			low = middle
		} else {
			high = middle
		}
	}
	first, err := start(low)
	if err != nil {
		return extent{}, err
	}
	next, err := start(low + 1)
	return extent{first, next}, err
}
