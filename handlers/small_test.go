package handlers

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestDeny(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"secret/x", "secrets", "a"} {
		if err := os.MkdirAll(dir+"/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", dir+"/a/link"); err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, pid: os.Getpid(), handler: Deny(unix.EACCES, dir+"/secret/", "/etc/shadow")(table.Native)}
	f := s.thread(os.Getpid())
	ok := table.Return(0)
	for _, test := range []struct {
		name string
		args []uint64
		want unix.Errno
	}{
		{"chdir", []uint64{f.write(dir + "/secret/x")}, unix.EACCES},
		{"chdir", []uint64{f.write(dir + "/secret/x/..")}, unix.EACCES},
		{"chdir", []uint64{f.write(dir + "/a/link/x")}, unix.EACCES},
		{"chdir", []uint64{f.write("/proc/self/root/" + dir + "/a/../secret")}, unix.EACCES},
		{"lstat", []uint64{f.write(dir + "/a/link"), 0}, 0},
		{"stat", []uint64{f.write(dir + "/a/link"), 0}, unix.EACCES},
		{"chdir", []uint64{f.write(dir + "/secrets")}, 0},
		{"chdir", []uint64{f.write(dir + "/a/nothing/x")}, unix.ENOENT},
		{"rename", []uint64{f.write("/a"), f.write("/etc/shadow")}, unix.EACCES},
		{"rename", []uint64{f.write(dir), f.write("/other")}, unix.EACCES},
		{"link", []uint64{f.write(dir + "/secret/x"), f.write("/other")}, unix.EACCES},
		{"mkdir", []uint64{f.write(dir + "/secret/new"), 0o755}, unix.EACCES},
		{"chdir", []uint64{0x10}, unix.EFAULT},
		{"utimensat", []uint64{0, 0}, 0},
		{"getpid", nil, 0},
	} {
		ran := false
		got := f.call(test.name, ok, func() { ran = true }, test.args...)
		if got.Errno() != test.want || ran != (test.want == 0) {
			t.Errorf("%s: %v, ran: %v, want %v", test.name, got.Errno(), ran, test.want)
		}
	}
	s.handler = Deny(unix.EPERM)(table.Native)
	if got := f.call("getpid", ok, nil); got.Errno() != unix.EPERM {
		t.Errorf("Deny without names: %v", got.Errno())
	}
}

// What the kernel gets leads to what was looked at, whatever becomes of the path.
func TestDenyPins(t *testing.T) {
	dir := t.TempDir()
	want, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, pid: os.Getpid()}
	s.handler = Deny(unix.EACCES, "/secret")(table.HandlerFunc(func(c *table.Call) table.Result {
		if c.RawArg(0) != pinAddress {
			t.Errorf("argument %#x is the program's", c.RawArg(0))
		}
		if err := os.Rename(dir, dir+"-elsewhere"); err != nil {
			t.Error(err)
		}
		defer os.Rename(dir+"-elsewhere", dir)
		name, _ := c.Path(0)
		if got, err := os.Stat(name); err != nil || !os.SameFile(got, want) {
			t.Errorf("path %q: %v", name, err)
		}
		return table.Return(0)
	}))
	f := s.thread(os.Getpid())
	f.call("chdir", table.Return(0), nil, f.write(dir))
}

func TestDenyArg(t *testing.T) {
	s := &script{t: t, pid: 1, handler: DenyArg(unix.EPERM, 1, 0xffff, 0x5412)(table.Native)}
	for request, want := range map[uint64]unix.Errno{0x5412: unix.EPERM, 0x5412 | 1<<32: unix.EPERM, 0x5413: 0} {
		if got := s.thread(1).call("ioctl", table.Return(0), nil, 0, request); got.Errno() != want {
			t.Errorf("%#x: %v", request, got.Errno())
		}
	}
}

func TestRedirect(t *testing.T) {
	fake := t.TempDir()
	if err := os.Mkdir(fake+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	var got string
	s := &script{t: t, pid: os.Getpid()}
	s.handler = Redirect("/etc/", fake)(table.HandlerFunc(func(c *table.Call) table.Result {
		got, _ = c.Path(1)
		return table.Return(3)
	}))
	for path, want := range map[string]string{
		"/etc/passwd":         fake + "/passwd",
		"/etc":                fake,
		"/etc/sub/":           fake + "/sub/",
		"/etc/sub/../x":       fake + "/x",
		"/usr/../etc/sub/y":   fake + "/sub/y",
		"/proc/self/root/etc": fake,
		"/etcetera":           "/etcetera",
		"passwd":              "passwd",
	} {
		f := s.thread(os.Getpid())
		if r := f.call("openat", table.Return(3), nil, unix.AT_FDCWD&(1<<32-1), f.write(path)); r.Value() != 3 || got != want {
			t.Errorf("%s: %s, want %s; %v", path, got, want, r)
		}
	}
	f := s.thread(os.Getpid())
	if r := f.call("openat", table.Return(3), nil, unix.AT_FDCWD&(1<<32-1), f.write("/etc/nothing/x")); r.Errno() != unix.ENOENT {
		t.Errorf("below nothing: %v", r.Errno())
	}
}

func TestDelay(t *testing.T) {
	s := &script{t: t, pid: 1, handler: Delay(1)(table.Native)}
	f := s.thread(1)
	ran := false
	f.call("getpid", table.Return(1), func() {
		if ran = true; f.parks != 1 {
			t.Error("the call ran before its delay")
		}
	})
	if !ran {
		t.Error("the call did not run")
	}
}

func TestRewrite(t *testing.T) {
	s := &script{t: t, pid: 1}
	s.handler = Rewrite(func(r table.Result) table.Result { return table.Return(r.Value() + 1) })(table.Native)
	f := s.thread(1)
	if r := f.call("getpid", table.Return(41), nil); r.Value() != 42 {
		t.Errorf("result %d", r.Value())
	}
	for _, r := range []table.Result{table.Errno(table.ERESTARTSYS), table.Gone()} {
		if got := f.call("pause", r, nil); got != r {
			t.Errorf("%v became %v", r, got)
		}
	}
}
