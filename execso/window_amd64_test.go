package execso

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// Pieces of code.
var (
	movEAX1  = []byte{0xb8, 1, 0, 0, 0}                   // mov $1,%eax
	movRAX1  = []byte{0x48, 0xc7, 0xc0, 1, 0, 0, 0}       // mov $1,%rax
	xorEAX   = []byte{0x31, 0xc0}                         // xor %eax,%eax
	xorEDI   = []byte{0x31, 0xff}                         // xor %edi,%edi
	movArgs  = []byte{0x48, 0x89, 0xd6, 0x48, 0x89, 0xfa} // mov %rdx,%rsi; mov %rdi,%rdx
	leaRIP   = []byte{0x48, 0x8d, 0x35, 0, 1, 0, 0}       // lea 0x100(%rip),%rsi
	cmpRIP   = []byte{0x80, 0x3d, 0, 1, 0, 0, 0}          // cmpb $0,0x100(%rip)
	ret      = []byte{0xc3}
	endbr    = []byte{0xf3, 0x0f, 0x1e, 0xfa}
	theCall  = []byte{0x0f, 0x05}
	longNop  = []byte{0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}
	jumpRDX  = []byte{0xff, 0xe2} // jmp *%rdx
	padding5 = []byte{0x0f, 0x1f, 0x44, 0, 0}
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestPlan plans small functions at address 0x1000.
func TestPlan(t *testing.T) {
	const addr = 0x1000
	for name, c := range map[string]struct {
		before, after []byte
		nr            int
		err           error
		says          string // part of the error
		length        int
		number        int
		single        bool
	}{
		"number":                {before: movEAX1, nr: 1, length: 5, number: 1, single: true},
		"wide number":           {before: movRAX1, nr: 1, length: 7, number: 1, single: true},
		"another number":        {before: movEAX1, nr: 2, err: ErrOtherNumber},
		"number, then argument": {before: join(movEAX1, xorEDI), nr: 1, length: 7, number: 1, single: true},
		"single before smaller": {before: join(movEAX1, movArgs), nr: 1, length: 11, number: 1, single: true},
		"number overwritten":    {before: join(movEAX1, []byte{0x89, 0xf8}), nr: 7, length: 7, number: -1, single: true},
		"zero number":           {before: join(leaRIP, xorEAX), nr: 0, length: 9, number: 0, single: true},
		"several instructions":  {before: join(ret, movArgs), nr: 7, length: 6, number: -1},
		"no number":             {before: leaRIP, nr: 7, length: 7, number: -1, single: true},
		"nothing":               {before: nil, nr: 1, err: ErrNoPrefix},
		"too few bytes":         {before: join(ret, xorEDI, xorEAX), nr: 0, err: ErrNoPrefix},
		"behind a call":         {before: join(movEAX1, theCall, xorEDI), nr: 1, err: ErrNoPrefix},
		"return":                {before: join(movEAX1, ret), nr: 1, err: ErrNoPrefix},
		"jump":                  {before: []byte{0xe9, 0, 0, 0, 0}, nr: 1, err: ErrNoPrefix},
		"function call":         {before: []byte{0xe8, 0, 0, 0, 0}, nr: 1, err: ErrNoPrefix},
		"loop":                  {before: []byte{0x48, 0x89, 0xfa, 0xe2, 0xfb}, nr: 1, err: ErrNoPrefix, says: "LOOP"},
		"breakpoint":            {before: join(xorEDI, []byte{0xcc, 0xcc, 0xcc}), nr: 1, err: ErrNoPrefix},
		"gs":                    {before: []byte{0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0}, nr: 1, err: ErrNoPrefix, says: "gs"},
		"fs":                    {before: []byte{0x64, 0x48, 0x8b, 0x3c, 0x25, 0, 0, 0, 0}, nr: 1, length: 9, number: -1, single: true},
		"locked":                {before: []byte{0xf0, 0x83, 0x44, 0x24, 0xf8, 1}, nr: 1, err: ErrNoPrefix, says: "locked"},
		"eip-relative":          {before: []byte{0x67, 0x48, 0x8d, 0x35, 0, 1, 0, 0}, nr: 1, err: ErrNoPrefix, says: "rip"},
		"string operation":      {before: []byte{0x48, 0x89, 0xfa, 0xf3, 0x48, 0xab}, nr: 1, err: ErrNoPrefix},
		"segment register":      {before: []byte{0x48, 0x89, 0xfa, 0x8e, 0xd8}, nr: 1, err: ErrNoPrefix, says: "register"},
		"push and pop":          {before: []byte{0x90, 0x6a, 0x27, 0x58, 0x90}, nr: 39, length: 5, number: -1},
		"endbr64, nops":         {before: join(endbr, longNop), nr: 1, length: 10, number: -1, single: true},
		"condition":             {before: join(cmpRIP, []byte{0x74, 0x10}, xorEAX), nr: 0, length: 11, number: 0, single: true},

		"branch to the window":        {before: movArgs, after: []byte{0xeb, 0xf6}, nr: 1, length: 6, number: -1},
		"branch into the window":      {before: movArgs, after: []byte{0x74, 0xf9}, nr: 1, err: ErrBranchInside},
		"far branch into the window":  {before: movArgs, after: []byte{0x0f, 0x84, 0xf5, 0xff, 0xff, 0xff}, nr: 1, err: ErrBranchInside},
		"earlier branch into it":      {before: join([]byte{0x74, 4}, ret, movArgs), nr: 1, err: ErrBranchInside},
		"call into the window":        {before: movArgs, after: []byte{0xe8, 0xf6, 0xff, 0xff, 0xff}, nr: 1, err: ErrBranchInside},
		"branch in the window":        {before: join([]byte{0x74, 3}, movArgs), nr: 1, length: 8, number: -1}, // to what stays
		"branch behind the jump":      {before: join(movEAX1, xorEDI), after: []byte{0xeb, 0xfa}, nr: 1, length: 7, number: 1, single: true},
		"branch into one instruction": {before: movEAX1, after: []byte{0xeb, 0xf8}, nr: 1, err: ErrBranchInside},
		"branch to the call":          {before: movEAX1, after: []byte{0xeb, 0xfc}, nr: 1, length: 5, number: 1, single: true},
		"indirect jump":               {before: movArgs, after: jumpRDX, nr: 1, err: ErrBranchInside, says: "indirect"},
		"indirect jump, one":          {before: movEAX1, after: jumpRDX, nr: 1, length: 5, number: 1, single: true},
		"jump out":                    {before: movArgs, after: []byte{0x0f, 0x85, 0, 1, 0, 0}, nr: 1, err: ErrBranchInside, says: "out of the function"},
		"jump out, one":               {before: movEAX1, after: []byte{0x0f, 0x85, 0, 1, 0, 0}, nr: 1, length: 5, number: 1, single: true},
		"undecodable behind":          {before: movArgs, after: []byte{0x06}, nr: 1, err: ErrBranchInside, says: "undecodable"},
		"undecodable behind, one":     {before: movEAX1, after: []byte{0x06}, nr: 1, length: 5, number: 1, single: true},
		"undecodable before":          {before: join([]byte{0x06}, movEAX1), nr: 1, err: ErrUndecodable},
		"over the call":               {before: join(movEAX1, []byte{0xb8}), after: []byte{0, 0, 0, 0}, nr: 1, err: ErrUndecodable},
		"rt_sigreturn":                {before: []byte{0xb8, 15, 0, 0, 0}, nr: 15, err: ErrNotCall},
		"no number of the table":      {before: movEAX1, nr: Numbers, err: ErrNotCall},
		"negative number":             {before: movEAX1, nr: -1, err: ErrNotCall},
	} {
		t.Run(name, func(t *testing.T) {
			call := addr + uint64(len(c.before))
			w, err := PlanWindow(join(c.before, theCall, c.after), addr, call, c.nr)
			if c.err != nil {
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("planned %+v: %v; want %v (%s)", w, err, c.err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if w.Len != c.length || w.Nr != c.number || w.Single != c.single || w.Addr+uint64(w.Len) != call {
				t.Errorf("planned %+v", w)
			}
			if !bytes.Equal(w.Original(), c.before[len(c.before)-w.Len:]) {
				t.Errorf("original % x", w.Original())
			}
		})
	}
}

// TestPlanBounds plans calls that are not in the code that is given.
func TestPlanBounds(t *testing.T) {
	code := join(movEAX1, theCall)
	for name, c := range map[string]struct {
		code       []byte
		addr, call uint64
		err        error
	}{
		"before":      {code, 0x1000, 0xfff, ErrNotCall},
		"behind":      {code, 0x1000, 0x1007, ErrNotCall},
		"cut":         {code[:6], 0x1000, 0x1005, ErrNotCall},
		"not a call":  {code, 0x1000, 0x1000, ErrNotCall},
		"wraps":       {code, ^uint64(0) - 3, 1, ErrNotCall},
		"empty":       {nil, 0, 0, ErrNotCall},
		"too long":    {make([]byte, MaxFunction+1), 0x1000, 0x1000, ErrTooLong},
		"in the jump": {join([]byte{0xb8}, theCall, []byte{0, 0}, theCall), 0x1000, 0x1001, ErrUndecodable},
	} {
		if w, err := PlanWindow(c.code, c.addr, c.call, 1); !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
}

// TestLines checks that a window that may be written at any time is preferred to one that
// may not.
func TestLines(t *testing.T) {
	code := join(leaRIP, movEAX1, theCall)
	for _, c := range []struct {
		addr    uint64
		length  int
		crosses bool
	}{
		{0x1001, 5, false},      // the number's instruction alone
		{0x1000, 12, false},     // its first byte ends a word, the one before begins one
		{0x1040 - 7, 5, false},  // it begins a line
		{0x1040 - 9, 12, false}, // it crosses a line, the one before does not
		{0x1040 - 12, 5, false}, // it ends a line
	} {
		w, err := PlanWindow(code, c.addr, c.addr+12, 1)
		if err != nil || w.Len != c.length || w.CrossesLine() != c.crosses {
			t.Errorf("at %#x: %+v, crosses a line: %v, %v", c.addr, w, w != nil && w.CrossesLine(), err)
		}
	}
	w, err := PlanWindow(join(movEAX1, theCall), 0x103c, 0x1041, 1)
	if err != nil || !w.CrossesLine() {
		t.Errorf("no other way: %+v, %v", w, err)
	}
	if w, err = PlanWindow(join(movEAX1, theCall), 0x103b, 0x1040, 1); err != nil || w.CrossesLine() {
		t.Errorf("up to the end of a line: %+v, %v", w, err)
	}
}

// TestTrampolineCode checks a trampoline and its jump byte by byte.
func TestTrampolineCode(t *testing.T) {
	const addr, at, site = 0x5555_0000_1000, 0x5555_1000_0000, 0x70010040
	code := join(cmpRIP, []byte{0x74, 0x20}, movEAX1, theCall)
	w, err := PlanWindow(code, addr, addr+14, 1)
	if err != nil || w.Len != 5 {
		t.Fatalf("%+v, %v", w, err)
	}
	got, back, err := w.Trampoline(at, site)
	rel := func(next, target uint64) []byte {
		return binary.LittleEndian.AppendUint32(nil, uint32(target-next))
	}
	want := join(movEAX1,
		[]byte{0xb9, 0x40, 0x00, 0x01, 0x70},             // mov $site,%ecx
		[]byte{0xff, 0x24, 0x25, 0x08, 0x00, 0x00, 0x70}, // jmp *TABLE+8
		[]byte{0x48, 0x8d, 0x0d}, rel(at+24, addr+16),    // lea call+2(%rip),%rcx
		[]byte{0xe9}, rel(at+29, addr+16), // jmp call+2
	)
	if err != nil || !bytes.Equal(got, want) || back != at+17 {
		t.Errorf("back at %#x, %v:\n% x\n% x", back, err, got, want)
	}
	if jump, want := w.Jump(at), join([]byte{0xe9}, rel(addr+14, at)); !bytes.Equal(jump, want) {
		t.Errorf("jump % x, want % x", jump, want)
	}
	if ip, place := w.Translate(at, back); ip != addr+16 || place != AfterCall {
		t.Errorf("tail is %#x, %v", ip, place)
	}
}

// TestReach puts trampolines at the ends of the jump's reach and beyond.
func TestReach(t *testing.T) {
	const addr, site, far = 0x5555_8000_1000, 0x70010000, 1 << 31
	w, err := PlanWindow(join(movEAX1, theCall), addr, addr+5, 1)
	if err != nil {
		t.Fatal(err)
	}
	relative, err := PlanWindow(join(leaRIP, theCall), addr, addr+7, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w    *Window
		at   uint64
		site uint64
		ok   bool
	}{
		{w, addr + 5 + far - 1, site, false}, // what comes back does not reach
		{w, addr + far - 64, site, true},
		{w, addr + 5 + far, site, false},
		{w, addr + 5 - far, site, true},
		{w, addr + 4 - far, site, false},
		{relative, addr + far - 64, site, true},
		{relative, addr + 5 - far, site, false}, // the operand is further up
		{relative, addr + 0x200 - far, site, true},
		{w, addr + 0x1000, 1 << 32, false},
		{w, ^uint64(0) - 8, site, false},
	} {
		_, _, err := c.w.Trampoline(c.at, c.site)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOutOfReach) {
			t.Errorf("window of %d at %#x, trampoline at %#x, site %#x: %v", c.w.Len, c.w.Addr, c.at, c.site, err)
		}
	}
}

// TestUndo plans a call in a function that has been rewritten for another.
func TestUndo(t *testing.T) {
	const addr = 0x1000
	// The end of a rewritten 7-byte instruction is a jump that never was.
	first := []byte{0x48, 0xc7, 0xc0, 1, 0, 0xeb, 0x01} // mov $0x1eb0001,%rax
	program := join(movRAX1, theCall, first, movArgs, theCall)
	w, err := PlanWindow(program, addr, addr+7, 1)
	if err != nil {
		t.Fatal(err)
	}
	patched := bytes.Clone(program)
	copy(patched, w.Jump(0x20000))
	w.Undo(patched, addr)
	if !bytes.Equal(patched, program) {
		t.Errorf("% x, want % x", patched, program)
	}
	for _, part := range []struct{ from, to int }{{3, 9}, {0, 3}, {7, 9}} {
		piece := bytes.Clone(program[part.from:part.to])
		for i := range piece {
			if part.from+i < JumpLen {
				piece[i] = 0xcc
			}
		}
		if w.Undo(piece, addr+uint64(part.from)); !bytes.Equal(piece, program[part.from:part.to]) {
			t.Errorf("from %d: % x", part.from, piece)
		}
	}
}

// TestMoved compares a window that is moved with one that is planned there.
func TestMoved(t *testing.T) {
	const addr, delta = 0x7000_0000_1010, 0x5000
	code := join(cmpRIP, []byte{0x74, 0x20}, xorEAX, theCall)
	w, err := PlanWindow(code, addr, addr+11, 0)
	if err != nil {
		t.Fatal(err)
	}
	there, err := PlanWindow(code, addr+delta, addr+delta+11, 0)
	if err != nil {
		t.Fatal(err)
	}
	const at, site = addr + 0x100000, Base + SitesOffset
	want, _, err := there.Trampoline(at, site)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := w.Trampoline(at, site)
	got, _, err := w.Moved(delta).Trampoline(at, site)
	if err != nil || !bytes.Equal(got, want) || bytes.Equal(got, before) {
		t.Errorf("% x, %v, want % x", got, err, want)
	}
	if again, _, _ := w.Trampoline(at, site); !bytes.Equal(again, before) {
		t.Error("the window itself was moved")
	}
}

// FuzzPlanWindow plans arbitrary code. What is planned must keep its promises.
func FuzzPlanWindow(f *testing.F) {
	f.Add(join(movEAX1, theCall, ret), uint64(0x1000), uint16(5), 1)
	f.Add(join(cmpRIP, []byte{0x74, 0x10}, xorEAX, theCall, ret), uint64(0x7f0000001037), uint16(11), 0)
	f.Add(join(ret, movArgs, theCall), uint64(0xffff_ffff_ffff_fff0), uint16(7), 7)
	f.Add(join(padding5, endbr, longNop, theCall, jumpRDX), uint64(0x1000), uint16(19), 7)
	f.Fuzz(func(t *testing.T, code []byte, addr uint64, offset uint16, nr int) {
		call := addr + uint64(offset)
		w, err := PlanWindow(code, addr, call, nr)
		if err != nil {
			if w != nil {
				t.Error("a window and an error")
			}
			return
		}
		o := w.Addr - addr
		if w.Len < JumpLen || w.Addr < addr || w.Call() != call || !isSyscall(code[offset:]) ||
			!bytes.Equal(w.Original(), code[o:offset]) || w.Nr != -1 && w.Nr != nr {
			t.Fatalf("%+v", w)
		}
		at := addr&^0xfff + 1<<20
		tramp, back, err := w.Trampoline(at, Base+SitesOffset)
		if err != nil {
			if !errors.Is(err, ErrOutOfReach) {
				t.Error(err)
			}
			return
		}
		if len(tramp) > MaxTrampoline || back != at+uint64(w.backOffset()) || back+tailLen != at+uint64(len(tramp)) {
			t.Fatalf("trampoline % x, back at %#x", tramp, back)
		}
		for ip := at - 16; ip < at+MaxTrampoline+16; ip++ {
			was, place := w.Translate(at, ip)
			switch {
			case place == OutsideTrampoline && was == ip:
			case place == InDisplaced && was >= w.Addr && was < call:
				if back, ok := w.Resume(at, was); ok != w.Overwritten(was) || ok && back != ip {
					t.Errorf("%#x is %#x, which resumes at %#x, %v", ip, was, back, ok)
				}
			case place == BeforeCall && was == call:
			case place == AfterCall && was == call+2:
			default:
				t.Errorf("%#x is %#x, %v", ip, was, place)
			}
		}
		// All of the trampoline decodes.
		for o := 0; o < len(tramp); {
			in, err := disassemble(tramp[o:])
			if err != nil {
				t.Fatalf("trampoline % x at %d: %v", tramp, o, err)
			}
			o += in.Len
		}
	})
}
