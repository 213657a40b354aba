package seccomp

import (
	"golang.org/x/net/bpf"
)

// Offsets in struct seccomp_data (linux/seccomp.h) on a little-endian machine,
// where the lower half of a 64-bit field comes first.
const (
	offNr     = 0
	offArch   = 4
	offIPLow  = 8
	offIPHigh = 12
	offArgs   = 16 // 8 bytes each
)

// reach is how far a conditional jump is asked to go. It can skip 255
// instructions; with two targets to bring near, the second may push the first
// one further off.
const reach = 254

// A builder assembles a program from its end to its start. BPF jumps go forward
// only, so every target already has its place when a jump to it is emitted, and
// one that has got out of reach gets a copy or a long jump nearby.
type builder struct {
	code []bpf.Instruction // last instruction first
}

// A target is a place in the program that can be jumped to.
type target struct {
	at  int              // instructions from it to the end; 0: has no place yet
	ret *bpf.RetConstant // what stands there, if it is a return
}

// ret returns a target that ends the program with verdict v. It gets its place
// when it is needed, and more than one if need be.
func ret(v uint32) *target { return &target{ret: &bpf.RetConstant{Val: v}} }

// emit puts i in front of the program.
func (b *builder) emit(i bpf.Instruction) *target {
	b.code = append(b.code, i)
	return &target{at: len(b.code)}
}

// skip returns the distance to t from an instruction that is emitted next.
func (b *builder) skip(t *target) int { return len(b.code) - t.at }

// near makes t reachable, over at most limit instructions, for one that is
// emitted next.
func (b *builder) near(t *target, limit int) {
	if t.at > 0 && b.skip(t) <= limit {
		return
	}
	if t.ret != nil {
		t.at = b.emit(*t.ret).at
	} else {
		t.at = b.emit(bpf.Jump{Skip: uint32(b.skip(t))}).at
	}
}

// branch compares A with val and goes on at yes or at no.
func (b *builder) branch(cond bpf.JumpTest, val uint32, yes, no *target) *target {
	if yes == no {
		return yes
	}
	b.near(yes, reach)
	b.near(no, reach)
	return b.emit(bpf.JumpIf{Cond: cond, Val: val, SkipTrue: uint8(b.skip(yes)), SkipFalse: uint8(b.skip(no))})
}

// load reads the 32 bits at off of struct seccomp_data to A and goes on at t.
func (b *builder) load(off uint32, t *target) *target {
	b.near(t, 0)
	return b.emit(bpf.LoadAbsolute{Off: off, Size: 4})
}

// and keeps the bits of A that are in mask and goes on at t.
func (b *builder) and(mask uint32, t *target) *target {
	b.near(t, 0)
	return b.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
}

// block puts a finished program, whose every path returns, in front.
func (b *builder) block(code []bpf.Instruction) *target {
	for i := len(code) - 1; i >= 0; i-- {
		b.code = append(b.code, code[i])
	}
	return &target{at: len(b.code)}
}

// argCheck goes to yes if one of rules matches, else to no.
func (b *builder) argCheck(rules []ArgRule, yes, no *target) *target {
	next := no
	for i := len(rules) - 1; i >= 0; i-- {
		r := rules[i]
		if r.Mask == 0 {
			next = yes
			continue
		}
		next = b.branch(bpf.JumpEqual, r.Value, yes, next)
		if r.Mask != ^uint32(0) {
			next = b.and(r.Mask, next)
		}
		next = b.load(offArgs+8*uint32(r.Arg), next)
	}
	return next
}

// addressCheck goes to yes if the instruction pointer is in one of ranges, else
// to no.
func (b *builder) addressCheck(ranges []AddressRange, yes, no *target) *target {
	next := no
	for i := len(ranges) - 1; i >= 0; i-- {
		r := ranges[i]
		in := b.branch(bpf.JumpGreaterThan, uint32(r.End-1), next, yes)
		in = b.branch(bpf.JumpGreaterOrEqual, uint32(r.Start), in, next)
		in = b.load(offIPLow, in)
		next = b.branch(bpf.JumpEqual, uint32(r.Start>>32), in, next)
		next = b.load(offIPHigh, next)
	}
	return next
}

// keyCheck goes to yes if the upper half of the fifth argument is key, which is not 0, else to
// no.
func (b *builder) keyCheck(key uint32, yes, no *target) *target {
	if key == 0 {
		return no
	}
	return b.load(offArgs+8*4+4, b.branch(bpf.JumpEqual, key, yes, no))
}

// A run is a range of numbers that go on at the same place: from first up to
// the next run's first.
type run struct {
	first uint32
	to    *target
}

// search finds the run that A is in. Its depth is the logarithm of the number
// of runs.
func (b *builder) search(runs []run) *target {
	switch {
	case len(runs) == 1:
		return runs[0].to
	case len(runs) == 3 && runs[0].to == runs[2].to && runs[2].first == runs[1].first+1:
		return b.branch(bpf.JumpEqual, runs[1].first, runs[1].to, runs[0].to)
	}
	mid := len(runs) / 2
	high := b.search(runs[mid:])
	low := b.search(runs[:mid])
	return b.branch(bpf.JumpGreaterOrEqual, runs[mid].first, high, low)
}

// program returns what was built, in its order.
func (b *builder) program() (Program, error) {
	code := make([]bpf.Instruction, 0, len(b.code))
	for i := len(b.code) - 1; i >= 0; i-- {
		code = append(code, b.code[i])
	}
	return bpf.Assemble(code)
}
