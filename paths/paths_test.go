package paths

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Every path that a signature has is one that a rule speaks of, or that leads nowhere.
func TestEveryPathHasARule(t *testing.T) {
	for abi := range table.NumABI {
		for nr := range 600 {
			sig := table.SignatureOf(abi, nr)
			if sig == nil || strings.HasPrefix(sig.Name, "mq_") {
				continue // names of message queues are no paths
			}
			n := 0
			for _, a := range sig.Args {
				if a.Kind == table.Path && a.Dir&table.Out == 0 {
					n++
				}
			}
			n -= skipped(sig.Name)
			if n != len(rules[sig.Name]) {
				t.Errorf("%s: %d paths, %d rules", sig.Name, n, len(rules[sig.Name]))
			}
		}
	}
}

// host makes files for a view to show.
func host(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"a/b/c", "data/in", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"a/file", "data/in/text"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"a/up": "../data", "a/loop": "loop", "a/abs": "/mnt/in", "data/out": "/etc/hostname", "data/back": "../a", "a/b/dots": "../../a/b/c/..",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := host(t)
	v := NewView()
	files := fstest.MapFS{
		"x/y/z":  {Data: []byte("z")},
		"x/link": {Data: []byte("y/z"), Mode: fs.ModeSymlink | 0o777},
		"x/home": {Data: []byte(dir + "/a"), Mode: fs.ModeSymlink | 0o777},
	}
	for _, err := range []error{v.Bind(dir+"/data", "/mnt"), v.Mount(files, dir+"/a/virt"), v.Mount(files, "/no/where/fs"), v.Bind(dir+"/a/file", "/mnt/one")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		path   string
		follow bool
		want   string // with the directory taken away
		host   string
		err    error
	}{
		{"/mnt/in/text", true, "/mnt/in/text", "D/data/in/text", nil},
		{"/mnt/../mnt/./in//text", true, "/mnt/in/text", "D/data/in/text", nil},
		{"/mnt/one", true, "/mnt/one", "D/a/file", nil},
		{"/mnt/one/x", true, "", "", unix.ENOTDIR},
		{"/mnt/back/file", true, "", "", unix.ENOENT}, // ../a from /mnt is /a
		{"/mnt/back", false, "/mnt/back", "D/data/back", nil},
		{"D/a/up/in", true, "D/data/in", "D/data/in", nil},
		{"D/a/abs/text", true, "/mnt/in/text", "D/data/in/text", nil},
		{"D/a/abs", false, "D/a/abs", "D/a/abs", nil},
		{"D/a/abs/", false, "/mnt/in", "D/data/in", nil},
		{"D/a/b/dots/c", true, "D/a/b/c", "D/a/b/c", nil},
		{"D/a/loop", true, "", "", unix.ELOOP},
		{"D/a/loop", false, "D/a/loop", "D/a/loop", nil},
		{"D/a/nothing", true, "D/a/nothing", "D/a/nothing", nil},
		{"D/a/nothing/x", true, "", "", unix.ENOENT},
		{"D/a/file/x", true, "", "", unix.ENOTDIR},
		{"D/a/virt/x/y/z", true, "D/a/virt/x/y/z", "", nil},
		{"D/a/virt/x/link", true, "D/a/virt/x/y/z", "", nil},
		{"D/a/virt/x/link", false, "D/a/virt/x/link", "", nil},
		{"D/a/virt/x/home/virt/../up", true, "D/data", "D/data", nil},
		{"D/a/virt/x/\xff", true, "D/a/virt/x/\xff", "", nil},
		{"/no", true, "/no", "", nil},
		{"/no/where", true, "/no/where", "", nil},
		{"/no/where/else", true, "/no/where/else", "", nil},
		{"/no/where/fs/x/..", true, "/no/where/fs", "", nil},
		{"/no/where/fs/../../../mnt", true, "/mnt", "D/data", nil},
		{"/", true, "/", "/", nil},
		{"/../..", true, "/", "/", nil},
	} {
		name := strings.Replace(test.path, "D/", dir+"/", 1)
		p, err := v.Find(name, test.follow)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: %v, want %v", test.path, err, test.err)
			continue
		}
		if err != nil {
			continue
		}
		full := func(s string) string { return strings.Replace(s, "D/", dir+"/", 1) }
		if p.Path != full(test.want) || p.Host != full(test.host) || p.Virtual() != (test.host == "") {
			t.Errorf("%s: %q at %q (%v), want %q at %q", test.path, p.Path, p.Host, p.Virtual(), test.want, test.host)
		}
	}
}

// What the kernel calls a place is translated to where the view has it.
func TestShown(t *testing.T) {
	dir := host(t)
	v := NewView()
	if err := v.Root(dir); err != nil {
		t.Fatal(err)
	}
	if err := v.Bind("/proc", "/proc"); err != nil {
		t.Fatal(err)
	}
	if err := v.Bind(dir+"/data", "/a/b"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		dir: "/", dir + "/a": "/a", dir + "/data/in": "/a/b/in", dir + "/a/b/c": "", "/proc/1": "/proc/1", "/etc": "", "pipe:[1]": "",
		v.Placeholder("/some/where"): "", "/tmp/" + v.Placeholder("/some/where") + " (deleted)": "/some/where",
		"/memfd:" + v.Placeholder("/else") + " (deleted)": "/else",
	} {
		got, ok := v.Shown(name)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, ok, want)
		}
	}
	// By which of its paths a directory was reached decides where ".." leads.
	p, err := v.Find("/data/in", true)
	if err != nil {
		t.Fatal(err)
	}
	v.Reached(&p)
	if got, _ := v.Shown(dir + "/data/in"); got != "/data/in" {
		t.Errorf("reached as /data/in: %q", got)
	}
}

// Whatever a path is, the walk ends, at an absolute path without "..".
func FuzzFind(f *testing.F) {
	dir, err := os.MkdirTemp("", "paths")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	v := NewView()
	if err := v.Mount(fstest.MapFS{"a/b": {}, "l": {Data: []byte("../..//a"), Mode: fs.ModeSymlink}}, "/k42/fs"); err != nil {
		f.Fatal(err)
	}
	if err := v.Bind(dir, "/k42/dir"); err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"/", "/k42/fs/a/b", "/k42/fs/l/../x", "/k42/dir/../fs/.", "/proc/self/cwd", "..", "/k42/fs/\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, err := v.Find(name, true)
		if err != nil {
			return
		}
		if !strings.HasPrefix(p.Path, "/") || filepath.Clean(p.Path) != p.Path && !strings.Contains(p.Path, "\x00") {
			t.Errorf("%q leads to %q", name, p.Path)
		}
		if p.Virtual() == (p.Host != "") {
			t.Errorf("%q: at %q and %v", name, p.Host, p.Mount)
		}
	})
}
