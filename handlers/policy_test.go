package handlers_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// confined runs a program under tbl as a policy.
func confined(t *testing.T, tbl *table.Table, dir, name string, args ...string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := supervisor.Command(name, args...)
	cmd.Enforce, cmd.Table, cmd.Dir = true, tbl, dir
	cmd.Env, cmd.Stdout, cmd.Stderr = scriptEnv(), &out, &errs
	return shell(cmd, &out, &errs)
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"ro/sub", "rw"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ro/file"), []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../ro/sub", filepath.Join(dir, "rw/link")); err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"echo x > ro/new":                           "Read-only",
		"echo x > rw/../ro/new":                     "Read-only",
		"echo x > rw/link/new":                      "Read-only",
		"cd rw/link; echo x > new":                  "Read-only",
		"cd rw; echo x > /proc/self/cwd/../ro/n":    "Read-only",
		"echo x >> ro/file":                         "Read-only",
		"exec 3< ro/file; echo x > /proc/self/fd/3": "Read-only",
		"exec 3< ro/file; chmod 777 /dev/fd/3":      "Read-only",
		"rm ro/file":                                "Read-only",
		"mkdir ro/d":                                "Read-only",
		"mkdir ro/sub":                              "File exists",
		"rmdir ro/sub":                              "Read-only",
		"mv ro/file rw/":                            "Read-only",
		"mv rw/link ro/":                            "Read-only",
		"ln ro/file ro/other":                       "Read-only",
		"ln -s x ro/other":                          "Read-only",
		"chmod 777 ro/file":                         "Read-only",
		"touch -c ro/file":                          "Read-only",
		"truncate -s 0 ro/file":                     "Read-only",
		"mkfifo ro/fifo":                            "Read-only",
		"cp -p rw/link/../file ro/copy":             "Read-only",
		"cat ro/nothing":                            "No such file",
		"echo x > ro/nothing/x":                     "No such file",
		"mount -t tmpfs x ro":                       "",
		"python3 -c 'import os;f=os.open(\"ro/file\",0);os.fchmod(f,0)'":                 "Read-only",
		"python3 -c 'import os;f=os.open(\"ro\",os.O_TMPFILE|os.O_RDWR)'":                "Read-only",
		"python3 -c 'import socket;s=socket.socket(socket.AF_UNIX);s.bind(\"ro/sock\")'": "Read-only",
		"python3 -c 'import os;f=os.open(\"ro/file\",0);os.utime(f)'":                    "Read-only",
		"python3 -c 'import os;f=os.open(\"ro/file\",os.O_RDONLY|os.O_TRUNC)'":           "Read-only",
	} {
		tbl := table.New()
		handlers.ReadOnly(filepath.Join(dir, "rw")).Use(tbl)
		got := confined(t, tbl, dir, "bash", "-c", script)
		if got.status == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %q, status %d", script, got.err, got.status)
		}
	}
	tbl := table.New()
	handlers.ReadOnly(filepath.Join(dir, "rw")).Use(tbl)
	got := confined(t, tbl, dir, "bash", "-c", `
		cat ro/file; echo y > rw/y && cat rw/y && mv rw/y rw/z && rm rw/z; echo dev > /dev/null
		cat <(echo pipe); ls ro; cd rw; mkdir d; cd d; echo a > a; chmod 600 a; mkfifo f; (echo through > f &) ; cat f; ln a b; rm -r ../d; echo ok`)
	if want := "text\ny\npipe\nfile\nsub\nthrough\nok\n"; got.out != want || got.err != "" {
		t.Errorf("%q %q", got.out, got.err)
	}
	if left, err := os.ReadFile(filepath.Join(dir, "ro/file")); err != nil || string(left) != "text\n" {
		t.Errorf("%q %v", left, err)
	}
}

// compile compiles a C program.
func compile(t *testing.T, source string, flags ...string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file+".c", []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gcc, append([]string{"-O1", "-pthread", "-o", file, file + ".c"}, flags...)...).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	return file
}

