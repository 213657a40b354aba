package execso

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Where things are in the bench's process.
const (
	benchImages  = 0x1000_0000_0000 // position-independent images
	benchScratch = 0x2000_0000_0000 // what registers point to
	scratchSize  = 16 << 10
	benchStubs   = Base + CodeOffset // 16 bytes a number
	benchMark    = benchStubs + 16*Numbers
	benchSite    = benchMark + 64
	benchSize    = CodeOffset + 16*Numbers + pageSize
)

// bench is a process in which pieces of code run under a test's control.
type bench struct {
	t   *testing.T
	pid int
	mem *os.File
	was unix.PtraceRegs // as it was started
}

// newBench starts a process. The calling goroutine's thread is its tracer.
func newBench(t *testing.T) *bench {
	t.Helper()
	runtime.LockOSThread()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	b := &bench{t: t, pid: cmd.Process.Pid}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		b.mem.Close()
		runtime.UnlockOSThread()
	})
	var status unix.WaitStatus
	_, err := unix.Wait4(b.pid, &status, unix.WALL, nil)
	b.check(err)
	b.mem, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", b.pid), os.O_RDWR, 0)
	b.check(err)
	b.check(unix.PtraceSetOptions(b.pid, unix.PTRACE_O_EXITKILL))
	b.check(unix.PtraceGetRegs(b.pid, &b.was))
	// A system call and a breakpoint, at its first instruction.
	b.write(b.was.Rip, []byte{0x0f, 0x05, 0xcc})

	b.mmap(benchScratch, scratchSize)
	b.mmap(Base, benchSize)
	// TABLE: for each number a stub that notes it (flags are left alone) and lets
	// the call pass.
	for nr := range uint32(Numbers) {
		stub := uint64(benchStubs + 16*nr)
		b.write(Base+TableOffset+8*uint64(nr), binary.LittleEndian.AppendUint64(nil, stub))
		code := binary.LittleEndian.AppendUint32([]byte{0x41, 0xbb}, nr+1)                       // mov $nr+1,%r11d
		code = binary.LittleEndian.AppendUint32(append(code, 0x4c, 0x89, 0x1c, 0x25), benchMark) // mov %r11,mark
		b.write(stub, append(code, 0xff, 0xe1))                                                  // jmp *%rcx
	}
	b.write(benchSite, []byte{0x0f, 0x05, 0xff, 0x25, siteBack - 8, 0, 0, 0}) // syscall; jmp *BACK
	return b
}

// seal makes that from now on no call does anything: errno = min(nr, 4095).
func (b *bench) seal() {
	b.t.Helper()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 4095, Jt: 2},
		{Code: unix.BPF_ALU | unix.BPF_OR | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO},
		{Code: unix.BPF_RET | 0x10 /* BPF_A */},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | 4095},
	}
	var program bytes.Buffer
	binary.Write(&program, binary.LittleEndian, []uint64{uint64(len(filter)), benchScratch + 16})
	binary.Write(&program, binary.LittleEndian, filter)
	b.write(benchScratch, program.Bytes())
	b.call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	b.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, benchScratch, 0, 0, 0)
}

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) write(at uint64, p []byte) {
	b.t.Helper()
	_, err := b.mem.WriteAt(p, int64(at))
	b.check(err)
}

func (b *bench) read(at uint64, n int) []byte {
	b.t.Helper()
	p := make([]byte, n)
	_, err := b.mem.ReadAt(p, int64(at))
	b.check(err)
	return p
}

// call makes a system call in the process.
func (b *bench) call(nr uint64, args ...uint64) {
	b.t.Helper()
	r := b.was
	r.Rax, r.Orig_rax = nr, ^uint64(0)
	r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9 = args[0], args[1], args[2], args[3], args[4], args[5]
	if sig := b.run(&r); sig != unix.SIGTRAP || int64(r.Rax) < 0 && int64(r.Rax) > -4096 {
		b.t.Fatalf("call %d: %v, result %d", nr, sig, int64(r.Rax))
	}
}

