package handlers_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// A tree is a directory on disk and what programs say of it, there and in an fs.FS.
type tree struct{ at, aside string }

// newTree makes files of several kinds.
func newTree(t *testing.T) *tree {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{filepath.Join(dir, "tree"), filepath.Join(dir, "aside")}
	for name, text := range map[string]string{
		"README":             "read me\nneedle here\n",
		"empty":              "",
		"sub/one":            strings.Repeat("one\n", 3000),
		"sub/deep/er/two":    "two\nneedle\n",
		"sub/deep/er/.dot":   "hidden\n",
		"bin/hello":          "#!/bin/sh\necho \"hello from $0: $*\"\n",
		"bin/again":          "#!" + filepath.Join(tr.at, "bin/hello") + " opt\nnever read by sh\n",
		"a name with spaces": "spaces\n",
	} {
		name = filepath.Join(tr.at, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"link": "sub/one", "sub/up": "../README", "sub/deep/round": "../../sub", "dangling": "nowhere", "sub/self": "self",
		"out": "/etc/hostname", "abs": tr.at + "/sub/deep",
	} {
		if err := os.Symlink(target, filepath.Join(tr.at, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin/hello", "bin/again"} {
		if err := os.Chmod(filepath.Join(tr.at, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	when := time.Unix(1700000000, 0)
	_ = filepath.WalkDir(tr.at, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeSymlink == 0 {
			err = os.Chtimes(name, when, when)
		}
		return err
	})
	return tr
}

// move takes the tree from its place, and returns its files there as a file system.
func (tr *tree) move(t *testing.T) fs.FS {
	t.Helper()
	if err := os.Rename(tr.at, tr.aside); err != nil {
		t.Fatal(err)
	}
	return os.DirFS(tr.aside)
}

// An outcome is what came of a script.
type outcome struct {
	out, err string
	status   int
}

func shell(cmd interface{ Run() error }, out, errs *bytes.Buffer) outcome {
	status := 0
	var traced *supervisor.ExitError
	var plain *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &traced):
		status = traced.ExitCode()
	case errors.As(err, &plain):
		status = plain.ExitCode()
	case err != nil:
		return outcome{"", err.Error(), -1}
	}
	return outcome{out.String(), errs.String(), status}
}

func natively(dir, script string) outcome {
	var out, errs bytes.Buffer
	cmd := exec.Command("bash", "-c", script)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = scriptEnv(), dir, &out, &errs
	return shell(cmd, &out, &errs)
}

func inView(v *handlers.View, script string) outcome {
	var out, errs bytes.Buffer
	cmd := supervisor.Command("bash", "-c", script)
	cmd.Table = table.New()
	v.Use(cmd.Table)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = scriptEnv(), "/", &out, &errs
	return shell(cmd, &out, &errs)
}

func scriptEnv() []string {
	return append(os.Environ(), "LC_ALL=C", "TZ=UTC", "GIT_OPTIONAL_LOCKS=0", "HOME=/")
}

// scripts are run where the tree is on disk and where it is mounted. $T is its path.
var scripts = map[string]string{
	"list":      `cd $T; ls -lR --time-style=full-iso | awk '/^[dt]/ {next} /^l/ {$6=$7=$8=""} {$1=$1; print}'`, // columns are as wide as directories' sizes
	"attribute": `find $T ! -type l -printf '%P %y %M %n %U %G %T@\n' | sort; find $T -type l -printf '%P %l\n' | sort`,
	"sizes":     `find $T -type f -printf '%P %s %b\n' | sort`,
	"tar":       `cd $T; tar --sort=name --mtime=@0 -cf - . | md5sum`,
	"follow":    `cd $T; tar --sort=name --mtime=@0 -chf - --exclude=round --exclude=out . 2>&1 | md5sum`,
	"cat":       `cat $T/README $T/sub/up $T/link $T/sub/deep/round/deep/er/two | md5sum; cat "$T/a name with spaces"`,
	"grep":      `cd $T; grep -r needle . | sort; grep -c one sub/one`,
	"globs":     `shopt -s globstar; cd $T; echo *; echo sub/*/; echo **/t*; cd sub/deep; echo ../../*; cd er; pwd -P; cat .dot`,
	"physical":  `cd -P $T/abs && pwd -P && cd ../.. && pwd -P && cd sub/deep/round/deep && pwd -P; cd -; pwd`,
	"links":     `cd $T; readlink link dangling out; readlink -f link; readlink -e dangling; realpath sub/deep/round/up; cat dangling sub/self`,
	"execute":   `cd $T; bin/hello 1 2; $T/bin/hello; bin/again x; ./README; PATH=$T/bin; hello; exec again end`,
	"exec name": `cd $T/bin; exec -a other ./hello z`,
	"tests":     `cd $T; for f in README empty sub link dangling nowhere bin/hello; do for x in e f d L s x r; do test -$x $f; echo -n $?; done; echo; done`,
	"errors":    `cat $T/nowhere $T/README/x $T/sub; ls $T/README/; cd $T/README; cat $T/sub/deep/er/two/; rmdir $T/nothing/x; mkdir $T/sub; ln $T/nothing /tmp/`,
	"copy":      `D=$(mktemp -d); cp -a $T $D/c; diff -r --no-dereference $D/c $T && echo same; rm -r $D`,
	"mapped":    `python3 -c "import mmap,sys; f=open(sys.argv[1]); m=mmap.mmap(f.fileno(),0,prot=mmap.PROT_READ); print(len(m), m[:8], m[-4:])" $T/sub/one`,
	"python": `python3 - $T <<'E'
import os,sys,stat
t=sys.argv[1]
os.chdir(t); d=os.open("sub",os.O_RDONLY|os.O_DIRECTORY)
print(sorted(os.listdir(d)), os.readlink("up",dir_fd=d), os.getcwd())
os.fchdir(d); print(os.getcwd(), os.path.exists("one"), sorted(e.name for e in os.scandir("..") if e.is_dir(follow_symlinks=False)))
f=os.open("one",os.O_RDONLY); print(os.lseek(f,-4,2), os.read(f,9), os.pread(f,3,4), os.fstat(f).st_size, oct(os.fstat(f).st_mode))
print(os.stat("one").st_ino==os.fstat(f).st_ino, os.stat("one").st_dev==os.fstat(f).st_dev, os.stat(".").st_ino==os.fstat(d).st_ino)
print(os.path.samefile("..", t), os.readlink("/proc/self/fd/%d"%f)==t+"/sub/one", os.readlink("/proc/self/cwd")==t+"/sub")
for flags in os.O_DIRECTORY, os.O_NOFOLLOW, os.O_RDONLY|os.O_NOFOLLOW|os.O_DIRECTORY:
    for name in "one","up","deep","deep/round","no":
        try: os.close(os.open(name,flags)); print("ok",end=" ")
        except OSError as e: print(e.errno,end=" ")
pid=os.fork()
if pid==0:
    os.lseek(f,0,0); print(os.getcwd(), os.read(f,4)); sys.stdout.flush(); os._exit(0)
os.waitpid(pid,0); print(os.read(f,4))
n=os.dup(d); print(sorted(os.listdir(n))==sorted(os.listdir(d)))
print(sorted(os.listdir("/proc/self/fd/%d"%d))==sorted(os.listdir(".")))
import shutil,subprocess; print(subprocess.check_output(["pwd","-P"],cwd="deep"))
E`,
}

func init() {
	// Descriptors go over sockets, and directories and descriptors are shared.
	scripts["passed"] = `python3 - $T <<'E'
import os,socket,sys,threading
t=sys.argv[1]
a,b=socket.socketpair()
if os.fork()==0:
    os.chdir(t+"/sub")
    socket.send_fds(a,[b"x"],[os.open(".",os.O_RDONLY),os.open("one",os.O_RDONLY)]); os._exit(0)
_,fds,_,_=socket.recv_fds(b,9,9); os.wait()
print(sorted(os.listdir(fds[0])), os.read(fds[1],3), os.readlink("/proc/self/fd/%d"%fds[0])==t+"/sub")
os.fchdir(fds[0]); print(os.getcwd(), os.path.exists("../README"), os.listdir("/proc/self/fd/%d/../bin"%fds[0])!=[])
th=threading.Thread(target=lambda: os.chdir("deep")); th.start(); th.join(); print(os.getcwd())
os.execvp("python3",["python3","-c","import os,sys; f=int(sys.argv[1]); print(os.getcwd(), sorted(os.listdir('..')))","0"])
E`
}

func (tr *tree) fill(script string) string { return strings.ReplaceAll(script, "$T", tr.at) }

// A tree in an fs.FS looks as the same tree on disk, to programs that know nothing of it.
func TestMountFSAsOnDisk(t *testing.T) {
	tr := newTree(t)
	want := map[string]outcome{}
	for name, s := range scripts {
		want[name] = natively("/", tr.fill(s))
	}
	v := handlers.MountFS(tr.at, tr.move(t))
	for name, s := range scripts {
		t.Run(name, func(t *testing.T) {
			if got := inView(v, tr.fill(s)); got != want[name] {
				t.Errorf("on disk:\n%s%s%d\nmounted:\n%s%s%d", want[name].out, want[name].err, want[name].status, got.out, got.err, got.status)
			}
		})
	}
}

// Nothing can be changed in an fs.FS, and no other way leads to what stands for it.
func TestMountFSReadOnly(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // what others leave or have under way is not looked at
	tr := newTree(t)
	v := handlers.MountFS(tr.at, tr.move(t))
	for script, want := range map[string]string{
		`echo x > $T/new`:                              "Read-only",
		`echo x >> $T/README`:                          "Read-only",
		`: > $T/README`:                                "Read-only",
		`mkdir $T/d`:                                   "Read-only",
		`rm -f $T/README`:                              "Read-only",
		`rmdir $T/sub/deep/er`:                         "Read-only",
		`mv $T/README $T/other`:                        "Read-only",
		`ln -s x $T/y`:                                 "Read-only",
		`chmod 777 $T/README`:                          "Read-only",
		`touch $T/README`:                              "Read-only",
		`touch $T/new`:                                 "Read-only",
		`truncate -s 1 $T/README`:                      "Read-only",
		`ln $T/README /tmp/mountfs-link`:               "cross-device",
		`mv /etc/hostname $T/h`:                        "Read-only",
		`cd $T; echo x > new`:                          "Read-only",
		`exec 3<$T/README; chmod 777 /proc/self/fd/3`:  "Read-only",
		`exec 3<$T/README; echo x > /proc/self/fd/3`:   "",
		`exec 3<$T/README; echo x >&3`:                 "Bad file",
		`test -w $T/README || echo Read-only >&2; ! :`: "Read-only",
	} {
		got := inView(v, tr.fill(script))
		if got.status == 0 || !strings.Contains(got.err, want) {
			t.Errorf("%s: %q, status %d", script, got.err, got.status)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "k42view-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Where the host has nothing, the directories that lead to a mount are there.
func TestMountFSWhereNothingIs(t *testing.T) {
	v := handlers.MountFS("/nothing/here/virt", fstest.MapFS{"a/b": {Data: []byte("b\n")}})
	got := inView(v, `ls -d /noth*; ls / | grep -c nothing; ls -a /nothing; cd /nothing/here; ls; cat virt/a/b; find /nothing; cd virt/a/../..; pwd -P; mkdir x`)
	want := "/nothing\n1\n.\n..\nhere\nvirt\nb\n/nothing\n/nothing/here\n/nothing/here/virt\n/nothing/here/virt/a\n/nothing/here/virt/a/b\n/nothing/here\n"
	if got.out != want || !strings.Contains(got.err, "Read-only") {
		t.Errorf("%s\n%s", got.out, got.err)
	}
}

// zipped returns a zip archive of the tree.
func zipped(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h, err := zip.FileInfoHeader(info)
		if err != nil {
			return err
		}
		h.Name, _ = filepath.Rel(dir, name)
		h.Method = zip.Deflate
		if d.IsDir() {
			h.Name += "/"
		}
		f, err := w.CreateHeader(h)
		if err != nil || d.IsDir() {
			return err
		}
		var text []byte
		if d.Type()&fs.ModeSymlink != 0 {
			target, _ := os.Readlink(name)
			text = []byte(target)
		} else {
			text, err = os.ReadFile(name)
		}
		if err == nil {
			_, err = f.Write(text)
		}
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A zip archive is a file system too, with symbolic links.
func TestMountFSZip(t *testing.T) {
	tr := newTree(t)
	want := map[string]outcome{}
	for name, s := range scripts {
		want[name] = natively("/", tr.fill(s))
	}
	archive := zipped(t, tr.at)
	tr.move(t)
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	v := handlers.MountFS(tr.at, r)
	for _, name := range []string{"cat", "globs", "links", "execute", "grep", "python", "errors"} {
		if got := inView(v, tr.fill(scripts[name])); got != want[name] {
			t.Errorf("%s: on disk:\n%s%s\nmounted:\n%s%s", name, want[name].out, want[name].err, got.out, got.err)
		}
	}
}