// racer has one thread change a path in memory, and another put a symbolic link in a
// directory's place and back, while the main thread uses the path.
const racer = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#define FENCE __asm__ volatile("" ::: "memory")
static char path[64] = "open/dir/file";
static volatile int stop;
static void *rewrites(void *x) {
	while (!stop) { memcpy(path, "secret/dir", 10); FENCE; memcpy(path, "open/dir//", 10); FENCE; }
	return x;
}
static void *swaps(void *x) {
	while (!stop) syscall(SYS_renameat2, AT_FDCWD, "swap", AT_FDCWD, "link", 2);
	return x;
}
int main(int argc, char **argv) {
	pthread_t a, b;
	int good = 0;
	pthread_create(&a, 0, rewrites, 0);
	pthread_create(&b, 0, swaps, 0);
	for (int i = 0; i < 600; i++) {
		char text[16] = "", *names[2] = {path, "swap/file"};
		char *name = names[i & 1];
		struct stat st;
		int fd = open(name, O_RDONLY);
		if (fd >= 0) {
			if (read(fd, text, 15) > 0 && strncmp(text, "secret", 6) == 0) printf("read %s: %s\n", name, text);
			else good++;
			close(fd);
		}
		if (stat(name, &st) == 0 && st.st_size == 7) printf("stat %s\n", name);
		if (chmod(name, 0600) == 0) good++;
		if ((fd = open(name, O_WRONLY)) >= 0) { write(fd, "open", 4); close(fd); }
		truncate(name, 4);
	}
	stop = 1;
	pthread_join(a, 0); pthread_join(b, 0);
	printf("done %d\n", good > 50);
	return 0;
}`

// What was looked at is what the kernel gets, also in a race.
func TestDenyInRaces(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	file := compile(t, racer)
	dir := t.TempDir()
	for name, text := range map[string]string{"secret/dir/file": "secret\n", "open/dir/file": "open", "swap/file": "open"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("secret/dir", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tbl := table.New()
	set, err := table.ParseSet(handlers.DenyCalls)
	if err != nil {
		t.Fatal(err)
	}
	tbl.Use(set, handlers.Deny(unix.EACCES, filepath.Join(dir, "secret")))
	// Renaming a link that leads to what is denied denies nothing.
	got := confined(t, tbl, dir, file)
	if got.out != "done 1\n" {
		t.Errorf("%s%s%d", got.out, got.err, got.status)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "secret/dir/file")); err != nil || string(text) != "secret\n" {
		t.Errorf("the denied file is now %q, %v", text, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "secret/dir/file")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the denied file is now %v, %v", info, err)
	}
}

func TestDenyOtherWays(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a/secret"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a/secret/file"), []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{
		"cat a/secret/file", "cd a; cat secret/file", "cd a/secret", "cat /proc/self/cwd/a/secret/file",
		"cat /proc/self/root$PWD/a/secret/file", "ln -s a/secret s; cat s/file; r=$?; rm s; exit $r", "mv a b", "mv a/secret x",
		"ln a/secret/file hard", "cat a/../a/./secret//file", "ls a/secret", "stat a/secret/file", "exec < a/secret/file && cat",
		"python3 -c 'import os;d=os.open(\"a\",os.O_PATH);print(open(os.open(\"secret/file\",0,dir_fd=d)).read())'",
		"unshare -Ur true && exit 1", "bash a/secret/file", "rm -r a/secret", "readlink -e a/secret/file", "find a/secret | grep file",
	} {
		tbl := table.New()
		tbl.Handle(handlers.DenyCalls, handlers.Deny(unix.EACCES, filepath.Join(dir, "a/secret"))(table.Native))
		if got := confined(t, tbl, dir, "bash", "-c", script); got.status == 0 || strings.Contains(got.out, "secret\n") {
			t.Errorf("%s: %q %q %d", script, got.out, got.err, got.status)
		}
	}
}

func TestDenyFD(t *testing.T) {
	tbl := table.New()
	tbl.Handle("write", handlers.DenyFD(unix.EBADF, table.KindPipe)(table.Native))
	out, errs, _ := run(t, tbl, nil, "echo to the pipe | cat; echo to the file > /dev/null && echo ok >/dev/null")
	if out != "" || !strings.Contains(errs+"Bad file", "Bad file") {
		t.Errorf("%q %q", out, errs)
	}
}

const networker = `
import socket, os, errno
def tell(what, f):
    try: print(what, f())
    except OSError as e: print(what, errno.errorcode[e.errno])
