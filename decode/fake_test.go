package decode

import (
	"context"
	"runtime"
	"testing"
	"unsafe"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// self is an engine for calls that this process makes itself: its memory is
// the test's own, read as a child's would be.
type self struct{}

func (s *self) TID() int               { return unix.Getpid() }
func (s *self) Process() table.Process { return s }
func (s *self) PID() int               { return unix.Getpid() }
func (s *self) Parent() int            { return unix.Getppid() }
func (s *self) Signals() table.Dispositions {
	return nil
}
func (s *self) FDs() table.FDs     { return nil }
func (s *self) FS() table.FS       { return nil }
func (s *self) Blocked() uint64    { return 0 }
func (s *self) Route() table.Route { return table.RouteTrap }

func (s *self) ReadMemory(addr uint64, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	local := []unix.Iovec{{Base: &p[0], Len: uint64(len(p))}}
	remote := []unix.RemoteIovec{}
	for rest, at := len(p), addr; rest > 0; {
		n := min(rest, toPageEnd(at))
		remote = append(remote, unix.RemoteIovec{Base: uintptr(at), Len: n})
		rest, at = rest-n, at+uint64(n)
	}
	n, err := unix.ProcessVMReadv(unix.Getpid(), local, remote, 0)
	if err != nil || n <= 0 {
		return 0, unix.EFAULT
	}
	return n, nil
}

func (s *self) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = s.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

func (s *self) WriteMemory(addr uint64, p []byte) (int, error) { return 0, unix.EFAULT }

func (s *self) Native(c *table.Call) table.Result {
	r, _, errno := unix.RawSyscall6(uintptr(c.Nr()), uintptr(c.RawArg(0)), uintptr(c.RawArg(1)), uintptr(c.RawArg(2)),
		uintptr(c.RawArg(3)), uintptr(c.RawArg(4)), uintptr(c.RawArg(5)))
	if errno != 0 {
		return table.Errno(errno)
	}
	return table.Return(int64(r))
}

func (s *self) Inject(c *table.Call, nr int, args [6]uint64) table.Result {
	return table.Errno(unix.ENOSYS)
}
func (s *self) Pin(c *table.Call, data []byte) (uint64, error)        { return 0, unix.ENOSYS }
func (s *self) Park(c *table.Call, f func(ctx context.Context)) error { return unix.ENOSYS }

// line is a whole call as a line of text, as strace -a0 would print it.
func line(e *Event) string {
	var t Text
	b := t.AppendEntry(nil, e)
	b = t.AppendExit(b, e)
	b = append(b, ' ')
	return string(t.AppendResult(b, e))
}

// host is the ABI of the test itself.
var host = map[string]table.ABI{"amd64": table.AMD64, "arm64": table.ARM64}[runtime.GOARCH]

// run makes the call name for real, in this process, and returns its line.
func run(t testing.TB, opts Options, name string, args ...uint64) string {
	t.Helper()
	e, c := event(t, opts, host, name, args...)
	e.Entry(c)
	e.Exit(c, c.Native())
	return line(e)
}

// cstr is the address of s with a NUL. keep keeps memory alive.
var keep []any

func cstr(s string) uint64 {
	b := append([]byte(s), 0)
	return bytesAt(b)
}

func bytesAt(b []byte) uint64 {
	keep = append(keep, b)
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

func at[T any](p *T) uint64 {
	keep = append(keep, p)
	return uint64(uintptr(unsafe.Pointer(p)))
}
