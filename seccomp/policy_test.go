package seccomp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// x86-64 numbers that the tests use.
const (
	nrRead    = 0
	nrIoctl   = 16
	nrClone   = 56
	nrPrctl   = 157
	nrOpenat  = 257
	nrSeccomp = 317
	nrClone3  = 435
)

var natives = []table.ABI{table.AMD64, table.ARM64}

func setOf(abi table.ABI, nrs ...int) *table.Set {
	s := &table.Set{}
	for _, nr := range nrs {
		s.Add(abi, nr)
	}
	return s
}

// everything is the set of all calls of all ABIs.
func everything() *table.Set {
	s := &table.Set{}
	for abi := range table.NumABI {
		for nr := range numbers {
			s.Add(abi, nr)
		}
		s.AddUnknown(abi)
	}
	return s
}

func assemble(t testing.TB, p *Policy) *machine {
	t.Helper()
	prog, err := p.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	return newMachine(t, prog)
}

// someNumbers are all numbers that may be anything, with their neighbours, and
// others from all over the 32 bits.
var someNumbers = func() []uint32 {
	var s []uint32
	for nr := range uint32(1101) {
		s = append(s, nr, nr|table.X32Bit, nr|1<<31, nr|table.X32Bit|1<<31)
	}
	for bit := 10; bit < 32; bit++ {
		s = append(s, 1<<bit, 1<<bit-1, 1<<bit|1, 1<<bit|nrOpenat)
	}
	return append(s, ^uint32(0), ^uint32(1), table.X32Bit-1, 2*table.X32Bit-1)
}()

var archs = []uint32{
	table.AuditArchX86_64, table.AuditArchI386, table.AuditArchAArch64,
	unix.AUDIT_ARCH_ARM, 0, ^uint32(0), table.AuditArchX86_64 ^ 1<<31,
}

// check runs p's program with every one of someNumbers, on every architecture,
// with arguments and addresses that matter to p, and compares with want.
func check(t testing.TB, p *Policy) {
	t.Helper()
	m := assemble(t, p)
	addresses := []uint64{0x401000}
	for _, r := range p.Exempt {
		addresses = append(addresses, r.Start-1, r.Start, r.End-1, r.End,
			r.Start^1<<32, r.Start^1<<63, r.Start&0xffffffff, (r.End-1)^1<<47)
	}
	ruled := map[uint32][]ArgRule{}
	for _, r := range p.Rules {
		nr := uint32(r.number())
		if r.ABI == table.X32 {
			nr |= table.X32Bit
		}
		ruled[nr] = append(ruled[nr], r)
	}
	one := func(d data) {
		t.Helper()
		if got, want := m.run(t, d), want(p, d); got != want {
			t.Fatalf("%+v: verdict %#x, want %#x", d, got, want)
		}
	}
	for _, arch := range archs {
		for _, nr := range someNumbers {
			for i, ip := range addresses {
				d := data{nr: nr, arch: arch, ip: ip}
				one(d)
				if i > 1 {
					continue
				}
				if p.ExemptKey != 0 {
					d.args[4] = uint64(p.ExemptKey)<<32 | 5
					one(d)
					d.args[4] = uint64(p.ExemptKey)
					one(d)
				}
				for _, r := range ruled[nr] {
					for _, v := range []uint64{0, uint64(r.Value), uint64(r.Mask), ^uint64(r.Mask)} {
						for _, high := range []uint64{0, 1 << 32, 0xffffffff << 32} {
							for bit := range 33 {
								d.args = [6]uint64{}
								d.args[r.Arg] = (v ^ 1<<bit) | high
								one(d)
							}
						}
					}
				}
			}
			checkCache(t, p, m, nr, arch)
		}
	}
}

// checkCache fails unless the kernel can tell from nr and arch alone that a call
// is allowed exactly when it always is.
func checkCache(t testing.TB, p *Policy, m *machine, nr, arch uint32) {
	t.Helper()
	abi, ok := table.ABIOf(arch, int(int32(nr)))
	ok = ok && slices.ContainsFunc(p.Rules, func(r ArgRule) bool {
		number := r.Nr
		if abi == table.X32 {
			number |= table.X32Bit
		}
		return r.ABI == abi && number == int(int32(nr))
	}) == false
	always := ok && want(p, data{nr: nr, arch: arch}) == retAllow && (p.Trace == nil || !p.Trace.Has(abi, int(int32(nr))))
	if got, _ := m.alwaysAllowed(nr, arch); got != always {
		t.Fatalf("number %#x of architecture %#x: known to be allowed always: %v, want %v", nr, arch, got, always)
	}
}

