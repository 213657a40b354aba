package execso

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	dec "github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// process is the one whose calls those are.
type process struct{ table.Process }

func (process) PID() int { return 1 }

// memories is an engine for calls that are only decoded. Its memory is what was
// captured, or else this process's.
type memories struct {
	captured *Event
}

func (e *memories) TID() int               { return 1 }
func (e *memories) Process() table.Process { return process{} }
func (e *memories) FDs() table.FDs         { return nil }
func (e *memories) FS() table.FS           { return nil }
func (e *memories) Blocked() uint64        { return 0 }
func (e *memories) Route() table.Route     { return table.RouteDirect }

func (e *memories) ReadMemory(addr uint64, p []byte) (int, error) {
	if e.captured == nil {
		local := []unix.Iovec{{Base: &p[0], Len: uint64(len(p))}}
		n, err := unix.ProcessVMReadv(os.Getpid(), local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(p)}}, 0)
		if err != nil || n <= 0 {
			return 0, unix.EFAULT
		}
		return n, nil
	}
	if n := ReadCaptured(e.captured.Captures, addr, p); n > 0 {
		return n, nil
	}
	return 0, unix.EFAULT
}

func (e *memories) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N = 0
		if len(ranges[i].Buf) > 0 {
			ranges[i].N, _ = e.ReadMemory(ranges[i].Addr, ranges[i].Buf)
		}
	}
}

func (e *memories) WriteMemory(uint64, []byte) (int, error) { return 0, unix.EFAULT }
func (e *memories) Native(*table.Call) table.Result         { return table.Errno(unix.ENOSYS) }
func (e *memories) Inject(*table.Call, int, [6]uint64) table.Result {
	return table.Errno(unix.ENOSYS)
}
func (e *memories) Pin(*table.Call, []byte) (uint64, error)           { return 0, unix.ENOSYS }
func (e *memories) Park(*table.Call, func(ctx context.Context)) error { return unix.ENOSYS }

// pretend makes the site's observed call, and the one that asks for help, return
// at once, with what is in R12, whatever the call.
func (m *machine) pretend() {
	off := int(m.site - Base)
	copy(m.code.mem[off+siteObserved:], []byte{0x49, 0x94}) // xchg %rax,%r12
	copy(m.code.mem[CodeOffset+labels[atHelpCall]:], []byte{0x66, 0x90})
	// What the trap route leads to.
	copy(m.trapped, []byte{0x66, 0x90})
}

