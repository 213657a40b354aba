package decode

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// wild is an engine whose memory is random: some addresses are readable, their
// pages' bytes depend on their address and the seed, and what is read may
// change between two looks at it.
type wild struct {
	self
	rnd   *rand.Rand
	asked int // bytes asked for, in all
}

func (w *wild) readable(addr uint64) bool { return addr >= 0x1000 && addr/pageSize%8 != 7 }

func (w *wild) ReadMemory(addr uint64, p []byte) (int, error) {
	w.asked += len(p)
	n := 0
	for n < len(p) && w.readable(addr+uint64(n)) {
		switch w.rnd.IntN(4) {
		case 0:
			p[n] = 0
		case 1:
			p[n] = byte(w.rnd.IntN(8))
		default:
			p[n] = byte(w.rnd.Uint32())
		}
		n++
	}
	if n == 0 && len(p) > 0 {
		return 0, unix.EFAULT
	}
	return n, nil
}

func (w *wild) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = w.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

// arg returns a number that calls may well be confused by.
func arg(rnd *rand.Rand) uint64 {
	switch rnd.IntN(8) {
	case 0:
		return 0
	case 1:
		return ^uint64(rnd.IntN(200))
	case 2:
		return uint64(rnd.IntN(64))
	case 3:
		return 1 << rnd.IntN(64)
	case 4:
		return uint64(rnd.Uint32())
	case 5:
		return rnd.Uint64()
	case 6:
		return 0x7000 - uint64(rnd.IntN(16)) // before an unreadable page
	}
	return 0x10000 + uint64(rnd.IntN(1<<16))
}

// wildMax bounds what a call may make the decoder read: the limits that it has,
// and some for reading lengths and pointers twice.
const wildMax = maxEvent + maxCount + 1<<20

func decodeWild(t *testing.T, abi table.ABI, nr int, seed uint64) {
	decodeWildWith(t, abi, nr, seed, nil)
}

// decodeWildWith decodes a call of which fix, if it is set, chooses some arguments.
func decodeWildWith(t *testing.T, abi table.ABI, nr int, seed uint64, fix func(args *[6]uint64)) {
	rnd := rand.New(rand.NewPCG(seed, uint64(nr)))
	w := &wild{rnd: rnd}
	c := &table.Call{}
	var args [6]uint64
	for i := range args {
		args[i] = arg(rnd)
	}
	if fix != nil {
		fix(&args)
	}
	c.Reset(w, abi, nr, args, arg(rnd), arg(rnd))
	e := New(Options{Verbose: seed%2 == 0, Object: func(table.Thread, int) (string, bool) {
		return []string{bpfMapObject, bpfProgObject}[seed/2%2], true
	}}).NewEvent()
	e.Entry(c)
	var text Text
	b := text.AppendEntry(nil, e)
	var res table.Result
	switch rnd.IntN(4) {
	case 0:
		res = table.Gone()
	case 1:
		res = table.Errno(unix.Errno(rnd.IntN(600)))
	case 2:
		res = table.Return(int64(rnd.IntN(100)))
	default:
		res = table.FromRaw(int64(rnd.Uint64()))
	}
	e.Exit(c, res)
	b = text.AppendExit(b, e)
	b = text.AppendResult(append(b, ' '), e)
	if w.asked > wildMax {
		t.Errorf("%s %s, seed %d: asked for %d bytes", abi, c.Name(), seed, w.asked)
	}
	for _, x := range b {
		if x < ' ' || x > '~' {
			t.Fatalf("%s %s, seed %d: byte %#x in %q", abi, c.Name(), seed, x, b)
		}
	}
	for v := range e.Args() {
		if v.Kind == Absent {
			t.Fatalf("%s %s, seed %d: an argument without a value in %q", abi, c.Name(), seed, b)
		}
	}
}

// TestWild decodes every call with arguments and memory that make no sense.
func TestWild(t *testing.T) {
	rounds := uint64(10)
	if testing.Short() {
		rounds = 2
	}
	for abi := range table.NumABI {
		for nr := range 600 {
			if abi == table.X32 {
				nr |= table.X32Bit
			}
			for seed := range rounds {
				decodeWild(t, abi, nr, seed)
			}
		}
	}
}

// TestWildRequests does the same with every request of ioctl that is known.
func TestWildRequests(t *testing.T) {
	rounds := uint64(20)
	if testing.Short() {
		rounds = 2
	}
	for abi, nr := range map[table.ABI]int{table.AMD64: 16, table.I386: 54, table.X32: table.X32Bit | 514, table.ARM64: 29} {
		for code := range ioctlArgs() {
			for seed := range rounds {
				decodeWildWith(t, abi, nr, code<<8|seed, func(args *[6]uint64) { args[1] = code })
			}
		}
	}
}

func FuzzWild(f *testing.F) {
	for nr := range 450 {
		f.Add(uint8(0), nr, uint64(1))
	}
	f.Fuzz(func(t *testing.T, abi uint8, nr int, seed uint64) {
		decodeWild(t, table.ABI(abi)%table.NumABI, nr, seed)
	})
}

// TestWildCommands decodes calls that are many in one, with each of their commands.
func TestWildCommands(t *testing.T) {
	nr, _ := table.Number(table.AMD64, "bpf")
	for cmd := range uint64(60) {
		for n := range uint64(30) {
			attr := make([]byte, 9*n)
			for i := range attr {
				attr[i] = byte(n * uint64(i) * 37)
			}
			if n%3 == 0 && len(attr) > 12 {
				attr[8], attr[9], attr[10], attr[11] = byte(n*2), 0, 0, 0 // a type of attachment
			}
			for _, opts := range []Options{{}, {Verbose: true, Object: func(table.Thread, int) (string, bool) { return bpfProgObject, true }}} {
				e, c := event(t, opts, table.AMD64, "bpf", cmd, bytesAt(attr), uint64(len(attr)))
				if c.Nr() != nr {
					t.Fatal("no bpf")
				}
				e.Entry(c)
				e.Exit(c, ok(0))
				if got := line(e); !strings.HasPrefix(got, "bpf(") || !strings.Contains(got, ")") {
					t.Errorf("%s", got)
				}
			}
		}
	}
}
