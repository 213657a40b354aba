package execso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// sketch is a small module whose parts can be left out or spoilt. Its text is at
// sketchText, with functions of 0x40 bytes at +0x100, +0x140, +0x200.
type sketch struct {
	table   bool   // a searchable table
	frames  bool   // a section .eh_frame
	symbols bool   // a symbol table
	sizes   bool   // symbols have sizes
	signal  bool   // the functions are what signal handlers return to
	augment string // of the CIE; "" means zR
}

const (
	sketchText = 0x1000
	sketchEnd  = 0x2000
	sketchHdr  = 0x2000 // .eh_frame_hdr
	sketchFrm  = 0x2100 // .eh_frame
	sketchSyms = 0x2400
	sketchSecs = 0x2800
	sketchSize = 0x3000
)

var sketchFunctions = []uint64{0x1100, 0x1140, 0x1200}

// build returns the module's bytes: offsets in the file and addresses are the same.
func (s sketch) build() []byte {
	b := make([]byte, sketchSize)
	le := binary.LittleEndian
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	le.PutUint64(b[32:], 64)
	le.PutUint64(b[40:], sketchSecs)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[58:], 64)
	program := func(i int, kind elf.ProgType, flags elf.ProgFlag, addr, size uint64) {
		p := b[64+56*i:]
		le.PutUint32(p, uint32(kind))
		le.PutUint32(p[4:], uint32(flags))
		for _, o := range []int{8, 16, 24} {
			le.PutUint64(p[o:], addr)
		}
		le.PutUint64(p[32:], size)
		le.PutUint64(p[40:], size)
		le.PutUint16(b[56:], uint16(i+1))
	}
	program(0, elf.PT_LOAD, elf.PF_R, 0, sketchText)
	program(1, elf.PT_LOAD, elf.PF_R|elf.PF_X, sketchText, sketchEnd-sketchText)
	program(2, elf.PT_LOAD, elf.PF_R, sketchEnd, sketchSize-sketchEnd)
	if s.table {
		program(3, elf.PT_GNU_EH_FRAME, elf.PF_R, sketchHdr, 12+8*uint64(len(sketchFunctions)))
	}

	names := []byte{0}
	sections := 1
	add := func(name string, kind elf.SectionType, at, size uint64) {
		h := b[sketchSecs+64*sections:]
		le.PutUint32(h, uint32(len(names)))
		names = append(append(names, name...), 0)
		le.PutUint32(h[4:], uint32(kind))
		le.PutUint64(h[16:], at)
		le.PutUint64(h[24:], at)
		le.PutUint64(h[32:], size)
		sections++
	}

	augmentation := s.augment
	if augmentation == "" {
		augmentation = "zR"
		if s.signal {
			augmentation = "zRS"
		}
	}
	body := append([]byte{0, 0, 0, 0, 1}, augmentation...)
	body = append(body, 0, 1, 0x78, 16, 1, pePCRel|peSdata4)
	frames := append(le.AppendUint32(nil, uint32(len(body))), body...)
	le.PutUint32(b[sketchHdr:], 1|(pePCRel|peSdata4)<<8|peUdata4<<16|(peDataRel|peSdata4)<<24)
	le.PutUint32(b[sketchHdr+8:], uint32(len(sketchFunctions)))
	for i, f := range sketchFunctions {
		at := uint64(sketchFrm + len(frames))
		frames = le.AppendUint32(frames, 12)
		frames = le.AppendUint32(frames, uint32(at+4-sketchFrm))
		frames = le.AppendUint32(frames, uint32(f-(at+8)))
		frames = le.AppendUint32(frames, 0x40)
		pair := b[sketchHdr+12+8*i:]
		le.PutUint32(pair, uint32(f-sketchHdr))
		le.PutUint32(pair[4:], uint32(at-sketchHdr))
	}
	copy(b[sketchFrm:], frames)
	if s.frames {
		add(".eh_frame", elf.SHT_PROGBITS, sketchFrm, uint64(len(frames))+4)
	}
	if s.symbols {
		for i, f := range sketchFunctions {
			y := b[sketchSyms+symbolSize*i:]
			y[4] = elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC)
			le.PutUint16(y[6:], 1)
			le.PutUint64(y[8:], f)
			if s.sizes {
				le.PutUint64(y[16:], 0x40)
			}
		}
		add(".symtab", elf.SHT_SYMTAB, sketchSyms, symbolSize*uint64(len(sketchFunctions)))
	}
	add(".shstrtab", elf.SHT_STRTAB, sketchSecs+0x400, 64)
	copy(b[sketchSecs+0x400:], names)
	le.PutUint16(b[60:], uint16(sections))
	le.PutUint16(b[62:], uint16(sections-1))
	return b
}

