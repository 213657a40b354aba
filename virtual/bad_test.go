package virtual_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/virtual"
)

// A bad File answers whatever it is told to.
type bad struct {
	n   int
	err error
	do  func()

	closes func()
}

func (b bad) answer() (int, error) {
	if b.do != nil {
		b.do()
	}
	return b.n, b.err
}

func (b bad) Read([]byte) (int, error)       { return b.answer() }
func (b bad) Write([]byte) (int, error)      { return b.answer() }
func (b bad) Seek(int64, int) (int64, error) { n, err := b.answer(); return int64(n), err }
func (b bad) Truncate(int64) error           { _, err := b.answer(); return err }
func (b bad) Stat() (fs.FileInfo, error)     { return nil, b.err }
func (b bad) Close() error {
	if b.closes != nil {
		b.closes()
	}
	return nil
}
func (b bad) Sync() error { return b.err }
func (b bad) Ioctl(*table.Call, uint32, uint64) table.Result {
	return table.FromRaw(int64(b.n))
}

func init() {
	programs["bad"] = func() {
		fd, err := unix.Open("/virtual/bad", unix.O_RDWR, 0)
		try(err)
		buf := make([]byte, 10)
		n, err := unix.Read(fd, buf)
		fmt.Println("read", n, err)
		n, err = unix.Write(fd, buf)
		fmt.Println("write", n, err)
		var st unix.Stat_t
		fmt.Println("fstat", unix.Fstat(fd, &st))
		fmt.Println("ftruncate", unix.Ftruncate(fd, 5))
		fmt.Println("ioctl", unix.IoctlSetInt(fd, 1234, 0))
	}
}

// Files that answer nonsense give EIO, and a message that names them.
func TestBadFiles(t *testing.T) {
	for _, test := range []struct {
		bad
		want     string
		warnings int
	}{
		{bad{n: 11}, "read -1 input/output error\nwrite -1 input/output error\n", 2},
		{bad{n: -1}, "read -1 input/output error\nwrite -1 input/output error\n", 2},
		{bad{n: 0, err: unix.Errno(300)}, "read -1 input/output error\nwrite -1 input/output error\nfstat input/output error\nftruncate input/output error\n", 4},
		{bad{n: -300, err: errors.New("strange")}, "read -1 input/output error\nwrite -1 input/output error\nfstat input/output error\nftruncate input/output error\nioctl input/output error\n", 5},
		{bad{n: 0, err: fmt.Errorf("wrapped: %w", unix.EBUSY)}, "read -1 device or resource busy\nwrite -1 device or resource busy\nfstat device or resource busy\n", 0},
		{bad{n: 3, err: io.EOF}, "read 3 <nil>\n", 0},
		{bad{n: 0}, "read 0 <nil>\nwrite -1 input/output error\n", 1}, // would write for ever
		{bad{n: 0, err: fs.ErrPermission}, "read -1 permission denied\n", 0},
	} {
		w := newWorld(t, func(string, int) virtual.File { return test.bad })
		var warnings []string
		w.files.Warn = func(err error) { warnings = append(warnings, err.Error()) }
		if test.bad.err == nil {
			w.tbl.HandleFunc("fstat", func(c *table.Call) table.Result { return table.Return(0) }) // there is no FileInfo
		}
		got := w.run(self(t, "bad"))
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("%+v: %q, want %q", test.bad, got, test.want)
		}
		if len(warnings) < test.warnings || test.warnings == 0 && len(warnings) > 3 {
			t.Errorf("%+v: warnings %q", test.bad, warnings)
		}
		for _, x := range warnings {
			if !strings.Contains(x, "virtual_test.bad") {
				t.Errorf("%+v: a warning that names nobody: %q", test.bad, x)
			}
		}
	}
}

// A File that panics ends the tree.
func TestPanickingFile(t *testing.T) {
	w := newWorld(t, func(string, int) virtual.File { return bad{do: func() { panic("oh") }} })
	cmd := self(t, "bad")
	cmd.Table = w.tbl
	err := cmd.Run()
	if p, ok := errors.AsType[*supervisor.PanicError](err); !ok || p.Value != "oh" {
		t.Errorf("Run: %v", err)
	}
}

