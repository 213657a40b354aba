package handlers

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/paths"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Touched records what programs touch: the files that they read, write, make, take away
// and execute, and the hosts that they contact. It changes nothing. Use wraps the calls
// that matter.
//
// A file counts as read or written if it was opened for that. Files behind descriptors that
// a program was started with do not count.
type Touched struct {
	tree *paths.View

	mu    sync.Mutex
	files map[string]paths.Use
	hosts map[string]bool
}

// NewTouched returns an empty record.
func NewTouched() *Touched {
	return &Touched{tree: paths.NewView(), files: map[string]paths.Use{}, hosts: map[string]bool{}}
}

// A TouchedFile is one file, or name, of the record.
type TouchedFile struct {
	Path string // absolute, on the host, links followed as the calls did
	Use  paths.Use
}

// Use puts the record in front of the handlers that tbl has for the calls that matter.
func (t *Touched) Use(tbl *table.Table) {
	Layer{touchedCalls, t.Wrap}.Use(tbl)
}

const touchedCalls = "%file,connect,bind,sendto,sendmsg,sendmmsg,socketcall"

// Observe returns an Observer that passes on to next what is to be heard. With it the
// program that is started is on the record too: its execution is no call of its own.
func (t *Touched) Observe(next table.Observer) table.Observer { return &touchedObserver{next, t} }

type touchedObserver struct {
	table.Observer
	record *Touched
}

// ThreadStarted records what the first process executes.
func (o *touchedObserver) ThreadStarted(t, by table.Thread) {
	if by == nil {
		o.record.mu.Lock()
		o.record.executed(t)
		o.record.mu.Unlock()
	}
	o.Observer.ThreadStarted(t, by)
}

// Files returns the files touched so far, sorted by their paths.
func (t *Touched) Files() []TouchedFile {
	t.mu.Lock()
	defer t.mu.Unlock()
	files := make([]TouchedFile, 0, len(t.files))
	for name, use := range t.files {
		files = append(files, TouchedFile{name, use})
	}
	slices.SortFunc(files, func(a, b TouchedFile) int { return strings.Compare(a.Path, b.Path) })
	return files
}

// Hosts returns the addresses contacted so far, with their ports, and the paths of
// local sockets, sorted.
func (t *Touched) Hosts() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	hosts := make([]string, 0, len(t.hosts))
	for h := range t.hosts {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	return hosts
}

// useNames are how uses are printed.
var useNames = []struct {
	use  paths.Use
	name string
}{
	{paths.Execute, "executed"}, {paths.Read, "read"}, {paths.Write, "written"}, {paths.Make, "made"},
	{paths.Look, "looked at"},
}

// WriteTo writes the record: a line for each file and host, what was done first.
func (t *Touched) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for _, f := range t.Files() {
		var uses []string
		for _, u := range useNames {
			if f.Use&u.use != 0 {
				uses = append(uses, u.name)
			}
		}
		fmt.Fprintf(&b, "%s\t%q\n", strings.Join(uses, ","), f.Path)
	}
	for _, h := range t.Hosts() {
		fmt.Fprintf(&b, "contacted\t%q\n", h)
	}
	return b.WriteTo(w)
}

// Wrap is the record as middleware, for the calls that the caller chooses.
func (t *Touched) Wrap(next table.Handler) table.Handler {
	return table.HandlerFunc(func(c *table.Call) table.Result { return t.handle(c, next) })
}

func (t *Touched) handle(c *table.Call, next table.Handler) table.Result {
	// Before the call: afterwards a name that was taken away leads nowhere.
	var found []TouchedFile
	for _, a := range paths.ArgsOf(c) {
		if p, err := t.tree.Resolve(c, a); err == nil && !p.Itself {
			found = append(found, TouchedFile{place(&p), made(a, &p)})
		}
	}
	hosts := contacted(c)
	if f, ok := t.bound(c); ok {
		found = append(found, f)
	}
	r := next.Handle(c)
	if r.Gone() || r.Failed() && len(hosts) == 0 {
		return r
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range hosts {
		t.hosts[h] = true // also if nobody has answered
	}
	if r.Failed() {
		return r
	}
	for _, f := range found {
		t.files[f.Path] |= f.Use
		if f.Use&paths.Execute != 0 {
			t.executed(c.Thread())
		}
	}
	return r
}

// place returns where a place is on the host.
func place(p *paths.Place) string {
	if p.Magic {
		return p.Target
	}
	return p.OnHost()
}

// made returns what a call does to the place: one that opens what is there, though it would
// make it, makes nothing.
func made(a paths.Arg, p *paths.Place) paths.Use {
	if a.Use&(paths.Read|paths.Write) != 0 && p.Exists {
		return a.Use &^ paths.Make
	}
	return a.Use
}

// executed records what the kernel has executed in the end, where the path was a script's, and the
// dynamic linker that it has loaded.
func (t *Touched) executed(th table.Thread) {
	exe := procfs.Path(th.Process().PID(), "exe")
	name, err := os.Readlink(exe)
	if err != nil {
		return
	}
	t.files[name] |= paths.Execute
	f, err := openLook(exe)
	if err != nil {
		return
	}
	defer f.Close()
	if linker := interp(f); linker != "" {
		if p, err := t.tree.ResolveAt(th, -1, linker, paths.Arg{Follow: true}); err == nil && p.Exists {
			t.files[place(&p)] |= paths.Execute
		}
	}
}

// contacted returns the addresses that a call names.
func contacted(c *table.Call) []string {
	var hosts []string
	add := func(addr, size uint64) {
		if p, ok := readPeer(c.Thread(), addr, size); ok {
			if h := p.String(); h != "" {
				hosts = append(hosts, h)
			}
		}
	}
	inner := *c // a copy: nothing is to change
	if unfold(&inner) != nil {
		return nil
	}
	switch inner.Name() {
	case "connect":
		add(inner.Arg(1), inner.Arg(2))
	case "sendto":
		add(inner.Arg(4), inner.Arg(5))
	case "sendmsg", "sendmmsg":
		eachMessage(&inner, func(m *message) bool {
			add(m.name(), m.size())
			return true
		})
	}
	return hosts
}

// bound returns the file that bind(2) makes of a local socket's address.
func (t *Touched) bound(c *table.Call) (TouchedFile, bool) {
	inner := *c
	if unfold(&inner) != nil || inner.Name() != "bind" {
		return TouchedFile{}, false
	}
	_, name, ok := socketPath(&inner, 1, 2)
	if !ok {
		return TouchedFile{}, false
	}
	p, err := t.tree.ResolveAt(c.Thread(), unix.AT_FDCWD, name, paths.Arg{})
	return TouchedFile{place(&p), paths.Make}, err == nil
}

// String returns an address as Touched records it, "" for one that is no host's.
func (p *peer) String() string {
	switch {
	case p.ip.Addr().IsValid():
		return p.ip.String()
	case p.family == 1 && len(p.bytes) > 2 && p.bytes[2] != 0: // AF_UNIX, with a path
		name, _, _ := bytes.Cut(p.bytes[2:], []byte{0})
		return "unix:" + string(name)
	case p.family == 1 && len(p.bytes) > 3:
		return "unix:@" + string(p.bytes[3:])
	}
	return ""
}
