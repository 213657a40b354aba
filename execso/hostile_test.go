package execso

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// A region without processes, that only the supervisor looks at.
func lonely(t testing.TB) *Region {
	if err := Supported(); err != nil {
		t.Skip(err)
	}
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// emit writes an event as the entry code does.
func (s *Slot) emit(words ...uint64) {
	head := peek(s.mem, areaHead)
	for i, w := range words {
		poke(s.mem, ringOff+int(head%ringSize)+8*i, w)
	}
	poke(s.mem, areaHead, head+8*uint64(len(words)))
}

func TestNonsenseInTheRing(t *testing.T) {
	r := lonely(t)
	site, _ := r.NewSite(1)
	enter := func(kind, nr, site uint64) []uint64 { return []uint64{kind | nr<<16 | site<<32, 0, 0, 0, 0, 0, 0, 0} }
	exit := func(n, size uint64, rest ...uint64) []uint64 {
		return append([]uint64{kindExit | n<<16 | size<<32, 0, 0}, rest...)
	}
	for name, event := range map[string][]uint64{
		"a number that is not recorded": enter(kindEnter, unix.SYS_EXECVE, site),
		"a number beyond all":           enter(kindEnter, 0xffff, site),
		"no site":                       enter(kindEnter, unix.SYS_GETPID, 0),
		"a site that is free":           enter(kindEnter, unix.SYS_GETPID, site+SiteSize),
		"another kind":                  enter(3, unix.SYS_GETPID, site),
		"no kind":                       enter(0, 0, 0),
		"half an ENTER":                 enter(kindEnter, unix.SYS_GETPID, site)[:4],
		"too small":                     exit(0, 16),
		"no multiple of 8":              exit(0, 28, 0),
		"larger than there is":          exit(0, 32),
		"larger than any":               exit(0, 1<<31),
		"words behind the captures":     exit(0, 32, 0),
		"captures that are not there":   exit(2, 40, 0, 0),
		"data that is not there":        exit(1, 40, 8<<32, 0),
		"much data that is not there":   exit(1, 40, 0xffffffff<<32, 0),
		"an argument beyond all":        exit(1, 40, statArg+1, 0),
		"a struct stat of no bytes":     exit(1, 40, statArg, 0),
		"many captures":                 exit(0xfffe, 40, 0, 0),
	} {
		s := r.NewSlot()
		s.emit(enter(kindEnter, unix.SYS_GETPID, site)...)
		s.emit(exit(1, 48, 5<<32|1<<16|3, 0x1234, 0x6f6c6c6568)...)
		s.emit(event...)
		var e Event
		if ok, err := s.lookNext(&e); !ok || err != nil || e.Kind != Enter || e.Nr != unix.SYS_GETPID || e.Site != site {
			t.Fatalf("%s: %v, %v, %+v", name, ok, err, e)
		}
		if ok, err := s.lookNext(&e); !ok || err != nil || len(e.Captures) != 1 || string(e.Captures[0].Data) != "hello" ||
			e.Captures[0].Arg != 3 || !e.Captures[0].Cut || e.Captures[0].Addr != 0x1234 {
			t.Fatalf("%s: %v, %v, %+v", name, ok, err, e)
		}
		for range 2 {
			if ok, err := s.lookNext(&e); ok || !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v, %v, %+v", name, ok, err, e)
			}
			s.Open()
			if peek(s.mem, areaCookie) != 0 {
				t.Errorf("%s: the slot is open", name)
			}
		}
		s.Free()
	}
	for _, head := range []uint64{1, 4, ringSize + 8, 1 << 63, ^uint64(7)} {
		s := r.NewSlot()
		poke(s.mem, areaHead, head)
		var e Event
		if ok, err := s.lookNext(&e); ok || !errors.Is(err, ErrCorrupt) {
			t.Errorf("head %#x: %v, %v", head, ok, err)
		}
		if head > ringSize && s.TakeBack() {
			t.Errorf("head %#x: took back", head)
		}
		s.Free()
	}
}

