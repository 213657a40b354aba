package handlers_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// rare makes calls that no tool makes, in the directory that is its argument, and tells
// what came of each.
const rare = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/openat2.h>
#include <unistd.h>

#define TELL(what, call) do { errno = 0; long r_ = (call); \
	printf("%s: %s %s\n", what, r_ < 0 ? "-1" : "ok", r_ < 0 ? strerrorname_np(errno) : ""); } while (0)
#define FD(what, call) do { errno = 0; int f_ = (call); \
	printf("%s: %s %s", what, f_ < 0 ? "-1" : "ok", f_ < 0 ? strerrorname_np(errno) : ""); describe(f_); } while (0)

static void describe(int fd) {
	struct stat st;
	char buf[8] = "";
	if (fd >= 0) {
		if (fstat(fd, &st)) printf(" fstat %d", errno);
		else printf(" %o %d", st.st_mode & S_IFMT, S_ISREG(st.st_mode) ? (int)st.st_size : 0);
		if (S_ISREG(st.st_mode) && read(fd, buf, 7) > 0) printf(" %s", buf);
		close(fd);
	}
	printf("\n");
}

static int open2(int dir, const char *name, int flags, uint64_t resolve) {
	struct open_how how = {.flags = flags, .resolve = resolve, .mode = flags & O_CREAT ? 0600 : 0};
	return syscall(SYS_openat2, dir, name, &how, sizeof how);
}

