package handlers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/table"
)

// Every number by which a path gets to the kernel is in the sets of all layers that decide by
// paths, and does there what it should. A call that the tables learn and a layer does not know
// fails here.

// texts are arguments that look like paths and lead nowhere: what a symbolic link says, the
// source of a mount, which may be anything.
var texts = map[string]bool{"symlink": true, "symlinkat": true, "mount": true}

// pathsOf returns which arguments of a call are paths that lead somewhere.
func pathsOf(sig *table.Signature) (args []int) {
	if strings.HasPrefix(sig.Name, "mq_") {
		return nil // of queues
	}
	for i, a := range sig.Args {
		if a.Kind == table.Path && a.Dir&table.Out == 0 {
			args = append(args, i)
		}
	}
	if texts[sig.Name] {
		args = args[1:]
	}
	return args
}

// addresses reports whether the call has an address of a socket for the kernel.
func addresses(sig *table.Signature) bool {
	return sig.Name == "socketcall" || slices.ContainsFunc(sig.Args, func(a table.Arg) bool {
		return (a.Set == "sockaddr" || a.Set == "msghdr" || a.Set == "mmsghdr") && a.Dir&table.In != 0
	})
}

// A wire is the thread of a call that nobody makes: its memory has what the call points to, and
// what would reach the kernel is kept.
type wire struct {
	*fakeThread
	next    uint64
	pins    map[uint64][]byte
	reached *table.Call // as the kernel gets it
}

func (w *wire) ReadMemory(addr uint64, p []byte) (int, error) {
	for at, b := range w.pins {
		if addr >= at && addr-at < uint64(len(b)) {
			return copy(p, b[addr-at:]), nil
		}
	}
	return 0, unix.EFAULT
}

func (w *wire) WriteMemory(_ uint64, p []byte) (int, error) { return len(p), nil }

func (w *wire) put(b []byte) uint64 {
	w.next += 1 << 13
	w.pins[w.next] = append(b, make([]byte, 256)...)
	return w.next
}

func (w *wire) Pin(_ *table.Call, b []byte) (uint64, error) { return w.put(slices.Clone(b)), nil }

func (w *wire) Inject(c *table.Call, nr int, args [6]uint64) table.Result {
	inner := *c
	inner.SetNr(nr)
	if inner.Name() == "sendmsg" { // a part of sendmmsg
		for i, a := range args {
			inner.SetArg(i, a)
		}
		w.reached = &inner
		return table.Return(0)
	}
	return table.Errno(unix.ENOSYS)
}

func (w *wire) Native(c *table.Call) table.Result {
	seen := *c
	w.reached = &seen
	if c.Signature().Name == "execve" || c.Signature().Name == "execveat" {
		return table.Errno(unix.ENOEXEC) // or something would be asked of the process
	}
	return table.Return(0)
}

func newWire(t *testing.T) *wire {
	s := &script{t: t, pid: os.Getpid()}
	return &wire{fakeThread: s.thread(os.Getpid()), next: 1 << 20, pins: map[uint64][]byte{}}
}

// call gives a call to the handler that tbl has for it: its path number which leads to name, the
// others elsewhere. ok is false if there is none.
func (w *wire) call(tbl *table.Table, abi table.ABI, nr, which int, name, other string) (r table.Result, ok bool) {
	h := tbl.Lookup(abi, nr)
	if h == nil {
		return r, false
	}
	sig := table.SignatureOf(abi, nr)
	var args [6]uint64
	for i, a := range sig.Args {
		at := unix.AT_FDCWD
		switch {
		case a.Kind == table.Path && i == which:
			args[i] = w.put([]byte(name))
		case a.Kind == table.Path:
			args[i] = w.put([]byte(other))
		case a.Kind == table.DirFD:
			args[i] = uint64(at)
		case a.Kind == table.Struct && a.Dir&table.In != 0:
			args[i] = w.put(make([]byte, 64))
		case a.Name == "size":
			args[i] = 24 // of struct open_how
		}
	}
	c := new(table.Call)
	c.Reset(w, abi, nr, args, 0, 0)
	if table.Passes(h, c) {
		return w.Native(c), true
	}
	return h.Handle(c), true
}

// pathAt returns the path that the kernel would get for an argument.
func (w *wire) pathAt(i int) string {
	name, err := w.reached.Path(i)
	if err != nil {
		return err.Error()
	}
	return name
}

// eachPath calls f for each path argument of each number of each ABI.
func eachPath(f func(abi table.ABI, nr int, sig *table.Signature, which int)) {
	for abi := range table.NumABI {
		for nr := range 1024 {
			if sig := table.SignatureOf(abi, nr); sig != nil {
				for _, i := range pathsOf(sig) {
					f(abi, nr, sig, i)
				}
			}
		}
	}
}

