package process

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What is not told is found in /proc: here of this process.
func TestDiscover(t *testing.T) {
	dir := t.TempDir()
	file, err := os.OpenFile(dir+"/a file", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var fds []int
	open := func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
		return fd
	}
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	fds = append(fds, pipe[:]...)
	memory := open(unix.MemfdCreate("m", 0))
	for _, c := range []struct {
		fd      int
		kind    table.FileKind
		name    string
		flags   int
		cloexec bool
	}{
		{int(file.Fd()), table.KindRegular, dir + "/a file", unix.O_WRONLY | unix.O_APPEND | unix.O_LARGEFILE, true},
		{open(unix.Open("/dev/null", unix.O_RDWR, 0)), table.KindChar, "/dev/null", unix.O_RDWR, false},
		{open(unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)), table.KindDirectory, dir, unix.O_PATH, true},
		{pipe[0], table.KindPipe, "", unix.O_RDONLY | unix.O_NONBLOCK, false},
		{open(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)), table.KindSocket, "", unix.O_RDWR, false},
		{open(unix.Eventfd(0, unix.EFD_CLOEXEC)), table.KindEvent, "anon_inode:[eventfd]", unix.O_RDWR, true},
		{open(unix.EpollCreate1(0)), table.KindEpoll, "anon_inode:[eventpoll]", unix.O_RDWR, false},
		{open(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, 0)), table.KindTimer, "anon_inode:[timerfd]", unix.O_RDWR, false},
		{open(unix.InotifyInit1(0)), table.KindInotify, "anon_inode:inotify", unix.O_RDONLY, false},
		{open(unix.PidfdOpen(os.Getpid(), 0)), table.KindPidfd, "", unix.O_RDWR, true},
		{open(unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)), table.KindNamespace, "", unix.O_RDONLY, false},
		{memory, table.KindMemfd, "/memfd:m (deleted)", unix.O_RDWR, false},
	} {
		for _, tracked := range []bool{true, false} {
			th := NewTree(tracked).NewThread(os.Getpid())
			d, ok := th.FDs().Get(c.fd)
			if !ok {
				t.Errorf("%v %s is not open", c.kind, c.name)
				continue
			}
			flags := d.File.Flags() &^ (unix.O_LARGEFILE | 0o100000) // the kernel's, where it is 0 here
			if d.File.Kind() != c.kind || c.name != "" && d.File.Name() != c.name || flags != c.flags&^unix.O_LARGEFILE || d.CloseOnExec != c.cloexec {
				t.Errorf("%v %q flags %#x cloexec %v, want %v %q %#x %v", d.File.Kind(), d.File.Name(), flags, d.CloseOnExec,
					c.kind, c.name, c.flags, c.cloexec)
			}
			found := false
			for o := range th.FDs().All() {
				found = found || o.Number == c.fd && o.File.ID() == d.File.ID()
			}
			if !found {
				t.Errorf("%s is not among all", d.File.Name())
			}
		}
	}
	th := NewTree(true).NewThread(os.Getpid())
	if err := th.FDs().SetVirtual(memory, "/virtual", t); err != nil {
		t.Fatal(err)
	}
	other := open(unix.Dup(memory)) // nobody tells: it is the inode by which it is known
	if d, ok := th.FDs().Get(other); !ok || d.File.Virtual() != any(t) || d.File.Name() != "/virtual" {
		t.Errorf("a copy of a virtual descriptor: %+v %v", d, ok)
	}
	if err := th.FDs().SetVirtual(1<<20, "", t); !errors.Is(err, unix.EBADF) {
		t.Errorf("a descriptor that is not open: %v", err)
	}
	if _, ok := th.FDs().Get(-1); ok {
		t.Error("-1 is open")
	}
}

func TestFS(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	old := unix.Umask(0o31)
	defer unix.Umask(old)
	fs := NewTree(true).NewThread(os.Getpid()).FS()
	if fs.Cwd() != wd || fs.Root() != "/" || fs.Umask() != 0o31 || fs.CwdIsVirtual() {
		t.Errorf("%q %q %#o", fs.Cwd(), fs.Root(), fs.Umask())
	}
	fs.SetCwd("/virtual")
	if fs.Cwd() != "/virtual" || !fs.CwdIsVirtual() {
		t.Errorf("%q", fs.Cwd())
	}
}