int main(int argc, char **argv) {
	int writes = argc > 2, d = open(argv[1], O_RDONLY | O_DIRECTORY);
	char abs[300];
	struct stat st;
	struct statx sx;
	struct statfs sf;
	if (d < 0 || chdir(argv[1])) return 1;
	// What openat2 is asked of the resolution.
	static const struct { const char *n; uint64_t r; } how[] = {
		{"none", 0}, {"beneath", RESOLVE_BENEATH}, {"root", RESOLVE_IN_ROOT}, {"links", RESOLVE_NO_SYMLINKS},
		{"magic", RESOLVE_NO_MAGICLINKS}, {"xdev", RESOLVE_NO_XDEV}, {"beneath+links", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS},
		{"both", RESOLVE_BENEATH | RESOLVE_IN_ROOT}, {"unknown", 1 << 20}};
	static const char *names[] = {"file", "sub/one", "sub/../file", "../dir/file", "sub/up", "link", "out", "abs", "loop", "sub/self",
		"/file", "/sub/one", "../../file", "nothing", "file/", "sub", "/", "..", "sub/.."};
	int s = open("sub", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < (int)(sizeof how / sizeof *how); i++)
		for (int j = 0; j < (int)(sizeof names / sizeof *names); j++) {
			char what[99];
			if (strcmp(how[i].n, "xdev") == 0 && strpbrk(names[j], "/ao.") == names[j]) continue; // leaves what is mounted: see TestMountFSErrnos
			if (how[i].r == 0 && (names[j][0] == '/' || strncmp(names[j], "../../f", 7) == 0)) continue;
			sprintf(what, "openat2 %s %s", how[i].n, names[j]);
			FD(what, open2(d, names[j], O_RDONLY, how[i].r));
			if (how[i].r & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) {
				sprintf(what, "openat2 %s from sub %s", how[i].n, names[j]);
				FD(what, open2(s, names[j], O_RDONLY, how[i].r));
			}
		}
	FD("openat2 nofollow", open2(d, "link", O_RDONLY | O_NOFOLLOW, 0));
	FD("openat2 path nofollow", open2(d, "link", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
	struct open_how big[2] = {{.flags = O_RDONLY}};
	FD("openat2 bigger", syscall(SYS_openat2, d, "file", big, sizeof big));
	big[1].flags = 1;
	FD("openat2 too big", syscall(SYS_openat2, d, "file", big, sizeof big));
	FD("openat2 small", syscall(SYS_openat2, d, "file", big, 8));

	TELL("statx", statx(d, "sub/one", AT_STATX_DONT_SYNC, STATX_ALL, &sx)); printf("%o %d\n", sx.stx_mode, (int)sx.stx_size);
	TELL("statx nofollow", statx(d, "link", AT_SYMLINK_NOFOLLOW, STATX_ALL, &sx)); printf("%o\n", sx.stx_mode & S_IFMT);
	TELL("statx empty", statx(s, "", AT_EMPTY_PATH, STATX_ALL, &sx)); printf("%o\n", sx.stx_mode & S_IFMT);
	TELL("statx null", syscall(SYS_statx, s, NULL, AT_EMPTY_PATH, STATX_ALL, &sx));
	TELL("fstatat empty", fstatat(d, "", &st, AT_EMPTY_PATH)); printf("%o\n", st.st_mode & S_IFMT);
	TELL("fstatat nothing", fstatat(d, "", &st, 0));
	TELL("faccessat2", syscall(SYS_faccessat2, d, "sub/one", R_OK, AT_EACCESS));
	TELL("faccessat2 nofollow", syscall(SYS_faccessat2, d, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	TELL("faccessat2 follow", syscall(SYS_faccessat2, d, "dangling", F_OK, 0));
	TELL("faccessat2 bad", syscall(SYS_faccessat2, d, "file", 99, 0));
	TELL("statfs", statfs("sub/one", &sf));
	FD("open_tree", syscall(428, d, "sub", 0));
	FD("open_tree file", syscall(428, d, "link", 0x80000));
	FD("open_tree link", syscall(428, d, "link", AT_SYMLINK_NOFOLLOW));
	FD("open_tree missing", syscall(428, d, "missing", 0));
	TELL("readlinkat", readlinkat(d, "link", abs, sizeof abs));
	int l = open("link", O_PATH | O_NOFOLLOW);
	TELL("readlinkat empty", readlinkat(l, "", abs, sizeof abs));
	TELL("readlinkat none", readlinkat(d, "file", abs, sizeof abs));
	TELL("readlinkat size", readlinkat(d, "link", abs, 0));
	int i = inotify_init1(IN_NONBLOCK), w1, w2;
	TELL("inotify file", w1 = inotify_add_watch(i, "file", IN_ALL_EVENTS));
	TELL("inotify again", w2 = inotify_add_watch(i, "sub/../file", IN_ALL_EVENTS)); printf("same %d\n", w1 == w2);
	TELL("inotify dir", w2 = inotify_add_watch(i, "sub", IN_ALL_EVENTS | IN_ONLYDIR)); printf("same %d\n", w1 == w2);
	TELL("inotify only dir", inotify_add_watch(i, "file", IN_ALL_EVENTS | IN_ONLYDIR));
	TELL("inotify missing", inotify_add_watch(i, "missing", IN_ALL_EVENTS));
	TELL("inotify link", inotify_add_watch(i, "dangling", IN_DONT_FOLLOW | IN_ALL_EVENTS));
	TELL("inotify none", inotify_add_watch(i, "file", 0));
	TELL("inotify bad", inotify_add_watch(0, "file", IN_ALL_EVENTS));
	TELL("inotify rm", inotify_rm_watch(i, w1));
	TELL("chdir", chdir("sub")); TELL("chdir file", chdir("one")); TELL("fchdir", fchdir(d));
	FD("tmpfile", openat(d, "sub", O_TMPFILE | O_RDONLY));

	if (!writes) return 0;
	struct timespec ts[2] = {{1, 2}, {3, 4}};
	TELL("truncate", truncate("t", 3)); TELL("truncate dir", truncate("sub", 3)); TELL("truncate missing", truncate("missing", 3));
	TELL("utimensat", utimensat(d, "t", ts, 0)); TELL("utimensat link", utimensat(d, "link", ts, AT_SYMLINK_NOFOLLOW));
	int t = open("t", O_RDONLY);
	TELL("futimens", futimens(t, ts)); TELL("futimesat", syscall(SYS_futimesat, d, "t", NULL));
	TELL("utime", syscall(SYS_utime, "t", NULL)); TELL("utimes", syscall(SYS_utimes, "t", NULL));
	TELL("fchmodat2", syscall(452, d, "t", 0640, 0)); TELL("fchmodat2 link", syscall(452, d, "link", 0640, AT_SYMLINK_NOFOLLOW));
	TELL("chown", chown("t", -1, -1)); TELL("lchown", lchown("link", -1, -1)); TELL("fchownat", fchownat(t, "", -1, -1, AT_EMPTY_PATH));
	TELL("fchown", fchown(t, -1, -1)); TELL("fchmod", fchmod(t, 0600));
	TELL("mknodat", mknodat(d, "fifo", S_IFIFO | 0600, 0)); TELL("mknodat again", mknodat(d, "file", S_IFIFO | 0600, 0));
	TELL("mkdirat", mkdirat(d, "made", 0700)); TELL("mkdirat again", mkdirat(d, "sub", 0700));
	TELL("symlinkat", symlinkat("file", d, "slink")); TELL("symlinkat again", symlinkat("file", d, "link"));
	TELL("linkat", linkat(d, "file", d, "hard", 0)); TELL("linkat follow", linkat(d, "link", d, "hard2", AT_SYMLINK_FOLLOW));
	TELL("linkat missing", linkat(d, "missing", d, "hard3", 0)); TELL("linkat again", linkat(d, "file", d, "link", 0));
	TELL("renameat2", renameat2(d, "made", d, "made2", RENAME_NOREPLACE)); TELL("renameat2 no", renameat2(d, "t", d, "file", RENAME_NOREPLACE));
	TELL("exchange", renameat2(d, "t", d, "sub", RENAME_EXCHANGE));
	TELL("exchange back", renameat2(d, "t", d, "sub", RENAME_EXCHANGE));
	TELL("unlinkat", unlinkat(d, "fifo", 0)); TELL("rmdir", unlinkat(d, "made2", AT_REMOVEDIR)); TELL("unlink dir", unlinkat(d, "sub", 0));
	TELL("setxattr", setxattr("t", "user.k", "v", 1, 0)); TELL("getxattr", getxattr("t", "user.k", abs, sizeof abs));
	TELL("lgetxattr", lgetxattr("link", "user.k", abs, sizeof abs)); TELL("listxattr", listxattr("t", abs, sizeof abs));
	TELL("fgetxattr", fgetxattr(t, "user.k", abs, sizeof abs)); TELL("fsetxattr", fsetxattr(t, "user.l", "v", 1, 0));
	struct { uint64_t value; uint32_t size, flags; } xa = {(uint64_t)abs, 1, 0};
	TELL("setxattrat", syscall(463, d, "t", 0, "user.m", &xa, sizeof xa)); xa.size = sizeof abs;
	TELL("getxattrat", syscall(464, d, "t", 0, "user.m", &xa, sizeof xa)); TELL("listxattrat", syscall(465, d, "t", 0, abs, sizeof abs));
	TELL("removexattrat", syscall(466, d, "t", 0, "user.m")); TELL("removexattr", removexattr("t", "user.k"));
	struct { struct file_handle h; char room[128]; } fh = {.h.handle_bytes = 128};
	int mount;
	TELL("name_to_handle_at", name_to_handle_at(d, "link", &fh.h, &mount, AT_SYMLINK_FOLLOW)); fh.h.handle_bytes = 0;
	TELL("name_to_handle_at size", name_to_handle_at(d, "file", &fh.h, &mount, 0));
	TELL("file_getattr", syscall(468, d, "file", abs, 24, 0));
	TELL("creat", creat("new", 0600)); FD("o_tmpfile", openat(d, "sub", O_TMPFILE | O_RDWR, 0600)); FD("o_creat", open("new2", O_CREAT | O_WRONLY, 0600)); FD("o_excl", open("file", O_CREAT | O_EXCL | O_RDWR, 0600));
	FD("o_creat dir", open("sub", O_CREAT | O_RDWR, 0600)); FD("o_creat there", open("file", O_CREAT, 0600)); FD("o_trunc", open("t", O_TRUNC | O_WRONLY));
	FD("openat2 creat", open2(d, "sub/new", O_CREAT | O_WRONLY, RESOLVE_BENEATH)); FD("openat2 creat out", open2(s, "../new3", O_CREAT | O_WRONLY, RESOLVE_BENEATH));
	if (argc > 3) { // and to another directory
		snprintf(abs, sizeof abs, "%s/from", argv[3]);
		TELL("rename in", rename(abs, "in")); TELL("rename out", rename("file", abs));
		TELL("link in", link(abs, "in2")); TELL("link out", link("file", strcat(abs, "2")));
		TELL("rename over", rename("t", argv[3]));
	}
	return 0;
}
`

// rareTree makes the directory that rare looks at.
func rareTree(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"file": "a file\n", "sub/one": "one\n", "t": "contents\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"link": "file", "sub/up": "../file", "out": "../../etc/hostname-that-is-not", "abs": "/file", "loop": "loop", "dangling": "nowhere", "sub/self": "../sub/one",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// Rare calls come to the same in a directory that is bound elsewhere, in a root, and, as
// far as they do not write, in an fs.FS.
func TestRareCalls(t *testing.T) {
	file := compile(t, rare, "-static")
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"native", "bound", "rooted/k42", "mounted"} {
		rareTree(t, filepath.Join(base, name, "dir"))
	}
	install(t, filepath.Join(base, "rooted"), file, "/rare")
	native := natively("/", file+" "+base+"/native/dir w")
	look := natively("/", file+" "+base+"/mounted/dir")
	if native.status != 0 || look.status != 0 {
		t.Fatal(native, look)
	}
	compare := func(name string, want, got outcome) {
		t.Helper()
		if diff := cmp.Diff(strings.Split(want.out, "\n"), strings.Split(got.out, "\n")); diff != "" || got.err != want.err || got.status != want.status {
			t.Errorf("%s: natively (-), and so (+):\n%s%s, status %d", name, diff, got.err, got.status)
		}
	}

	bound := handlers.NewView()
	if err := bound.Bind(base+"/bound", "/k42"); err != nil {
		t.Fatal(err)
	}
	compare("bound", native, inView(bound, file+" /k42/dir w"))

	rooted := handlers.NewView()
	if err := rooted.Root(base + "/rooted"); err != nil {
		t.Fatal(err)
	}
	name, argv, err := rooted.Launch("/rare", []string{"rare", "/k42/dir", "w"})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := supervisor.Command(name)
	cmd.Path, cmd.Args, cmd.Table, cmd.Stdout, cmd.Stderr = name, argv, table.New(), &out, &errs
	rooted.Use(cmd.Table)
	compare("rooted", native, shell(cmd, &out, &errs))

	compare("mounted", look, inView(handlers.MountFS("/k42", os.DirFS(base+"/mounted")), file+" /k42/dir"))
}

// What would change an fs.FS fails as on a file system that is read-only, or another.
func TestRareCallsReadOnly(t *testing.T) {
	file := compile(t, rare, "-static")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	rareTree(t, dir+"/tree/dir")
	if err := os.WriteFile(dir+"/from", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := inView(handlers.MountFS("/k42", os.DirFS(dir+"/tree")), file+" /k42/dir w "+dir)
	_, writes, ok := strings.Cut(got.out, "\ntmpfile: -1 EINVAL\n")
	if !ok {
		t.Fatalf("%s%s", got.out, got.err)
	}
	const want = `truncate: -1 EROFS
truncate dir: -1 EISDIR
truncate missing: -1 ENOENT
utimensat: -1 EROFS
utimensat link: -1 EROFS
futimens: -1 EROFS
futimesat: -1 EROFS
utime: -1 EROFS
utimes: -1 EROFS
fchmodat2: -1 EROFS
fchmodat2 link: -1 EROFS
chown: -1 EROFS
lchown: -1 EROFS
fchownat: -1 EROFS
fchown: -1 EROFS
fchmod: -1 EROFS
mknodat: -1 EROFS
mknodat again: -1 EEXIST
mkdirat: -1 EROFS
mkdirat again: -1 EEXIST
symlinkat: -1 EROFS
symlinkat again: -1 EEXIST
linkat: -1 EROFS
linkat follow: -1 EROFS
linkat missing: -1 ENOENT
linkat again: -1 EEXIST
renameat2: -1 EROFS
renameat2 no: -1 EROFS
exchange: -1 EROFS
exchange back: -1 EROFS
unlinkat: -1 EROFS
rmdir: -1 EROFS
unlink dir: -1 EROFS
setxattr: -1 EROFS
getxattr: -1 EOPNOTSUPP
lgetxattr: -1 EOPNOTSUPP
listxattr: ok 
fgetxattr: -1 EOPNOTSUPP
fsetxattr: -1 EROFS
setxattrat: -1 EROFS
getxattrat: -1 EOPNOTSUPP
listxattrat: ok 
removexattrat: -1 EROFS
removexattr: -1 EROFS
name_to_handle_at: -1 EOPNOTSUPP
name_to_handle_at size: -1 EOPNOTSUPP
file_getattr: -1 EOPNOTSUPP
creat: -1 EROFS
o_tmpfile: -1 EROFS
o_creat: -1 EROFS
o_excl: -1 EEXIST
o_creat dir: -1 EISDIR
o_creat there: ok  100000 7 a file

o_trunc: -1 EROFS
openat2 creat: -1 EROFS
openat2 creat out: -1 EXDEV
rename in: -1 EXDEV
rename out: -1 EXDEV
link in: -1 EROFS
link out: -1 EXDEV
rename over: -1 EXDEV
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(writes, "\n")); diff != "" {
		t.Errorf("wanted (-), and so (+):\n%s", diff)
	}
}

// inotify tells of what happens in a directory that is bound, by whichever name it is
// watched.
func TestViewInotify(t *testing.T) {
	v := handlers.NewView()
	if err := v.Bind(t.TempDir(), "/k42/b"); err != nil {
		t.Fatal(err)
	}
	v.MountFS("/k42/fs", mapOf("dir/file", "x"))
	got := inView(v, `python3 - <<'E'
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
i = libc.inotify_init1(os.O_NONBLOCK)
def watch(name): return libc.inotify_add_watch(i, name.encode(), 0xfff)
def events():
    try: b = os.read(i, 4096)
    except BlockingIOError: return []
    said = []
    while b:
        wd, mask, _, n = struct.unpack("iIII", b[:16])
        said.append((wd, hex(mask), b[16:16+n].rstrip(b"\0").decode())); b = b[16+n:]
    return said
os.mkdir("/k42/b/d"); w = watch("/k42/b/d"); os.chdir("/k42/b/d"); print(w == watch("."), w == watch("../d"))
open("new", "w").close(); os.rename("new", "../d/old"); os.unlink("/k42/b/d/old"); os.chdir("/"); os.rmdir("/k42/b/d")
for e in events(): print(e[0] == w, e[1], e[2])
w = watch("/k42/fs/dir"); x = watch("/k42/fs/dir/file"); print(w > 0, x > 0, w != x, watch("/k42/fs/./dir") == w)
open("/k42/fs/dir/file").read(); os.listdir("/k42/fs/dir"); print(events(), libc.inotify_rm_watch(i, w))
E`)
	const want = `True True
True 0x100 new
True 0x20 new
True 0x8 new
True 0x40 new
True 0x80 old
True 0x200 old
True 0x400 
True 0x8000 
True True True True
[] 0
`
	if got.out != want || got.err != "" {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// Local sockets are found by the paths that a View has, however they are addressed.
func TestViewSockets(t *testing.T) {
	dir := t.TempDir()
	deep := dir + "/" + strings.Repeat("long-name/", 12)
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	v := handlers.NewView()
	for host, at := range map[string]string{dir: "/k42/b", deep: "/k42/deep"} {
		if err := v.Bind(host, at); err != nil {
			t.Fatal(err)
		}
	}
	v.MountFS("/k42/fs", mapOf("file", "x"))
	const script = `python3 - <<'E'
import ctypes, errno, os, socket, struct
def tell(what, f):
    try: print(what, f())
    except OSError as e: print(what, errno.errorcode[e.errno])
for at in "/k42/b", "/k42/deep":
    d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind(at + "/d")
    c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    os.chdir(at)
    for name in at + "/d", "d", "./../" + at[5:] + "/d":
        print(c.sendto(b"abc", name), d.recv(9), c.sendmsg([b"de", b"f"], [], 0, name), d.recv(9))
    r, w = os.pipe()
    c.sendmsg([b"fd"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", w))], 0, "d")
    _, fds, _, _ = socket.recv_fds(d, 9, 9); os.write(fds[0], b"through"); print(os.read(r, 9))
    c.connect(at + "/d"); c.send(b"connected"); print(d.recv(9))
    tell("again", lambda: d.bind(at + "/d"))
    l = socket.socket(socket.AF_UNIX); l.bind(at + "/l"); l.listen()
    s = socket.socket(socket.AF_UNIX); s.connect("l"); a, _ = l.accept(); s.sendall(b"stream"); print(a.recv(9))
    tell("missing", lambda: c.sendto(b"x", at + "/nothing")); tell("message", lambda: c.sendmsg([b"x"], [], 0, at + "/nothing"))
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for name in "/k42/fs/file", "/k42/fs/nothing":
    tell("connect", lambda: c.connect(name)); tell("sendto", lambda: c.sendto(b"x", name)); tell("bind", lambda: c.bind(name))
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); u.bind("\0k42-view-abstract-%d" % os.getpid())
print(c.sendto(b"abstract", "\0k42-view-abstract-%d" % os.getpid()), u.recv(9))
E`
	const each = `3 b'abc' 3 b'def'
3 b'abc' 3 b'def'
3 b'abc' 3 b'def'
b'through'
b'connected'
again EADDRINUSE
b'stream'
missing ENOENT
message ENOENT
`
	const want = each + each + `connect ECONNREFUSED
sendto ECONNREFUSED
bind EADDRINUSE
connect ENOENT
sendto ENOENT
bind EROFS
8 b'abstract'
`
	got := inView(v, script)
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got.out, "\n")); diff != "" || got.err != "" {
		t.Errorf("%s%s", diff, got.err)
	}
}

// Many messages by one call, and calls whose arguments lie in memory, find sockets too.
func TestViewSocketsIndirectly(t *testing.T) {
	const source = `
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
int main(void) {
	struct sockaddr_un a = {AF_UNIX, "/k42/b/s"}, none = {AF_UNIX, "/k42/b/none"};
	int r = socket(AF_UNIX, SOCK_DGRAM, 0), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[8];
	unlink(a.sun_path);
#ifdef __i386__
	long b[3] = {r, (long)&a, sizeof a}, t[6] = {s, (long)"xy", 2, 0, (long)&a, sizeof a};
	printf("%ld", syscall(SYS_socketcall, 2, b));
	printf(" %ld", syscall(SYS_socketcall, 11, t));
#else
	printf("%d", bind(r, (void *)&a, sizeof a));
	printf(" %d", (int)sendto(s, "xy", 2, 0, (void *)&a, sizeof a));
#endif
	printf(" %d\n", (int)recv(r, buf, 8, MSG_DONTWAIT));
	struct iovec v = {"abc", 3};
	struct mmsghdr m[3] = {{{&a, sizeof a, &v, 1}}, {{&a, sizeof a, &v, 1}}, {{&none, sizeof none, &v, 1}}};
	printf("%d", sendmmsg(s, m, 3, 0)); printf(" %d %d", m[0].msg_len, m[1].msg_len);
	printf(" %d", sendmmsg(s, m + 2, 1, 0)); printf(" %d", errno == ENOENT);
	printf(" %d", (int)recv(r, buf, 8, MSG_DONTWAIT)); printf(" %d\n", (int)recv(r, buf, 8, MSG_DONTWAIT));
	return 0;
}`
	v := handlers.NewView()
	if err := v.Bind(t.TempDir(), "/k42/b"); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-m64", "-m32"} {
		t.Run(flag, func(t *testing.T) {
			if got := inView(v, compile(t, source, flag, "-static")); got.out != "0 2 2\n2 3 3 -1 1 3 3\n" {
				t.Errorf("%s%s", got.out, got.err)
			}
		})
	}
}

// old makes the calls of the first years: of a 32-bit program, and by int 0x80 of a
// 64-bit one, whose pointers fit.
const old = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __i386__
static int old(int nr, long a, long b, long c) { int r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory"); return r; }
#else
static int old(int nr, long a, long b, long c) {
	int r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return r;
}
#endif
static struct { unsigned short dev, ino, mode, nlink, uid, gid, rdev, pad; unsigned size, atime, mtime, ctime; } oldest;
static struct { unsigned dev, ino; unsigned short mode, nlink, uid, gid; unsigned rdev, size, blksize, blocks, atime, an, mtime, mn, ctime, cn, u[2]; } st;
static struct { unsigned ino, at; unsigned short len; char name[256]; } one;
static char dir[64], name[64], buf[512];
#define P(x) ((long)(x))
int main(int argc, char **argv) {
	strcpy(dir, argv[1]);
	int d = old(5, P(dir), O_RDONLY | O_DIRECTORY, 0), n, r, f;
	if (old(12, P(dir), 0, 0)) return 1; // chdir
	strcpy(name, "file");
	f = old(5, P(name), 0, 0);
	printf("open %d read %d\n", f > 0, old(3, f, P(buf), 99));
	if ((r = old(18, P(name), P(&oldest), 0)) == 0) printf("oldstat %o %d %d\n", oldest.mode, oldest.size, oldest.mtime); else printf("oldstat %d\n", r == -75 ? 0 : r);
	if ((r = old(28, f, P(&oldest), 0)) == 0) printf("oldfstat %o %d %d\n", oldest.mode, oldest.size, oldest.mtime); else printf("oldfstat %d\n", r == -75 ? 0 : r);
	r = old(106, P(name), P(&st), 0); printf("stat %d %o %d %d\n", r, st.mode, st.size, st.mtime);
	r = old(108, f, P(&st), 0); printf("fstat %d %o %d %d\n", r, st.mode, st.size, st.mtime);
	strcpy(name, "link");
	if ((r = old(84, P(name), P(&oldest), 0)) == 0) printf("oldlstat %o %d\n", oldest.mode, oldest.size); else printf("oldlstat %d\n", r == -75 ? 0 : r);
	r = old(107, P(name), P(&st), 0); printf("lstat %d %o %d\n", r, st.mode, st.size);
	memset(buf, 0, sizeof buf);
	r = old(85, P(name), P(buf), 99); printf("readlink %d %s\n", r, buf);
	n = 0;
	while ((r = old(89, d, P(&one), 1)) == 1 && one.len == strlen(one.name)) n += one.len;
	printf("readdir %d %d\n", r, n);
	r = old(19, d, 0, 0); // lseek
	n = 0;
	while ((r = old(141, d, P(buf), sizeof buf)) > 0)
		for (char *p = buf; p < buf + r; p += *(unsigned short *)(p + 8)) n += strlen(p + 10) + 10 * (p[*(unsigned short *)(p + 8) - 1] == 8);
	printf("getdents %d %d\n", r, n);
	strcpy(name, "nothing");
	printf("%d %d", old(18, P(name), P(&oldest), 0), old(33, P(name), 0, 0));
	strcpy(name, "file");
	printf(" %d %d\n", old(33, P(name), 4, 0), old(33, P(name), 1, 0));
	memset(buf, 0, sizeof buf);
	r = old(183, P(buf), sizeof buf, 0); printf("getcwd %d\n", r == (int)strlen(dir) + 1 && strcmp(buf, dir) == 0);
	return 0;
}`

func TestOldCalls(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir+"/dir", 0o755); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(1700000000, 0)
	if err := os.WriteFile(dir+"/dir/file", []byte("contents\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/dir/file", 0o640); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	if err := os.Chtimes(dir+"/dir/file", when, when); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", dir+"/dir/link"); err != nil {
		t.Fatal(err)
	}
	v := handlers.MountFS("/k42/fs", fstest.MapFS{
		"dir/file": {Data: []byte("contents\n"), Mode: 0o640, ModTime: when},
		"dir/link": {Data: []byte("file"), Mode: fs.ModeSymlink | 0o777},
	})
	if err := v.Bind(dir, "/k42/b"); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"-m32", "-static"}, {"-m64", "-static", "-no-pie"}} {
		t.Run(flags[0], func(t *testing.T) {
			file := compile(t, old, flags...)
			want := natively("/", file+" "+dir+"/dir")
			if want.status != 0 || !strings.Contains(want.out, "getcwd 1") {
				t.Skipf("natively: %+v", want)
			}
			for _, at := range []string{"/k42/fs/dir", "/k42/b/dir"} {
				got, want := inView(v, file+" "+at), want
				// Where inode numbers do not fit, the oldest calls fail; ours do.
				for _, line := range []string{"oldstat 0\n", "oldfstat 0\n", "oldlstat 0\n"} {
					if strings.Contains(want.out, line) {
						kind, _, _ := strings.Cut(line, " ")
						got.out = without(got.out, kind)
						want.out = without(want.out, kind)
					}
				}
				if diff := cmp.Diff(strings.Split(want.out, "\n"), strings.Split(got.out, "\n")); diff != "" || got.status != 0 {
					t.Errorf("%s: natively (-), and so (+):\n%s%s", at, diff, got.err)
				}
			}
			got := inView(v, file+" /k42/fs/dir")
			if !strings.Contains(got.out, "oldstat 100640 9 1700000000\noldfstat 100640 9 1700000000\n") || !strings.Contains(got.out, "oldlstat 120777 4\n") {
				t.Errorf("%s", got.out)
			}
		})
	}
}

// without returns text without the lines that begin with a word.
func without(text, word string) string {
	var kept []string
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, word+" ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// Interpreters of scripts may themselves be in an fs.FS: programs, and scripts of others.
func TestMountFSInterpreters(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	program, err := os.ReadFile(sh)
	if err != nil {
		t.Skip(err)
	}
	script := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o755} }
	v := handlers.MountFS("/k42/fs", fstest.MapFS{
		"bin/shell":  {Data: program, Mode: 0o755},
		"bin/plain":  {Data: []byte("no program\n"), Mode: 0o644},
		"run":        script("#!/k42/fs/bin/shell -u\necho \"$0: $* $(cat /proc/$$/comm)\"\n"),
		"over":       script("#!/k42/fs/run first\n"),
		"none":       script("#!/k42/fs/bin/nothing\n"),
		"denied":     script("#!/k42/fs/bin/plain\n"),
		"round":      script("#!/k42/fs/round\n"),
		"bin/caller": script("#!/k42/fs/bin/shell\nPATH=/k42/fs:$PATH exec run a b\n"),
	})
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/outside", []byte("#!/k42/fs/bin/shell\necho \"outside: $0 $1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := inView(v, `cd /k42/fs; ./run 1 2; /k42/fs/over x; bin/caller; `+dir+`/outside y; bin/shell -c 'echo $0' zero
		python3 -c '
import os, errno
for f in "none", "denied", "round", "bin/plain", "bin", "nothing":
    try: os.execv(f, [f])
    except OSError as e: print(f, errno.errorcode[e.errno])
fd = os.open("run", os.O_RDONLY)
os.execve(fd, ["x", "by descriptor"], os.environ)'`)
	const want = `./run: 1 2 run
/k42/fs/run: first /k42/fs/over x over
/k42/fs/run: a b run
outside: DIR/outside y
zero
none ENOENT
denied EACCES
round ELOOP
bin/plain EACCES
bin EACCES
nothing ENOENT
`
	text := strings.Replace(got.out, dir, "DIR", 1)
	if !strings.HasPrefix(text, want) || !strings.Contains(strings.TrimPrefix(text, want), "by descriptor") || got.err != "" {
		t.Errorf("%s%s", text, got.err)
	}
}