func TestNothingAndEverything(t *testing.T) {
	for _, native := range natives {
		for _, set := range []*table.Set{nil, {}, everything()} {
			p := &Policy{Native: native, Trace: set}
			check(t, p)
			prog, err := p.Assemble()
			if err != nil {
				t.Fatal(err)
			}
			// A load, a comparison for each architecture, two returns.
			if most := 3 + len(machines[native]); len(prog) > most {
				t.Errorf("%v: %d instructions, want at most %d", native, len(prog), most)
			}
		}
	}
}

func TestOneCall(t *testing.T) {
	check(t, &Policy{Native: table.AMD64, Trace: setOf(table.AMD64, nrOpenat)})
	check(t, &Policy{Native: table.AMD64, Trace: setOf(table.X32, nrOpenat)})
	check(t, &Policy{Native: table.AMD64, Trace: setOf(table.I386, 295)})
	check(t, &Policy{Native: table.ARM64, Trace: setOf(table.ARM64, 56)})
}

func TestAllButOneCall(t *testing.T) {
	for abi := range table.NumABI {
		for _, nr := range []int{0, nrOpenat, 335, 336, 423, 424, 467, 468, numbers - 1} {
			s := everything()
			s.Remove(abi, nr)
			native := table.AMD64
			if abi == table.ARM64 {
				native = abi
			}
			check(t, &Policy{Native: native, Trace: s})
		}
	}
}

func TestUnknownNumbersOnly(t *testing.T) {
	for abi := range table.NumABI {
		s := &table.Set{}
		s.AddUnknown(abi)
		for _, native := range natives {
			check(t, &Policy{Native: native, Trace: s})
		}
	}
}

// A set whose numbers change with every step has the longest program. What is
// searched for in it is found all the same in few instructions.
func TestLongestPrograms(t *testing.T) {
	odd := &table.Set{}
	for abi := range table.NumABI {
		for nr := 1; nr < numbers; nr += 2 {
			odd.Add(abi, nr)
		}
	}
	for _, native := range natives {
		p := &Policy{Native: native, Trace: odd}
		check(t, p)
		m := assemble(t, p)
		for nr := range uint32(numbers) {
			if _, steps := m.alwaysAllowed(nr, table.AuditArchI386); steps > 20 {
				t.Fatalf("%v: %d instructions for i386 call %d", native, steps, nr)
			}
		}
	}
}

// randomPolicy draws sets of any density, rules and exempt ranges.
func randomPolicy(r *rand.Rand) *Policy {
	p := &Policy{Native: natives[r.IntN(len(natives))], Trace: randomSet(r)}
	for range r.IntN(8) {
		mask := r.Uint32()
		switch r.IntN(4) {
		case 0:
			mask = 0
		case 1:
			mask = ^uint32(0)
		case 2:
			mask = 1 << r.IntN(32)
		}
		rule := ArgRule{
			ABI:   table.ABI(r.IntN(int(table.NumABI))),
			Nr:    r.IntN(numbers),
			Arg:   r.IntN(6),
			Mask:  mask,
			Value: r.Uint32() & mask,
		}
		if rule.ABI == table.X32 && r.IntN(2) == 0 {
			rule.Nr |= table.X32Bit
		}
		p.Rules = append(p.Rules, rule)
		if r.IntN(2) == 0 { // a second one for the same number
			rule.Arg, rule.Value = r.IntN(6), r.Uint32()&mask
			p.Rules = append(p.Rules, rule)
		}
	}
	if r.IntN(2) == 0 {
		p.ExemptSet = randomSet(r)
		for range r.IntN(4) {
			start := r.Uint64() >> r.IntN(50)
			p.Exempt = append(p.Exempt, AddressRange{start, min(start+1+r.Uint64N(1<<20), start|0xffffffff)})
		}
		p.Exempt = slices.DeleteFunc(p.Exempt, func(r AddressRange) bool { return r.Start >= r.End })
		if r.IntN(2) == 0 {
			p.ExemptKey = r.Uint32()
		}
	}
	return p
}

func randomSet(r *rand.Rand) *table.Set {
	s := &table.Set{}
	for abi := range table.NumABI {
		density := r.Float64()
		switch r.IntN(4) {
		case 0:
			density = 0.01
		case 1:
			density = 0.99
		}
		for nr := range numbers {
			if r.Float64() < density {
				s.Add(abi, nr)
			}
		}
		if r.IntN(3) == 0 {
			s.AddUnknown(abi)
		}
	}
	return s
}

func TestRandomPolicies(t *testing.T) {
	for seed := range uint64(20) {
		p := randomPolicy(rand.New(rand.NewPCG(seed, 42)))
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { check(t, p) })
	}
}

func TestDeterministic(t *testing.T) {
	for seed := range uint64(10) {
		p := randomPolicy(rand.New(rand.NewPCG(seed, 1)))
		first, err := p.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(p.Rules)
		again, err := p.Assemble()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(first, again) {
			t.Fatalf("seed %d: two programs for one policy", seed)
		}
	}
}