l = socket.socket(); l.bind(("0.0.0.0", 0)); l.listen()
print("bound", l.getsockname()[0])
port = l.getsockname()[1]
c = socket.create_connection(("127.0.0.1", port)); a, _ = l.accept(); c.send(b"hello"); print(a.recv(5))
for ip in "192.0.2.1", "8.8.8.8", "10.0.0.1":
    tell("connect "+ip, lambda: socket.create_connection((ip, 9), timeout=1))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tell("sendto "+ip, lambda: u.sendto(b"x", (ip, 9)))
    tell("sendmsg "+ip, lambda: u.sendmsg([b"x"], [], 0, (ip, 9)))
    tell("bind "+ip, lambda: u.bind((ip, 0)))
tell("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
tell("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM))
tell("six", lambda: socket.create_connection(("2001:db8::1", 9), timeout=1))
n = socket.socket(); n.listen(); print("unbound", n.getsockname()[0])
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(v.sendto(b"abc", u.getsockname()), u.recv(9), v.sendmsg([b"de", b"f"], [], 0, u.getsockname()), u.recv(9))
s = socket.socketpair(); s[0].send(b"pair"); print(s[1].recv(9))
`

func TestLoopback(t *testing.T) {
	tbl := table.New()
	handlers.Loopback().Use(tbl)
	got := confined(t, tbl, "/", "python3", "-c", networker)
	var want strings.Builder
	want.WriteString("bound 127.0.0.1\nb'hello'\n")
	for _, ip := range []string{"192.0.2.1", "8.8.8.8", "10.0.0.1"} {
		for _, what := range []string{"connect", "sendto", "sendmsg"} {
			want.WriteString(what + " " + ip + " ENETUNREACH\n")
		}
		want.WriteString("bind " + ip + " EADDRNOTAVAIL\n")
	}
	want.WriteString("raw EPERM\npacket EAFNOSUPPORT\nsix ENETUNREACH\nunbound 127.0.0.1\n3 b'abc' 3 b'def'\nb'pair'\n")
	if got.out != want.String() || got.err != "" {
		t.Errorf("%s\n%s", got.out, got.err)
	}
}

// The address that the kernel gets is the one that was looked at.
func TestLoopbackInRaces(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	file := compile(t, `
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#define FENCE __asm__ volatile("" ::: "memory")
static struct sockaddr_in to = {.sin_family = AF_INET};
static struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to};
static volatile int stop;
static void *rewrites(void *x) {
	while (!stop) { to.sin_addr.s_addr = htonl(0x7f000001); FENCE; to.sin_addr.s_addr = htonl(0xc0000201); FENCE; }
	return x;
}
int main(void) {
	pthread_t a;
	int local = 0, refused = 0, other = 0;
	to.sin_port = htons(9);
	pthread_create(&a, 0, rewrites, 0);
	for (int i = 0; i < 500; i++) {
		int s = socket(AF_INET, SOCK_DGRAM, 0), r;
		struct sockaddr_in peer; socklen_t n = sizeof peer;
		if (connect(s, (void *)&to, sizeof to) == 0) {
			getpeername(s, (void *)&peer, &n);
			if (peer.sin_addr.s_addr == htonl(0x7f000001)) local++; else other++;
		} else refused++;
		close(s);
	}
	stop = 1;
	pthread_join(a, 0);
	printf("%d %d %d\n", local > 0, refused > 0, other);
	return 0;
}`)
	tbl := table.New()
	handlers.Loopback().Use(tbl)
	if got := confined(t, tbl, "/", file); got.out != "1 1 0\n" {
		t.Errorf("%s%s%d", got.out, got.err, got.status)
	}
}

// Calls with several messages, and 32-bit ones with arguments in memory, are looked at too.
func TestLoopbackIndirectly(t *testing.T) {
	const source = `
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)}, there = here;
	socklen_t n = sizeof here;
	char buf[8] = "";
	int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0);
	bind(r, (void *)&here, n); getsockname(r, (void *)&here, &n);
	there.sin_addr.s_addr = htonl(0x08080808); there.sin_port = htons(9);
	struct iovec v = {"abc", 3};
	struct mmsghdr m[3] = {{{&here, n, &v, 1}}, {{&here, n, &v, 1}}, {{&there, n, &v, 1}}};
	printf("%d", sendmmsg(s, m, 3, 0));
	printf(" %d %d", m[0].msg_len, m[1].msg_len);
	printf(" %d", sendmmsg(s, m + 2, 1, 0)); printf(" %d", errno == ENETUNREACH);
	printf(" %d", (int)recv(r, buf, 8, 0)); printf(" %d\n", (int)recv(r, buf, 8, 0));
