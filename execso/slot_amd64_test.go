package execso

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// The ring goes round many times, with events of many sizes, and loses nothing.
func TestRingWraps(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_GETPPID, Record)
	m.SetService(unix.SYS_WRITE, Record)
	m.SetLimits(10000, 32)
	null, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	buf := make([]byte, 9000)
	for i := range buf {
		buf[i] = byte(i * 7)
	}
	largest := 0
	for n := range 3000 {
		length := n * 3 % 8000
		nr := unix.SYS_WRITE
		if n%3 == 0 {
			nr = unix.SYS_GETPPID
		}
		if _, trapped := m.do(nr, uint64(null.Fd()), addr(&buf[0]), uint64(length)); trapped {
			t.Fatalf("call %d took the trap route", n)
		}
		if e := m.next(); e.Nr != nr || e.Args[2] != uint64(length) {
			t.Fatalf("call %d: %+v", n, e)
		}
		x := m.next()
		if nr == unix.SYS_GETPPID || length == 0 {
			if len(x.Captures) != 0 {
				t.Fatalf("call %d: %+v", n, x)
			}
			continue
		}
		if len(x.Captures) != 1 || string(x.Captures[0].Data) != string(buf[:length]) {
			t.Fatalf("call %d, of %d bytes: %+v", n, length, x)
		}
		largest = max(largest, length)
	}
	if m.slot.taken < 10*ringSize || largest < 7000 {
		t.Errorf("only %d bytes, the largest event %d", m.slot.taken, largest)
	}
}

// A thread whose ring is full takes the trap route, and no event is lost.
func TestFullRing(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_GETPPID, Record)
	for range 3 {
		recorded := 0
		for {
			result, trapped := m.do(unix.SYS_GETPPID)
			if result != int64(os.Getppid()) {
				t.Fatalf("result %d", result)
			}
			if trapped {
				break
			}
			recorded++
		}
		if want := (ringSize*7/8 - 2*eventReserve) / (enterSize + exitSize); recorded < want {
			t.Errorf("the ring was full after %d calls, not %d", recorded, want)
		}
		for range recorded {
			m.next()
			m.next()
		}
		m.none()
	}
}

func TestShut(t *testing.T) {
	m := newMachine(t)
	m.slot.SetKnown(unix.SYS_GETPPID, 1)
	m.SetConstant(unix.SYS_GETPPID, 1)
	for _, s := range services(unix.SYS_GETPPID) {
		m.SetService(unix.SYS_GETPPID, s)
		m.slot.Shut()
		if _, trapped := m.do(unix.SYS_GETPPID); trapped != (s != Pass) {
			t.Errorf("%v, shut: trapped %v", s, trapped)
		}
		m.slot.Open()
		if _, trapped := m.do(unix.SYS_GETPPID); trapped != (s == Trap || s == Request) {
			t.Errorf("%v, open again: trapped %v", s, trapped)
		}
	}
}

// Threads with a gs base of their own, or with the null slot, take the trap route,
// and nothing is written there.
func TestForeignArea(t *testing.T) {
	m := newMachine(t)
	m.SetConstant(unix.SYS_GETPPID, 1)
	foreign := make([]byte, SlotSize)
	for i := range foreign {
		foreign[i] = byte(i)
	}
	for name, area := range map[string]struct {
		gs  uint64
		mem []byte
	}{"null": {m.NullSlot().GS(), m.slots.mem[:SlotSize]}, "foreign": {addr(&foreign[0]), foreign}} {
		setGS(t, area.gs)
		before := string(area.mem)
		for _, s := range services(unix.SYS_GETPPID) {
			m.SetService(unix.SYS_GETPPID, s)
			result, trapped := m.do(unix.SYS_GETPPID)
			if trapped != (s != Pass) || result != int64(os.Getppid()) {
				t.Errorf("%s, %v: %d, trapped %v", name, s, result, trapped)
			}
		}
		if string(area.mem) != before {
			t.Errorf("%s: something was written there", name)
		}
	}
}

func TestCount(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_CLOSE, Count)
	m.SetService(unix.SYS_BRK, Count)
	for range 10 {
		m.do(unix.SYS_CLOSE, 1<<20)
	}
	for range 3 {
		m.do(unix.SYS_BRK, 0)
	}
	if calls, failed := m.slot.Counts(unix.SYS_CLOSE); calls != 10 || failed != 10 {
		t.Errorf("close: %d calls, %d errors", calls, failed)
	}
	if calls, failed := m.slot.Counts(unix.SYS_BRK); calls != 3 || failed != 0 {
		t.Errorf("brk: %d calls, %d errors", calls, failed)
	}
	m.none()
}

