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