func (b *bench) mmap(at, size uint64) {
	b.t.Helper()
	b.call(unix.SYS_MMAP, at, size, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE, ^uint64(0), 0)
}

// run lets the process run with the registers r until it stops, and returns why;
// r is then what it has.
func (b *bench) run(r *unix.PtraceRegs) syscall.Signal {
	b.t.Helper()
	b.check(unix.PtraceSetRegs(b.pid, r))
	b.check(unix.PtraceCont(b.pid, 0))
	return b.stopped(r)
}

func (b *bench) step(r *unix.PtraceRegs) syscall.Signal {
	b.t.Helper()
	b.check(unix.PtraceSingleStep(b.pid))
	return b.stopped(r)
}

func (b *bench) stopped(r *unix.PtraceRegs) syscall.Signal {
	b.t.Helper()
	var status unix.WaitStatus
	_, err := unix.Wait4(b.pid, &status, unix.WALL, nil)
	b.check(err)
	if !status.Stopped() {
		b.t.Fatalf("process has ended: %#x", status)
	}
	b.check(unix.PtraceGetRegs(b.pid, r))
	return status.StopSignal()
}

// load puts an image into the process, and returns a gap near it.
func (b *bench) load(m *image) (gap uint64) {
	for _, p := range m.parts {
		b.mmap(p.addr, uint64(len(p.data)))
		b.write(p.addr, p.data)
		gap = max(gap, p.addr+uint64(len(p.data)))
	}
	gap += 1 << 20
	b.mmap(gap, pageSize)
	return gap
}

// start returns registers to run with: numbers and pointers, any flags that a
// program may set for itself.
func (b *bench) start(random *rand.Rand, ip uint64) unix.PtraceRegs {
	r := b.was
	const arithmetic, direction, enabled = 0x8d5, 0x400, 0x202
	r.Eflags = random.Uint64()&(arithmetic|direction) | enabled
	for _, p := range []*uint64{&r.Rax, &r.Rbx, &r.Rcx, &r.Rdx, &r.Rsi, &r.Rdi, &r.Rbp,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15} {
		switch random.IntN(4) {
		case 0:
			*p = random.Uint64()
		case 1:
			*p = random.Uint64N(1200)
		default:
			*p = benchScratch + scratchSize/2 + random.Uint64N(64)*8
		}
	}
	r.Rsp = benchScratch + scratchSize/2
	r.Fs_base = benchScratch + scratchSize/4
	r.Rip, r.Orig_rax = ip, ^uint64(0)
	return r
}

// uretprobe is the number of a call that no filter sees, and that faults:
// __seccomp_filter in kernel/seccomp.c.
const uretprobe = 335

// outcome is how a run ended.
type outcome struct {
	signal syscall.Signal
	regs   unix.PtraceRegs
	memory []byte
	mark   uint64 // number that the table was asked for, plus one
}

func (b *bench) outcome(from unix.PtraceRegs, memory []byte) outcome {
	b.t.Helper()
	b.write(benchMark, make([]byte, 8))
	b.write(benchScratch, memory)
	o := outcome{regs: from}
	o.signal = b.run(&o.regs)
	o.memory = b.read(benchScratch, scratchSize)
	o.mark = binary.LittleEndian.Uint64(b.read(benchMark, 8))
	return o
}

// differ says what is different between two runs, apart from the instruction
// pointer.
func differ(a, b *unix.PtraceRegs) string {
	x, y := *a, *b
	x.Rip, y.Rip = 0, 0
	// Set by the processor in the flags of an interrupted instruction.
	const resume, trap = 1 << 16, 1 << 8
	x.Eflags &^= resume | trap
	y.Eflags &^= resume | trap
	if x == y {
		return ""
	}
	return fmt.Sprintf("\n%+x\n%+x", x, y)
}

