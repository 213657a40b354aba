package decode

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// TestSplit checks what is shown before a call and what after, as in strace's
// unfinished and resumed lines.
func TestSplit(t *testing.T) {
	tests := []struct {
		entry, exit string
		name        string
		res         table.Result
		args        []uint64
	}{
		{`read(3, `, `"ab", 10)`, "read", ok(2), []uint64{3, cstr("ab"), 10}},
		{`getrandom(`, `"\x61\x62", 2, 0)`, "getrandom", ok(2), []uint64{cstr("ab"), 2, 0}},
		{`close(3`, `)`, "close", ok(0), []uint64{3}},
		{`getpid(`, `)`, "getpid", ok(1), nil},
		{`wait4(-1, `, `NULL, 0, NULL)`, "wait4", ok(7), []uint64{1<<32 - 1, 0, 0, 0}},
		{`clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD`, `, child_tidptr=0x7f)`, "clone", ok(7), []uint64{0x1000011, 0, 0, 0x7f, 0}},
		{`clone(child_stack=NULL, flags=SIGCHLD`, `)`, "clone", ok(7), []uint64{17, 0, 0, 0, 0}},
		{`clone3({flags=CLONE_PARENT_SETTID, parent_tid=0x8, exit_signal=0, stack=NULL, stack_size=0}`, ` => {parent_tid=0x8}, 64)`, "clone3", ok(7), []uint64{words(0x100000, 0, 0, 8, 0, 0, 0, 0), 64}},
		{`clone3({flags=CLONE_VM, exit_signal=0, stack=NULL, stack_size=0}, 64`, `)`, "clone3", ok(7), []uint64{words(0x100, 0, 0, 0, 0, 0, 0, 0), 64}},
		{`sendfile(4, 3, [5]`, ` => [5], 10)`, "sendfile", ok(1), []uint64{4, 3, words(5), 10}},
		{`fcntl(3, F_GETLK, `, `0x8)`, "fcntl", failed(unix.EFAULT), []uint64{3, 5, bad}},
		{`ioctl(3, TCGETS, `, `0x8)`, "ioctl", failed(unix.EFAULT), []uint64{3, 0x5401, bad}},
		{`openat(AT_FDCWD, "f", O_RDONLY`, `)`, "openat", ok(3), []uint64{cwd, cstr("f"), 0, 0}},
		{`prlimit64(0, RLIMIT_STACK, NULL, `, `NULL)`, "prlimit64", ok(0), []uint64{0, 3, 0, 0}},
	}
	for _, tt := range tests {
		e, c := event(t, Options{}, table.AMD64, tt.name, tt.args...)
		e.Entry(c)
		var text Text
		entry := string(text.AppendEntry(nil, e))
		pending := e.Pending()
		e.Exit(c, tt.res)
		exit := string(text.AppendExit(nil, e))
		if entry != tt.entry || exit != tt.exit {
			t.Errorf("got  %s|%s\nwant %s|%s", entry, exit, tt.entry, tt.exit)
		}
		if want := exit != ")"; pending != want {
			t.Errorf("%s: Pending() = %v", tt.name, pending)
		}
	}
}

