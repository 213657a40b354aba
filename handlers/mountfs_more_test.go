package handlers_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// git reads a repository that lies in an fs.FS.
func TestMountFSGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	tr := newTree(t)
	made := natively(tr.at, `git init -q . && git -c user.name=n -c user.email=e add . && git -c user.name=n -c user.email=e commit -qm one &&
		echo more >> README && git -c user.name=n -c user.email=e commit -qam two && git gc -q && echo changed >> README`)
	if made.status != 0 {
		t.Skip(made.err)
	}
	script := tr.fill(`cd $T/sub; export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
		git log --oneline --stat | cat; git status --short; git diff | cat; git grep -n needle; git show HEAD~1:README; git ls-files; git fsck 2>&1; git commit -am x 2>&1 | grep -o Read-only`)
	want := natively("/", strings.ReplaceAll(script, "git commit -am x 2>&1 | grep -o Read-only", "echo Read-only"))
	v := handlers.MountFS(tr.at, tr.move(t))
	if got := inView(v, script); got != want {
		t.Errorf("on disk:\n%s%s\nmounted:\n%s%s", want.out, want.err, got.out, got.err)
	}
}

// Python imports from an archive, and lists one, that only an fs.FS has.
func TestMountFSPython(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{"pack/__init__.py": "x = 42\n", "pack/sub.py": "def f(): return __file__\n"} {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	v := handlers.MountFS("/k42/py", fstest.MapFS{
		"pack.zip":     {Data: b.Bytes(), Mode: 0o644, ModTime: time.Unix(1700000000, 0)},
		"plain/m.py":   {Data: []byte("import sys; name = sys.argv[0]\n")},
		"plain/run.py": {Data: []byte("#!/usr/bin/env python3\nimport m; print(m.name)\n"), Mode: 0o755},
	})
	got := inView(v, `cd /k42/py; python3 -m zipfile -l pack.zip | awk '{print $1}' | sort; PYTHONPATH=pack.zip python3 -c 'import pack, pack.sub; print(pack.x, pack.sub.f())'; plain/run.py; cd plain; ./run.py; PATH=.:$PATH run.py`)
	want := "File\npack/__init__.py\npack/sub.py\n42 /k42/py/pack.zip/pack/sub.py\nplain/run.py\n./run.py\n./run.py\n"
	if got.out != want || got.err != "" {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// A program that has given up its ids may not look at the supervisor's descriptors: it gets
// the contents all the same.
func TestMountFSUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	v := handlers.MountFS("/k42/fs", fstest.MapFS{
		"dir/file":   {Data: []byte("contents\n"), Mode: 0o644},
		"dir/hidden": {Data: []byte("nothing\n"), Mode: 0o600},
		"shut":       {Mode: fs.ModeDir | 0o700},
	})
	var out, errs bytes.Buffer
	cmd := supervisor.Command("bash", "-c", `cd /k42/fs; cat dir/file; ls dir; cat dir/hidden; ls shut; exec 3<dir/file; exec 4<dir/file; ls -l /proc/self/fd/3 | grep -o /k42.*; cat <&4; exec 3<&-; python3 -c "
import os; print(os.open('dir/file', os.O_RDONLY|os.O_CLOEXEC), os.get_inheritable(3))
try: os.write(3, b'x')
except OSError as e: print(e)"`)
	cmd.Table = table.New()
	v.Use(cmd.Table)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(scriptEnv(), "PATH=/usr/bin:/bin"), "/", &out, &errs
	got := shell(cmd, &out, &errs)
	want := "contents\nfile\nhidden\n/k42/fs/dir/file\ncontents\n3 False\n[Errno 9] Bad file descriptor\n"
	wantErr := "cat: dir/hidden: Permission denied\nls: cannot open directory 'shut': Permission denied\n"
	if got.out != want || got.err != wantErr {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// A file system whose contents change, and in which there are unpleasant names.
type changing struct {
	mu sync.Mutex
	n  int
	fs.FS
}

func (c *changing) Open(name string) (fs.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return fstest.MapFS{
		"count":                  {Data: []byte(strings.Repeat("x", c.n/1000) + "changes\n")},
		strings.Repeat("n", 255): {Data: []byte("long\n")},
		"new\nline":              {},
		"\u00fcml\u00e4ut":       {},
	}.Open(name)
}

func TestMountFSNames(t *testing.T) {
	v := handlers.MountFS("/k42/fs", &changing{})
	got := inView(v, `cd /k42/fs; ls -b; cat n*n; cat $(printf 'n%.0s' {1..256}) 2>&1 | grep -o 'too long'; cat count; printf '\xff' | xargs -0 cat 2>&1 | grep -o 'No such'`)
	want := "count\nnew\\nline\n" + strings.Repeat("n", 255) + "\n\\303\\274ml\\303\\244ut\nlong\ntoo long\nchanges\nNo such\n"
	if got.out != want {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// A panic of the file system ends the program, and Wait tells.
type panicking struct{ fs.FS }

func (panicking) Open(string) (fs.File, error) { panic("no more files") }

func TestMountFSPanics(t *testing.T) {
	v := handlers.MountFS("/k42/fs", panicking{})
	if got := inView(v, "cat /k42/fs/x; echo not reached"); got.status != -1 || !strings.Contains(got.err, "no more files") || got.out != "" {
		t.Errorf("%+v", got)
	}
}

// A directory with many entries is read in pieces, and from the middle.
func TestMountFSManyEntries(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 5000 {
		files["d/"+strings.Repeat("f", i%200+1)+strings.Repeat("0", i/200)+".x"] = &fstest.MapFile{}
	}
	v := handlers.MountFS("/k42/fs", files)
	file := compile(t, `
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
	DIR *d = opendir("/k42/fs/d");
	struct dirent *e;
	int n = 0;
	long where = 0;
	char name[300] = "";
	while ((e = readdir(d))) if (++n == 2500) { where = telldir(d); e = readdir(d); strcpy(name, e->d_name); n++; }
	printf("%d\n", n);
	seekdir(d, where); e = readdir(d); printf("%d\n", e && strcmp(name, e->d_name) == 0);
	rewinddir(d); for (n = 0; readdir(d); n++); printf("%d\n", n);
	char small[8];
	extern long syscall(long, ...);
	int fd = open("/k42/fs/d", O_RDONLY);
	printf("%ld %ld %ld\n", syscall(217, fd, small, 8), syscall(217, fd, 8, 4096), syscall(217, 99, small, 8));
	return 0;
}`)
	if got := inView(v, file); got.out != "5002\n1\n5002\n-1 -1 -1\n" {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// 32-bit programs have calls and structs of their own.
func TestMountFS32Bit(t *testing.T) {
	file := compile(t, `
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
	struct stat a, b;
	char buf[256], cwd[64];
	if (chdir("/k42/fs/dir")) perror("chdir");
	int fd = open("file", O_RDONLY), n = read(fd, buf, sizeof buf);
	stat("file", &a); fstat(fd, &b);
	printf("%d %d %d %o %d\n", n, (int)a.st_size, a.st_ino == b.st_ino, a.st_mode, (int)a.st_mtime);
	printf("%s %d\n", getcwd(cwd, sizeof cwd), (int)readlink("link", buf, sizeof buf));
	DIR *d = opendir(".");
	struct dirent *e;
	for (n = 0; (e = readdir(d)); n++) if (strcmp(e->d_name, "link") == 0) printf("%d\n", e->d_type == DT_LNK);
	printf("%d\n", n);
	printf("%d\n", open("new", O_WRONLY | O_CREAT, 0600));
	return 0;
}`, "-m32", "-static")
	v := handlers.MountFS("/k42/fs", fstest.MapFS{
		"dir/file": {Data: []byte("contents\n"), Mode: 0o640, ModTime: time.Unix(1700000000, 0)},
		"dir/link": {Data: []byte("file"), Mode: fs.ModeSymlink | 0o777},
	})
	if got := inView(v, file); got.out != "9 9 1 100640 1700000000\n/k42/fs/dir 4\n1\n4\n-1\n" {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// By which route calls come changes nothing.
func TestMountFSRoutes(t *testing.T) {
	tr := newTree(t)
	want := natively("/", tr.fill(scripts["python"]))
	v := handlers.MountFS(tr.at, tr.move(t))
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		var out, errs bytes.Buffer
		cmd := supervisor.Command("bash", "-c", tr.fill(scripts["python"]))
		cmd.Table, cmd.Route = table.New(), route
		v.Use(cmd.Table)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = scriptEnv(), "/", &out, &errs
		if got := shell(cmd, &out, &errs); got != want {
			t.Errorf("route %v:\n%s%s", route, got.out, got.err)
		}
	}
}

// A root of its own has its own dynamic linker and libraries.
func TestViewRoot(t *testing.T) {
	root := t.TempDir()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	ls, err := exec.LookPath("ls")
	if err != nil {
		t.Skip(err)
	}
	for _, name := range []string{bash, ls} {
		install(t, root, name, "/bin/"+filepath.Base(name))
		libs, err := exec.Command("ldd", name).Output()
		if err != nil {
			t.Skip(err)
		}
		for _, word := range strings.Fields(string(libs)) {
			if strings.HasPrefix(word, "/") {
				install(t, root, word, word)
			}
		}
	}
	v := handlers.NewView()
	if err := v.Root(root); err != nil {
		t.Fatal(err)
	}
	if err := v.Bind("/proc", "/proc"); err != nil {
		t.Fatal(err)
	}
	v.MountFS("/etc", fstest.MapFS{"release": {Data: []byte("ours\n")}, "script": {Data: []byte("#!/bin/bash\necho $0 $1\n"), Mode: 0o755}})
	file, argv, err := v.Launch("/bin/bash", []string{"bash", "-c", `
		pwd; cd /bin; pwd -P; echo *; read x < /etc/release; echo $x; /etc/script y; /bin/ls -l /proc/self/exe | { read a; echo ${a##*-> }; }
		exec -a name /bin/bash -c 'echo $0; echo new > /made; cd ../..; echo *; for l in $(</proc/$$/maps); do case $l in */ld-linux*) echo $l;; esac; done | { read l; case $l in '"$PWD"'/*) ;; *) echo its own;; esac; }'`})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := supervisor.Command(file)
	cmd.Path, cmd.Args, cmd.Table, cmd.Dir = file, argv, table.New(), root
	v.Use(cmd.Table)
	cmd.Env, cmd.Stdout, cmd.Stderr = []string{"LC_ALL=C"}, &out, &errs
	got := shell(cmd, &out, &errs)
	want := "/\n/bin\nbash ls\nours\n/etc/script y\n/bin/ls\nname\n"
	if !strings.HasPrefix(got.out, want) || !strings.Contains(got.out, "bin etc") || got.status != 0 {
		t.Errorf("%s%s", got.out, got.err)
	}
	if _, err := os.Stat(filepath.Join(root, "made")); err != nil {
		t.Error(err)
	}
}

// install copies a file into a root directory.
func install(t *testing.T, root, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		to = filepath.Join(root, to)
		if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
			err = os.WriteFile(to, text, 0o755)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What a View shows may belong to whom another layer says, and is on a file system that is
// read-only.
func TestMountFSUnderIdentity(t *testing.T) {
	var out, errs bytes.Buffer
	cmd := supervisor.Command("bash", "-c", `cd /k42/fs; stat -c %u:%g dir/file; find . -uid 77 | sort; cp -p dir/file $D/copy; chown 5:6 $D/copy; stat -c %u:%g $D/copy
		python3 -c 'import os; print(os.statvfs(".").f_flag & os.ST_RDONLY, os.statvfs("dir/file").f_flag & os.ST_RDONLY)'`)
	cmd.Table = table.New()
	handlers.MountFS("/k42/fs", mapOf("dir/file", "x")).Use(cmd.Table)
	handlers.NewIdentity(handlers.IdentityOptions{UID: 77, GID: 78}).Use(cmd.Table)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(scriptEnv(), "D="+t.TempDir()), "/", &out, &errs
	got := shell(cmd, &out, &errs)
	want := "77:78\n.\n./dir\n./dir/file\n"
	if !strings.HasPrefix(got.out, want) || !strings.HasSuffix(got.out, "1 1\n") {
		t.Errorf("%s%s", got.out, got.err)
	}
}

// mapOf returns a file system of names and their contents.
func mapOf(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		m[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return m
}

// With the state kept, descriptors' names come from it, and all is as it was.
func TestMountFSTracked(t *testing.T) {
	tr := newTree(t)
	names := []string{"python", "passed", "globs", "physical", "links", "execute", "errors", "list"}
	want := map[string]outcome{}
	for _, name := range names {
		want[name] = natively("/", tr.fill(scripts[name]))
	}
	v := handlers.MountFS(tr.at, tr.move(t))
	for _, name := range names {
		var out, errs bytes.Buffer
		cmd := supervisor.Command("bash", "-c", tr.fill(scripts[name]))
		cmd.Table, cmd.Track = table.New(), true
		v.Use(cmd.Table)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = scriptEnv(), "/", &out, &errs
		if got := shell(cmd, &out, &errs); got != want[name] {
			t.Errorf("%s: on disk:\n%s%s\nmounted:\n%s%s", name, want[name].out, want[name].err, got.out, got.err)
		}
	}
}
