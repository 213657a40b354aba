package execso

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/arch/x86/x86asm"
	"golang.org/x/sys/unix"
)

// A stepped process has the region, one rewritten call and some memory, and makes
// one step at a time.
type stepped struct {
	*Region
	t    *testing.T
	pid  int
	mem  *os.File
	slot *Slot
	site uint64
	seen map[uint64]bool // places in the entry code where it has stood
}

// The process's text, which it can write.
const (
	textAt   = 0x400000
	codeAt   = textAt + 0x1000
	windowAt = codeAt + 0x100      // jmp near
	callAt   = windowAt + 5        // the call
	afterAt  = callAt + syscallLen // behind it
	nearAt   = codeAt + 0x200      // the near trampoline
	dataAt   = textAt + 0x2000     // memory for calls
	dataEnd  = textAt + 0x4000     // behind which there is none
)

// startStepped starts a process of our own making, whose program is one page.
func startStepped(t *testing.T) *stepped {
	r := lonely(t)
	if err := r.AddFiles(); err != nil {
		t.Fatal(err)
	}
	p := &stepped{Region: r, t: t, slot: r.NewSlot(), seen: map[uint64]bool{}}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, program(), 0o755); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	cmd := exec.Command(path)
	var files []*os.File
	for _, m := range r.Mappings() {
		fd, err := unix.Dup(m.FD)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "region")
		defer f.Close()
		files = append(files, f)
	}
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &unix.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		_ = p.mem.Close()
	})
	p.wait()
	var err error
	if p.mem, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", p.pid), os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	const firstExtra = 3
	p.write(codeAt, []byte{0x0f, 0x05})
	for i, m := range r.Mappings() {
		got := p.inject(unix.SYS_MMAP, m.Addr, m.Size, uint64(m.Prot), unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE, uint64(firstExtra+i), 0)
		if got != m.Addr {
			t.Fatalf("mmap: %#x", got)
		}
	}
	var ok bool
	if p.site, ok = r.NewSite(callAt); !ok {
		t.Fatal("no site")
	}
	p.write(windowAt, le.AppendUint32([]byte{0xe9}, uint32(nearAt-callAt)))
	p.write(callAt, []byte{0x0f, 0x05})
	near := le.AppendUint32([]byte{0xb9}, uint32(p.site)) // mov $site,%ecx
	near = append(near, 0x41, 0x89, 0xc3)                 // mov %eax,%r11d
	near = append(near, 0x42, 0xff, 0x24, 0xdd)           // jmp *TABLE(,%r11,8)
	near = le.AppendUint32(near, Base+TableOffset)
	back := nearAt + uint64(len(near))
	near = append(near, 0x48, 0x8d, 0x0d) // lea after(%rip),%rcx
	near = le.AppendUint32(near, uint32(afterAt-(back+7)))
	near = append(near, 0xe9)
	near = le.AppendUint32(near, uint32(afterAt-(back+12)))
	p.write(nearAt, near)
	r.SetBack(p.site, back)
	return p
}

// program is an ELF file of one segment, readable, writable and executable.
func program() []byte {
	const size = dataEnd - textAt
	b := make([]byte, size)
	copy(b, "\x7fELF\x02\x01\x01")
	put := func(at int, width int, v uint64) {
		for i := range width {
			b[at+i] = byte(v >> (8 * i))
		}
	}
	put(16, 2, 2)       // ET_EXEC
	put(18, 2, 62)      // EM_X86_64
	put(20, 4, 1)       // version
	put(24, 8, codeAt)  // entry
	put(32, 8, 64)      // program headers
	put(52, 2, 64)      // size of this
	put(54, 2, 56)      // of a program header
	put(56, 2, 1)       // of which there is one:
	put(64, 4, 1)       // PT_LOAD
	put(68, 4, 7)       // rwx
	put(80, 8, textAt)  // at
	put(96, 8, size)    // in the file
	put(104, 8, size)   // in memory
	put(112, 8, 0x1000) // alignment
	return b
}

func (p *stepped) wait() {
	p.t.Helper()
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.pid, &status, 0, nil); err != nil || !status.Stopped() || status.StopSignal() != unix.SIGTRAP {
		regs, _ := p.regs()
		p.t.Fatalf("wait4: %v, status %#x, %+v", err, status, regs)
	}
}