// TestVanishes: what an exec destroys must be known before it runs.
func TestVanishes(t *testing.T) {
	path := []byte("/bin/true\x00")
	e, c := event(t, Options{}, table.AMD64, "execve", bytesAt(path), 0, 0)
	e.Entry(c)
	copy(path, "XXXXXXXXXX")
	e.Exit(c, ok(0))
	if got, want := line(e), `execve("/bin/true", NULL, NULL) = 0`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestUnknown shows calls that no table knows with their registers.
func TestUnknown(t *testing.T) {
	for _, tt := range []struct {
		abi  table.ABI
		nr   int
		want string
	}{
		{table.AMD64, 1000, `syscall_0x3e8(0x1, 0x2, 0xffffffffffffffff, 0, 0x5, 0x6) = -1 ENOSYS (Function not implemented)`},
		{table.I386, 1000, `syscall_0x3e8(0x1, 0x2, 0xffffffff, 0, 0x5, 0x6) = -1 ENOSYS (Function not implemented)`},
		{table.AMD64, -1, `syscall_0xffffffffffffffff(0x1, 0x2, 0xffffffffffffffff, 0, 0x5, 0x6) = -1 ENOSYS (Function not implemented)`},
	} {
		c := &table.Call{}
		c.Reset(&self{}, tt.abi, tt.nr, [6]uint64{1, 2, ^uint64(0), 0, 5, 6}, 0, 0)
		e := New(Options{}).NewEvent()
		e.Entry(c)
		e.Exit(c, failed(unix.ENOSYS))
		if got := line(e); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// TestNative decodes calls that this process really makes.
func TestNative(t *testing.T) {
	b := make([]byte, 400)
	for _, tt := range []struct {
		name, want string
		args       []uint64
	}{
		{"openat", `openat(AT_FDCWD, "/nonexistent", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)`, []uint64{cwd, cstr("/nonexistent"), unix.O_CLOEXEC, 0}},
		{"newfstatat", `newfstatat(AT_FDCWD, "/dev/null", {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}, 0) = 0`, []uint64{cwd, cstr("/dev/null"), bytesAt(b), 0}},
		{"getcwd", `getcwd(NULL, 0) = -1 ERANGE (Numerical result out of range)`, []uint64{0, 0}},
		{"uname", `uname({sysname="Linux", `, []uint64{bytesAt(b)}},
		{"write", `write(-1, "x", 1) = -1 EBADF (Bad file descriptor)`, []uint64{1<<64 - 1, cstr("x"), 1}},
	} {
		if got := run(t, Options{}, tt.name, tt.args...); !strings.HasPrefix(got, tt.want) {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// counting counts how memory is read.
type counting struct {
	self
	batches, single int
}

func (m *counting) ReadMemory(addr uint64, p []byte) (int, error) {
	m.single++
	return m.self.ReadMemory(addr, p)
}

func (m *counting) ReadRanges(r []table.Range) {
	m.batches++
	m.self.ReadRanges(r)
}

// TestBatches: one batch before the call and one after it, and nothing else.
func TestBatches(t *testing.T) {
	for _, tt := range []struct {
		name        string
		entry, exit int
		args        []uint64
	}{
		{"close", 0, 0, []uint64{3}},
		{"openat", 1, 0, []uint64{cwd, cstr("f"), 0, 0}},
		{"renameat2", 1, 0, []uint64{cwd, cstr("f"), cwd, cstr("g"), 0}},
		{"newfstatat", 1, 1, []uint64{cwd, cstr("f"), statOf(0, 0, 0), 0}},
		{"read", 0, 1, []uint64{3, cstr("abc"), 3}},
		{"wait4", 0, 1, []uint64{7, ints(0), 0, words(make([]uint64, 18)...)}},
		{"rt_sigprocmask", 1, 1, []uint64{0, words(1), words(1), 8}},
	} {
		e, c := event(t, Options{}, table.AMD64, tt.name, tt.args...)
		m := &counting{}
		c.Reset(m, table.AMD64, c.Nr(), [6]uint64(append(tt.args, make([]uint64, 6)...)), 0, 0)
		e.Entry(c)
		if m.batches != tt.entry || m.single != 0 {
			t.Errorf("%s: %d batches, %d single reads at entry", tt.name, m.batches, m.single)
		}
		m.batches = 0
		e.Exit(c, ok(3))
		if m.batches != tt.exit || m.single != 0 {
			t.Errorf("%s: %d batches, %d single reads at exit", tt.name, m.batches, m.single)
		}
	}
}

// TestPageEnd: nothing behind the page on which a string ends is looked at.
func TestPageEnd(t *testing.T) {
	mem, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := unix.Mprotect(mem[pageSize:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	base := bytesAt(mem)
	copy(mem[pageSize-4:], "abc\x00")
	if got, want := show(t, Options{}, table.AMD64, "chdir", ok(0), base+pageSize-4), `chdir("abc") = 0`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Without its NUL it is no string.
	mem[pageSize-1] = 'd'
	got := show(t, Options{}, table.AMD64, "chdir", failed(unix.EFAULT), base+pageSize-4)
	if !strings.HasPrefix(got, "chdir(0x") {
		t.Errorf("got %s", got)
	}
}

// TestPaths shows what descriptors refer to.
func TestPaths(t *testing.T) {
	opts := Options{FDName: func(_ table.Thread, fd int) (FDName, bool) {
		switch fd {
		case unix.AT_FDCWD:
			return FDName{Path: "/tmp"}, true
		case 3:
			return FDName{Path: "/a<b>\n\""}, true
		case 4:
			return FDName{Path: "/x (deleted)"}, true
		case 6:
			return FDName{Path: "/dev/null", Note: "<char 1:3>"}, true
		case 7:
			return FDName{Note: `UNIX:[1->2,"/a"]`}, true
		}
		return FDName{}, false
	}}
	for _, tt := range []struct {
		want, name string
		res        table.Result
		args       []uint64
	}{
		{`openat(AT_FDCWD</tmp>, "f", O_RDONLY) = 3</a\74b\76\n\">`, "openat", ok(3), []uint64{cwd, cstr("f"), 0}},
		{`close(4</x>(deleted)) = 0`, "close", ok(0), []uint64{4}},
		{`close(5) = 0`, "close", ok(0), []uint64{5}},
		{`close(6</dev/null<char 1:3>>) = 0`, "close", ok(0), []uint64{6}},
		{`close(7<UNIX:[1->2,"/a"]>) = 0`, "close", ok(0), []uint64{7}},
		{`poll([{fd=4</x>(deleted), events=POLLIN}], 1, 0) = 1 ([{fd=4, revents=POLLIN}])`, "poll", ok(1), []uint64{join(uint32(4), uint16(1), uint16(1)), 1, 0}},
		{`select(5, [4</x>(deleted)], NULL, NULL, NULL) = 1 (in [4])`, "select", ok(1), []uint64{5, words(16), 0, 0, 0}},
	} {
		if got := show(t, opts, table.AMD64, tt.name, tt.res, tt.args...); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestHex(t *testing.T) {
	for _, tt := range []struct {
		hex  HexMode
		s    string
		want string
	}{
		{HexNever, "a\x00\xff", `"a\0\377"`},
		{HexNonASCII, "a\n", `"a\n"`},
		{HexNonASCII, "a\xff", `"\x61\xff"`},
		{HexAlways, "a\n", `"\x61\x0a"`},
		{HexNever, "\x007\x018\x1b", `"\0007\18\33"`},
	} {
		text := Text{Hex: tt.hex}
		if got := string(text.appendBytes(nil, &Value{Kind: Bytes, Text: []byte(tt.s)})); got != tt.want {
			t.Errorf("%q in mode %d: got %s, want %s", tt.s, tt.hex, got, tt.want)
		}
	}
}

// TestWithoutText reads an event's values without the text.
func TestWithoutText(t *testing.T) {
	e, c := event(t, Options{}, table.AMD64, "connect", 7, join(uint16(unix.AF_INET), "\x00\x50\x7f\x00\x00\x01", uint64(0)), 16)
	e.Entry(c)
	e.Exit(c, ok(0))
	type field struct {
		Name string
		Kind Kind
		Num  uint64
	}
	var got []field
	for v := range e.Args() {
		got = append(got, field{v.Name, v.Kind, v.Num})
		for f := range e.Children(v) {
			got = append(got, field{f.Name, f.Kind, f.Num})
		}
	}
	want := []field{{"", FD, 7}, {"", Struct, 0}, {"sa_family", Enum, 2}, {"sin_port", Port, 80}, {"sin_addr", IPv4, 0}, {"", Int, 16}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r := e.Result(); r == nil || r.Kind != Int || r.Num != 0 {
		t.Errorf("result %+v", r)
	}
}

// TestReuse: an event that has decoded something huge is as good as new.
func TestReuse(t *testing.T) {
	e := New(Options{StringLimit: 1 << 20}).NewEvent()
	big := bytesAt(make([]byte, 1<<20))
	c := &table.Call{}
	c.Reset(&self{}, table.AMD64, 1, [6]uint64{1, big, 1 << 20}, 0, 0)
	e.Entry(c)
	e.Exit(c, ok(1<<20))
	if n := len(line(e)); n < 2<<20 {
		t.Errorf("a line of %d bytes", n)
	}
	c.Reset(&self{}, table.AMD64, 3, [6]uint64{1}, 0, 0)
	e.Entry(c)
	e.Exit(c, ok(0))
	if got, want := line(e), "close(1) = 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if cap(e.buf) > keepBuffer {
		t.Errorf("keeps %d bytes", cap(e.buf))
	}
}

// TestPlainPrefix: what is found plain is plain, and plain text is found so.
func TestPlainPrefix(t *testing.T) {
	s := []byte("/usr/lib/x86_64-linux-gnu")
	if n := plainPrefix(s); n != 24 {
		t.Errorf("%d of %q", n, s)
	}
	for at := range 16 {
		for c := range 256 {
			copy(s, "0123456789abcdef")
			s[at] = byte(c)
			n := plainPrefix(s[:16])
			escaped := !plain[c] || c == '<' || c == '>'
			if escaped != (n <= at) {
				t.Errorf("%#x at %d: %d bytes are plain", c, at, n)
			}
		}
	}
}
