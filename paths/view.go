package paths

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A View is the tree of files that programs are shown: the host's, or what is below
// another root, with other places mounted over some of its own. It is made before the
// programs run, and then only read; what it remembers of them is guarded.
type View struct {
	root   *Mount
	mounts []*Mount // the longest path first
	ghosts *Mount   // directories that lead to mounts, and that nobody else has
	state  bool     // see UseState

	mu      sync.Mutex
	token   string            // begins the names of our placeholders
	named   map[string]string // of placeholders: the path, by the rest of the name
	reached map[string]string // directories of the host that were reached by another name
}

// A Mount is a place whose contents come from elsewhere.
type Mount struct {
	At   string // in the view: absolute and clean
	Host string // where it is for the kernel, if it is anywhere
	FS   fs.FS  // or else its contents
}

// NewView returns a view of the host's files as they are.
func NewView() *View {
	v := &View{root: &Mount{At: "/", Host: "/"}, named: map[string]string{}, reached: map[string]string{}}
	v.ghosts = &Mount{At: "/", FS: ghostFS{v}}
	return v
}

// Root makes what is below the host's directory dir the whole tree, as chroot(2) would.
func (v *View) Root(dir string) error {
	host, err := real(dir)
	if err != nil {
		return fmt.Errorf("root %s: %w", dir, err)
	}
	if info, err := os.Stat(host); err != nil || !info.IsDir() {
		return fmt.Errorf("root %s: not a directory", dir)
	}
	v.root = &Mount{At: "/", Host: host}
	return nil
}

// Bind shows the host's file or directory at the path at, which need not exist, and nor
// need the directories that lead to it.
func (v *View) Bind(host, at string) error {
	name, err := real(host)
	if err != nil {
		return fmt.Errorf("bind %s: %w", host, err)
	}
	return v.mount(&Mount{At: at, Host: name})
}

// Mount shows fsys at the path at, which need not exist.
func (v *View) Mount(fsys fs.FS, at string) error { return v.mount(&Mount{At: at, FS: fsys}) }

// Move makes the place at show what is at host, whether that is there or not.
func (v *View) Move(host, at string) error { return v.mount(&Mount{At: at, Host: path.Clean(host)}) }

// Mounted reports whether the view is any other than the host's own.
func (v *View) Mounted() bool { return len(v.mounts) > 0 || v.root.Host != "/" }

func (v *View) mount(m *Mount) error {
	if !strings.HasPrefix(m.At, "/") {
		return fmt.Errorf("mount at %q: the path is not absolute", m.At)
	}
	m.At = path.Clean(m.At)
	if m.At == "/" {
		v.root = m
		return nil
	}
	if i := slices.IndexFunc(v.mounts, func(o *Mount) bool { return o.At == m.At }); i >= 0 {
		v.mounts[i] = m // over the old one, which nobody sees any more
		return nil
	}
	v.mounts = append(v.mounts, m)
	slices.SortStableFunc(v.mounts, func(a, b *Mount) int { return len(b.At) - len(a.At) })
	return nil
}

// real returns the path of a file of the host without symbolic links.
func real(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(name)
}

// below returns the rest of name behind dir, with the slash in front, "" for dir itself.
func below(dir, name string) (rest string, ok bool) {
	if dir == "/" {
		if name == "/" {
			return "", true
		}
		return name, true
	}
	rest, ok = strings.CutPrefix(name, dir)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// mountOf returns the mount in which the path lies, and the rest of the path.
func (v *View) mountOf(name string) (*Mount, string) {
	for _, m := range v.mounts {
		if rest, ok := below(m.At, name); ok {
			return m, rest
		}
	}
	rest, _ := below("/", name)
	return v.root, rest
}

// host returns where the kernel has what lies at rest in the mount.
func (m *Mount) host(rest string) string {
	if rest == "" {
		return m.Host
	}
	if m.Host == "/" {
		return rest
	}
	return m.Host + rest
}

// name returns what the mount's FS calls what lies at rest in it.
func (m *Mount) name(rest string) string {
	if rest == "" || rest == "/" {
		return "."
	}
	return rest[1:]
}

// leadsToMount reports whether a mount lies below the path.
func (v *View) leadsToMount(name string) bool {
	for _, m := range v.mounts {
		if rest, ok := below(name, m.At); ok && rest != "" {
			return true
		}
	}
	return false
}

// MountsIn returns the names in the directory dir of the view of mounts, and of what
// leads to them.
func (v *View) MountsIn(dir string) []string {
	var names []string
	for _, m := range v.mounts {
		rest, ok := below(dir, m.At)
		if !ok || rest == "" {
			continue
		}
		name, _, _ := strings.Cut(rest[1:], "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Shown returns the path in the view of what the kernel calls name: in /proc/PID/cwd, for
// example. ok is false if name is no path, or is not to be seen in the view; then the
// name itself is returned.
func (v *View) Shown(name string) (string, bool) {
	if at, ok := v.placeholder(name); ok {
		return at, true
	}
	if !strings.HasPrefix(name, "/") {
		return name, false
	}
	v.mu.Lock()
	at, known := v.reached[name]
	v.mu.Unlock()
	if known {
		return at, true
	}
	return v.likely(name)
}

// likely returns one of the paths in the view of what the kernel calls name: that name, if
// it is one.
func (v *View) likely(name string) (string, bool) {
	if m, rest := v.mountOf(name); m.FS == nil && m.host(rest) == name {
		return name, true
	}
	best, length := "", -1
	for _, m := range append(v.mounts[:len(v.mounts):len(v.mounts)], v.root) {
		if m.FS != nil || len(m.Host) <= length {
			continue
		}
		rest, ok := below(m.Host, name)
		if !ok {
			continue
		}
		at := m.At + rest
		if m.At == "/" {
			at = "/" + strings.TrimPrefix(rest, "/")
		}
		if o, _ := v.mountOf(at); o == m {
			best, length = at, len(m.Host)
		}
	}
	if length < 0 {
		return name, false
	}
	return best, true
}

// maxReached bounds what is remembered of directories with two names.
const maxReached = 1 << 14

// Reached notes by which path a program has come to a directory of the host that may have
// two in the view: ".." leads to where it has come from.
func (v *View) Reached(p *Place) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.reached, p.Host)
	if at, ok := v.likely(p.Host); ok && at != p.Path {
		if len(v.reached) >= maxReached {
			clear(v.reached)
		}
		v.reached[p.Host] = p.Path
	}
}

// Placeholder returns the name of an object of the kernel that stands for what the view
// has at the path at. By it the object is recognised, wherever it comes to.
func (v *View) Placeholder(at string) string {
	id := fmt.Sprintf("%016x", Ino(at))
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token == "" {
		var b [8]byte
		rand.Read(b[:])
		v.token = "k42view-" + hex.EncodeToString(b[:]) + "-"
	}
	v.named[id] = at
	return v.token + id
}

// placeholder returns the path for which an object of that name stands.
func (v *View) placeholder(name string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.token == "" {
		return "", false
	}
	i := strings.LastIndex(name, v.token)
	if i <= 0 || name[i-1] != '/' && !strings.HasPrefix(name, "/memfd:") {
		return "", false
	}
	id, _, _ := strings.Cut(name[i+len(v.token):], " ")
	at, ok := v.named[id]
	return at, ok
}

// Ino returns the inode number of what a view has at a path and the host has not.
func Ino(at string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(at))
	return h.Sum64()>>2 | 1
}