#ifdef __i386__
	long connect_[3] = {s, (long)&there, n}, socket_[3] = {AF_INET, SOCK_RAW, 1}, send_[6] = {s, (long)"x", 1, 0, (long)&there, n};
	printf("%ld", syscall(SYS_socketcall, 3, connect_)); printf(" %d", errno == ENETUNREACH);
	printf(" %ld", syscall(SYS_socketcall, 11, send_)); printf(" %d", errno == ENETUNREACH);
	printf(" %ld", syscall(SYS_socketcall, 1, socket_)); printf(" %d", errno == EPERM);
	connect_[1] = (long)&here;
	printf(" %ld\n", syscall(SYS_socketcall, 3, connect_));
#endif
	return 0;
}`
	for _, test := range []struct{ flag, want string }{
		{"-m64", "2 3 3 -1 1 3 3\n"}, {"-m32", "2 3 3 -1 1 3 3\n-1 1 -1 1 -1 1 0\n"},
	} {
		t.Run(test.flag, func(t *testing.T) {
			file := compile(t, source, test.flag, "-static")
			tbl := table.New()
			handlers.Loopback().Use(tbl)
			if got := confined(t, tbl, "/", file); got.out != test.want {
				t.Errorf("%s%s%d", got.out, got.err, got.status)
			}
		})
	}
}

// Nobody waits for what a path has become.
func TestDenyExecuteFIFO(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o755); err != nil {
		t.Fatal(err)
	}
	tbl := table.New()
	tbl.Handle(handlers.DenyCalls, handlers.Deny(unix.EACCES, "/nothing")(table.Native))
	// Not a shell, which would read what it cannot execute.
	const program = "import os, sys\ntry: os.execv(sys.argv[1], ['x'])\nexcept PermissionError: print('refused')"
	if got := confined(t, tbl, dir, "python3", "-c", program, "./fifo"); got.out != "refused\n" {
		t.Errorf("%+v", got)
	}
	v := handlers.NewView()
	if err := v.Bind(dir, "/k42"); err != nil {
		t.Fatal(err)
	}
	if got := inView(v, `python3 -c "`+program+`" /k42/fifo`); got.out != "refused\n" {
		t.Errorf("%+v", got)
	}
}

// By /proc/PID/mem a program could change what was checked.
func TestPoliciesRefuseMemory(t *testing.T) {
	deny := table.New()
	deny.Handle(handlers.DenyCalls, handlers.Deny(unix.EACCES, "/nothing")(table.Native))
	loopback, readonly := table.New(), table.New()
	handlers.Loopback().Use(loopback)
	handlers.ReadOnly("/proc").Use(readonly)
	for name, tbl := range map[string]*table.Table{"Deny": deny, "Loopback": loopback, "ReadOnly": readonly} {
		got := confined(t, tbl, "/proc", "python3", "-c", `
import os
print(os.open("/proc/self/mem", os.O_RDONLY) > 0)
for f in "/proc/self/mem", "self/task/%d/mem" % os.getpid(), "/proc/self/fd/3", "/dev/fd/3", "/proc/thread-self/../../mem":
    for how in os.O_RDWR, os.O_WRONLY|os.O_CREAT:
        try: os.open(f, how); print(f, "is open")
        except PermissionError: pass