func (p *stepped) regs() (r unix.PtraceRegs, err error) {
	err = unix.PtraceGetRegs(p.pid, &r)
	return r, err
}

func (p *stepped) write(addr uint64, b []byte) {
	p.t.Helper()
	if _, err := p.mem.WriteAt(b, int64(addr)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *stepped) step() unix.PtraceRegs {
	p.t.Helper()
	if err := unix.PtraceSingleStep(p.pid); err != nil {
		p.t.Fatal(err)
	}
	p.wait()
	r, err := p.regs()
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *stepped) set(r *unix.PtraceRegs) {
	p.t.Helper()
	if err := unix.PtraceSetRegs(p.pid, r); err != nil {
		p.t.Fatal(err)
	}
}

// inject makes a call.
func (p *stepped) inject(nr uint64, args ...uint64) uint64 {
	p.t.Helper()
	r, err := p.regs()
	if err != nil {
		p.t.Fatal(err)
	}
	r.Orig_rax = ^uint64(0)
	r.Rip, r.Rax = codeAt, nr
	for i, a := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9}[:len(args)] {
		*a = args[i]
	}
	p.set(&r)
	after := p.step()
	return after.Rax
}

// A walk is one call of a stepped process.
type walk struct {
	name    string
	nr      int
	args    [6]uint64
	service Service
	before  func(p *stepped)
	// What is expected. A call that is not observed has no events.
	result int64 // -1: any
	events bool
	helped bool
	// awaited: the supervisor asks for a stop at its end.
	awaited bool
	forced  bool   // the result is not the kernel's
	opened  string // the name of the descriptor
	statted bool   // it is known to be a directory
	late    bool   // the supervisor asks for a stop when that is asked for
	closed  bool   // between the name and the rest it is closed
	// serve settles a request. It reports whether that was by an answer.
	serve func(p *stepped) (answered bool)
	// meddle changes something when the thread stands at an instruction.
	meddle func(p *stepped, ip uint64)
	after  func(p *stepped)
}

// frame takes the registers that Translate looks at.
func frame(r *unix.PtraceRegs) Frame {
	return Frame{
		IP: r.Rip, AX: r.Rax, BX: r.Rbx, CX: r.Rcx, DX: r.Rdx, SI: r.Rsi, DI: r.Rdi,
		R8: r.R8, R9: r.R9, R10: r.R10, R11: r.R11, Flags: r.Eflags,
	}
}