// What is captured is all that the decoder reads: with it alone, it says the same
// as with the whole memory. For all calls that can be recorded, with all kinds of
// arguments and results.
func TestCapturesAreAllThatIsDecoded(t *testing.T) {
	m := newMachine(t)
	m.pretend()
	const size = 1 << 14
	var args [6]uint64
	var buffers [6][]byte
	for i := range buffers {
		mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Munmap(mem)
		buffers[i] = mem
	}
	rnd := rand.New(rand.NewPCG(42, 42))
	pick := func(from ...uint64) uint64 { return from[rnd.IntN(len(from))] }
	for _, opts := range []dec.Options{{StringLimit: 32}, {StringLimit: 5}, {StringLimit: 3000}, {StringLimit: 20, Verbose: true}, {StringLimit: 100000}} {
		elements := opts.StringLimit
		if opts.Verbose {
			elements = 1 << 14
		}
		m.SetLimits(opts.StringLimit, elements)
		decoder := dec.New(opts)
		recorded := map[string]int{}
		for nr := range Numbers {
			if !Servable(nr, Record) {
				continue
			}
			m.SetService(nr, Record)
			sig := table.SignatureOf(table.AMD64, nr)
			rounds := 60
			if len(rules[sig.Name].cases) > 0 {
				rounds = 400
			}
			for range rounds {
				for i := range args {
					args[i] = rnd.Uint64() >> pick(0, 16, 32, 48, 56, 63)
					if i >= len(sig.Args) {
						continue
					}
					switch a := sig.Args[i]; a.Kind {
					case table.Path, table.String, table.Buffer, table.Struct:
						args[i] = scribble(buffers[i], rnd, a.Kind)
						switch a.Set {
						case "iovec":
							vector(buffers[i][:300*iovecSize], buffers[5], rnd)
							args[i] = addr(&buffers[i][0])
						case "msghdr":
							message(buffers[i], buffers[5], rnd)
							args[i] = addr(&buffers[i][0])
						}
						if rnd.IntN(3) == 0 {
							args[i] = 0
						}
					case table.Uint, table.Int:
						args[i] = pick(0, 1, 2, 3, 7, 8, 16, 31, 32, 33, 40, 100, 1000, 3000, 8000, 1<<32+5, 1<<32-1)
					case table.Enum:
						args[i] = choose(sig.Name, pick)
					}
					if k := choose(sig.Name+"."+sig.Args[i].Name, pick); k != 0 {
						args[i] = k
					}
				}
				if sig.Name == "fcntl" || sig.Name == "ioctl" {
					args[2] = scribble(buffers[2], rnd, table.Struct)
				}
				result := int64(pick(0, 1, 2, 5, 31, 32, 33, 100, 3000, 8000))
				if n := rnd.IntN(3); n == 0 {
					result = -int64(pick(uint64(unix.ENOENT), uint64(unix.EFAULT), uint64(unix.EAGAIN), uint64(unix.EINVAL),
						uint64(unix.ETIMEDOUT), uint64(unix.EINTR), uint64(rnd.IntN(134)+1)))
				}
				if plans()[nr].has(stepVector, stepMessage) && rnd.IntN(2) == 0 {
					result = 1 << 30
				}
				if sig.Result != table.Int {
					result = max(result, -133)
				}
				r := registers{AX: uint64(nr), R12: uint64(result)}
				r.setArgs(args[:])
				m.call(&r)
				if r.CX == wasTrapped {
					continue
				}
				enter, exit := m.next(), m.next()
				if enter.Nr != nr || enter.Args != args || exit.Result != result {
					t.Fatalf("%s: %+v, %+v, want %#x and %d", sig.Name, enter, exit, args, result)
				}
				if exit.Unhelped {
					continue
				}
				recorded[sig.Name]++
				whole := line(decoder, &memories{}, nr, args, result)
				got := line(decoder, &memories{captured: &exit}, nr, args, result)
				if got != whole {
					t.Errorf("-s %d: decoded\n%s, want\n%s\nfrom %+v", opts.StringLimit, got, whole, exit.Captures)
					break
				}
			}
			if recorded[sig.Name] == 0 {
				t.Errorf("-s %d: %s was never recorded", opts.StringLimit, sig.Name)
			}
		}
	}
}

// line decodes a call into a line of text.
func line(d *dec.Decoder, mem *memories, nr int, args [6]uint64, result int64) string {
	var c table.Call
	c.Reset(mem, table.AMD64, nr, args, 0, 0)
	e := d.NewEvent()
	e.Entry(&c)
	e.Exit(&c, table.FromRaw(result))
	var text dec.Text
	b := text.AppendEntry(nil, e)
	b = text.AppendExit(b, e)
	return string(text.AppendResult(append(b, ' '), e))
}

// scribble fills a buffer with what may be at an argument, and returns where it is.
func scribble(buf []byte, rnd *rand.Rand, kind table.Kind) uint64 {
	at := rnd.IntN(2000)
	rest := buf[at:]
	for i := 0; i < 8100; i += 8 {
		v := rnd.Uint64()
		if kind == table.Path || kind == table.String {
			v |= 0x0101010101010101
		}
		le.PutUint64(rest[i:], v)
	}
	switch kind {
	case table.Path:
		rest[rnd.IntN([]int{10, 100, 4096}[rnd.IntN(3)])] = 0
	case table.String:
		rest[rnd.IntN([]int{40, 8000}[rnd.IntN(2)])] = 0
	case table.Struct:
		if rnd.IntN(2) == 0 {
			clear(rest[:rnd.IntN(100)])
		}
		rest[0], rest[1] = byte(rnd.IntN(20)), 0 // the family of an address
	}
	return addr(&rest[0])
}

