package handlers_test

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/handlers"
	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// exampleTree makes files for an example, and returns their directory.
func exampleTree(files map[string]string) string {
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	for name, text := range files {
		if err == nil {
			name = filepath.Join(dir, name)
			if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
				err = os.WriteFile(name, []byte(text), 0o644)
			}
		}
	}
	if err != nil {
		panic(err)
	}
	return dir
}

// exampleRun runs a shell script, with standard error in its output.
func exampleRun(tbl *table.Table, observer table.Observer, dir, script string) {
	cmd := supervisor.Command("bash", "-c", script)
	cmd.Table, cmd.Observer, cmd.Dir = tbl, observer, dir
	cmd.Enforce = true // where the handlers are a policy
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
	}
}

//go:embed doc.go
var sources embed.FS

// A file system that is built into this program, at a path that does not exist.
func ExampleMountFS() {
	tbl := table.New()
	handlers.MountFS("/k42/sources", sources).Use(tbl)
	exampleRun(tbl, nil, "/", `cd /k42/sources && pwd -P && ls && grep -c ^package doc.go && cp doc.go /k42/`)
	// Output:
	// /k42/sources
	// doc.go
	// 1
	// cp: cannot create regular file '/k42/doc.go': Read-only file system
	// exit status 1
}

// Several places at once; what is mounted over something hides it.
func ExampleView() {
	dir := exampleTree(map[string]string{"work/notes": "notes\n"})
	defer os.RemoveAll(dir)
	v := handlers.MountFS("/etc/motd", fstest.MapFS{".": {Data: []byte("Hello from a map.\n"), Mode: 0o444}})
	if err := v.Bind(dir+"/work", "/work"); err != nil {
		fmt.Println(err)
	}
	tbl := table.New()
	v.Use(tbl)
	exampleRun(tbl, nil, "/", `cat /etc/motd; cd /work; echo more >> notes; cat ../work/notes`)
	// Output:
	// Hello from a map.
	// notes
	// more
}

// Programs come to the other place by whatever path they take.
func ExampleRedirect() {
	dir := exampleTree(map[string]string{"hosts": "127.0.0.1 here\n"})
	defer os.RemoveAll(dir)
	tbl := table.New()
	tbl.Handle("%file", handlers.Redirect("/etc", dir)(table.Native))
	exampleRun(tbl, nil, "/usr/bin", `cat ../../etc/hosts /proc/self/root/etc/hosts`)
	// Output:
	// 127.0.0.1 here
	// 127.0.0.1 here
}

func ExampleDeny() {
	dir := exampleTree(map[string]string{"secret/key": "key\n", "open": "open\n"})
	defer os.RemoveAll(dir)
	tbl := table.New()
	tbl.Handle(handlers.DenyCalls, handlers.Deny(unix.EACCES, dir+"/secret")(table.Native))
	exampleRun(tbl, nil, dir, `cat open; cat secret/key; ln -s secret other; cat other/key; mv secret elsewhere 2>&1 | grep -o Permission.*`)
	// Output:
	// open
	// cat: secret/key: Permission denied
	// cat: other/key: Permission denied
	// Permission denied
}

// Whatever the socket is, it cannot be connected.
func ExampleDenyFD() {
	tbl := table.New()
	tbl.Handle("connect", handlers.DenyFD(unix.EPERM, table.KindSocket)(table.Native))
	exampleRun(tbl, nil, "/", `: > /dev/tcp/127.0.0.1/1`)
	// Output:
	// bash: connect: Operation not permitted
	// bash: line 1: /dev/tcp/127.0.0.1/1: Operation not permitted
	// exit status 1
}

// A terminal's input cannot be forged.
func ExampleDenyArg() {
	tbl := table.New()
	tbl.Handle("ioctl", handlers.DenyArg(unix.EPERM, 1, 0xffffffff, unix.TIOCSTI)(table.Native))
	exampleRun(tbl, nil, "/", `python3 -c 'import fcntl
try: fcntl.ioctl(0, 0x5412, b"x")
except OSError as e: print(e)'`)
	// Output: [Errno 1] Operation not permitted
}

func ExampleReadOnly() {
	dir := exampleTree(map[string]string{"data": "data\n", "tmp/x": ""})
	defer os.RemoveAll(dir)
	tbl := table.New()
	handlers.ReadOnly(dir + "/tmp").Use(tbl)
	exampleRun(tbl, nil, dir, `cat data; echo more >> data; echo fine > tmp/new; cat tmp/new; rm data`)
	// Output:
	// data
	// bash: line 1: data: Read-only file system
	// fine
	// rm: cannot remove 'data': Read-only file system
	// exit status 1
}

func ExampleLoopback() {
	tbl := table.New()
	handlers.Loopback().Use(tbl)
	exampleRun(tbl, nil, "/", `: > /dev/tcp/192.0.2.1/80`)
	// Output:
	// bash: connect: Network is unreachable
	// bash: line 1: /dev/tcp/192.0.2.1/80: Network is unreachable
	// exit status 1
}

// An archive keeps the owners that files are said to have.
func ExampleIdentity() {
	dir := exampleTree(map[string]string{"file": "text\n"})
	defer os.RemoveAll(dir)
	tbl := table.New()
	handlers.NewIdentity(handlers.IdentityOptions{Hostname: "moon"}).Use(tbl)
	exampleRun(tbl, nil, dir, `id -un; uname -n; chown 12:34 file; tar c file | tar tv --numeric-owner | cut -d' ' -f1,2`)
	// Output:
	// root
	// moon
	// -rw-r--r-- 12/34
}

func ExampleClock() {
	clock := handlers.NewClock(handlers.ClockOptions{Start: time.Date(2038, 1, 19, 3, 14, 7, 0, time.UTC), Frozen: true})
	tbl := table.New()
	observer := clock.Use(tbl, nil)
	exampleRun(tbl, observer, "/", `date; sleep 0.01; date +%s`)
	// Output:
	// Tue Jan 19 03:14:07 UTC 2038
	// 2147483647
}

func ExampleTouched() {
	dir := exampleTree(map[string]string{"in": "text\n"})
	defer os.RemoveAll(dir)
	rec := handlers.NewTouched()
	tbl := table.New()
	rec.Use(tbl)
	exampleRun(tbl, nil, dir, `cat in > out`)
	for _, f := range rec.Files() {
		if name, ok := strings.CutPrefix(f.Path, dir+"/"); ok {
			fmt.Println(name, f.Use&paths.Read != 0, f.Use&paths.Write != 0)
		}
	}
	// Output:
	// in true false
	// out false true
}