func TestKnown(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_GETPPID, Known)
	m.SetService(unix.SYS_GETUID, Constant)
	if got, trapped := m.do(unix.SYS_GETPPID); got != int64(os.Getppid()) || !trapped {
		t.Errorf("nothing is known: %d, trapped %v", got, trapped)
	}
	if _, trapped := m.do(unix.SYS_GETUID); !trapped {
		t.Error("no constant was set, but one answered")
	}
	for _, want := range []int64{0, 1, -1, -int64(unix.EPERM), 1 << 40, -1 << 63} {
		m.slot.SetKnown(unix.SYS_GETPPID, want)
		m.SetConstant(unix.SYS_GETUID, want)
		for _, nr := range []int{unix.SYS_GETPPID, unix.SYS_GETUID} {
			if got, trapped := m.do(nr); got != want || trapped {
				t.Errorf("call %d: %d, trapped %v, want %d", nr, got, trapped, want)
			}
		}
	}
	m.slot.Forget(unix.SYS_GETPPID)
	if _, trapped := m.do(unix.SYS_GETPPID); !trapped {
		t.Error("what was to be forgotten answered")
	}
}

// The errors that do not prove that the memory was read ask for help. Here nobody
// gives it, and the call is made again.
func TestHelp(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_CHDIR, Record)
	if got, trapped := m.do(unix.SYS_CHDIR, 8); got != -int64(unix.EFAULT) || trapped {
		t.Errorf("result %d, trapped %v", got, trapped)
	}
	m.next()
	if x := m.next(); !x.Unhelped || x.Result != -int64(unix.EFAULT) || len(x.Captures) != 0 {
		t.Errorf("%+v", x)
	}
	if IsHelp(atHelpCall.address()) || !IsHelp(atHelpReturn.address()) || atHelpReturn.address() != atHelpCall.address()+syscallLen {
		t.Error("IsHelp does not know the system call's end")
	}
}

// A call that is under way can be made to stop when it returns. Here nobody stops it,
// and it is made again.
func TestStopAtReturn(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_READ, Record)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	// A collection would wait for the call, which Go knows nothing of, and stop who ends it.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	done := make(chan bool)
	go func() {
		defer close(done)
		for peek(m.slot.mem, areaHead) == 0 {
			runtime.Gosched()
		}
		m.slot.StopAtReturn()
		unix.Write(p[1], []byte("ab"))
	}()
	b := make([]byte, 2)
	if got, trapped := m.do(unix.SYS_READ, uint64(p[0]), addr(&b[0]), 1); got != 1 || trapped {
		t.Errorf("result %d, trapped %v", got, trapped)
	}
	<-done
	m.next()
	if x := m.next(); !x.Unhelped || x.Result != 1 || b[0] != 'b' {
		t.Errorf("%+v; read %q", x, b[:1])
	}
	// Once.
	unix.Write(p[1], []byte("c"))
	m.do(unix.SYS_READ, uint64(p[0]), addr(&b[0]), 1)
	m.next()
	if x := m.next(); x.Unhelped || len(x.Captures) != 1 || string(x.Captures[0].Data) != "c" {
		t.Errorf("the next call: %+v", x)
	}
}

