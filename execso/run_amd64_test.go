package execso

import (
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A machine runs calls through a region that is mapped into this very process, as
// a rewritten site of a program would make them.
type machine struct {
	*Region
	t    testing.TB
	slot *Slot
	site uint64
	call func(*registers) // a rewritten call
	bare func(*registers) // the same, not rewritten
	// Both again, R12 times, with the number in R13.
	calls, bares func(*registers)
	after        uint64 // where call's call returns
	trapped      []byte // what call's call is on the trap route
}

// registers are those with which a call is made, and those behind it.
type registers struct {
	AX, BX, CX, DX, SI, DI, BP, R8, R9, R10, R11, R12, R13, R14, R15, Flags uint64
}

// wasTrapped is what CX is when a call has taken the trap route.
const wasTrapped = 0x7ab

func newMachine(t testing.TB) *machine {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Region: r, t: t}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := r.AddFiles(); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Mappings() {
		_, _, errno := unix.RawSyscall6(unix.SYS_MMAP, uintptr(p.Addr), uintptr(p.Size), uintptr(p.Prot),
			unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE, uintptr(p.FD), 0)
		if errno != 0 {
			t.Fatalf("mapping the region: %v", errno)
		}
		t.Cleanup(func() { unix.RawSyscall(unix.SYS_MUNMAP, uintptr(p.Addr), uintptr(p.Size), 0) })
	}
	m.slot = r.NewSlot()
	m.assemble()
	m.enter(t)
	return m
}

// enter gives the thread of this test the slot.
func (m *machine) enter(t testing.TB) {
	runtime.LockOSThread()
	setGS(t, m.slot.GS())
	t.Cleanup(func() {
		setGS(t, 0)
		runtime.UnlockOSThread()
	})
}

func setGS(t testing.TB, base uint64) {
	const archSetGS = 0x1001
	if _, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archSetGS, uintptr(base), 0); errno != 0 {
		t.Fatalf("arch_prctl: %v", errno)
	}
}

// assemble writes the code that makes the calls.
func (m *machine) assemble() {
	const size = 4096
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = unix.Munmap(mem) })
	start := uint64(uintptr(unsafe.Pointer(&mem[0])))
	at := 0
	put := func(b ...byte) { at += copy(mem[at:], b) }
	rel := func(to uint64) { put(le.AppendUint32(nil, uint32(to-start-uint64(at)-4))...) }
	here := func() uint64 { return start + uint64(at) }

	// What to load and store: REX and ModRM of mov r64, disp8(%rax).
	moves := []struct{ rex, reg, off byte }{
		{0x48, 3, 8}, {0x48, 1, 16}, {0x48, 2, 24}, {0x48, 6, 32}, {0x48, 7, 40}, {0x48, 5, 48},
		{0x4c, 0, 56}, {0x4c, 1, 64}, {0x4c, 2, 72}, {0x4c, 3, 80}, {0x4c, 4, 88}, {0x4c, 5, 96}, {0x4c, 6, 104}, {0x4c, 7, 112},
	}
	function := func(call func()) (f func(*registers)) {
		entry := here()
		put(0x55, 0x53, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x50) // push rbp, rbx, r12 to r15, rax
		for _, v := range moves {
			put(v.rex, 0x8b, 0x40|v.reg<<3, v.off)
		}
		put(0xff, 0x70, 120)  // push flags
		put(0x9d)             // popf
		put(0x48, 0x8b, 0x00) // mov (%rax),%rax
		call()
		put(0x9c, 0x50)                   // pushf; push rax
		put(0x48, 0x8b, 0x44, 0x24, 0x10) // mov 16(%rsp),%rax
		for _, v := range moves {
			put(v.rex, 0x89, 0x40|v.reg<<3, v.off)
		}
		put(0x8f, 0x00, 0x8f, 0x40, 120)                                            // pop (%rax); pop 120(%rax)
		put(0x68, 2, 2, 0, 0, 0x9d)                                                 // the flags that Go expects
		put(0x58, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5b, 0x5d, 0xc3) // pops; ret
		p := &entry
		return *(*func(*registers))(unsafe.Pointer(&p))
	}
	// A site, and what rewriting makes of it.
	toNear := 0
	var after uint64
	site := func() {
		put(0xe9)
		toNear = at
		put(0, 0, 0, 0)
		after = here()
	}
	rewrite := func() (record uint64) {
		trap := here()
		m.trapped = mem[at:]
		put(0x0f, 0x05, 0xb9)
		put(le.AppendUint32(nil, wasTrapped)...)
		put(0xe9)
		rel(after)
		record, ok := m.NewSite(trap)
		if !ok {
			m.t.Fatal("no site")
		}
		le.PutUint32(mem[toNear:], uint32(at-toNear-4))
		put(0xb9) // mov $record,%ecx
		put(le.AppendUint32(nil, uint32(record))...)
		put(0x41, 0x89, 0xc3)       // mov %eax,%r11d
		put(0x42, 0xff, 0x24, 0xdd) // jmp *TABLE(,%r11,8)
		put(le.AppendUint32(nil, Base+TableOffset)...)
		m.SetBack(record, here())
		put(0x48, 0x8d, 0x0d) // lea after(%rip),%rcx
		rel(after)
		put(0xe9)
		rel(after)
		return record
	}
	loop := func(call func()) func() {
		return func() {
			again := here()
			put(0x4c, 0x89, 0xe8) // mov %r13,%rax
			call()
			put(0x49, 0xff, 0xcc, 0x0f, 0x85) // dec %r12; jnz
			rel(again)
		}
	}
	bare := func() { put(0x0f, 0x05) }
	m.bare = function(bare)
	m.bares = function(loop(bare))
	m.calls = function(loop(site))
	rewrite()
	m.call = function(site)
	m.after = after
	m.site = rewrite()
}

// do makes a call with arguments and returns its result.
func (m *machine) do(nr int, args ...uint64) (result int64, trapped bool) {
	r := registers{AX: uint64(nr)}
	r.setArgs(args)
	m.call(&r)
	if r.CX != wasTrapped && r.CX != m.after {
		m.t.Fatalf("call %d: rcx is %#x, not %#x", nr, r.CX, m.after)
	}
	return int64(r.AX), r.CX == wasTrapped
}

func (r *registers) setArgs(args []uint64) {
	for i, p := range []*uint64{&r.DI, &r.SI, &r.DX, &r.R10, &r.R8, &r.R9}[:len(args)] {
		*p = args[i]
	}
}

// next returns the next event, which there must be.
func (m *machine) next() Event {
	m.t.Helper()
	var e Event
	ok, err := m.slot.lookNext(&e)
	if err != nil || !ok {
		m.t.Fatalf("Next: %v, %v", ok, err)
	}
	return e
}

// none checks that there is no event.
func (m *machine) none() {
	m.t.Helper()
	var e Event
	if ok, err := m.slot.lookNext(&e); ok || err != nil {
		m.t.Errorf("Next: %v, %v, %+v, want nothing", ok, err, e)
	}
}

// services are those that the calls of a number may have.
func services(nr int) (list []Service) {
	for s := range Service(numServices) {
		if Servable(nr, s) {
			list = append(list, s)
		}
	}
	return list
}

func addr[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }
