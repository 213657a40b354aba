package unwind

import (
	"cmp"
	"errors"
	"slices"
)

var errFrames = errors.New("unwinding information makes no sense")

// frameTable is what one file tells of its functions' frames: Linux Standard Base,
// "Exception Frames"; DWARF 5, section 6.4.
type frameTable struct {
	functions []function // by start, which do not overlap if the file is sane
}

// A function is what an FDE describes.
type function struct {
	start, end uint64 // addresses as the file has them
	common     *common
	program    []byte
}

// common is a CIE.
type common struct {
	codeAlign  uint64
	dataAlign  int64
	ra         uint64
	program    []byte
	encoding   byte // of FDEs' addresses
	augmented  bool // FDEs have augmentation data
	signal     bool // frames on which signals were delivered
	wordLength int
}

// Pointer encodings (DW_EH_PE).
const (
	peUdata2   = 0x02
	peUdata4   = 0x03
	peUdata8   = 0x04
	peSdata2   = 0x0a
	peSdata4   = 0x0b
	peSdata8   = 0x0c
	peSigned   = 0x08
	pePCRel    = 0x10
	peFormat   = 0x0f
	peRelative = 0x70
	peOmit     = 0xff
)

// maxFunctions bounds what is kept of one file.
const maxFunctions = 1 << 21

// parseFrames reads a whole section, which is at addr in the file's addresses; word is the
// size of an address. eh tells .eh_frame from .debug_frame. Records that make no sense are
// left out.
func parseFrames(section []byte, addr uint64, word int, eh bool) *frameTable {
	t := &frameTable{}
	commons := map[uint64]*common{} // by offset; nil for bad ones
	at := func(offset uint64) *common {
		c, ok := commons[offset]
		if !ok && offset < uint64(len(section)) {
			r, err := parseRecord(section[offset:], offset, eh)
			if err == nil && r.isCommon {
				c, _ = parseCommon(r.body, word)
			}
			commons[offset] = c
		}
		return c
	}
	for offset := uint64(0); offset < uint64(len(section)) && len(t.functions) < maxFunctions; {
		r, err := parseRecord(section[offset:], offset, eh)
		if err != nil {
			break
		}
		if !r.isCommon {
			if c := at(r.common); c != nil {
				if f, err := parseFunction(r.body, addr+r.bodyAt, c); err == nil {
					t.functions = append(t.functions, f)
				}
			}
		}
		offset = r.next
	}
	slices.SortStableFunc(t.functions, byStart)
	return t
}

func byStart(a, b function) int { return cmp.Compare(a.start, b.start) }

// find returns the function that has the instruction at an address.
func (t *frameTable) find(pc uint64) *function {
	i, ok := slices.BinarySearchFunc(t.functions, pc, func(f function, pc uint64) int { return cmp.Compare(f.start, pc) })
	if !ok {
		i--
	}
	if i < 0 || pc >= t.functions[i].end {
		return nil
	}
	return &t.functions[i]
}

// record is a CIE or FDE, taken from its section.
type record struct {
	isCommon bool
	common   uint64 // of an FDE: its CIE's offset in the section
	body     []byte // what follows the id
	bodyAt   uint64 // its offset
	next     uint64 // offset of the record behind it
}

// parseRecord takes the record at the beginning of b, which is at that offset.
func parseRecord(b []byte, offset uint64, eh bool) (record, error) {
	if len(b) < 8 {
		return record{}, errFrames
	}
	length := uint64(little.Uint32(b))
	// 0 ends a section; 0xffffffff announces a length of 64 bits, which nothing
	// on Linux writes.
	if length < 4 || length == 0xffffffff || length > uint64(len(b))-4 {
		return record{}, errFrames
	}
	id := uint64(little.Uint32(b[4:]))
	r := record{body: b[8 : 4+length], bodyAt: offset + 8, next: offset + 4 + length}
	if eh {
		r.isCommon = id == 0
		r.common = offset + 4 - id
	} else {
		r.isCommon = id == 0xffffffff
		r.common = id
	}
	return r, nil
}

func parseCommon(body []byte, word int) (*common, error) {
	d := cursor{b: body}
	version := d.byte()
	augmentation := d.string()
	c := &common{wordLength: word}
	switch version {
	case 1, 3:
	case 4:
		if size, segment := d.byte(), d.byte(); int(size) != word || segment != 0 {
			return nil, errFrames
		}
	default:
		return nil, errFrames
	}
	c.codeAlign, c.dataAlign = d.uleb(), d.sleb()
	if version == 1 {
		c.ra = uint64(d.byte())
	} else {
		c.ra = d.uleb()
	}
	for i, a := range augmentation {
		switch {
		case i == 0 && a == 'z':
			c.augmented = true
			d.uleb()
		case i == 0:
			return nil, errFrames
		case a == 'R':
			c.encoding = d.byte()
		case a == 'L':
			d.byte()
		case a == 'P':
			size, ok := encodedSize(d.byte(), word)
			if !ok {
				return nil, errFrames
			}
			d.take(uint64(size))
		case a == 'S':
			c.signal = true
		case a == 'B': // arm64: return addresses are signed with key B
		default:
			return nil, errFrames
		}
	}
	c.program = d.b
	if d.short {
		return nil, errFrames
	}
	return c, nil
}

func parseFunction(body []byte, at uint64, c *common) (function, error) {
	size, ok := encodedSize(c.encoding, c.wordLength)
	if !ok {
		return function{}, errFrames
	}
	d := cursor{b: body}
	f := function{common: c}
	if c.encoding&peSigned != 0 {
		f.start = uint64(d.int(size))
	} else {
		f.start = d.uint(size)
	}
	// Of the length, only the format is that of the start.
	f.end = d.uint(size)
	switch c.encoding & peRelative {
	case 0:
	case pePCRel:
		f.start += at
	default:
		return function{}, errFrames
	}
	if c.wordLength == 4 {
		f.start = uint64(uint32(f.start))
	}
	f.end += f.start
	if c.augmented {
		d.block()
	}
	f.program = d.b
	if d.short || f.end <= f.start {
		return function{}, errFrames
	}
	return f, nil
}

func encodedSize(encoding byte, word int) (n int, ok bool) {
	if encoding == peOmit {
		return 0, false
	}
	switch encoding & peFormat {
	case 0, peSigned:
		return word, true
	case peUdata2, peSdata2:
		return 2, true
	case peUdata4, peSdata4:
		return 4, true
	case peUdata8, peSdata8:
		return 8, true
	}
	return 0, false
}
