package execso

import (
	"bytes"
	"errors"
	"io"
)

// Unwinding information tells where functions begin and end: Linux Standard Base,
// "Exception Frames" and DWARF's appendix on .debug_frame.

const (
	maxRecord = 128     // bytes looked at of a CIE or FDE
	maxFrames = 4 << 20 // bytes of a .eh_frame that is not searchable
)

var errFrames = errors.New("unwinding information makes no sense")

// Pointer encodings (DW_EH_PE).
const (
	peAbsolute = 0x00
	peUdata2   = 0x02
	peUdata4   = 0x03
	peUdata8   = 0x04
	peSdata2   = 0x0a
	peSdata4   = 0x0b
	peSdata8   = 0x0c
	pePCRel    = 0x10
	peDataRel  = 0x30
	peFormat   = 0x0f
	peRelative = 0xf0
)

// functionByTable searches the sorted table of .eh_frame_hdr, at hdr in memory, for
// the function with the call at that address. Signal says that it is a frame
// that a signal was delivered on.
func functionByTable(mem io.ReaderAt, hdr extent, call uint64) (e extent, signal bool, err error) {
	var h [12]byte
	if err := readAt(mem, h[:], hdr.start); err != nil {
		return e, false, err
	}
	// What every linker writes: version 1, 4 bytes for the address of .eh_frame
	// and for the count, pairs of 4 bytes relative to the header.
	if h[0] != 1 || h[1]&peFormat != peSdata4 || h[2] != peUdata4 || h[3] != peDataRel|peSdata4 {
		return e, false, errAbsent
	}
	n := uint64(little.Uint32(h[8:]))
	if n == 0 || n > (hdr.end-hdr.start-min(hdr.end-hdr.start, 12))/8 {
		return e, false, errAbsent
	}
	pair := func(i uint64) (start, fde uint64, err error) {
		var b [8]byte
		err = readAt(mem, b[:], hdr.start+12+8*i)
		relative := func(b []byte) uint64 { return hdr.start + uint64(int64(int32(little.Uint32(b)))) }
		return relative(b[:]), relative(b[4:]), err
	}
	low, high := uint64(0), n
	for low+1 < high {
		middle := low + (high-low)/2
		start, _, err := pair(middle)
		if err != nil {
			return e, false, err
		}
		if start <= call {
			low = middle
		} else {
			high = middle
		}
	}
	_, fde, err := pair(low)
	if err != nil {
		return e, false, err
	}
	r, err := readRecord(mem, fde)
	if err != nil {
		return e, false, err
	}
	if r.cie() {
		return e, false, errFrames
	}
	common, err := readRecord(mem, r.cieAddress())
	if err != nil {
		return e, false, err
	}
	c, err := common.parseCIE()
	if err != nil {
		return e, false, err
	}
	e, err = r.extent(c)
	return e, c.signal, err
}

// functionByFrames walks through the file's .eh_frame, for files without
// a table: static programs of glibc.
func functionByFrames(file io.ReaderAt, sections []section, at uint64) (e extent, signal bool, err error) {
	s, ok := named(sections, ".eh_frame")
	if !ok || s.size > maxFrames {
		return e, false, errAbsent
	}
	data := some(file, make([]byte, s.size), s.offset)
	if s.addr+uint64(len(data)) < s.addr {
		return e, false, errFrames
	}
	record := func(o uint64) (record, error) {
		if o < s.addr || o-s.addr >= uint64(len(data)) {
			return record{}, errFrames
		}
		return parseRecord(data[o-s.addr:], o)
	}
	var c cie
	var cAt uint64
	for o := s.addr; o-s.addr < uint64(len(data)); {
		r, err := record(o)
		if err != nil {
			return e, false, err
		}
		if !r.cie() {
			if at := r.cieAddress(); cAt == 0 || at != cAt {
				common, err := record(at)
				if err != nil {
					return e, false, err
				}
				if c, err = common.parseCIE(); err != nil {
					return e, false, err
				}
				cAt = at
			}
			if e, err := r.extent(c); err == nil && e.holds(at) {
				return e, c.signal, nil
			}
		}
		o = r.next
	}
	return e, false, errAbsent
}

// record is a CIE or FDE.
type record struct {
	addr uint64 // of its second word: what its CIE's address is relative to
	next uint64 // address of the record behind it
	id   uint32 // 0: a CIE; else the distance to an FDE's
	body []byte // what follows, up to maxRecord bytes
}