// TestRun runs all windows of real programs, natively and rewritten, with the same
// registers and memory, and compares how that ends.
func TestRun(t *testing.T) {
	for name, path := range programs(t) {
		t.Run(name, func(t *testing.T) {
			file := path(t)
			b := newBench(t)
			m := loadAt(t, file, benchImages)
			gap := b.load(m)
			b.seal()
			random := rand.New(rand.NewPCG(1, 2))
			sites, _ := m.sites(t)
			var run runs
			for _, s := range sites {
				w, err := m.plan(s)
				if err != nil {
					continue
				}
				b.compare(m, w, gap, random, &run)
				if t.Failed() {
					return
				}
			}
			t.Logf("%+v", run)
			if run.Windows == 0 {
				t.Skip("has no call that can be rewritten")
			}
			if run.Served == 0 || run.Steps == 0 {
				t.Error("no call went through the table")
			}
		})
	}
}

// runs counts what happened in the runs, to be seen to have happened.
type runs struct {
	Windows, Runs, Served, Faults, Branches, OutOfRange, Resumed, Steps int
}

// compare runs the window's code from its start to behind the call.
func (b *bench) compare(m *image, w *Window, at uint64, random *rand.Rand, run *runs) {
	t := b.t
	t.Helper()
	run.Windows++
	code, back, err := w.Trampoline(at, benchSite)
	b.check(err)
	b.write(at, code)
	b.write(benchSite+siteBack, binary.LittleEndian.AppendUint64(nil, back))
	original := b.read(w.Addr, w.Len)
	if !bytes.Equal(original, w.Original()) {
		t.Fatalf("%#x: window has % x, program % x", w.Addr, w.Original(), original)
	}
	patch := func() { b.write(w.Addr, w.Jump(at)) }
	restore := func() { b.write(w.Addr, w.Original()[:JumpLen]) }

	// Stops behind the call and where a branch leads.
	ends := []uint64{w.Call() + syscallLen}
	skips := false // a branch over the call
	for _, d := range w.displaced {
		skips = skips || d.move == conditional && d.target == ends[0]
		if d.move == conditional && (d.target < w.Addr || d.target > w.Call()) && d.target != ends[0] {
			ends = append(ends, d.target)
		}
	}
	stop := map[uint64]bool{}
	for _, e := range ends {
		was := b.read(e, 1)
		b.write(e, []byte{0xcc})
		stop[e+1] = true
		defer b.write(e, was)
	}
	starts := []uint64{w.Addr}
	for _, d := range w.displaced {
		if ip := w.Addr + uint64(d.from); w.Overwritten(ip) {
			starts = append(starts, ip)
		}
	}

	memory := make([]byte, scratchSize)
	for i := range 8 {
		for o := 0; o < len(memory); o += 8 {
			v := random.Uint64()
			if i%2 == 0 {
				v = benchScratch + scratchSize/2 + v%4096&^7
			} else if i%3 == 0 {
				v %= 4
			}
			binary.LittleEndian.PutUint64(memory[o:], v)
		}
		ip := starts[i%len(starts)]
		from := b.start(random, ip)
		native := b.outcome(from, memory)
		if native.regs.Orig_rax == uretprobe {
			continue
		}
		patch()
		if resumed, ok := w.Resume(at, ip); ok {
			from.Rip = resumed
			run.Resumed++
		} else if ip != w.Addr {
			t.Fatalf("%#x: cannot go on at %#x", w.Addr, ip)
		}
		ours := b.outcome(from, memory)
		restore()

		run.Runs++
		place := OutsideTrampoline
		ours.regs.Rip, place = w.Translate(at, ours.regs.Rip)
		explain := func(what string) {
			t.Errorf("%s: window at %#x, call at %#x, % x, trampoline % x, from %#x: %s\nnative %v %+x\nours   %v %+x",
				m.path, w.Addr, w.Call(), original, code, ip, what, native.signal, native.regs, ours.signal, ours.regs)
		}
		if ours.signal != native.signal || ours.regs.Rip != native.regs.Rip ||
			differ(&native.regs, &ours.regs) != "" || !bytes.Equal(native.memory, ours.memory) {
			explain("differs")
			return
		}
		switch {
		case native.signal == unix.SIGTRAP && native.regs.Rip == w.Call()+syscallLen+1:
			nr := -int64(native.regs.Rax)
			if w.Nr >= 0 && !skips && nr != int64(w.Nr) {
				explain("made another call")
			}
			switch {
			case nr < Numbers && ours.mark == uint64(nr)+1:
				run.Served++
			case nr >= Numbers && ours.mark == 0:
				run.OutOfRange++
			case skips && ours.mark == 0:
				run.Branches++
			default:
				explain(fmt.Sprintf("the table was asked for %d - 1", ours.mark))
			}
		case stop[native.regs.Rip] && native.signal == unix.SIGTRAP:
			run.Branches++
		default:
			if place == InDisplaced {
				run.Faults++
			}
		}
	}
	b.trace(w, at, random, patch, restore, run)
}

