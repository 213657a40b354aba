package execso

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// BenchmarkGetppid compares the services with a call that is not rewritten. There
// is no filter, which each would pay for.
func BenchmarkGetppid(b *testing.B) {
	m := newMachine(b)
	drain := func() {
		for {
			var e Event
			if ok, err := m.slot.lookNext(&e); err != nil {
				b.Fatal(err)
			} else if !ok {
				return
			}
		}
	}
	run := func(name string, s Service, calls func(*registers)) {
		b.Run(name, func(b *testing.B) {
			m.enter(b)
			m.SetService(unix.SYS_GETPPID, s)
			m.slot.SetKnown(unix.SYS_GETPPID, 1)
			m.SetConstant(unix.SYS_GETPPID, 1)
			const most = 256 // that the ring has room for
			for n := b.N; n > 0; n -= most {
				calls(&registers{R12: uint64(min(n, most)), R13: unix.SYS_GETPPID, Flags: 0x202})
				b.StopTimer()
				drain()
				b.StartTimer()
			}
		})
	}
	run("native", Trap, m.bares)
	for s := range Service(numServices) {
		run(s.String(), s, m.calls)
	}
}

// BenchmarkRequest is a call that a goroutine on another processor answers.
func BenchmarkRequest(b *testing.B) {
	m := newMachine(b)
	m.SetService(unix.SYS_GETPPID, Request)
	m.serving()
	stop := m.answer(func(int, [6]uint64) { m.slot.Answer(1) })
	defer stop()
	b.ResetTimer()
	m.calls(&registers{R12: uint64(b.N), R13: unix.SYS_GETPPID, Flags: 0x202})
}

// BenchmarkAccess is a call with a path, recorded and not.
func BenchmarkAccess(b *testing.B) {
	m := newMachine(b)
	path := append([]byte("/usr/lib/x86_64-linux-gnu/libc.so.6"), 0)
	for _, c := range []struct {
		name  string
		s     Service
		calls func(*registers)
	}{{"native", Trap, m.bares}, {"pass", Pass, m.calls}, {"record", Record, m.calls}, {"record timed", RecordTimed, m.calls}} {
		b.Run(c.name, func(b *testing.B) {
			m.enter(b)
			m.SetService(unix.SYS_ACCESS, c.s)
			const most = 256
			for n := b.N; n > 0; n -= most {
				c.calls(&registers{R12: uint64(min(n, most)), R13: unix.SYS_ACCESS, DI: addr(&path[0]), Flags: 0x202})
				b.StopTimer()
				var e Event
				for ok := true; ok; ok, _ = m.slot.lookNext(&e) {
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkNext takes events, of calls without and with memory.
func BenchmarkNext(b *testing.B) {
	m := newMachine(b)
	path := append([]byte("/usr/lib/x86_64-linux-gnu/libc.so.6"), 0)
	for _, nr := range []int{unix.SYS_GETPPID, unix.SYS_ACCESS} {
		b.Run(table.SignatureOf(table.AMD64, nr).Name, func(b *testing.B) {
			m.enter(b)
			m.SetService(nr, Record)
			const most = 256
			for n := b.N; n > 0; n -= 2 * most {
				b.StopTimer()
				m.calls(&registers{R12: uint64(min(n, most)), R13: uint64(nr), DI: addr(&path[0]), Flags: 0x202})
				b.StartTimer()
				var e Event
				for ok := true; ok; ok, _ = m.slot.lookNext(&e) {
				}
			}
		})
	}
}
