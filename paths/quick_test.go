package paths

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// What passes is what Resolve leads to the same place as the kernel.
func TestPasses(t *testing.T) {
	dir := host(t)
	binds, root := NewView(), NewView()
	for _, err := range []error{
		binds.Bind(dir+"/data", dir+"/a/b/bound"), binds.Mount(fstest.MapFS{"x/y": {}}, dir+"/a/virt"),
		binds.Mount(fstest.MapFS{"f": {}}, dir+"/ghost/er/fs"), binds.Bind(dir+"/a/file", dir+"/empty/one"),
		root.Root(dir), root.Bind(dir+"/data", "/a/b/bound"), root.Mount(fstest.MapFS{"x/y": {}}, "/a/virt"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	binds.reached[dir+"/data"], binds.reached[dir+"/data/in"] = dir+"/a/b/bound", dir+"/a/b/bound/in"
	for name, target := range map[string]string{"in": dir + "/a/virt", "away": "a/b", "data/far": "../a/b/bound/in", "data/near": "in"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	parts := []string{"a", "b", "c", "data", "in", "text", "file", "virt", "x", "y", "bound", "empty", "one", "ghost", "er", "fs", "f",
		"up", "loop", "abs", "out", "back", "dots", "away", "far", "near", "..", "..", ".", "", "nothing"}
	starts := []string{"", "/a", "/a/b", "/a/b/c", "/data", "/data/in", "/empty"}
	rng := rand.New(rand.NewPCG(1, 2))
	for kind, v := range map[string]*View{"binds": binds, "root": root} {
		passed := 0
		for range 30000 {
			var words []string
			for range 1 + rng.IntN(5) {
				words = append(words, parts[rng.IntN(len(parts))])
			}
			name, start, follow := strings.Join(words, "/"), dir+starts[rng.IntN(len(starts))], rng.IntN(2) == 0
			switch rng.IntN(4) {
			case 0:
				name, start = dir+"/"+name, "/"
			case 1:
				start = "/"
			}
			if name == "" || name[0] == '/' && start != "/" || !v.passes(start, name, follow, false) {
				continue
			}
			passed++
			at, _ := v.Shown(start)
			w := &walk{v: v, base: "/"}
			w.push(name)
			p, err := w.run(at, follow || strings.HasSuffix(name, "/"))
			last := name[strings.LastIndexByte(name, '/')+1:] // as ResolveAt
			p.Slash, p.Dot = last == "" && name != "/", last == "." || last == ".."
			what := fmt.Sprintf("%s: %q from %s (%s), follow %v", kind, name, start, at, follow)
			if p.Virtual() {
				t.Errorf("%s: leads to %+v", what, p)
			}
			// What the kernel comes to.
			full, flags := name, unix.AT_SYMLINK_NOFOLLOW
			if follow {
				flags = 0
			}
			if full[0] != '/' {
				full = strings.TrimSuffix(start, "/") + "/" + name
			}
			var there, here unix.Stat_t
			native := unix.Fstatat(unix.AT_FDCWD, full, &there, flags)
			if err == nil && !p.Exists {
				err = unix.ENOENT
			}
			if err == nil {
				err = unix.Lstat(p.ForKernel(), &here)
			}
			if native != err || there.Ino != here.Ino || there.Dev != here.Dev {
				t.Errorf("%s: the kernel comes to inode %d, %v, and the view to %d, %v", what, there.Ino, native, here.Ino, err)
			}
		}
		if passed < 2000 {
			t.Errorf("%s: only %d passed", kind, passed)
		}
	}
}