// memory is a process in which a module lies at base.
type memory struct {
	base uint64
	data []byte
}

func (m memory) ReadAt(b []byte, at int64) (int, error) {
	if uint64(at) < m.base || uint64(at)-m.base >= uint64(len(m.data)) {
		return 0, errors.New("not mapped")
	}
	n := copy(b, m.data[uint64(at)-m.base:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func TestFunctionOf(t *testing.T) {
	const base = 0x7f00_0000_0000
	for name, c := range map[string]struct {
		sketch
		call       uint64
		noFile     bool
		start, end uint64
		err        error
	}{
		"table":                {sketch: sketch{table: true}, call: 0x1120, noFile: true, start: 0x1100, end: 0x1140},
		"table, first byte":    {sketch: sketch{table: true}, call: 0x1140, noFile: true, start: 0x1140, end: 0x1180},
		"table, last bytes":    {sketch: sketch{table: true}, call: 0x117e, noFile: true, start: 0x1140, end: 0x1180},
		"table, over the end":  {sketch: sketch{table: true}, call: 0x117f, noFile: true, err: ErrNoFunction},
		"table, between":       {sketch: sketch{table: true}, call: 0x1190, noFile: true, err: ErrNoFunction},
		"table, before all":    {sketch: sketch{table: true}, call: 0x1010, noFile: true, err: ErrNoFunction},
		"table, last function": {sketch: sketch{table: true}, call: 0x1210, noFile: true, start: 0x1200, end: 0x1240},
		"no table":             {call: 0x1120, noFile: true, err: ErrNoFunction},
		"no table, no symbols": {call: 0x1120, err: ErrNoFunction},
		"signal":               {sketch: sketch{table: true, signal: true}, call: 0x1120, noFile: true, err: ErrSignalFrame},
		"signal, no table":     {sketch: sketch{frames: true, signal: true}, call: 0x1120, err: ErrSignalFrame},
		"personality":          {sketch: sketch{table: true, augment: "zX"}, call: 0x1120, noFile: true, err: ErrNoFunction},
		"frames":               {sketch: sketch{frames: true}, call: 0x1220, start: 0x1200, end: 0x1240},
		"frames, between":      {sketch: sketch{frames: true}, call: 0x1250, err: ErrNoFunction},
		"symbols":              {sketch: sketch{symbols: true, sizes: true}, call: 0x1150, start: 0x1140, end: 0x1180},
		"symbols first":        {sketch: sketch{symbols: true, sizes: true, frames: true, signal: true}, call: 0x1150, start: 0x1140, end: 0x1180},
		"symbols around":       {sketch: sketch{symbols: true, sizes: true}, call: 0x1190, start: 0x1140, end: 0x1200},
		"symbols, no sizes":    {sketch: sketch{symbols: true}, call: 0x1150, start: 0x1140, end: 0x1200},
		"behind all symbols":   {sketch: sketch{symbols: true}, call: 0x1280, start: 0x1200, end: 0x2000},
		"before all symbols":   {sketch: sketch{symbols: true}, call: 0x1020, err: ErrNoFunction},
		"in no text":           {sketch: sketch{table: true}, call: 0x2120, err: ErrNoFunction},
	} {
		t.Run(name, func(t *testing.T) {
			data := c.build()
			var file io.ReaderAt
			if !c.noFile {
				file = bytes.NewReader(data)
			}
			start, end, err := FunctionOf(memory{base, data}, base, file, base+c.call)
			if !errors.Is(err, c.err) {
				t.Fatalf("%#x to %#x, %v; want %v", start, end, err, c.err)
			}
			if err == nil && (start != base+c.start || end != base+c.end) {
				t.Errorf("%#x to %#x, want %#x to %#x", start-base, end-base, c.start, c.end)
			}
		})
	}
}

// TestHeadersOnlyInFile: a module whose headers are not mapped.
func TestHeadersOnlyInFile(t *testing.T) {
	const base = 0x7f00_0000_0000
	data := sketch{table: true}.build()
	hidden := bytes.Clone(data)
	clear(hidden[:sketchText])
	start, end, err := FunctionOf(memory{base, hidden}, base, bytes.NewReader(data), base+0x1120)
	if err != nil || start != base+0x1100 || end != base+0x1140 {
		t.Errorf("%#x to %#x, %v", start, end, err)
	}
	if _, _, err := FunctionOf(memory{base, hidden}, base, nil, base+0x1120); !errors.Is(err, ErrNoFunction) {
		t.Errorf("without the file: %v", err)
	}
}

// endless is a file without an end: what a sparse one may look like.
type endless struct {
	data []byte
	read *int64
}

func (e endless) ReadAt(b []byte, at int64) (int, error) {
	*e.read += int64(len(b))
	clear(b)
	if at < int64(len(e.data)) {
		copy(b, e.data[at:])
	}
	return len(b), nil
}

// TestClaims lets a file claim as much as it can; not much of it must be read.
func TestClaims(t *testing.T) {
	data := sketch{}.build()
	binary.LittleEndian.PutUint16(data[60:], maxSections)
	data = append(data, make([]byte, maxSections*64)...)
	for i := range maxSections - 1 {
		h := data[sketchSecs+64*i:]
		kind := elf.SHT_SYMTAB
		if i%2 == 1 {
			kind = elf.SHT_DYNSYM
		}
		binary.LittleEndian.PutUint32(h[4:], uint32(kind))
		binary.LittleEndian.PutUint64(h[24:], 1<<20)
		binary.LittleEndian.PutUint64(h[32:], 1<<60)
	}
	var read int64
	if _, _, err := FunctionOf(memory{0x10000, data}, 0x10000, endless{data, &read}, 0x10000+0x1120); !errors.Is(err, ErrNoFunction) {
		t.Error(err)
	}
	if limit := int64(maxSymbols*symbolSize + maxFrames + 1<<20); read > limit {
		t.Errorf("%d bytes read, at most %d wanted", read, limit)
	}
}

// FuzzFunctionOf spoils a module. Nothing but an error or sensible bounds may come of
// it; TestClaims sees to how much is read for that.
func FuzzFunctionOf(f *testing.F) {
	for _, s := range []sketch{
		{table: true}, {table: true, signal: true}, {frames: true}, {symbols: true}, {symbols: true, sizes: true, frames: true},
	} {
		data := s.build()
		f.Add(data, uint64(0x7f00_0000_0000), uint64(0x1120), true)
		f.Add(data, uint64(0), uint64(0x1190), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, base, offset uint64, hasFile bool) {
		var file io.ReaderAt
		if hasFile {
			file = bytes.NewReader(data)
		}
		start, end, err := FunctionOf(memory{base, data}, base, file, base+offset)
		if err != nil {
			if !errors.Is(err, ErrNoFunction) && !errors.Is(err, ErrSignalFrame) && !errors.Is(err, ErrTooLong) {
				t.Error(err)
			}
			return
		}
		if call := base + offset; start > call || end < call+syscallLen || end-start > MaxFunction {
			t.Errorf("%#x to %#x for %#x", start, end, call)
		}
	})
}

// FuzzFrames takes arbitrary unwinding information apart.
func FuzzFrames(f *testing.F) {
	data := sketch{}.build()
	f.Add(data[sketchFrm:sketchFrm+0x60], uint64(sketchFrm), uint64(0x1120))
	f.Add([]byte{4, 0, 0, 0, 0, 0, 0, 0}, uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, addr, call uint64) {
		s := section{name: ".eh_frame", addr: addr, size: uint64(len(data)), kind: elf.SHT_PROGBITS}
		if e, _, err := functionByFrames(bytes.NewReader(data), []section{s}, call); err == nil && !e.holds(call) {
			t.Errorf("%#x for %#x", e, call)
		}
	})
}
