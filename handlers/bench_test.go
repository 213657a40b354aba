package handlers

import (
	"encoding/binary"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A sample is a call as programs make it, with the memory that comes with it.
type sample struct {
	name   string
	args   [6]uint64
	result int64
	memory []image
}

const (
	dirCWD   = ^uint64(99) // AT_FDCWD
	pathAddr = 0x7ffc2b6b5d7f
	bufAddr  = 0x55d0c0a81000
)

// samples are what programs do most.
func samples() []sample {
	path := []image{{pathAddr, []byte("/usr/lib/x86_64-linux-gnu/libc.so.6\x00")}}
	st := make([]byte, 144)
	binary.LittleEndian.PutUint32(st[24:], unix.S_IFREG|0o755)
	binary.LittleEndian.PutUint64(st[48:], 1926232)
	status := image{bufAddr, st}
	elf := []image{{bufAddr, []byte("\x7fELF\x02\x01\x01\x03\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00>\x00\x01\x00\x00\x00\x90\xa7\x02\x00\x00\x00\x00\x00")}}
	text := []image{{bufAddr, []byte("root:x:0:0:root:/root:/bin/bash\n")}}
	return []sample{
		{"getppid", [6]uint64{}, 4711, nil},
		{"close", [6]uint64{3}, 0, nil},
		{"lseek", [6]uint64{3, 4096, 0}, 4096, nil},
		{"mmap", [6]uint64{0, 8192, 3, 0x22, 1<<64 - 1, 0}, 0x7f5c3a1c5000, nil},
		{"futex", [6]uint64{0x7f5c3a1c5000, 129, 1}, 1, nil},
		{"read1", [6]uint64{3, bufAddr, 1}, 1, []image{{bufAddr, []byte("x")}}},
		{"read", [6]uint64{3, bufAddr, 4096}, 4096, text},
		{"readELF", [6]uint64{3, bufAddr, 832}, 832, elf},
		{"write", [6]uint64{1, bufAddr, 32}, 32, text},
		{"fstat", [6]uint64{3, bufAddr}, 0, []image{status}},
		{"openat", [6]uint64{dirCWD, pathAddr, unix.O_CLOEXEC}, 3, path},
		{"openatENOENT", [6]uint64{dirCWD, pathAddr, unix.O_CLOEXEC}, -int64(unix.ENOENT), path},
		{"newfstatat", [6]uint64{dirCWD, pathAddr, bufAddr, 0}, 0, []image{path[0], status}},
	}
}

// number returns the sample's number; its name may say more than the call's.
func (s *sample) number(tb testing.TB) int {
	for n := len(s.name); n > 0; n-- {
		if nr, ok := table.Number(table.AMD64, s.name[:n]); ok {
			return nr
		}
	}
	tb.Fatal(s.name)
	return 0
}

// recording is an engine of calls that are over: memory is what was captured.
type recording struct {
	fakeThread
	captured []image
	memory   []byte // the same for the same captured
	other    bool   // there is more than that
	reads    int    // how often it was looked at
}

// recording returns the engine of the sample, of thread 100. whole says whether what was captured
// is all that there is to know of the memory.
func (s *sample) recording(whole bool) *recording {
	r := &recording{captured: s.memory, other: !whole}
	for _, m := range s.memory {
		r.memory = append(binary.LittleEndian.AppendUint64(r.memory, m.base), m.bytes...)
	}
	r.s, r.tid = &script{pid: 100}, 100
	return r
}

func (r *recording) ReadMemory(addr uint64, p []byte) (int, error) {
	r.reads++
	for i := range r.captured {
		if n, err := r.captured[i].ReadMemory(addr, p); err == nil {
			return n, nil
		}
	}
	return 0, unix.EFAULT
}

func (r *recording) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = r.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

func (r *recording) Recorded() (memory []byte, ok bool) { return r.memory, !r.other }

func (r *recording) Route() table.Route { return table.RouteDirect }

// replay returns a function that tells tr of a recorded call.
func replay(tb testing.TB, tr *Trace, s sample) func() { return replayAs(tb, tr, s, false) }

// replayAs is replay, and says whether tr may write from memory what it has written before.
func replayAs(tb testing.TB, tr *Trace, s sample, again bool) func() {
	r := s.recording(again)
	nr := s.number(tb)
	c := new(table.Call)
	res := table.FromRaw(s.result)
	return func() {
		c.Reset(r, table.AMD64, nr, s.args, 0, 0)
		tr.Returned(c, res, time.Time{}, time.Time{})
	}
}

// What a line costs the consumer of exec.so's rings: decoding, text, layout.
func BenchmarkReturned(b *testing.B) {
	tr := NewTrace(TraceOptions{Out: io.Discard, PID: PIDAlways})
	var all []func()
	for _, s := range samples() {
		call := replay(b, tr, s)
		all = append(all, call)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		call := replayAs(b, tr, samples()[5], true)
		for b.Loop() {
			call()
		}
	})
	// As programs do: another call each time.
	b.Run("mix", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			all[i]()
			if i++; i == len(all) {
				i = 0
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
}

// A call that is traced allocates nothing, by either route, once its thread is
// known.
func TestNoAllocations(t *testing.T) {
	for _, opts := range []TraceOptions{{}, {PID: PIDAlways, Clock: ClockTime, Duration: true}} {
		opts.Out = io.Discard
		tr := NewTrace(opts)
		for _, s := range samples() {
			if n := testing.AllocsPerRun(100, replay(t, tr, s)); n != 0 {
				t.Errorf("%s, recorded: %v allocations", s.name, n)
			}
			if n := testing.AllocsPerRun(100, replayAs(t, tr, s, true)); n != 0 {
				t.Errorf("%s, recorded again: %v allocations", s.name, n)
			}
			r := s.recording(true)
			r.native = func(*table.Call) table.Result { return table.FromRaw(s.result) }
			c, nr := new(table.Call), s.number(t)
			if n := testing.AllocsPerRun(100, func() {
				c.Reset(r, table.AMD64, nr, s.args, 0, 0)
				tr.Handle(c)
			}); n != 0 {
				t.Errorf("%s: %v allocations", s.name, n)
			}
		}
	}
}

// What a line costs beside the stops on the trap route.
func BenchmarkTrace(b *testing.B) {
	tr := NewTrace(TraceOptions{Out: io.Discard, PID: PIDAlways})
	for _, s := range samples() {
		if s.name != "getppid" && s.name != "openatENOENT" {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			r := s.recording(true)
			r.native = func(*table.Call) table.Result { return table.FromRaw(s.result) }
			c, nr := new(table.Call), s.number(b)
			b.ReportAllocs()
			for b.Loop() {
				c.Reset(r, table.AMD64, nr, s.args, 0, 0)
				tr.Handle(c)
			}
		})
	}
}

func BenchmarkCount(b *testing.B) {
	n := NewCount()
	s := &script{handler: n, pid: 100}
	f := s.thread(100)
	f.native = func(*table.Call) table.Result { return table.Return(1) }
	nr, _ := table.Number(table.AMD64, "getppid")
	c := new(table.Call)
	b.ReportAllocs()
	for b.Loop() {
		c.Reset(f, table.AMD64, nr, [6]uint64{}, 0, 0)
		n.Handle(c)
	}
}
