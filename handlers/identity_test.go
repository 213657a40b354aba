package handlers_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

func as(t *testing.T, opts handlers.IdentityOptions, script string) outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := supervisor.Command("bash", "-c", script)
	cmd.Table = table.New()
	handlers.NewIdentity(opts).Use(cmd.Table)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = scriptEnv(), t.TempDir(), &out, &errs
	return shell(cmd, &out, &errs)
}

func TestIdentityOfPrograms(t *testing.T) {
	got := as(t, handlers.IdentityOptions{UID: 4711, GID: 4712, Groups: []uint32{4712, 12}, Hostname: "moon", Release: "1.2.3"},
		`id -u; id -g; id -G; uname -n -r; hostname; touch f; stat -c %u:%g f; python3 -c 'import os
print(os.getresuid(), os.getgroups(), os.stat("f").st_uid)
for f in (lambda: os.setuid(0)), (lambda: os.chown("f", 1, 1) if os.getuid()==0 else os.setgroups([1])), (lambda: os.setresuid(4711,-1,-1)):
    try: f(); print("ok")
    except PermissionError: print("EPERM")'`)
	want := "4711\n4712\n4712 12\nmoon 1.2.3\nmoon\n4711:4712\n(4711, 4711, 4711) [4712, 12] 4711\nEPERM\nEPERM\nok\n"
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// A program that is root in its own view may become somebody else, and its children are.
func TestIdentityChanges(t *testing.T) {
	got := as(t, handlers.IdentityOptions{}, `python3 -c 'import os, subprocess
os.setgroups([7,8]); os.setresgid(5,6,7); os.setresuid(1,2,3)
print(os.getresuid(), os.getresgid(), os.getgroups())
print(subprocess.check_output("id -u; id -g; sh -c \"sh -c \\\"id -ru\\\"\"", shell=True))
os.setuid(3); print(os.getresuid())
try: os.setuid(0)
except PermissionError: print("EPERM")
'`)
	want := "(1, 2, 3) (5, 6, 7) [7, 8]\nb'1\\n5\\n1\\n'\n(1, 3, 3)\nEPERM\n"
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// tar(1) keeps owners and devices, into archives and out of them.
func TestIdentityOfFiles(t *testing.T) {
	got := as(t, handlers.IdentityOptions{}, `
		mkdir -p d/sub; echo x > d/file; ln -s file d/link; chown 1234:567 d/file; chown -h 1:2 d/link; chown -R 33:33 d/sub; mknod d/null c 1 3
		chgrp 99 d
		tar cf a.tar d; tar tvf a.tar --numeric-owner --sort=name | awk '{print $1, $2, $NF}' | sort
		mkdir x; tar xpf a.tar --numeric-owner -C x; cd x/d
		stat -c '%n %u:%g %F %t,%T' file link sub null .
		rm file; echo new > file; stat -c '%u:%g' file; mv file other; stat -c '%u:%g' other
		exec 3<other; chown 5:6 /proc/self/fd/3; stat -L -c %u:%g /proc/self/fd/3; python3 -c 'import os
f=os.open("other",0); os.fchown(f,-1,44); print(os.fstat(f).st_uid, os.fstat(f).st_gid, os.stat(".").st_gid)'
		hostname here; uname -n`)
	want := `-rw-r--r-- 1234/567 d/file
crw-r--r-- 0/0 d/null
drwxr-xr-x 0/99 d/
drwxr-xr-x 33/33 d/sub/
lrwxrwxrwx 1/2 file
file 1234:567 regular file 0,0
link 1:2 symbolic link 0,0
sub 33:33 directory 0,0
null 0:0 character special file 1,3
. 0:99 directory 0,0
0:0
0:0
5:6
5 44 99
here
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
	if strings.Contains(got.err, "Operation not permitted") {
		t.Error(got.err)
	}
}

// The rules of setuid(2), setreuid(2) and setgroups(2) are the kernel's: what was expected is what
// it answers to root.
func TestIdentityRules(t *testing.T) {
	got := as(t, handlers.IdentityOptions{}, `python3 - <<'E'
import os
def t(f, *a):
    try: f(*a); print("ok", end=" ")
    except OSError as e: print(e.strerror, end=" ")
    print(os.getresuid())
os.setgroups([8, 6, 7]); print(os.getgroups())
if os.fork() == 0:
    os.setresuid(0, 1, 2); t(os.setreuid, 2, -1); t(os.setreuid, 1, -1); t(os.setreuid, -1, 2); os._exit(0)
os.wait()
os.setresuid(3, 1, 3); t(os.setuid, 1); t(os.setuid, 3); t(os.setreuid, 3, 1); t(os.setresuid, 3, 3, 3)
E`)
	const want = `[6, 7, 8]
Operation not permitted (0, 1, 2)
ok (1, 1, 1)
Operation not permitted (1, 1, 1)
Operation not permitted (3, 1, 3)
ok (3, 3, 3)
Operation not permitted (3, 3, 3)
ok (3, 3, 3)
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// What chown(2) refuses it refuses, and it takes away set-user-ID bits. A file without a name is what
// it was said to be until it is gone, and no other that gets its inode is.
func TestIdentityChown(t *testing.T) {
	got := as(t, handlers.IdentityOptions{}, `python3 - <<'E'
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def t(f, *a):
    try: print(f(*a))
    except OSError as e: print(e.strerror)
def fchownat(*a):
    if libc.fchownat(*a) < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def owner(f): s = os.stat(f); return s.st_uid, s.st_gid, oct(s.st_mode)
open("f", "w").close()
t(os.fchown, os.open("f", os.O_PATH), 1, 1); t(fchownat, -100, b"f", 1, 1, 1); t(os.chown, "f/", 1, 1)
t(fchownat, os.open("f", os.O_PATH), b"", 5, 6, 0x1000); t(owner, "f")
os.chmod("f", 0o6755); t(os.chown, "f", -1, 7); t(owner, "f")
f = os.open("f", 0); os.unlink("f"); t(owner, f); os.fchown(f, 8, 9); t(owner, f); os.close(f)
f = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600); os.fchown(f, 55, 56); t(owner, f); os.close(f)
def new(i): open(str(i), "w").close(); return os.stat(str(i)).st_uid
print([new(i) for i in range(20)].count(0))
E`)
	const want = `Bad file descriptor
Invalid argument
Not a directory
None
(5, 6, '0o100644')
None
(5, 7, '0o100755')
(5, 7, '0o100755')
(8, 9, '0o100755')
(55, 56, '0o100600')
20
`
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}
