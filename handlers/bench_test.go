package handlers

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What a line costs beside the stops: decoding, text, and layout.
func BenchmarkTrace(b *testing.B) {
	tr := NewTrace(TraceOptions{Out: io.Discard, PID: PIDAlways})
	s := &script{handler: tr, pid: 100}
	f := s.thread(100)
	path := f.write("/etc/ld.so.preload")
	dirfd := int64(unix.AT_FDCWD)
	for _, call := range []struct {
		name   string
		args   [6]uint64
		result table.Result
	}{
		{"getppid", [6]uint64{}, table.Return(1)},
		{"openat", [6]uint64{uint64(dirfd), path, unix.O_CLOEXEC}, table.Errno(unix.ENOENT)},
	} {
		b.Run(call.name, func(b *testing.B) {
			nr, ok := table.Number(table.AMD64, call.name)
			if !ok {
				b.Fatal("no such call")
			}
			f.native = func(*table.Call) table.Result { return call.result }
			c := new(table.Call)
			b.ReportAllocs()
			for b.Loop() {
				c.Reset(f, table.AMD64, nr, call.args, 0, 0)
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
