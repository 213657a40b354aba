package handlers

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/process"
	"github.com/k42trace/k42trace/table"
)

// A script stands in for the threads of a child: it gives calls to a handler and
// says how the kernel would have ended them. Lines can be tested without one.
type script struct {
	t       *testing.T
	handler table.Handler
	pid     int
}

// A fakeThread is a thread of a script; its memory is one piece.
type fakeThread struct {
	image
	s      *script
	tid    int
	native func(c *table.Call) table.Result
	pinned []byte
	parks  int
}

func (s *script) thread(tid int) *fakeThread { return &fakeThread{s: s, tid: tid} }

func (f *fakeThread) TID() int               { return f.tid }
func (f *fakeThread) Process() table.Process { return fakeProcess(f.s.pid) }
func (f *fakeThread) FDs() table.FDs         { return f.Process().FDs() }
func (f *fakeThread) FS() table.FS           { return f.Process().FS() }
func (f *fakeThread) Blocked() uint64        { return 0 }
func (f *fakeThread) Route() table.Route     { return table.RouteTrap }

func (f *fakeThread) ReadMemory(addr uint64, p []byte) (int, error) {
	if n, err := f.image.ReadMemory(addr, p); err == nil {
		return n, nil
	}
	pins := image{pinAddress, f.pinned}
	return pins.ReadMemory(addr, p)
}

func (f *fakeThread) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = f.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

func (f *fakeThread) WriteMemory(addr uint64, p []byte) (int, error) { return 0, unix.EFAULT }

func (f *fakeThread) Native(c *table.Call) table.Result { return f.native(c) }

func (f *fakeThread) Inject(*table.Call, int, [6]uint64) table.Result {
	return table.Errno(unix.ENOSYS)
}

const pinAddress = 0x7fff00000000

func (f *fakeThread) Pin(_ *table.Call, data []byte) (uint64, error) {
	f.pinned = data
	return pinAddress, nil
}

func (f *fakeThread) Park(_ *table.Call, fn func(context.Context)) error {
	f.parks++
	fn(context.Background())
	return nil
}

type fakeProcess int

func (p fakeProcess) PID() int    { return int(p) }
func (p fakeProcess) Parent() int { return 0 }

// What is kept for the threads of a script: nothing, so that /proc is asked, where they are not.
func (p fakeProcess) FDs() table.FDs { return process.NewTree(false).NewThread(int(p)).FDs() }
func (p fakeProcess) FS() table.FS   { return process.NewTree(false).NewThread(int(p)).FS() }
func (p fakeProcess) Signals() table.Dispositions {
	return process.NewTree(false).NewThread(int(p)).Signals()
}

// call makes a call; during is what happens while the kernel has it.
func (f *fakeThread) call(name string, res table.Result, during func(), args ...uint64) table.Result {
	f.s.t.Helper()
	nr, ok := table.Number(table.AMD64, name)
	if !ok {
		f.s.t.Fatalf("no call %s", name)
	}
	return f.callNumber(nr, res, during, args...)
}

// callNumber makes a call that may have no name.
func (f *fakeThread) callNumber(nr int, res table.Result, during func(), args ...uint64) table.Result {
	f.native = func(*table.Call) table.Result {
		if during != nil {
			during()
		}
		return res
	}
	var a [6]uint64
	copy(a[:], args)
	c := new(table.Call)
	c.Reset(f, table.AMD64, nr, a, 0, 0)
	return f.s.handler.Handle(c)
}

// write puts a string into the thread's memory and returns where.
func (f *fakeThread) write(s string) uint64 {
	f.base = 0x1000
	at := f.base + uint64(len(f.bytes))
	f.bytes = append(append(f.bytes, s...), 0)
	return at
}
