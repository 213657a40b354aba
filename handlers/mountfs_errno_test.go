package handlers_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/handlers"
)

// Calls on what is mounted fail as on a directory that is mounted read-only. What was
// expected is what Linux 6.18 answers on one (mount --bind, remounted ro).
var errnoCalls = []struct{ call, want string }{
	{`opened("README/.")`, "ENOTDIR"},
	{`opened("README/")`, "ENOTDIR"},
	{`opened("README/./")`, "ENOTDIR"},
	{`opened("sub/.")`, "0"},
	{`opened("nowhere/.")`, "ENOENT"},
	{`opened("README/", O_CREAT)`, "EISDIR"},
	{`opened("sub", O_TRUNC)`, "EISDIR"},
	{`opened("sub", O_CREAT|O_DIRECTORY)`, "EINVAL"},
	{`opened("nowhere", O_CREAT|O_DIRECTORY)`, "EINVAL"},
	{`opened("nowhere/x", O_CREAT|O_DIRECTORY)`, "EINVAL"},
	{`opened("nowhere/x", O_TMPFILE)`, "EINVAL"},
	{`opened("README", O_TMPFILE|O_RDWR)`, "ENOTDIR"},
	{`opened("nowhere", O_TMPFILE|O_RDWR)`, "ENOENT"},
	{`opened("sub", O_TMPFILE|O_RDWR)`, "EROFS"},
	{`mkdir("README/")`, "EEXIST"},
	{`mkdir("dangling/")`, "EEXIST"},
	{`mkdir("new/")`, "EROFS"},
	{`symlink("x", "new/")`, "ENOENT"},
	{`rmdir("README/")`, "EROFS"},
	{`rmdir("sub/.")`, "EINVAL"},
	{`rmdir("sub/..")`, "ENOTEMPTY"},
	{`unlink("sub/.")`, "EISDIR"},
	{`symlink("", "new")`, "ENOENT"},
	{`unlink("nowhere")`, "EROFS"},
	{`lstat("abs/.") == lstat("sub/deep")`, "True"},
	{`rename("sub/.", "new")`, "EBUSY"},
	{`rename("README", "/tmp/new")`, "EXDEV"},
	{`link("README/", "new")`, "ENOTDIR"},
	{`link("README", "/tmp/new")`, "EXDEV"},
	{`link("/etc/hostname", "new")`, "EROFS"},
	{`link("README", "sub")`, "EEXIST"},
	{`truncate("README", -1)`, "EINVAL"},
	{`truncate("README", 0)`, "EROFS"},
	{`setxattr("README", "user.x", b"x")`, "EROFS"},
	{`removexattr("README", "user.x")`, "EROFS"},
	{`listxattr("README")`, "[]"},
	{`readlink("link", 0)`, "EINVAL"},
	{`readlink("nowhere", 0)`, "EINVAL"},
	{`access("README", 8)`, "EINVAL"},
	{`access("nowhere/x", 8)`, "EINVAL"},
	{`unlinkat("README", 1)`, "EINVAL"},
	{`os.statvfs("sub").f_flag & os.statvfs("README").f_flag & 1`, "1"},
	{`os.fstatvfs(os.open("sub", 0)).f_flag & 1`, "1"},
	{`os.fstatvfs(os.open("README", 0)).f_flag & 1`, "1"},
	// A descriptor that is only a place.
	{`os.getxattr(place("README"), "user.x")`, "EBADF"},
	{`os.listxattr(place("README"))`, "EBADF"},
	{`os.fchmod(place("README"), 0o777)`, "EBADF"},
	{`os.fchown(place("sub"), 1, 1)`, "EBADF"},
	{`os.listdir(place("sub"))`, "EBADF"},
	{`os.listdir(place("README"))`, "ENOTDIR"}, // which Python says itself
	{`os.fstat(place("README")).st_size`, "20"},
	{`os.readlink("", dir_fd=place("README"))`, "ENOENT"},
	{`os.readlink("", dir_fd=os.open("link", os.O_PATH | os.O_NOFOLLOW))`, "sub/one"},
	// openat2(2): RESOLVE_NO_XDEV, RESOLVE_BENEATH.
	{`opened2("README", 1)`, "0"},
	{`opened2("sub/../README", 1)`, "0"},
	{`opened2("sub/up", 1)`, "0"},
	{`opened2("..", 1)`, "EXDEV"},
	{`opened2("sub/../..", 1)`, "EXDEV"},
	{`opened2("../tree", 1)`, "EXDEV"},
	{`opened2("out", 1)`, "EXDEV"},
	{`opened2("/etc/hostname", 1)`, "0"},
	{`opened2(sys.argv[1][1:], 1, "/")`, "EXDEV"},
	{`opened2("../README", 8, "sub")`, "EXDEV"},
	{`opened2(".." + sys.argv[1], 8, "/")`, "EXDEV"},
	{`opened2(sys.argv[1][1:], 8, "/")`, "0"},
}

const errnoScript = `
import ctypes, errno, os, sys
from os import O_CREAT, O_DIRECTORY, O_TMPFILE, O_RDWR, O_TRUNC, link, mkdir, rename, rmdir, symlink, truncate, unlink, \
    setxattr, removexattr, listxattr, lstat
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *a):
    if libc[name](*a) < 0: raise OSError(ctypes.get_errno(), name)
    return 0
def opened(name, flags=0): os.close(os.open(name, flags)); return 0
def place(name): return os.open(name, os.O_PATH)
def opened2(name, resolve, dir="."):
    if (fd := libc.syscall(437, place(dir), name.encode(), ctypes.byref((ctypes.c_uint64 * 3)(0, 0, resolve)), 24)) < 0: raise OSError(ctypes.get_errno(), name)
    os.close(fd); return 0
def readlink(name, size): return call("readlink", name.encode(), b"", ctypes.c_size_t(size))
def access(name, mode): return call("access", name.encode(), mode)
def unlinkat(name, flags): return call("unlinkat", -100, name.encode(), flags)
os.chdir(sys.argv[1])
for line in sys.stdin:
    try: print(eval(line))
    except OSError as e: print(errno.errorcode[e.errno])
`