// mountCalls are those that a View refuses altogether.
var mountCalls = []string{"chroot", "pivot_root", "mount", "umount", "umount2", "move_mount", "open_tree_attr", "fspick", "mount_setattr"}

// looks are the calls that change nothing.
var looks = []string{"open", "openat", "openat2", "stat", "lstat", "stat64", "lstat64", "oldstat", "oldlstat", "newfstatat", "fstatat64", "statx",
	"access", "faccessat", "faccessat2", "chdir", "statfs", "statfs64", "readlink", "readlinkat", "getxattr", "lgetxattr", "getxattrat",
	"listxattr", "llistxattr", "listxattrat", "name_to_handle_at", "inotify_add_watch", "fanotify_mark", "execve", "execveat", "uselib",
	"file_getattr", "getcwd"}

func TestEveryPathIsSeen(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"there/file", "other/file"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("text"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	there, other := filepath.Join(dir, "there"), filepath.Join(dir, "other/file")

	bound, shown, moved := table.New(), table.New(), table.New()
	view := NewView()
	if err := view.Bind(there, "/k42/at"); err != nil {
		t.Fatal(err)
	}
	view.Use(bound)
	MountFS("/k42/at", fstest.MapFS{"file": {Data: []byte("text"), Mode: 0o755}}).Use(shown)
	Layer{RedirectCalls, Redirect("/k42/at", there)}.Use(moved)
	denied, readOnly, touched := table.New(), table.New(), table.New()
	Layer{DenyCalls, Deny(unix.EXFULL, there)}.Use(denied)
	ReadOnly().Use(readOnly)
	record := NewTouched()
	record.Use(touched)

	said := map[string]bool{}
	eachPath(func(abi table.ABI, nr int, sig *table.Signature, which int) {
		fail := func(layer, format string, args ...any) {
			if text := fmt.Sprintf(format, args...); !said[layer+sig.Name+text] {
				said[layer+sig.Name+text] = true
				t.Errorf("%s: %v %s, argument %d: %s", layer, abi, sig.Name, which, text)
			}
		}
		mounts := slices.Contains(mountCalls, sig.Name)

		for layer, tbl := range map[string]*table.Table{"Bind": bound, "Redirect": moved} {
			w := newWire(t)
			r, ok := w.call(tbl, abi, nr, which, "/k42/at/file", other)
			switch {
			case !ok:
				fail(layer, "is not seen")
			case mounts && (w.reached != nil || r.Errno() != unix.EPERM):
				fail(layer, "is not refused")
			case !mounts && w.reached == nil:
				fail(layer, "the kernel does not get it: %v", r.Err())
			case !mounts && w.pathAt(which) != there+"/file":
				fail(layer, "leads to %q", w.pathAt(which))
			}
		}

		w := newWire(t)
		r, ok := w.call(shown, abi, nr, which, "/k42/at/file", other)
		switch {
		case !ok:
			fail("MountFS", "is not seen")
		case mounts && (w.reached != nil || r.Errno() != unix.EPERM):
			fail("MountFS", "is not refused")
		case w.reached != nil && strings.HasPrefix(w.pathAt(which), "/k42/"):
			fail("MountFS", "the kernel is asked for %q", w.pathAt(which))
		case w.reached == nil && r.Errno() == unix.ENOENT:
			fail("MountFS", "does not find the file")
		}

		w = newWire(t)
		if r, ok := w.call(denied, abi, nr, which, there+"/file", other); !ok || r.Errno() != unix.EXFULL || w.reached != nil {
			fail("Deny", "seen: %v, denied: %v", ok, r.Err())
		}
		w = newWire(t)
		if _, ok := w.call(denied, abi, nr, which, other, other); !ok || w.reached == nil {
			fail("Deny", "denies what is not denied")
		}

		w = newWire(t)
		r, ok = w.call(readOnly, abi, nr, which, there+"/file", other)
		switch look := slices.Contains(looks, sig.Name); {
		case !ok && !look:
			fail("ReadOnly", "is not seen")
		case ok && look && w.reached == nil:
			fail("ReadOnly", "is refused: %v", r.Err())
		case !look && w.reached != nil:
			fail("ReadOnly", "is not refused")
		}

		name := there + "/file"
		record.files = map[string]paths.Use{}
		w = newWire(t)
		_, ok = w.call(touched, abi, nr, which, name, other)
		execs := strings.HasPrefix(sig.Name, "execve") // which has failed here
		if !ok || !execs && record.files[name] == 0 {
			fail("Touched", "seen: %v, recorded: %v", ok, record.files)
		}
	})
}

// Addresses of local sockets are paths too.
func TestEveryAddressIsSeen(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/socket", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	bound, denied, touched := table.New(), table.New(), table.New()
	view := NewView()
	if err := view.Bind(dir, "/k42/at"); err != nil {
		t.Fatal(err)
	}
	view.Use(bound)
	Layer{DenyCalls, Deny(unix.EXFULL, dir)}.Use(denied)
	record := NewTouched()
	record.Use(touched)

	address := func(name string) []byte { return append([]byte{unix.AF_UNIX, 0}, name...) }
	// call makes a call with an address, through socketcall(2) if sub is not 0.
	call := func(w *wire, tbl *table.Table, abi table.ABI, name string, sub uint64, addr []byte) (table.Result, bool) {
		nr, ok := table.Number(abi, name)
		if !ok {
			return table.Result{}, false
		}
		word := abi.PointerBits() / 8
		at, size := w.put(slices.Clone(addr)), uint64(len(addr))
		var args [6]uint64
		switch name {
		case "connect", "bind":
			args = [6]uint64{3, at, size}
		case "sendto":
			args = [6]uint64{3, 0, 0, 0, at, size}
		default:
			header := make([]byte, 64)
			put(header[:word], at)
			put(header[word:word+4], size)
			args = [6]uint64{3, w.put(header), 0}
			if name == "sendmmsg" {
				args[2] = 1
			}
		}
		if sub != 0 {
			vector := make([]byte, 6*word)
			for i, a := range args {
				put(vector[i*word:(i+1)*word], a)
			}
			nr, _ = table.Number(abi, "socketcall")
			args = [6]uint64{sub, w.put(vector)}
		}
		h := tbl.Lookup(abi, nr)
		if h == nil {
			return table.Result{}, false
		}
		c := new(table.Call)
		c.Reset(w, abi, nr, args, 0, 0)
		if table.Passes(h, c) {
			return w.Native(c), true
		}
		return h.Handle(c), true
	}
	// got returns the path that the kernel gets.
	got := func(w *wire) string {
		c := w.reached
		if at, size, ok := addressArg(c); ok {
			_, name, _ := socketPath(c, at, size)
			return name
		}
		m, err := readMessage(c, c.Arg(1))
		if err != nil {
			return err.Error()
		}
		p, _ := readPeer(c.Thread(), m.name(), m.size())
		name, _ := unixPath(p.bytes)
		return name
	}
	calls := map[string]uint64{"bind": 2, "connect": 3, "sendto": 11, "sendmsg": 16, "sendmmsg": 20}
	for abi := range table.NumABI {
		for nr := range 1024 {
			sig := table.SignatureOf(abi, nr)
			if sig == nil || !addresses(sig) {
				continue
			}
			if calls[sig.Name] == 0 && sig.Name != "socketcall" {
				t.Errorf("%v %s has an address that nobody looks at", abi, sig.Name)
			}
		}
		for name, sub := range calls {
			for _, sub := range []uint64{0, sub} {
				if sub != 0 && abi != table.I386 {
					continue
				}
				w := newWire(t)
				if r, ok := call(w, bound, abi, name, sub, address("/k42/at/socket")); !ok || w.reached == nil || got(w) != dir+"/socket" {
					t.Errorf("Bind: %v %s by %d: seen %v, %v", abi, name, sub, ok, r.Err())
				}
				w = newWire(t)
				if r, ok := call(w, denied, abi, name, sub, address(dir+"/socket")); !ok || r.Errno() != unix.EXFULL || w.reached != nil {
					t.Errorf("Deny: %v %s by %d: seen %v, %v", abi, name, sub, ok, r.Err())
				}
				w = newWire(t)
				if r, ok := call(w, denied, abi, name, sub, address("\x00"+dir+"/socket")); !ok || r.Failed() || w.reached == nil {
					t.Errorf("Deny: %v %s by %d, an abstract address: seen %v, %v", abi, name, sub, ok, r.Err())
				}
				record.hosts, record.files = map[string]bool{}, map[string]paths.Use{}
				w = newWire(t)
				if _, ok := call(w, touched, abi, name, sub, address(dir+"/socket")); !ok || !record.hosts["unix:"+dir+"/socket"] && record.files[dir+"/socket"] == 0 {
					t.Errorf("Touched: %v %s by %d: seen %v, %v", abi, name, sub, ok, record.hosts)
				}
			}
		}
	}
}