// Wherever a signal interrupts a call, the thread is made to stand at the call or
// behind it, with the registers that it would have there.
func TestTranslateAtEveryInstruction(t *testing.T) {
	p := startStepped(t)
	const goodPath, badPath, poll, lock = dataAt, dataAt + 0x100, dataAt + 0x200, dataAt + 0x300
	p.write(goodPath, []byte("/./././././././\x00"))
	p.write(badPath, []byte("/none\x00"))
	p.write(dataEnd-3, []byte("/.\x00"))
	enoent, efault, ebadf := -int64(unix.ENOENT), -int64(unix.EFAULT), -int64(unix.EBADF)
	ppid := int64(os.Getpid())
	var walks []walk
	full := func(patience uint64) func(p *stepped) {
		return func(p *stepped) {
			poke(p.slot.mem, areaLimit, peek(p.slot.mem, areaHead)-1)
			poke(p.slot.mem, areaPatience, patience)
			poke(p.slot.mem, areaWaits, patience)
		}
	}
	for _, s := range []Service{Record, RecordTimed} {
		walks = append(walks,
			walk{name: "no memory", nr: unix.SYS_GETPPID, service: s, result: ppid, events: true},
			walk{name: "string", nr: unix.SYS_CHDIR, args: [6]uint64{goodPath}, service: s, events: true},
			walk{name: "string at the end", nr: unix.SYS_CHDIR, args: [6]uint64{dataEnd - 3}, service: s, events: true},
			walk{name: "proven error", nr: unix.SYS_CHDIR, args: [6]uint64{badPath}, service: s, result: enoent, events: true},
			walk{name: "help", nr: unix.SYS_CHDIR, args: [6]uint64{8}, service: s, result: efault, events: true, helped: true},
			walk{name: "awaited", nr: unix.SYS_GETPPID, service: s, result: ppid, events: true, helped: true, awaited: true},
			walk{name: "awaited, with memory", nr: unix.SYS_CHDIR, args: [6]uint64{goodPath}, service: s, events: true, helped: true, awaited: true},
			walk{name: "cut string", nr: unix.SYS_MEMFD_CREATE, args: [6]uint64{goodPath, 1}, service: s, events: true, result: -1,
				before: func(p *stepped) { p.SetLimits(10, 32) }},
			walk{name: "checked", nr: unix.SYS_FCNTL, args: [6]uint64{99, unix.F_GETFD}, service: s, result: ebadf, events: true},
			walk{name: "case", nr: unix.SYS_FCNTL, args: [6]uint64{3, unix.F_GETLK, lock}, service: s, events: true,
				before: func(p *stepped) { p.write(lock, make([]byte, 32)) }},
			walk{name: "null", nr: unix.SYS_ACCEPT, args: [6]uint64{99}, service: s, result: ebadf, events: true},
			walk{name: "not null", nr: unix.SYS_ACCEPT, args: [6]uint64{99, 1, 1}, service: s, result: ebadf},
			walk{name: "bits", nr: unix.SYS_MPROTECT, args: [6]uint64{dataAt, 0, 4}, service: s},
			walk{name: "positive", nr: unix.SYS_READLINK, args: [6]uint64{badPath, lock, 7}, service: s, result: enoent, events: true},
			walk{name: "not positive", nr: unix.SYS_READLINK, args: [6]uint64{badPath, lock, 0}, service: s, result: -int64(unix.EINVAL)},
			walk{name: "result", nr: unix.SYS_PREAD64, args: [6]uint64{3, poll, 13, 0}, service: s, result: 13, events: true},
			walk{name: "no result", nr: unix.SYS_PREAD64, args: [6]uint64{99, poll, 13, 0}, service: s, result: ebadf, events: true},
			walk{name: "length", nr: unix.SYS_WRITE, args: [6]uint64{5, poll, 3}, service: s, result: 3, events: true},
			walk{name: "some", nr: unix.SYS_WAIT4, args: [6]uint64{1 << 30, poll, 1}, service: s, result: -int64(unix.ECHILD), events: true},
			walk{name: "result without length", nr: unix.SYS_SCHED_GETAFFINITY, args: [6]uint64{0, 1024, poll}, service: s, result: -1, events: true},
			walk{name: "no bits", nr: unix.SYS_MPROTECT, args: [6]uint64{dataAt, 0, 1}, service: s, events: true},
			walk{name: "a child", nr: unix.SYS_WAIT4, args: [6]uint64{0, poll, 1}, service: s, result: 7, events: true, forced: true},
			walk{name: "int length", nr: unix.SYS_BIND, args: [6]uint64{99, poll, 9}, service: s, result: 0, events: true, forced: true},
			walk{name: "negative length", nr: unix.SYS_BIND, args: [6]uint64{99, poll, 1<<32 - 1}, service: s, result: 0, events: true, forced: true},
			walk{name: "unsigned length", nr: unix.SYS_POLL, args: [6]uint64{poll, 0, 0}, service: s, result: 0, events: true, forced: true},
			walk{name: "int room", nr: unix.SYS_EPOLL_WAIT, args: [6]uint64{99, poll, 2}, service: s, result: 3, events: true, forced: true},
			walk{name: "negative room", nr: unix.SYS_EPOLL_WAIT, args: [6]uint64{99, poll, 1<<32 - 1}, service: s, result: 3, events: true, forced: true},
			walk{name: "cut", nr: unix.SYS_PREAD64, args: [6]uint64{99, poll, 50, 0}, service: s, result: 40, events: true, forced: true},
			walk{name: "too much", nr: unix.SYS_POLL, args: [6]uint64{poll, 5000, 0}, service: s, result: 1, events: true, forced: true, helped: true},
			walk{name: "not all written", nr: unix.SYS_WRITE, args: [6]uint64{99, poll, 5}, service: s, result: 3, events: true, forced: true, helped: true},
			walk{name: "large result", nr: unix.SYS_CHDIR, args: [6]uint64{goodPath}, service: s, result: -600, events: true, forced: true, helped: true},
			walk{name: "very large result", nr: unix.SYS_CHDIR, args: [6]uint64{goodPath}, service: s, result: -5000, events: true, forced: true},
			walk{name: "entries", nr: unix.SYS_POLL, args: [6]uint64{poll, 2, 0}, service: s, result: -1, events: true},
		)
		for _, w := range []walk{
			{name: "full", before: full(0)},
			{name: "full for long", before: full(2)},
			{name: "full for a moment", before: full(1000), events: true, meddle: func(p *stepped, _ uint64) {
				if peek(p.slot.mem, areaWaits) < 998 {
					p.slot.renew()
				}
			}},
		} {
			w.nr, w.service, w.result = unix.SYS_GETPPID, s, ppid
			walks = append(walks, w)
			w.name += ", checked"
			w.nr, w.args, w.result = unix.SYS_FCNTL, [6]uint64{99, unix.F_GETFD}, ebadf
			walks = append(walks, w)
		}
	}
	// Vectors and messages: pieces of the data, whose lengths are what matters.
	const iov, msg = dataAt + 0x800, dataAt + 0x700
	vector := func(lengths ...uint64) func(p *stepped) {
		return func(p *stepped) {
			var b []byte
			for i, n := range lengths {
				base := uint64(dataAt + 16*i)
				if n == 1 {
					base = 0
				}
				b = le.AppendUint64(le.AppendUint64(b, base), n)
			}
			p.write(iov, b)
		}
	}
	message := func(name, namelen, control, controllen, iovlen uint64) func(p *stepped) {
		return func(p *stepped) {
			vector(8, 3)(p)
			var b []byte
			for _, v := range []uint64{name, namelen, iov, iovlen, control, controllen, 0} {
				b = le.AppendUint64(b, v)
			}
			p.write(msg, b)
		}
	}
	limited := func(text, elements int, f func(p *stepped)) func(p *stepped) {
		return func(p *stepped) {
			p.SetLimits(text, elements)
			f(p)
		}
	}
	for _, nr := range []int{unix.SYS_READV, unix.SYS_WRITEV} {
		out := nr == unix.SYS_READV
		args := func(n uint64) [6]uint64 { return [6]uint64{99, iov, n} }
		walks = append(walks,
			walk{name: "vector", nr: nr, args: args(5), service: Record, result: 64, events: true, forced: true, before: vector(8, 0, 1, 40, 13)},
			walk{name: "empty vector", nr: nr, args: args(0), service: Record, events: true, forced: true, helped: out},
			walk{name: "no vector", nr: nr, args: [6]uint64{99}, service: Record, events: true, forced: true, helped: out},
			walk{name: "vector cut", nr: nr, args: args(5), service: Record, result: 64, events: true, forced: true,
				before: limited(32, 3, vector(8, 9, 7, 40, 13))},
			walk{name: "vector with too many elements", nr: nr, args: args(201), service: Record, result: 64, events: true, forced: true, helped: true,
				before: limited(32, 1000, vector(8, 9, 7, 40, 13))},
			walk{name: "vector with much text", nr: nr, args: args(2), service: Record, result: 20000, events: true, forced: true, helped: true,
				before: limited(20000, 32, vector(8, 10000))},
			walk{name: "vector without room", nr: nr, args: args(2), service: Record, result: 16000, events: true, forced: true, helped: true,
				before: limited(8000, 32, vector(4400, 4400))},
			walk{name: "part of a vector", nr: nr, args: args(3), service: Record, result: 12, events: true, forced: true, helped: !out,
				before: vector(8, 9, 7)},
		)
	}
	for _, w := range []walk{
		{name: "message", before: message(dataAt, 20, dataAt, 21, 2)},
		{name: "message without name", before: message(0, 20, dataAt, 16, 2)},
		{name: "message with an empty name", before: message(dataAt, 0, dataAt, 3, 2)},
		{name: "message with a long name", before: message(dataAt, 200, dataAt, 0, 2)},
		{name: "message without control", before: message(dataAt, 16, 0, 8, 0)},
		{name: "message with much control", before: message(dataAt, 3, dataAt, 5000, 2)},
	} {
		w.nr, w.args, w.service, w.result, w.events, w.forced = unix.SYS_SENDMSG, [6]uint64{99, msg}, Record, 11, true, true
		walks = append(walks, w)
	}
	// Messages of netlink(7), as a buffer or in one: whole only with help.
	const netlink = dataAt + 0x400
	header := func(length, flags uint64) func(p *stepped) {
		return func(p *stepped) {
			p.write(netlink, le.AppendUint64(nil, length|flags<<48))
			message(0, 0, 0, 0, 1)(p)
			p.write(iov, le.AppendUint64(le.AppendUint64(nil, netlink), 64))
		}
	}
	for _, w := range []walk{
		{name: "netlink", before: header(64, 5), helped: true},
		{name: "netlink, not cut", before: header(16, 5), helped: true, args: [6]uint64{99, netlink, 16}},
		{name: "udev", before: header(udevPrefix, 0x5555), helped: true},
		{name: "too short for netlink", before: header(15, 5)},
		{name: "no flags of netlink", before: header(64, 0x1000)},
	} {
		w.service, w.result, w.events, w.forced = Record, 64, true, true
		if w.nr = unix.SYS_SENDTO; w.args[0] == 0 {
			w.args = [6]uint64{99, netlink, 64}
		}
		walks = append(walks, w)
		w.nr, w.args = unix.SYS_SENDMSG, [6]uint64{99, msg}
		walks = append(walks, w)
	}
	walks = append(walks, walk{name: "no message", nr: unix.SYS_SENDMSG, args: [6]uint64{99}, service: Record, events: true, forced: true})
	serving := func(p *stepped) { p.slot.Serving(true) }
	walks = append(walks,
		walk{name: "answered", nr: unix.SYS_CLOSE, args: [6]uint64{99}, service: Request, result: 5, before: serving,
			serve: func(p *stepped) bool { p.slot.Answer(5); return true }},
		walk{name: "sent to the trap route", nr: unix.SYS_CLOSE, args: [6]uint64{99}, service: Request, result: ebadf, before: serving,
			serve: func(p *stepped) bool { p.slot.SendToTrap(); return false }},
		walk{name: "not answered", nr: unix.SYS_CLOSE, args: [6]uint64{99}, service: Request, result: ebadf,
			before: func(p *stepped) { poke(p.slot.mem, areaServing, 3) }},
	)
	names := func(n Naming, tid int) func(p *stepped) {
		return func(p *stepped) { p.slot.SetNames(n, tid) }
	}
	read, asked, files := names(NamesRead, p.pid), names(NamesAsked, 0), names(FilesRead, p.pid)
	p.write(dataAt+0x140, []byte("name\x00"))
	const bare, cwd = dataAt + 0x140, uint64(1<<32 - 100)
	for _, s := range []Service{Record, RecordTimed} {
		open := walk{nr: unix.SYS_OPENAT, args: [6]uint64{cwd, goodPath}, service: s, result: -1, events: true, before: read, opened: "/"}
		for name, change := range map[string]func(w *walk){
			"named":                           func(*walk) {},
			"not named":                       func(w *walk) { w.before, w.opened = nil, "" },
			"named with help":                 func(w *walk) { w.before, w.helped = asked, true },
			"named without result":            func(w *walk) { w.args[1], w.result, w.opened = badPath, enoent, "" },
			"named where there is no name":    func(w *walk) { w.before, w.helped = names(NamesRead, 0), true },
			"named, awaited":                  func(w *walk) { w.awaited, w.helped = true, true },
			"named, awaited late":             func(w *walk) { w.late = true },
			"known":                           func(w *walk) { w.before, w.statted = files, true },
			"known, awaited late":             func(w *walk) { w.before, w.statted, w.late = files, true, true },
			"known, but not any more":         func(w *walk) { w.before, w.closed, w.helped = files, true, true },
			"with a number that is too large": func(w *walk) { w.result, w.forced, w.helped = maxNamed, true, true },
			"with a number that is not":       func(w *walk) { w.result, w.forced, w.helped = 4321, true, true },
		} {
			w := open
			w.name = name
			if change(&w); w.helped {
				w.opened = ""
			}
			walks = append(walks, w)
		}
		walks = append(walks,
			walk{name: "a socket to be known", nr: unix.SYS_ACCEPT, args: [6]uint64{99}, service: s, events: true, before: files, forced: true, helped: true},
			walk{name: "without a path", nr: unix.SYS_ACCEPT, args: [6]uint64{99}, service: s, events: true, before: read, forced: true, opened: "/dev/null"},
			walk{name: "removed", nr: unix.SYS_UNLINKAT, args: [6]uint64{cwd, bare}, service: s, events: true, before: read, forced: true},
			walk{name: "removed, with help", nr: unix.SYS_UNLINKAT, args: [6]uint64{cwd, badPath}, service: s, events: true, before: read, forced: true, helped: true},
			walk{name: "removed, not named", nr: unix.SYS_UNLINKAT, args: [6]uint64{cwd, badPath}, service: s, events: true, forced: true},
			walk{name: "not removed", nr: unix.SYS_UNLINKAT, args: [6]uint64{cwd, badPath}, service: s, events: true, before: read, result: enoent},
			walk{name: "renamed", nr: unix.SYS_RENAME, args: [6]uint64{bare, bare}, service: s, events: true, before: read, forced: true},
			walk{name: "renamed, with help", nr: unix.SYS_RENAME, args: [6]uint64{bare, badPath}, service: s, events: true, before: read, forced: true, helped: true},
		)
	}
	walks = append(walks, walk{name: "counted, awaited", nr: unix.SYS_GETPPID, service: Count, result: ppid, awaited: true})
	shut := func(p *stepped) { p.slot.Shut() }
	for s := range Service(numServices) {
		if !Servable(unix.SYS_GETPPID, s) {
			continue
		}
		set := func(p *stepped) {
			p.SetConstant(unix.SYS_GETPPID, ppid)
			p.slot.SetKnown(unix.SYS_GETPPID, ppid)
		}
		observed := s == Record || s == RecordTimed
		walks = append(walks,
			walk{name: "every service", nr: unix.SYS_GETPPID, service: s, result: ppid, events: observed, before: set},
			walk{name: "every service that fails", nr: unix.SYS_CLOSE, args: [6]uint64{99}, service: s, result: ebadf, events: observed},
			walk{name: "shut", nr: unix.SYS_GETPPID, service: s, result: ppid, before: shut},
			walk{name: "shut, checked", nr: unix.SYS_FCNTL, args: [6]uint64{99, unix.F_GETFD}, service: s, result: ebadf, before: shut},
		)
		if s == Pass {
			walks = walks[:len(walks)-2]
		}
	}
	walks = append(walks, p.fileWalks()...)
	for _, w := range walks {
		for _, flags := range []uint64{0x202, 0x202 | arithmeticFlags, 0x202 | overflowFlag | 1, 0x202 | 0x40} {
			// Not in a subtest, which would be another thread.
			p.walk(&w, flags)
			if t.Failed() {
				t.Fatalf("in %q, service %v, flags %#x", w.name, w.service, flags)
			}
		}
	}
	for off := labels[atTrap]; off < labels[atEnd]; off += uint64(instructionLen(t, entry[off:])) {
		if ip := Base + CodeOffset + off; !p.seen[ip] {
			t.Errorf("%s: never run", place(ip))
		}
	}
}

