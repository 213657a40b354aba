package paths

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

// What passes is what Resolve leaves where it is.
func TestPasses(t *testing.T) {
	dir := host(t)
	v := NewView()
	for _, err := range []error{
		v.Bind(dir+"/data", dir+"/a/b/bound"), v.Mount(fstest.MapFS{"x/y": {}}, dir+"/a/virt"),
		v.Mount(fstest.MapFS{"f": {}}, dir+"/ghost/er/fs"), v.Bind(dir+"/a/file", dir+"/empty/one"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"in": dir + "/a/virt", "away": "a/b", "data/far": "../a/b/bound/in"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	parts := []string{"a", "b", "c", "data", "in", "text", "file", "virt", "x", "y", "bound", "empty", "one", "ghost", "er", "fs", "f",
		"up", "loop", "abs", "out", "back", "dots", "away", "far", "..", "..", ".", "", "nothing"}
	starts := []string{dir, dir + "/a", dir + "/a/b", dir + "/a/b/c", dir + "/data/in", dir + "/empty", "/", "/usr"}
	rng := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 20000 {
		var words []string
		for range 1 + rng.IntN(5) {
			words = append(words, parts[rng.IntN(len(parts))])
		}
		name, start, follow := strings.Join(words, "/"), starts[rng.IntN(len(starts))], rng.IntN(2) == 0
		if rng.IntN(3) == 0 {
			name, start = dir+"/"+name, ""
		}
		if name == "" || strings.HasPrefix(name, "/") && start != "" || start != "" && !v.plain(start) || !v.passes(start, name, follow) {
			continue
		}
		passed++
		w := &walk{v: v, base: "/"}
		w.push(name)
		if start == "" {
			start = "/"
		}
		p, err := w.run(start, follow || strings.HasSuffix(name, "/"))
		if w.moved || p.Virtual() {
			t.Errorf("%q from %s, follow %v: passes, and leads to %+v, %v", name, start, follow, p, err)
		}
		// And it comes to the same.
		var st unix.Stat_t
		flags := unix.AT_SYMLINK_NOFOLLOW
		if follow {
			flags = 0
		}
		full := name
		if full[0] != '/' {
			full = strings.TrimSuffix(start, "/") + "/" + name
		}
		if there := unix.Fstatat(unix.AT_FDCWD, full, &st, flags) == nil; err == nil && there != p.Exists && !strings.HasSuffix(name, "/") && !strings.HasSuffix(name, "/.") {
			t.Errorf("%q from %s, follow %v: there %v, in the view %v", name, start, follow, there, p.Exists)
		}
	}
	if passed < 2000 {
		t.Errorf("only %d passed", passed)
	}
}
