package virtual_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/virtual"
)

// text is a regular file with contents.
type text struct {
	*bytes.Reader
	closed *atomic.Int32
}

func newText(s string, closed *atomic.Int32) text {
	return text{bytes.NewReader([]byte(s)), closed}
}

func (f text) Close() error { f.closed.Add(1); return nil }

func (f text) Stat() (fs.FileInfo, error) { return textInfo{f.Size()}, nil }

type textInfo struct{ size int64 }

func (i textInfo) Name() string       { return "text" }
func (i textInfo) Size() int64        { return i.size }
func (i textInfo) Mode() fs.FileMode  { return 0o640 }
func (i textInfo) ModTime() time.Time { return time.Unix(1e9, 42) }
func (i textInfo) IsDir() bool        { return false }
func (i textInfo) Sys() any           { return nil }

func TestCat(t *testing.T) {
	var closed atomic.Int32
	long := string(bytes.Repeat([]byte("0123456789abcdef"), 100_000))
	w := newWorld(t, func(name string, _ int) virtual.File {
		switch name {
		case "long":
			return newText(long, &closed)
		case "short":
			return newText("hello\n", &closed)
		}
		return nil
	})
	if got := w.run(supervisor.Command("cat", "/virtual/short", "/virtual/short")); got != "hello\nhello\n" {
		t.Errorf("cat: %q", got)
	}
	if got := w.run(supervisor.Command("cat", "/virtual/long")); got != long {
		t.Errorf("cat: %d bytes, not %d", len(got), len(long))
	}
	if got := w.run(supervisor.Command("sh", "-c", "read a </virtual/short; echo $a; wc -c </virtual/long; tail -c 4 /virtual/long")); got != "hello\n1600000\ncdef" {
		t.Errorf("sh: %q", got)
	}
	if got := w.run(supervisor.Command("sh", "-c", "cat /virtual/none 2>/dev/null || echo no")); got != "no\n" {
		t.Errorf("none: %q", got)
	}
	eventually(t, func() bool { return closed.Load() == 6 })
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it has not happened")
		}
	}
}

func TestPositions(t *testing.T) {
	var closed atomic.Int32
	contents := "0123456789"
	w := newWorld(t, func(string, int) virtual.File { return newText(contents, &closed) })
	virtually := w.run(self(t, "positions", "/virtual/x"))
	file := t.TempDir() + "/x"
	if err := os.WriteFile(file, []byte(contents), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 42)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if really := w.run(self(t, "positions", file)); virtually != really {
		t.Errorf("virtual file:\n%s\nreal file:\n%s", virtually, really)
	}
}

func init() { programs["positions"] = positions }

// positions prints what every call about positions says of a file.
func positions() {
	fd, err := unix.Open(os.Args[1], unix.O_RDONLY, 0)
	try(err)
	show := func(what string, n any, err error) { fmt.Println(what, n, err) }
	buf := make([]byte, 4)
	n, err := unix.Read(fd, buf)
	show("read", string(buf[:n]), err)
	n, err = unix.Pread(fd, buf, 8)
	show("pread", string(buf[:n]), err)
	n, err = unix.Pread(fd, buf, 100)
	show("pread behind", n, err)
	_, err = unix.Pread(fd, buf, -1)
	show("pread before", nil, err)
	_, err = unix.Pread(fd, buf, math.MaxInt64-2)
	show("pread beyond all", nil, err)
	for _, s := range []struct {
		off    int64
		whence int
	}{{0, io.SeekCurrent}, {-3, io.SeekEnd}, {2, io.SeekCurrent}, {-20, io.SeekCurrent}, {5, 17}, {20, io.SeekStart}, {math.MaxInt64, io.SeekCurrent}, {0, 3}, {0, 4}, {10, 3}, {3, 4}} {
		pos, err := unix.Seek(fd, s.off, s.whence)
		show(fmt.Sprint("lseek", s), pos, err)
	}
	a, b := make([]byte, 3), make([]byte, 5)
	_, err = unix.Seek(fd, 1, io.SeekStart)
	try(err)
	n, err = unix.Readv(fd, [][]byte{a, b})
	show("readv", n, err)
	fmt.Println(string(a), string(b))
	n, err = unix.Preadv(fd, [][]byte{a, b}, 4)
	show("preadv", n, err)
	fmt.Println(string(a), string(b))
	dup, err := unix.Dup(fd)
	try(err)
	pos, err := unix.Seek(dup, 0, io.SeekCurrent)
	show("dup's position", pos, err)
	_, err = unix.Write(fd, buf)
	show("write", nil, err)
	_, err = unix.Preadv2(fd, [][]byte{a}, 2, 0)
	show("preadv2", string(a), err)
	show("ftruncate", nil, unix.Ftruncate(fd, 3))
	_, _, e := unix.Syscall(unix.SYS_READ, uintptr(fd), 8, 4)
	show("read to nowhere", nil, e)
	_, _, e = unix.Syscall(unix.SYS_READ, uintptr(fd), 0, 0)
	show("read of nothing", nil, e)
	_, err = unix.IoctlGetInt(fd, unix.TCGETS)
	show("ioctl", nil, err)
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	show("F_GETFL", flags&^unix.O_LARGEFILE, err)
	flags, err = unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	show("F_GETFD", flags, err)
	var st unix.Stat_t
	try(unix.Fstat(fd, &st))
	fmt.Println("fstat", st.Mode, st.Size, st.Mtim)
	var stx unix.Statx_t
	try(unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BASIC_STATS, &stx))
	fmt.Println("statx", stx.Mode, stx.Size, stx.Mtime)
	show("statx with unknown flags", nil, unix.Statx(fd, "", unix.AT_EMPTY_PATH|1, unix.STATX_BASIC_STATS, &stx))
	_, err = unix.Vmsplice(fd, []unix.Iovec{{Base: &buf[0], Len: 1}}, 0)
	show("vmsplice", nil, err)
	for _, m := range []struct{ prot, flags int }{
		{unix.PROT_READ, unix.MAP_PRIVATE}, {unix.PROT_READ, unix.MAP_SHARED},
		{unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE}, {unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED},
	} {
		p, err := unix.Mmap(fd, 0, 10, m.prot, m.flags)
		show("mmap", string(p), err)
	}
	ep, err := unix.EpollCreate1(0)
	try(err)
	show("epoll", nil, unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}))
	polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	n, err = unix.Poll(polled, 0)
	show("poll", fmt.Sprint(n, polled[0].Revents), err)
}