// Strings are not read beyond the page with their NUL.
func TestStringsAtTheEndOfMemory(t *testing.T) {
	m := newMachine(t)
	m.SetService(unix.SYS_CHDIR, Record)
	page := unix.Getpagesize()
	mem, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := unix.Mprotect(mem[2*page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 300; n++ {
		for _, end := range []int{page - 20, page - 1, page, page + 1, page + 100, 2 * page} {
			path := mem[max(0, end-n):end]
			for i := range path {
				path[i] = "/."[i%2]
			}
			path[len(path)-1] = 0
			result, trapped := m.do(unix.SYS_CHDIR, addr(&path[0]))
			if trapped {
				t.Fatal("trapped")
			}
			m.next()
			x := m.next()
			if len(x.Captures) != 1 || string(x.Captures[0].Data) != string(path) || x.Captures[0].Cut {
				t.Fatalf("%d bytes up to %d, result %d: %+v, want %q", n, end, result, x, path)
			}
		}
	}
}

func TestSlots(t *testing.T) {
	r := lonely(t)
	r.SetService(unix.SYS_GETPPID, Count)
	var all []*Slot
	seen := map[uint64]bool{r.NullSlot().GS(): true}
	for {
		s := r.NewSlot()
		if s == nil {
			break
		}
		if seen[s.GS()] || s.Index() == 0 {
			t.Fatalf("slot %d at %#x is in use", s.Index(), s.GS())
		}
		seen[s.GS()] = true
		all = append(all, s)
	}
	if len(all) != maxSlots-1 {
		t.Errorf("%d slots", len(all))
	}
	// Whatever a thread leaves behind, the next one does not find.
	last := all[7]
	last.SetKnown(3, 4)
	for off := 0; off < knownOff; off += 8 {
		poke(last.mem, off, ^uint64(0))
	}
	index := last.Index()
	last.Free()
	last.Free()
	s := r.NewSlot()
	if s == nil || s.Index() != index {
		t.Fatalf("got slot %+v, want the one that was freed last", s)
	}
	if r.NewSlot() != nil {
		t.Error("a slot was given back twice")
	}
	var e Event
	if ok, err := s.lookNext(&e); ok || err != nil {
		t.Errorf("a new slot has %+v, %v", e, err)
	}
	for off := 0; off < ringOff; off += 8 {
		want := uint64(0)
		switch off {
		case areaCookie:
			want = cookie
		case areaLimit:
			want = ringSize - 2*eventReserve
		case areaSelf:
			want = s.GS()
		}
		if got := peek(s.mem, off); got != want {
			t.Fatalf("at %#x of a new slot: %#x, want %#x", off, got, want)
		}
	}
}

func TestSiteRecords(t *testing.T) {
	r := lonely(t)
	start, end := r.Exempt()
	for i := range uint64(maxSites - setupSites) {
		site, ok := r.NewSite(0x400000 + i)
		if !ok || site < start || site+SiteSize > end || r.CallOf(site) != 0x400000+i {
			t.Fatalf("site %d: %#x, %v", i, site, ok)
		}
	}
	if _, ok := r.NewSite(1); ok {
		t.Error("there are more sites than there is room for")
	}
	second := start + (setupSites+1)*SiteSize
	r.FreeSite(second)
	r.FreeSite(second)
	if r.CallOf(second) != 0 {
		t.Error("a free site has a call")
	}
	for _, site := range []uint64{0, 1, start - SiteSize, start, start + 1, second - 2*SiteSize, end, end - 1, ^uint64(0)} {
		if r.CallOf(site) != 0 {
			t.Errorf("there is a site at %#x", site)
		}
		r.SetBack(site, 1)
		r.FreeSite(site)
	}
	if site, ok := r.NewSite(2); !ok || site != second {
		t.Errorf("%#x, want the site that was free", site)
	}
	if _, ok := r.NewSite(3); ok {
		t.Error("a site was given back twice")
	}
}

// The files behind the region are as long as what is in use, which is what a program
// with all its memory locked has to have of them.
func TestRegionGrows(t *testing.T) {
	r := lonely(t)
	length := func() (n int64) {
		for _, m := range r.Mappings() {
			var st unix.Stat_t
			if err := unix.Fstat(m.FD, &st); err != nil {
				t.Fatal(err)
			}
			if st.Size > int64(m.Size) {
				t.Errorf("%d bytes of a file whose mapping has %d", st.Size, m.Size)
			}
			n += st.Size
		}
		return n
	}
	if n := length(); n > 1<<20 {
		t.Errorf("a new region has %d bytes", n)
	}
	for i := range 20 {
		s := r.NewSlot()
		if _, ok := r.NewSite(uint64(i)); s == nil || !ok {
			t.Fatalf("slot and site %d: %v, %v", i, s, ok)
		}
		s.mem[SlotSize-1] = 1
	}
	if n := length(); n < 20*SlotSize || n > 4<<20 {
		t.Errorf("with 20 slots it has %d bytes", n)
	}
}

// What a child can map is not writable, and stays so.
func TestCodeIsSealed(t *testing.T) {
	r := lonely(t)
	m := r.Mappings()[0]
	if m.Prot&unix.PROT_WRITE != 0 {
		t.Error("the code is writable")
	}
	if _, err := unix.Mmap(m.FD, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); !errors.Is(err, unix.EPERM) {
		t.Errorf("mapping it writable: %v", err)
	}
	mem, err := unix.Mmap(m.FD, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); !errors.Is(err, unix.EACCES) {
		t.Errorf("making it writable: %v", err)
	}
	if _, err := unix.Pwrite(m.FD, []byte{1}, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing to it: %v", err)
	}
	for _, m := range r.Mappings() {
		if err := unix.Ftruncate(m.FD, 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("truncating: %v", err)
		}
		if _, err := unix.FcntlInt(uintptr(m.FD), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
			t.Errorf("sealing: %v", err)
		}
	}
}