func TestMountFSErrnos(t *testing.T) {
	tr := newTree(t)
	script := filepath.Join(t.TempDir(), "errnos")
	if err := os.WriteFile(script, []byte(errnoScript), 0o600); err != nil {
		t.Fatal(err)
	}
	var in, want strings.Builder
	for _, x := range errnoCalls {
		in.WriteString(x.call + "\n")
		want.WriteString(x.want + "\n")
	}
	got := inView(handlers.MountFS(tr.at, tr.move(t)), "python3 "+script+" "+tr.at+" <<'E'\n"+in.String()+"E")
	lines := strings.Split(got.out, "\n")
	if got.out != want.String() {
		for i, x := range errnoCalls {
			if i >= len(lines) || lines[i] != x.want {
				t.Errorf("%s: %q, want %s", x.call, lines[min(i, len(lines)-1)], x.want)
			}
		}
		t.Log(got.err)
	}
}

// A symbolic link before a slash is not followed where the call makes a name or takes one away:
// it is the link that rename(2) does not move, and never the directory behind it.
func TestBindNameBeforeSlash(t *testing.T) {
	const script = `python3 - $T <<'E'
import os, sys
os.chdir(sys.argv[1])
os.mkdir("real"); os.symlink("real", "l"); os.mkdir("other")
for f, *a in (os.rename, "l/", "z"), (os.rename, "other", "l/"), (os.rename, "l/.", "z"), (os.rmdir, "l/"), (os.unlink, "l/"), (os.mkdir, "l/"), (os.symlink, "x", "l/"):
    try: print(f(*a))
    except OSError as e: print(f.__name__, e.errno)
print(sorted(os.listdir(".")), os.path.islink("l"))
E`
	want := natively("/", strings.ReplaceAll(script, "$T", t.TempDir()))
	v := handlers.NewView()
	if err := v.Bind(t.TempDir(), "/bound"); err != nil {
		t.Fatal(err)
	}
	if got := inView(v, strings.ReplaceAll(script, "$T", "/bound")); got != want {
		t.Errorf("natively %+v, bound %+v", want, got)
	}
}

// What is mounted is not moved, nor taken away, by the name at which it is mounted.
func TestMountPointsAreBusy(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/host/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/host/file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	v := handlers.MountFS(dir+"/fs", os.DirFS(dir+"/host"))
	for host, at := range map[string]string{"/host": "/bound", "/host/empty": "/bound2", "/host/file": "/file"} {
		if err := v.Bind(dir+host, dir+at); err != nil {
			t.Fatal(err)
		}
	}
	got := inView(v, `cd `+dir+`; python3 - <<'E'
import errno, os
os.mkdir("other")
for f, *a in ((os.rename, "bound", "z"), (os.rename, "other", "bound2"), (os.rename, "file", "z"), (os.rename, "fs", "z"),
    (os.rmdir, "bound2"), (os.rmdir, "fs"), (os.unlink, "bound2"), (os.unlink, "fs"), (os.unlink, "file"), (os.rmdir, "file"), (os.mkdir, "bound2"),
    (os.rmdir, "bound/empty"), (os.execv, "/bin/true/", ["true"]), (os.execv, "bound/file/", ["true"])):
    try: print(f(*a))
    except OSError as e: print(f.__name__, *a, errno.errorcode[e.errno])
E`)
	const want = `rename bound z EBUSY
rename other bound2 EBUSY
rename file z EBUSY
rename fs z EBUSY
rmdir bound2 EBUSY
rmdir fs EBUSY
unlink bound2 EISDIR
unlink fs EISDIR
unlink file EBUSY
rmdir file ENOTDIR
mkdir bound2 EEXIST
None
execv /bin/true/ ['true'] ENOTDIR
execv bound/file/ ['true'] ENOTDIR
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// A path that must not leave a mount does not leave one of the host either, where that is bound.
func TestBindStaysInMount(t *testing.T) {
	v := handlers.NewView()
	if err := v.Bind("/", "/k42/host"); err != nil {
		t.Fatal(err)
	}
	got := inView(v, `python3 - <<'E'
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
for dir, name in ("/k42/host", "etc/passwd"), ("/k42/host", "proc/self/stat"), ("/k42/host", "etc/../proc/version"), ("/k42/host/proc", "version"), ("/k42/host/proc", ".."), ("/k42", "host/etc/passwd"), ("/", "k42"):
    fd = libc.syscall(437, os.open(dir, os.O_PATH), name.encode(), ctypes.byref((ctypes.c_uint64 * 3)(0, 0, 1)), 24)
    print(dir, name, errno.errorcode[ctypes.get_errno()] if fd < 0 else "opened")
E`)
	want := `/k42/host etc/passwd opened
/k42/host proc/self/stat EXDEV
/k42/host etc/../proc/version EXDEV
/k42/host/proc version opened
/k42/host/proc .. EXDEV
/k42 host/etc/passwd EXDEV
/ k42 opened
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}
