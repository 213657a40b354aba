package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// image is an engine with its memory at hand, so that what is measured is the
// decoding and not the kernel's copying.
type image struct {
	self
	base uint64
	mem  []byte
}

func (m *image) ReadMemory(addr uint64, p []byte) (int, error) {
	if addr < m.base || addr >= m.base+uint64(len(m.mem)) {
		return 0, unix.EFAULT
	}
	return copy(p, m.mem[addr-m.base:]), nil
}

func (m *image) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = m.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

// BenchmarkLine decodes and renders what programs do most: openat, fstat, read,
// close. One operation is one call.
func BenchmarkLine(b *testing.B) {
	m := &image{base: 0x7f0000000000, mem: make([]byte, 64<<10)}
	path, buf, st := m.base, m.base+4096, m.base+8192
	copy(m.mem, "/usr/lib/x86_64-linux-gnu/libc.so.6\x00")
	copy(m.mem[4096:], "\x7fELF\x02\x01\x01\x03\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00>\x00\x01\x00")
	le.PutUint32(m.mem[8192+24:], unix.S_IFREG|0755)
	le.PutUint64(m.mem[8192+48:], 1926232)
	calls := []struct {
		name string
		args [6]uint64
		res  int64
	}{
		{"openat", [6]uint64{^uint64(99), path, unix.O_RDONLY | unix.O_CLOEXEC}, 3},
		{"read", [6]uint64{3, buf, 832}, 832},
		{"fstat", [6]uint64{3, st}, 0},
		{"close", [6]uint64{3}, 0},
	}
	e := New(Options{}).NewEvent()
	var text Text
	var nrs [4]int
	for i := range calls {
		nrs[i], _ = table.Number(table.AMD64, calls[i].name)
	}
	var c table.Call
	var line []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x := &calls[i%len(calls)]
		c.Reset(m, table.AMD64, nrs[i%len(calls)], x.args, 0, 0)
		e.Entry(&c)
		line = text.AppendEntry(line[:0], e)
		e.Exit(&c, table.Return(x.res))
		line = text.AppendExit(line, e)
		line = Pad(line, 0, DefaultColumn)
		line = text.AppendResult(line, e)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
