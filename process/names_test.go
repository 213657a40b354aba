package process

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// strs is memory that has strings one page from each other.
type strs []string

func (m strs) at(i int) uint64 { return uint64(i+1) << 12 }

func (m strs) ReadMemory(addr uint64, p []byte) (int, error) {
	i, off := int(addr>>12)-1, int(addr&0xfff)
	if i < 0 || i >= len(m) || off > len(m[i]) {
		return 0, unix.EFAULT
	}
	return copy(p, m[i][off:]+"\x00"), nil
}

func (m strs) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = m.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

// A path is an argument that points to one of them.
type path int

func (strs) WriteMemory(uint64, []byte) (int, error) { return 0, unix.EFAULT }

// What is told when it has long happened changes names as the kernel has changed them.
func TestNamesOfThePast(t *testing.T) {
	tree := NewTree(true)
	tree.SetEager(true)
	th := tree.NewThread(os.Getpid())
	th.fs.cwd, th.fs.cwdKnown, th.fs.root, th.fs.rootKnown, th.fs.named = "/c/w", true, "/", true, tree.names
	tree.SetPast(true)
	call := func(name string, result int64, opened string, paths strs, args ...any) {
		t.Helper()
		nr, ok := table.Number(table.AMD64, name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		var a [6]uint64
		for i, arg := range args {
			switch arg := arg.(type) {
			case int:
				a[i] = uint64(uint32(arg))
			case path:
				a[i] = paths.at(int(arg))
			}
		}
		var op Op
		th.Begin(&op, table.AMD64, nr, a, paths)
		if opened != "" {
			op.Opened(Opened{Name: opened})
		}
		th.End(&op, table.FromRaw(result), paths)
	}
	const first, second path = 0, 1
	want := func(names ...string) {
		t.Helper()
		for fd, name := range names {
			if got, ok := th.fds.Name(fd + 100); got != name || ok != (name != "") {
				t.Errorf("descriptor %d is called %q, %v, want %q", fd+100, got, ok, name)
			}
		}
	}
	open := func(fd int, name string) {
		t.Helper()
		call("openat", int64(fd), name, strs{"x"}, unix.AT_FDCWD, first)
	}
	open(100, "/c/w/dir")
	open(101, "/c/w/dir/file")
	open(102, "/c/w/dirt")
	call("socket", 103, "socket:[7]", nil)
	want("/c/w/dir", "/c/w/dir/file", "/c/w/dirt", "socket:[7]")
	call("rename", 0, "", strs{"dir", "new"}, first, second)
	want("/c/w/new", "/c/w/new/file", "/c/w/dirt", "socket:[7]")
	call("rename", -int64(unix.ENOENT), "", strs{"new", "dir"}, first, second)
	want("/c/w/new", "/c/w/new/file")
	open(104, "/c/w/new/other")
	call("renameat", 0, "", strs{"other", "file"}, 100, first, 100, second)
	want("/c/w/new", "/c/w/new/file (deleted)", "/c/w/dirt", "socket:[7]", "/c/w/new/file")
	call("renameat2", 0, "", strs{"file", "dirt"}, 100, first, unix.AT_FDCWD, second, 0)
	want("/c/w/new", "/c/w/new/file (deleted)", "/c/w/dirt (deleted)", "socket:[7]", "/c/w/dirt")
	call("renameat2", 0, "", strs{"dirt", "new"}, unix.AT_FDCWD, first, unix.AT_FDCWD, second, unix.RENAME_EXCHANGE)
	want("/c/w/dirt", "/c/w/dirt/file (deleted)", "/c/w/dirt (deleted)", "socket:[7]", "/c/w/new")
	call("unlinkat", 0, "", strs{"new"}, unix.AT_FDCWD, first, 0)
	want("/c/w/dirt", "/c/w/dirt/file (deleted)", "/c/w/dirt (deleted)", "socket:[7]", "/c/w/new (deleted)")
	// In a directory without a name, nothing has any.
	call("rmdir", 0, "", strs{"dirt"}, first)
	call("unlinkat", 0, "", strs{"file"}, 100, first, 0)
	want("/c/w/dirt (deleted)", "/c/w/dirt/file (deleted)")
	// The working directory itself.
	call("openat", 105, "/c", strs{"/c"}, unix.AT_FDCWD, first)
	call("renameat", 0, "", strs{"w", "v"}, 105, first, 105, second)
	if got := th.fs.Cwd(); got != "/c/v" {
		t.Errorf("the working directory is %q", got)
	}
	want("/c/v/dirt (deleted)")
	// A path with a slash may lead anywhere.
	open(106, "/c/v/kept")
	call("unlink", 0, "", strs{"/c/v/kept"}, first)
	want("/c/v/dirt (deleted)", "/c/v/dirt/file (deleted)", "/c/v/dirt (deleted)", "socket:[7]", "/c/v/new (deleted)", "/c", "/c/v/kept")
	// What the thread could not ask has no name.
	call("openat", 107, "", strs{"x"}, unix.AT_FDCWD, first)
	if name, ok := th.fds.Name(107); ok || name != "" {
		t.Errorf("what nobody has named is called %q, %v", name, ok)
	}
}

// Where a process changes its descriptors unseen (io_uring), each look finds the present name
// of a file that is known.
func TestNamesUnseen(t *testing.T) {
	th := NewTree(true).NewThread(os.Getpid())
	th.fds.unseen = true
	dir := t.TempDir()
	f, err := os.Create(dir + "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd := int(f.Fd())
	first := th.fds.File(fd)
	for _, name := range []string{"/a", "/b"} {
		if err := os.Rename(f.Name(), dir+name); err != nil && name != "/a" {
			t.Fatal(err)
		}
		if got := th.fds.File(fd); got == nil || got != first || got.Name() != dir+name {
			t.Errorf("it is %v, want %s", got, name)
		}
	}
}