func TestTakeBack(t *testing.T) {
	r := lonely(t)
	site, _ := r.NewSite(1)
	s := r.NewSlot()
	if s.TakeBack() {
		t.Error("there was nothing to take back")
	}
	s.emit(kindEnter|unix.SYS_GETPID<<16|site<<32, 0, 0, 0, 0, 0, 0, 0)
	if !s.TakeBack() {
		t.Error("there was something to take back")
	}
	var e Event
	if ok, err := s.lookNext(&e); ok || err != nil {
		t.Errorf("taken back, but there: %+v, %v", e, err)
	}
	s.emit(kindEnter|unix.SYS_GETPID<<16|site<<32, 0, 0, 0, 0, 0, 0, 0)
	if ok, err := s.lookNext(&e); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if s.TakeBack() {
		t.Error("what Next had taken was taken back")
	}
}

// FuzzNext reads rings in which anything may be.
func FuzzNext(f *testing.F) {
	f.Add([]byte{}, uint64(64))
	f.Add([]byte{kindEnter, 0, unix.SYS_GETPID, 0, 0, 0, 1, 0x70}, uint64(64))
	f.Add([]byte{kindExit, 0, 1, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0}, uint64(48))
	f.Add([]byte{kindExit, 0, 0, 0, 24}, uint64(ringSize))
	r := lonely(f)
	for i := range uint64(10) {
		r.NewSite(i + 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, head uint64) {
		s := r.NewSlot()
		defer s.Free()
		clear(s.mem[ringOff:])
		copy(s.mem[ringOff:], data)
		poke(s.mem, areaHead, head)
		var e Event
		for n := 0; ; n++ {
			ok, err := s.lookNext(&e)
			if err != nil && (ok || !errors.Is(err, ErrCorrupt)) {
				t.Fatalf("%v, %v", ok, err)
			}
			if !ok {
				if err == nil && s.taken != head {
					t.Fatalf("stopped at %d of %d", s.taken, head)
				}
				break
			}
			if n > ringSize/exitSize {
				t.Fatal("no end of events")
			}
			switch e.Kind {
			case Enter:
				if !Servable(e.Nr, Record) || r.CallOf(e.Site) == 0 {
					t.Fatalf("%+v", e)
				}
			case Exit:
				total := 0
				for _, c := range e.Captures {
					total += len(c.Data)
					if c.Arg >= 6 {
						t.Fatalf("%+v", e)
					}
				}
				if total > eventReserve {
					t.Fatalf("%d bytes captured", total)
				}
			default:
				t.Fatalf("%+v", e)
			}
		}
	})
}

// FuzzTranslate interrupts threads anywhere, with anything in their areas.
func FuzzTranslate(f *testing.F) {
	r := lonely(f)
	var sites []uint64
	for i := range uint64(10) {
		site, _ := r.NewSite(0x400000 + 16*i)
		sites = append(sites, site)
	}
	for _, at := range []uint64{Base, atTrap.address(), atExit.address(), atHelpReturn.address(), sites[0], sites[3] + 8, sites[9] + 10} {
		f.Add(at, sites[1], sites[2], []byte{1, 2, 3}, true)
	}
	f.Fuzz(func(t *testing.T, ip, cx, r11 uint64, area []byte, inCode bool) {
		if inCode { // else nearly all would be elsewhere
			ip = Base + ip%CodeSize
		}
		s := r.NewSlot()
		defer s.Free()
		copy(s.mem[:areaSize], area)
		before := Frame{IP: ip, CX: cx, R11: r11, AX: 1, BX: 2, DX: 3, SI: 4, DI: 5, R8: 6, R9: 7, R10: 8, Flags: 0x246}
		for _, slot := range []*Slot{s, r.NullSlot()} {
			after := before
			switch got := slot.Translate(&after); got {
			case Elsewhere:
				if after != before {
					t.Fatalf("elsewhere, but %+v, was %+v", after, before)
				}
			case NotEntered, Entered, Returned, ReturnedUnrecorded:
				call := after.IP
				if got == Returned || got == ReturnedUnrecorded {
					call -= syscallLen
				}
				if call < 0x400000 || call >= 0x4000a0 || call%16 != 0 {
					t.Fatalf("no call is at %#x", call)
				}
				if after.Flags&^arithmeticFlags != before.Flags&^arithmeticFlags || after.BX != before.BX {
					t.Fatalf("%+v, was %+v", after, before)
				}
			default:
				t.Fatalf("disposition %d", got)
			}
		}
		s.TakeBack()
	})
}