// instructionLen returns the length of the instruction at the start of code.
func instructionLen(t *testing.T, code []byte) int {
	if code[0] == 0xc4 { // of BMI2, which x86asm does not know: with an immediate, or without
		return map[byte]int{3: 6, 2: 5}[code[1]&0x1f]
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		t.Fatal(err)
	}
	return inst.Len
}

func (p *stepped) walk(w *walk, flags uint64) {
	t := p.t
	p.SetLimits(32, 32)
	p.slot.Open()
	p.slot.renew()
	p.slot.Serving(false)
	p.slot.Drained(false)
	p.slot.SetNames(NamesUnwanted, 0)
	p.SetService(w.nr, w.service)
	if w.before != nil {
		w.before(p)
	}
	start, err := p.regs()
	if err != nil {
		t.Fatal(err)
	}
	start.Orig_rax = ^uint64(0)
	start.Rip, start.Rax, start.Eflags = windowAt, uint64(w.nr), flags
	start.Rbx, start.Rbp, start.R12, start.R13, start.R14, start.R15 = 1, 2, 12, 13, 14, 15
	start.Rdi, start.Rsi, start.Rdx, start.R10, start.R8, start.R9 = w.args[0], w.args[1], w.args[2], w.args[3], w.args[4], w.args[5]
	start.Gs_base = p.slot.GS()
	p.set(&start)
	head := peek(p.slot.mem, areaHead)
	calls, failed := p.slot.Counts(w.nr)
	result := w.result // -1: any
	entered := false   // the kernel has been
	var end unix.PtraceRegs
	for n := 0; ; n++ {
		r := p.step()
		if r.Rip == afterAt || n > 20000 {
			end = r
			break
		}
		p.seen[r.Rip] = true
		if r.Rip < Base {
			continue // windows know what is near
		}
		if w.serve != nil {
			if a, ok := p.slot.Requested(); ok {
				if want := (Asked{w.nr, w.args, p.site, start.Rsp}); a != want {
					t.Errorf("requested: %+v, want %+v", a, want)
				}
				entered = w.serve(p)
			}
		}
		if w.meddle != nil {
			w.meddle(p, r.Rip)
		}
		if r.Rip == atFileDone.address() || r.Rip == atFileSwapped.address() && r.Eflags&zeroFlag != 0 {
			entered = true
		}
		if r.Rip >= atPollStored.address() && r.Rip < atLeaving.address() {
			entered = true
		}
		if w.awaited && r.Rip == p.site+siteObserved {
			p.slot.StopAtReturn()
		}
		if w.closed && p.slot.Naming() && r.Rip == p.site+siteObserved && r.Rax == unix.SYS_FSTAT {
			r.Rdi = 1 << 20
			p.set(&r)
		}
		if w.late && p.slot.Naming() {
			p.slot.StopAtReturn()
		}
		if r.Rip == atWaited.address() {
			entered = true
		}
		if r.Rip == p.site+sitePass+syscallLen || r.Rip == p.site+siteReturn {
			entered = true
			if w.forced && !p.slot.Naming() {
				r.Rax = uint64(result)
				p.set(&r)
			}
			if result == -1 {
				result = int64(r.Rax)
			}
		}
		p.check(w, &start, &r, head, calls, failed, result, entered)
	}
	if w.after != nil {
		w.after(p)
	}
	// The program itself finds what it would have found.
	want := start
	want.Rip, want.Rax = afterAt, uint64(result)
	want.Rcx, want.R11, want.Orig_rax, want.Eflags = end.Rcx, end.R11, end.Orig_rax, end.Eflags&^arithmeticFlags|flags&arithmeticFlags
	if end != want {
		t.Errorf("at the end:\n%+v, want\n%+v", end, want)
	}
	if w.service == Count {
		wantCalls, wantFailed := calls, failed
		if w.events || peek(p.slot.mem, areaCookie) == cookie {
			wantCalls++
			if result < 0 {
				wantFailed++
			}
		}
		if c, f := p.slot.Counts(w.nr); c != wantCalls || f != wantFailed {
			t.Errorf("counted %d, %d, want %d, %d", c, f, wantCalls, wantFailed)
		}
	}
	var events int
	for {
		var e Event
		ok, err := p.slot.lookNext(&e)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		events++
		if e.Kind == Exit && (e.Result != result || e.Unhelped != w.helped || string(e.Opened.Name) != w.opened || (e.Opened.Known && e.Opened.Mode&unix.S_IFMT == unix.S_IFDIR) != w.statted) {
			t.Errorf("recorded %+v", e)
		}
	}
	if w.nr == unix.SYS_OPENAT && result >= 0 && !w.forced {
		p.inject(unix.SYS_CLOSE, uint64(result))
	}
	if w.events != (events == 2) || !w.events && events != 0 {
		t.Errorf("%d events", events)
	}
}