// trace steps through the native code and the rewritten code, and compares the
// sequence of places with registers that Translate shows.
func (b *bench) trace(w *Window, at uint64, random *rand.Rand, patch, restore func(), run *runs) {
	t := b.t
	t.Helper()
	from := b.start(random, w.Addr)
	after := w.Call() + syscallLen
	const limit = 64

	native := map[int]unix.PtraceRegs{}
	r := from
	b.check(unix.PtraceSetRegs(b.pid, &r))
	for n := 0; n < limit && r.Rip >= w.Addr && r.Rip < w.Call(); n++ {
		native[n] = r
		if b.step(&r) != unix.SIGTRAP {
			break
		}
	}
	reached := r.Rip == w.Call()
	atCall := r
	if reached && uint32(r.Rax) == uretprobe {
		return
	}

	patch()
	defer restore()
	from.Rip = at
	r = from
	b.check(unix.PtraceSetRegs(b.pid, &r))
	seen, last := 0, InDisplaced
	for n := 0; n < limit && r.Rip != after; n++ {
		ip, place := w.Translate(at, r.Rip)
		if place != OutsideTrampoline && place < last {
			t.Errorf("window at %#x: %v after %v", w.Addr, place, last)
		}
		switch place {
		case InDisplaced:
			if d := differ(ptr(native[seen]), &r); ip != native[seen].Rip || d != "" {
				t.Errorf("window at %#x: step %d is at %#x, natively at %#x: %s", w.Addr, n, ip, native[seen].Rip, d)
				return
			}
			seen++
		case BeforeCall, AfterCall:
			if want := map[Place]uint64{BeforeCall: w.Call(), AfterCall: after}[place]; ip != want {
				t.Errorf("window at %#x: %v at %#x", w.Addr, place, ip)
			}
			x := r
			x.Rcx, x.R11 = atCall.Rcx, atCall.R11
			if place == AfterCall {
				x.Rax = atCall.Rax
			}
			if d := differ(&atCall, &x); d != "" {
				t.Errorf("window at %#x: %v, step %d: %s", w.Addr, place, n, d)
			}
		}
		if place != OutsideTrampoline {
			last = place
			run.Steps++
		}
		if b.step(&r) != unix.SIGTRAP {
			break
		}
		if last == InDisplaced && seen < len(native) && native[seen].Rip == w.Addr {
			break // a loop over the window
		}
		if _, p := w.Translate(at, r.Rip); p == OutsideTrampoline && last == InDisplaced {
			break // a branch
		}
	}
	if seen != len(native) {
		t.Errorf("window at %#x: %d instructions seen in the trampoline, %d natively", w.Addr, seen, len(native))
	}
	if reached && uint32(atCall.Rax) < Numbers && (last != AfterCall || r.Rip != after) {
		t.Errorf("window at %#x: call reached natively, but the trampoline was left at %#x (%v)", w.Addr, r.Rip, last)
	}
}

func ptr[T any](v T) *T { return &v }