func init() {
	programs["close bad"] = func() {
		kept, err := unix.Open("/virtual/bad", unix.O_RDWR, 0)
		try(err)
		fd, err := unix.Open("/virtual/bad", unix.O_RDWR, 0)
		try(err)
		try(unix.Close(fd))
		for {
			unix.Read(kept, make([]byte, 1))
		}
	}
}

// A File that panics when it is closed ends the tree too, though nobody has called it then.
func TestPanickingClose(t *testing.T) {
	w := newWorld(t, func(string, int) virtual.File { return bad{closes: func() { panic("oh") }} })
	w.files.Warn = func(error) {} // it is told too
	cmd := self(t, "close bad")
	cmd.Table = w.tbl
	err := cmd.Run()
	if p, ok := errors.AsType[*supervisor.PanicError](err); !ok || !strings.Contains(fmt.Sprint(p.Value), "oh") {
		t.Errorf("Run: %v", err)
	}
}

// A liar says that there is something to read, when there is not.
type liar struct {
	virtual.Notifier
	asked func()
}

func (*liar) Readiness() virtual.Events { return virtual.In }
func (l *liar) Read([]byte) (int, error) {
	l.asked()
	return 0, unix.EAGAIN
}
func (*liar) Close() error { return nil }

// Who reads a File that lies waits, and can be interrupted, as one whose bytes are always
// taken by others.
func TestLyingPoller(t *testing.T) {
	asked := make(chan bool)
	var times atomic.Int32
	w := newWorld(t, func(string, int) virtual.File {
		return &liar{asked: func() {
			if times.Add(1) == 10 {
				close(asked)
			}
		}}
	})
	cmd := supervisor.Command("cat", "/virtual/liar")
	cmd.Table = w.tbl
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Signal(unix.SIGKILL) })
	defer late.Stop()
	err := cmd.Wait()
	if e, ok := errors.AsType[*supervisor.ExitError](err); !ok || e.WaitStatus().Signal() != unix.SIGTERM {
		t.Errorf("Wait: %v", err)
	}
}

// A program that reaches for placeholders gets nothing by it.
func TestPlaceholders(t *testing.T) {
	var closed atomic.Int32
	w := newWorld(t, func(name string, _ int) virtual.File {
		if name == "text" {
			return newText("0123456789", &closed)
		}
		return newFifo().open(false)
	})
	got := w.run(self(t, "placeholders"))
	if got != "0123456789\n0123456789\nother\n" {
		t.Errorf("%q", got)
	}
}

func init() {
	programs["placeholders"] = func() {
		text, err := unix.Open("/virtual/text", unix.O_RDWR, 0)
		try(err)
		// The memfd beneath is the program's to open and to fill; not the File.
		below, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", text), os.O_RDWR, 0)
		try(err)
		below.Write([]byte("garbage"))
		buf := make([]byte, 100)
		n, err := unix.Pread(text, buf, 0)
		try(err)
		fmt.Println(string(buf[:n]))
		below.Close()
		n, err = unix.Pread(text, buf, 0)
		try(err)
		fmt.Println(string(buf[:n]))
		// Another file of the same number.
		other, err := os.CreateTemp("", "")
		try(err)
		os.Remove(other.Name())
		other.Write([]byte("other"))
		fifo, err := unix.Open("/virtual/fifo", unix.O_RDONLY|unix.O_NONBLOCK, 0)
		try(err)
		try(unix.Dup3(int(other.Fd()), fifo, 0))
		try(unix.Dup3(int(other.Fd()), text, 0))
		n, err = unix.Pread(text, buf, 0)
		try(err)
		if m, _ := unix.Pread(fifo, bytes.Clone(buf), 0); m != n {
			fmt.Println("not the same")
		}
		fmt.Println(string(buf[:n]))
	}
}