func (r record) cie() bool          { return r.id == 0 }
func (r record) cieAddress() uint64 { return r.addr - uint64(r.id) }

func readRecord(mem io.ReaderAt, at uint64) (record, error) {
	return parseRecord(some(mem, make([]byte, maxRecord), at), at)
}

// parseRecord takes the record at the beginning of b, which is at address at, and of
// which no more than the beginning need be there.
func parseRecord(b []byte, at uint64) (record, error) {
	if len(b) < 8 {
		return record{}, errFrames
	}
	length := little.Uint32(b)
	// 0 ends a section; 0xffffffff announces a length of 64 bits, which nothing
	// on Linux writes.
	if length < 4 || length == 0xffffffff {
		return record{}, errFrames
	}
	r := record{addr: at + 4, next: at + 4 + uint64(length), id: little.Uint32(b[4:]), body: b[8:]}
	if r.next < at {
		return record{}, errFrames
	}
	r.body = r.body[:min(uint64(len(r.body)), uint64(length)-4, maxRecord)]
	return r, nil
}

// cie is what is common to several functions' information.
type cie struct {
	encoding byte // of FDEs' addresses
	signal   bool
}

func (r record) parseCIE() (cie, error) {
	if !r.cie() {
		return cie{}, errFrames
	}
	d := cursor{b: r.body}
	version := d.byte()
	augmentation := d.string()
	if version != 1 && version != 3 {
		return cie{}, errFrames
	}
	d.leb() // code alignment
	d.leb() // data alignment
	if version == 1 {
		d.byte() // return address register
	} else {
		d.leb()
	}
	c := cie{encoding: peAbsolute}
	for i, a := range augmentation {
		switch {
		case i == 0 && a == 'z':
			d.leb() // length
		case i == 0:
			return cie{}, errFrames
		case a == 'R':
			c.encoding = d.byte()
		case a == 'L':
			d.byte()
		case a == 'P':
			n, ok := encodedSize(d.byte())
			if !ok {
				return cie{}, errFrames
			}
			d.take(n)
		case a == 'S':
			c.signal = true
		case a == 'B': // arm64: return addresses are signed with key B
		default:
			return cie{}, errFrames
		}
	}
	if d.short {
		return cie{}, errFrames
	}
	return c, nil
}

// extent returns where an FDE's function lies.
func (r record) extent(c cie) (extent, error) {
	n, ok := encodedSize(c.encoding)
	if !ok {
		return extent{}, errFrames
	}
	d := cursor{b: r.body}
	start := signExtended(d.take(n), c.encoding)
	// Of the length, only the format is that of the start.
	length := signExtended(d.take(n), c.encoding&peFormat&^0x08)
	switch c.encoding & peRelative {
	case peAbsolute:
	case pePCRel:
		start += r.addr + 4
	default:
		return extent{}, errFrames
	}
	if d.short || start+length < start {
		return extent{}, errFrames
	}
	return extent{start, start + length}, nil
}

func encodedSize(encoding byte) (n int, ok bool) {
	switch encoding & peFormat {
	case peUdata2, peSdata2:
		return 2, true
	case peUdata4, peSdata4:
		return 4, true
	case peAbsolute, peUdata8, peSdata8:
		return 8, true
	}
	return 0, false
}

// signExtended reads an integer as the encoding says.
func signExtended(b []byte, encoding byte) uint64 {
	signed := encoding&0x08 != 0
	switch v := b; {
	case len(v) == 2 && signed:
		return uint64(int64(int16(little.Uint16(v))))
	case len(v) == 2:
		return uint64(little.Uint16(v))
	case len(v) == 4 && signed:
		return uint64(int64(int32(little.Uint32(v))))
	case len(v) == 4:
		return uint64(little.Uint32(v))
	case len(v) == 8:
		return little.Uint64(v)
	}
	return 0
}

// cursor takes a record apart. What is not there reads as zero and is remembered.
type cursor struct {
	b     []byte
	short bool
}

func (d *cursor) take(n int) []byte {
	if n > len(d.b) {
		d.short, d.b = true, nil
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *cursor) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *cursor) string() string {
	s, rest, ok := bytes.Cut(d.b, []byte{0})
	if !ok {
		d.short, d.b = true, nil
		return ""
	}
	d.b = rest
	return string(s)
}

// leb passes over a LEB128 number.
func (d *cursor) leb() {
	for d.byte()&0x80 != 0 {
	}
}