func TestArgumentRules(t *testing.T) {
	const tiocsti = 0x5412
	p := &Policy{
		Native: table.AMD64,
		Rules: []ArgRule{
			{ABI: table.AMD64, Nr: nrIoctl, Arg: 1, Mask: ^uint32(0), Value: tiocsti},
			{ABI: table.AMD64, Nr: nrClone, Arg: 0, Mask: unix.CLONE_UNTRACED, Value: unix.CLONE_UNTRACED},
			{ABI: table.AMD64, Nr: nrPrctl, Arg: 0, Mask: ^uint32(0), Value: unix.PR_SET_SECCOMP},
			{ABI: table.AMD64, Nr: nrPrctl, Arg: 0, Mask: ^uint32(0), Value: unix.PR_GET_SECCOMP},
			{ABI: table.AMD64, Nr: nrSeccomp},
			{ABI: table.AMD64, Nr: nrClone3},
			{ABI: table.I386, Nr: 120, Arg: 0, Mask: unix.CLONE_UNTRACED, Value: unix.CLONE_UNTRACED},
			{ABI: table.X32, Nr: nrClone | table.X32Bit, Arg: 0, Mask: unix.CLONE_UNTRACED, Value: unix.CLONE_UNTRACED},
		},
	}
	check(t, p)
	m := assemble(t, p)
	for _, c := range []struct {
		nr   uint32
		args [6]uint64
		want uint32
	}{
		{nrIoctl, [6]uint64{0, tiocsti}, retTrace},
		{nrIoctl, [6]uint64{0, tiocsti | 1<<32}, retTrace},
		{nrIoctl, [6]uint64{tiocsti, tiocsti + 1}, retAllow},
		{nrClone, [6]uint64{unix.CLONE_UNTRACED | unix.CLONE_VM}, retTrace},
		{nrClone, [6]uint64{unix.CLONE_UNTRACED | 1<<63}, retTrace},
		{nrClone, [6]uint64{unix.CLONE_VM | unix.CLONE_UNTRACED<<32}, retAllow},
		{nrClone | table.X32Bit, [6]uint64{unix.CLONE_UNTRACED}, retTrace},
		{nrPrctl, [6]uint64{unix.PR_SET_SECCOMP}, retTrace},
		{nrPrctl, [6]uint64{unix.PR_GET_SECCOMP | 7<<32}, retTrace},
		{nrPrctl, [6]uint64{unix.PR_SET_NAME}, retAllow},
		{nrSeccomp, [6]uint64{}, retTrace},
		{nrClone3, [6]uint64{}, retTrace},
	} {
		if got := m.run(t, data{nr: c.nr, arch: table.AuditArchX86_64, args: c.args}); got != c.want {
			t.Errorf("%d%v: %#x, want %#x", c.nr, c.args, got, c.want)
		}
	}
}

// Rules without effect cost nothing: one that matches always is as good as a
// member of Trace, and one for a member of Trace is as good as none.
func TestNeedlessRules(t *testing.T) {
	plain := &Policy{Native: table.AMD64, Trace: setOf(table.AMD64, nrOpenat)}
	always := &Policy{Native: table.AMD64, Rules: []ArgRule{{ABI: table.AMD64, Nr: nrOpenat}}}
	double := &Policy{Native: table.AMD64, Trace: plain.Trace, Rules: []ArgRule{{ABI: table.AMD64, Nr: nrOpenat, Mask: 1, Value: 1}}}
	want, err := plain.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Policy{always, double} {
		if got, err := p.Assemble(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v: %v, %v, want %v", p.Rules, got, err, want)
		}
	}
}

func TestExemptAddresses(t *testing.T) {
	p := &Policy{
		Native:    table.AMD64,
		Trace:     everything(),
		Exempt:    []AddressRange{{0x7000_0000, 0x7000_4000}, {0x7fff_0000_0000, 0x7fff_0000_0010}, {0xffff_fff0, 0x1_0000_0000}},
		ExemptSet: setOf(table.AMD64, nrRead, nrIoctl, nrOpenat),
		Rules:     []ArgRule{{ABI: table.AMD64, Nr: nrIoctl, Arg: 1, Mask: ^uint32(0), Value: 0x5412}},
	}
	check(t, p)
	m := assemble(t, p)
	if got := m.run(t, data{nr: nrIoctl, arch: table.AuditArchX86_64, ip: 0x7000_0002, args: [6]uint64{0, 0x5412}}); got != retTrace {
		t.Errorf("a rule does not beat an exemption: %#x", got)
	}
	for _, ip := range []uint64{0x1_7000_0000, 0x7000_4000, 0x6fff_ffff, 0x7fff_0000_0010, 0x7ffe_0000_0000} {
		if got := m.run(t, data{nr: nrRead, arch: table.AuditArchX86_64, ip: ip}); got != retTrace {
			t.Errorf("exempt at %#x: %#x", ip, got)
		}
	}
}