// vector fills an iovec with pieces of a buffer.
func vector(iov, buf []byte, rnd *rand.Rand) {
	for ; len(iov) >= iovecSize; iov = iov[iovecSize:] {
		off, n := rnd.IntN(len(buf)-4000), rnd.IntN(1<<(rnd.IntN(12)))
		le.PutUint64(iov, addr(&buf[off]))
		if rnd.IntN(20) == 0 {
			le.PutUint64(iov, 0)
			n = 0
		}
		le.PutUint64(iov[iovecLen:], uint64(n))
	}
}

// message makes a msghdr, with pieces of two buffers.
func message(msg, buf []byte, rnd *rand.Rand) {
	scribble(buf, rnd, table.Buffer)
	const iov = 1024
	vector(msg[iov:iov+40*iovecSize], buf, rnd)
	clear(msg[:msghdrSize])
	if rnd.IntN(2) == 0 {
		le.PutUint64(msg, addr(&buf[0]))
		le.PutUint32(msg[msgNamelen:], uint32(rnd.IntN(200)))
	}
	le.PutUint64(msg[msgIov:], addr(&msg[iov]))
	le.PutUint64(msg[msgIovlen:], uint64(rnd.IntN(40)))
	if n := rnd.IntN(6000); n < 3000 {
		control := buf[200:][:max(n, 40)]
		for off := 0; off+40 <= len(control); off += 40 {
			le.PutUint64(control[off:], 36)
			le.PutUint64(control[off+8:], unix.SOL_SOCKET|uint64(rnd.IntN(4))<<32)
		}
		le.PutUint64(msg[msgControl:], addr(&control[0]))
		le.PutUint64(msg[msgControllen:], uint64(n))
	}
}

// has reports whether the plan has one of these steps.
func (p plan) has(steps ...label) bool {
	return slices.ContainsFunc(p, func(s step) bool { return slices.Contains(steps, s.do) })
}

// choose picks values that make a difference.
func choose(what string, pick func(...uint64) uint64) uint64 {
	switch what {
	case "futex":
		return pick(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13) | pick(0, 128, 256, 128|256)
	case "fcntl":
		return pick(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 36, 37, 38, 1024, 1025, 1026, 1030, 1033, 1034, 1035, 1036, 1037, 1038)
	case "ioctl":
		return pick(0x5401, 0x5402, 0x5409, 0x540d, 0x540f, 0x5410, 0x5411, 0x5413, 0x5414, 0x541b, 0x5421, 0x5429, 0x80045430,
			0x40045431, 0x40049409, 0x80081272, 0x80086601, 0x40086602, 0x5450, 0x12345678)
	case "readv.iovcnt", "preadv.iovcnt", "preadv2.iovcnt", "writev.iovcnt", "pwritev.iovcnt", "pwritev2.iovcnt":
		return pick(1, 2, 3, 33, 250)
	case "epoll_ctl":
		return pick(1, 2, 3)
	case "arch_prctl":
		return pick(0x1001, 0x1002, 0x1003)
	case "mmap.prot", "mprotect.prot":
		return pick(1, 2, 3)
	case "mmap.flags":
		return pick(1, 2, 0x22)
	case "setsockopt":
		return pick(1<<32, 1, 6, 17, 41, 132, 255, 263, 270)
	case "setsockopt.optname":
		return 1 + pick(0, 1, 2, 3)*16 + pick(0, 1, 2, 3, 4, 5, 6, 7)*2 + pick(0, 1)
	case "setsockopt.optlen":
		return pick(1, 2, 4, 8, 12, 16, 20, 28, 40, 136, 264, 300)
	case "rt_sigprocmask.sigsetsize", "epoll_pwait.sigsetsize":
		return pick(4, 8, 12, 40)
	}
	return 0
}