// check looks at one stop.
func (p *stepped) check(w *walk, start, r *unix.PtraceRegs, head, calls, failed uint64, result int64, entered bool) {
	t := p.t
	t.Helper()
	nowCalls, nowFailed := p.slot.Counts(w.nr)
	state, taking, naming := peek(p.slot.mem, areaState), p.slot.taking, peek(p.slot.mem, areaNaming)
	entry, leaving := p.leavingEntry()
	f := frame(r)
	got := p.slot.Translate(&f)
	if s := uint16(peek(p.slot.mem, areaState)); s == requestPosted {
		t.Errorf("at %s: the request has not been withdrawn", place(r.Rip))
	}
	poke(p.slot.mem, areaState, state)
	poke(p.slot.mem, areaNaming, naming)
	p.slot.taking = taking
	if now, still := p.leavingEntry(); still {
		t.Errorf("at %s: the entry is %#x", place(r.Rip), now)
	} else if leaving {
		poke(p.files.tables.mem, int(peek(p.slot.mem, areaEntry)-(Base+DescriptorsOffset)), entry)
	}
	gotCalls, gotFailed := p.slot.Counts(w.nr)
	poke(p.slot.mem, callsOff+8*w.nr, nowCalls)
	poke(p.slot.mem, errorsOff+8*w.nr, nowFailed)

	want := frame(start)
	want.Flags = r.Eflags&^arithmeticFlags | start.Eflags&arithmeticFlags
	want.IP, want.CX, want.R11 = callAt, f.CX, f.R11
	returned := got == Returned || got == ReturnedUnrecorded || got == ReturnedUnstored
	if returned {
		want.IP, want.AX, want.CX = afterAt, uint64(result), afterAt
		const tf, rf = 0x100, 0x10000
		if f.R11&^(tf|rf) != start.Eflags&^(tf|rf) {
			t.Errorf("at %#x: r11 is %#x, want the flags %#x", r.Rip, f.R11, start.Eflags)
		}
	}
	if f != want {
		t.Fatalf("in %q at %s, %d:\n%+v, want\n%+v", w.name, place(r.Rip), got, f, want)
	}
	// Which disposition it is, the ring tells, and whether the kernel was entered.
	published := peek(p.slot.mem, areaHead) - head
	disposition := NotEntered
	switch {
	case published == enterSize && !entered:
		disposition = Entered
	case published == enterSize:
		disposition = ReturnedUnrecorded
	case entered:
		disposition = Returned
	}
	if got == ReturnedUnstored {
		// What has been stored so far is what is to be stored.
		for _, o := range p.slot.Outputs() {
			p.write(o.Addr, o.Data)
		}
		got = Returned
	}
	if got != disposition {
		t.Errorf("at %s, with %d bytes published: %d, want %d", place(r.Rip), published, got, disposition)
	}
	wantCalls, wantFailed := calls, failed
	if w.service == Count && got == Returned {
		wantCalls++
		if result < 0 {
			wantFailed++
		}
	}
	if gotCalls != wantCalls || gotFailed != wantFailed {
		t.Errorf("at %s: counted %d, %d, want %d, %d", place(r.Rip), gotCalls, gotFailed, wantCalls, wantFailed)
	}
}

// leavingEntry returns the entry of the descriptor that the thread is leaving, if it is.
func (p *stepped) leavingEntry() (entry uint64, leaves bool) {
	at := peek(p.slot.mem, areaEntry) - (Base + DescriptorsOffset)
	if at < tablesOff || at >= DescriptorsSize {
		return 0, false
	}
	entry = peek(p.files.tables.mem, int(at))
	return entry, entry>>32&leaving != 0
}

// place says where ip is in the entry code.
func place(ip uint64) string {
	if !InCode(ip) {
		return fmt.Sprintf("%#x", ip)
	}
	l := label(0)
	for l+1 < numLabels && (l+1).address() <= ip {
		l++
	}
	return fmt.Sprintf("%#x, %d behind label %d", ip, ip-l.address(), l)
}