// A call with the key passes from anywhere, and no other does: not without it, not where the
// key is of another argument, not if it is not in the set.
func TestExemptKey(t *testing.T) {
	const key = 0x8765_4321
	p := &Policy{Native: table.AMD64, Trace: everything(), ExemptSet: setOf(table.AMD64, nrOpenat), ExemptKey: key}
	check(t, p)
	m := assemble(t, p)
	for _, tt := range []struct {
		nr   uint32
		args [6]uint64
		want uint32
	}{
		{nrOpenat, [6]uint64{4: key<<32 | 7}, retAllow},
		{nrOpenat, [6]uint64{4: key}, retTrace},
		{nrOpenat, [6]uint64{3: key << 32, 5: key << 32}, retTrace},
		{nrOpenat, [6]uint64{}, retTrace},
		{nrRead, [6]uint64{4: key << 32}, retTrace},
	} {
		if got := m.run(t, data{nr: tt.nr, arch: table.AuditArchX86_64, args: tt.args}); got != tt.want {
			t.Errorf("call %d with %#x: %#x, want %#x", tt.nr, tt.args, got, tt.want)
		}
	}
}

func TestBadPolicies(t *testing.T) {
	for _, p := range []Policy{
		{Native: table.I386},
		{Native: table.X32},
		{Native: table.NumABI},
		{Rules: []ArgRule{{ABI: table.NumABI}}},
		{Rules: []ArgRule{{Nr: -1}}},
		{Rules: []ArgRule{{Nr: numbers}}},
		{Rules: []ArgRule{{Nr: nrClone | table.X32Bit}}},
		{Rules: []ArgRule{{ABI: table.X32, Nr: -1}}},
		{Rules: []ArgRule{{Arg: 6}}},
		{Rules: []ArgRule{{Arg: -1}}},
		{Rules: []ArgRule{{Mask: 1, Value: 3}}},
		{Exempt: []AddressRange{{0x1000, 0x1000}}},
		{Exempt: []AddressRange{{0x2000, 0x1000}}},
		{Exempt: []AddressRange{{0xffff_ffff, 0x1_0000_0001}}},
		{Exempt: []AddressRange{{0x1000, 0}}},
	} {
		if prog, err := p.Assemble(); err == nil {
			t.Errorf("%+v: %d instructions, want an error", p, len(prog))
		}
	}
}

func TestTooLong(t *testing.T) {
	p := &Policy{Native: table.AMD64, Trace: setOf(table.AMD64, nrRead), ExemptSet: setOf(table.AMD64, nrRead)}
	for i := range uint64(1000) {
		p.Exempt = append(p.Exempt, AddressRange{i << 20, i<<20 + 16})
	}
	if _, err := p.Assemble(); !errors.Is(err, ErrTooLong) {
		t.Errorf("1000 exempt ranges: %v, want ErrTooLong", err)
	}
}

// The Set has no way to tell how many numbers it tells apart; if it becomes more
// than we look at, calls would slip through.
func TestSetTellsApartOurNumbers(t *testing.T) {
	s := setOf(table.AMD64, numbers-1)
	if s.HasUnknown(table.AMD64) {
		t.Errorf("a Set does not tell apart number %d", numbers-1)
	}
	if s.Add(table.AMD64, numbers); !s.HasUnknown(table.AMD64) {
		t.Errorf("a Set tells apart number %d too", numbers)
	}
}

// Whatever is drawn, program and documentation agree.
func FuzzPolicy(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Add(uint64(0x4b42), uint64(0))
	f.Fuzz(func(t *testing.T, a, b uint64) { check(t, randomPolicy(rand.New(rand.NewPCG(a, b)))) })
}

// BenchmarkAssemble shows what a launch pays, and how long programs are.
func BenchmarkAssemble(b *testing.B) {
	file, err := table.ParseSet("%file")
	if err != nil {
		b.Fatal(err)
	}
	openat, err := table.ParseSet("openat")
	if err != nil {
		b.Fatal(err)
	}
	stubs := []AddressRange{{0x7000_0000, 0x7000_4000}}
	for _, c := range []struct {
		name string
		p    Policy
	}{
		{"openat", Policy{Trace: openat}},
		{"file", Policy{Trace: file}},
		{"file_exempt", Policy{Trace: file, Exempt: stubs, ExemptSet: file}},
		{"all", Policy{Trace: everything()}},
		{"all_file_exempt", Policy{Trace: everything(), Exempt: stubs, ExemptSet: file}},
	} {
		c.p.Rules = append(TreeRules(), FilterRules()...)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				prog, err := c.p.Assemble()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(prog)), "instructions")
			}
		})
	}
}