print(os.open("/dev/null", os.O_RDWR) > 0)`)
		if got.out != "True\nTrue\n" {
			t.Errorf("%s: %s%s", name, got.out, got.err)
		}
	}
}

// What may not be executed is not, whatever comes in between.
func TestDenyExecute(t *testing.T) {
	dir := t.TempDir()
	install(t, dir, "/bin/echo", "secret/echo")
	install(t, dir, "/bin/true", "open/echo")
	for name, target := range map[string]string{"link": "secret", "swap": "open"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	tbl := table.New()
	swapped := false
	tbl.Handle(handlers.DenyCalls, handlers.Deny(unix.EACCES, filepath.Join(dir, "secret"))(table.HandlerFunc(func(c *table.Call) table.Result {
		if name, err := c.Path(0); err == nil && c.Name() == "execve" && filepath.Base(name) == "echo" {
			// As if another process had done it at the last moment.
			if filepath.Dir(name) != filepath.Join(dir, "open") {
				t.Errorf("executes %s", name)
			}
			err := errors.Join(os.Rename(filepath.Join(dir, "open"), filepath.Join(dir, "was")), os.Symlink("secret", filepath.Join(dir, "open")))
			swapped = err == nil
		}
		return c.Native()
	})))
	got := confined(t, tbl, dir, "bash", "-c", "secret/echo one; link/echo two; swap/echo three; echo $?")
	if !swapped || got.out != "137\n" {
		t.Errorf("%v %s%s", swapped, got.out, got.err)
	}
}

func TestTouched(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "in"), []byte("text\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("#!/bin/sh\ncat in\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	rec := handlers.NewTouched()
	tbl := table.New()
	rec.Use(tbl)
	got := confined(t, tbl, dir, "bash", "-c", `
		./script > out; cat in >> out; mkdir d; cd d; mv ../out new; rm new; cat missing
		(: > /dev/tcp/127.0.0.1/1) 2>/dev/null; exit 0`)
	if got.status != 0 {
		t.Fatal(got)
	}
	uses := map[string]paths.Use{}
	for _, f := range rec.Files() {
		uses[strings.TrimPrefix(f.Path, dir+"/")] = f.Use
	}
	for name, want := range map[string]paths.Use{
		"in": paths.Read, "script": paths.Read | paths.Execute, "out": paths.Write | paths.Make, "d": paths.Make | paths.Look,
		"d/new": paths.Make, "d/missing": 0,
	} {
		if uses[name]&^paths.Look != want&^paths.Look {
			t.Errorf("%s: %b, want %b", name, uses[name], want)
		}
	}
	cat, _ := exec.LookPath("cat")
	if cat, _ = filepath.EvalSymlinks(cat); uses[cat]&paths.Execute == 0 {
		t.Errorf("%s was not executed", cat)
	}
	if sh, _ := filepath.EvalSymlinks("/bin/sh"); uses[sh]&paths.Execute == 0 {
		t.Errorf("%s was not executed", sh)
	}
	if hosts := rec.Hosts(); len(hosts) == 0 || hosts[0] != "127.0.0.1:1" {
		t.Errorf("hosts %q", hosts)
	}
	var text bytes.Buffer
	if _, err := rec.WriteTo(&text); err != nil || !strings.Contains(text.String(), "contacted\t\"127.0.0.1:1\"\n") ||
		!strings.Contains(text.String(), "executed,read") {
		t.Errorf("%s %v", &text, errors.Unwrap(err))
	}
}

// What cannot be written to says so before, and the errnos are those of a directory that is mounted
// read-only.
func TestReadOnlyErrnos(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"/sub", "/rw"} {
		if err := os.Mkdir(dir+sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+sub+"/f", nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tbl := table.New()
	handlers.ReadOnly(dir + "/rw").Use(tbl)
	got := confined(t, tbl, dir, "python3", "-c", `
import errno, os
for p in "sub", "sub/f", "rw", "rw/f", "/dev/null", "nowhere": print(p, os.access(p, os.W_OK), os.access(p, os.R_OK))
def t(f, *a):
    try: print(f(*a))
    except OSError as e: print(f.__name__, *a, errno.errorcode[e.errno])
t(os.open, "sub/f/", os.O_WRONLY); t(os.open, "nowhere/", os.O_CREAT | os.O_WRONLY); t(os.open, "sub", os.O_CREAT | os.O_DIRECTORY)
t(os.open, "sub/f", os.O_TMPFILE | os.O_RDWR); t(os.open, "sub", os.O_TMPFILE | os.O_RDWR); t(os.truncate, "sub", 0); t(os.truncate, "sub/f", -1)
t(os.rmdir, "sub/."); t(os.unlink, "sub/."); t(os.rename, "sub/.", "x"); t(os.chmod, "sub/f/", 0); t(os.link, "sub/f/", "x")
`)
	const want = `sub False True
sub/f False True
rw True True
rw/f True True
/dev/null True True
nowhere False False
open sub/f/ 1 ENOTDIR
open nowhere/ 65 EISDIR
open sub 65600 EINVAL
open sub/f 4259842 ENOTDIR
open sub 4259842 EROFS
truncate sub 0 EISDIR
truncate sub/f -1 EINVAL
rmdir sub/. EINVAL
unlink sub/. EISDIR
rename sub/. x EBUSY
chmod sub/f/ 0 ENOTDIR
link sub/f/ x ENOTDIR
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}
