package execso

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestServicesGiveTheResult(t *testing.T) {
	m := newMachine(t)
	for _, s := range services(unix.SYS_GETPPID) {
		m.SetService(unix.SYS_GETPPID, s)
		want := int64(os.Getppid())
		switch s {
		case Known:
			want = 4711
			m.slot.SetKnown(unix.SYS_GETPPID, want)
		case Constant:
			want = -int64(unix.EPERM)
			m.SetConstant(unix.SYS_GETPPID, want)
		}
		got, trapped := m.do(unix.SYS_GETPPID)
		if got != want || trapped != (s == Trap || s == Request) {
			t.Errorf("%v: %d, trapped %v, want %d", s, got, trapped, want)
		}
	}
}

// Whatever the service, the program must not see it: all registers and flags
// are what they are behind a system-call instruction.
func TestRegistersAreThoseOfANativeCall(t *testing.T) {
	m := newMachine(t)
	m.SetConstant(unix.SYS_GETPPID, int64(os.Getppid()))
	m.SetConstant(unix.SYS_CHDIR, -int64(unix.EFAULT))
	m.SetConstant(unix.SYS_FCNTL, -int64(unix.EBADF))
	path := [2]byte{'/'}
	calls := map[string]registers{
		"no memory":  {AX: unix.SYS_GETPPID},
		"a string":   {AX: unix.SYS_CHDIR, DI: addr(&path[0])},
		"its checks": {AX: unix.SYS_FCNTL, DI: 1 << 20, SI: unix.F_GETFD},
	}
	const cf, pf, af, zf, sf, df, of, id = 1, 4, 0x10, 0x40, 0x80, 0x400, 0x800, 1 << 21
	for name, call := range calls {
		for _, s := range services(int(call.AX)) {
			if s == Constant || s == Known {
				if name == "a string" {
					continue // it would fail
				}
			}
			m.SetService(int(call.AX), s)
			m.slot.SetKnown(unix.SYS_GETPPID, int64(os.Getppid()))
			m.slot.SetKnown(unix.SYS_FCNTL, -int64(unix.EBADF))
			for i := range 1 << 8 {
				r := registers{
					BX: 0xb0b, DX: 0xd0d, BP: 0xb9b9, R8: 0x808, R9: 1 << 63, R10: 0x1010, R12: 12, R13: 13, R14: 14, R15: 15,
					AX: call.AX, DI: call.DI, SI: call.SI, Flags: 0x202,
				}
				if i&16 != 0 { // of which the kernel takes no notice
					r.AX |= 0xdead << 32
				}
				for bit, flag := range []uint64{cf, pf, af, zf, sf, of, df, id} {
					if i>>bit&1 != 0 {
						r.Flags |= flag
					}
				}
				if r.Flags&df != 0 && (s == Known || s == Constant) {
					continue
				}
				want, got := r, r
				m.bare(&want)
				m.call(&got)
				// They differ in where they are made.
				want.CX = m.after
				if s == Trap || s == Request || s == ByFile {
					want.CX = wasTrapped
				}
				if s == Known || s == Constant {
					want.R11 &^= id
				}
				if got != want {
					t.Fatalf("%s, %v, flags %#x:\n%+v, want\n%+v", name, s, r.Flags, got, want)
				}
				var e Event
				for ok := true; ok; {
					var err error
					if ok, err = m.slot.lookNext(&e); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

func TestRecordWritesTwoEvents(t *testing.T) {
	m := newMachine(t)
	for _, s := range []Service{Record, RecordTimed} {
		m.SetService(unix.SYS_GETPPID, s)
		before := Now()
		m.do(unix.SYS_GETPPID, 1, 2, 3, 4, 5, 6)
		after := Now()
		e := m.next()
		if e.Kind != Enter || e.Nr != unix.SYS_GETPPID || e.Site != m.site || e.Args != [6]uint64{1, 2, 3, 4, 5, 6} {
			t.Errorf("%v: %+v", s, e)
		}
		x := m.next()
		if x.Kind != Exit || x.Result != int64(os.Getppid()) || len(x.Captures) != 0 {
			t.Errorf("%v: %+v", s, x)
		}
		if s == Record && (e.Stamp != 0 || x.Stamp != 0) {
			t.Errorf("%v: stamps %d, %d", s, e.Stamp, x.Stamp)
		}
		if s == RecordTimed && (e.Stamp < before || x.Stamp < e.Stamp || after < x.Stamp) {
			t.Errorf("%v: stamps %d, %d between %d and %d", s, e.Stamp, x.Stamp, before, after)
		}
		m.none()
	}
}

// Each thing that plans capture, by real calls.
func TestCaptures(t *testing.T) {
	m := newMachine(t)
	str := func(s string) *byte { b := append([]byte(s), 0); return &b[0] }
	buf := make([]byte, 4096)
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	self, err := os.Open("/proc/self/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	text := "twelve bytes and some more than the limit allows"
	for _, c := range []struct {
		nr   int
		args []uint64
		want []Captured
	}{
		{unix.SYS_CHDIR, []uint64{addr(str("/"))}, []Captured{{Arg: 0, Data: []byte("/\x00")}}},
		{unix.SYS_CHDIR, []uint64{addr(str("/there/is/no/such/path/anywhere"))},
			[]Captured{{Arg: 0, Data: []byte("/there/is/no/such/path/anywhere\x00")}}},
		{unix.SYS_WRITE, []uint64{uint64(null.Fd()), addr(str(text)), uint64(len(text))},
			[]Captured{{Arg: 1, Cut: true, Data: []byte(text[:32])}}},
		{unix.SYS_WRITE, []uint64{uint64(null.Fd()), addr(str(text)), 5}, []Captured{{Arg: 1, Data: []byte(text[:5])}}},
		{unix.SYS_WRITE, []uint64{uint64(null.Fd()), addr(str(text)), 0}, nil},
		{unix.SYS_READ, []uint64{uint64(null.Fd()), addr(&buf[0]), 10}, nil},
		{unix.SYS_READ, []uint64{uint64(self.Fd()), addr(&buf[0]), 3}, []Captured{{Arg: 1, Data: []byte(os.Args[0][:3])}}},
		{unix.SYS_READ, []uint64{1 << 20, 0, 10}, nil},
		{unix.SYS_FCNTL, []uint64{uint64(null.Fd()), unix.F_GETFD, 1}, nil},
		{unix.SYS_FUTEX, []uint64{addr(&buf[8]), 1 /* FUTEX_WAKE */, 1}, nil},
		{unix.SYS_MEMFD_CREATE, []uint64{addr(str(text[:40])), unix.MFD_CLOEXEC}, []Captured{{Arg: 0, Cut: true, Data: []byte(text[:33])}}},
	} {
		m.SetService(c.nr, Record)
		result, trapped := m.do(c.nr, c.args...)
		if trapped {
			t.Errorf("call %d took the trap route", c.nr)
			continue
		}
		if e := m.next(); e.Nr != c.nr {
			t.Errorf("%+v, want call %d", e, c.nr)
		}
		x := m.next()
		if x.Result != result || x.Unhelped || len(x.Captures) != len(c.want) {
			t.Errorf("call %d: %+v, want result %d, %+v", c.nr, x, result, c.want)
			continue
		}
		for i, got := range x.Captures {
			want := c.want[i]
			if got.Arg != want.Arg || got.Cut != want.Cut || string(got.Data) != string(want.Data) || got.Addr != c.args[got.Arg] {
				t.Errorf("call %d: captured %+v, want %+v", c.nr, got, want)
			}
		}
	}
}
