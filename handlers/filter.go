package handlers

import (
	"encoding/binary"
	"slices"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
)

// A Filter is middleware that lets only those calls reach a handler that have to do
// with certain files: the others run as if they had no handler.
type Filter struct {
	// Paths are compared with the paths that a call names, as the program gives them,
	// and with those of its descriptors.
	Paths []string
	// FDs are descriptors.
	FDs *FDSet

	event *decode.Event // of calls whose arguments lie in memory
}

// Wrap filters the calls that reach next.
func (f *Filter) Wrap(next table.Handler) table.Handler { return &filtered{f, next} }

type filtered struct {
	filter *Filter
	next   table.Handler
}

var _ table.Stopper = (*filtered)(nil)

// Stops makes the calls come by the trap route: what a descriptor is, is to be seen
// when the call is made.
func (f *filtered) Stops() {}

func (f *filtered) Handle(c *table.Call) table.Result {
	if f.filter.Match(c) {
		return f.next.Handle(c)
	}
	return c.Native()
}

// HasPath reports whether the path is one of those that are looked for.
func (f *Filter) HasPath(path string) bool { return slices.Contains(f.Paths, path) }

// Match reports whether a call that is about to run has to do with the files.
func (f *Filter) Match(c *table.Call) bool {
	sig := c.Signature()
	if sig == nil {
		return false
	}
	if c.ABI() == table.I386 && indirect(sig) {
		return f.matchIndirect(c)
	}
	if sig.Name == "fsconfig" { // whose own descriptor has no path
		return f.FDs.Has(c.FD(0)) || f.configures(c)
	}
	for i := range sig.Args {
		switch a := &sig.Args[i]; a.Kind {
		case table.FD, table.DirFD:
			if f.hasFD(c, c.FD(i)) {
				return true
			}
		case table.Path:
			if len(f.Paths) == 0 || a.Dir&table.In == 0 || c.RawArg(i) == 0 {
				continue
			}
			if path, err := c.Path(i); err == nil && f.HasPath(path) {
				return true
			}
		}
	}
	switch sig.Name {
	case "poll", "ppoll", "ppoll_time64":
		return f.polls(c)
	case "select", "_newselect", "pselect6", "pselect6_time64":
		return f.selects(c, args(c))
	}
	return false
}

// indirect reports whether the arguments of a call of i386 lie behind one that is a pointer.
func indirect(sig *table.Signature) bool {
	switch sig.Name {
	case "socketcall":
		return true
	case "mmap", "select":
		return len(sig.Args) == 1
	}
	return false
}

// matchIndirect is Match for these.
func (f *Filter) matchIndirect(c *table.Call) bool {
	if f.event == nil {
		f.event = decode.New(decode.Options{Shallow: true}).NewEvent()
	}
	f.event.Entry(c)
	sig, args := f.event.Call()
	for i := range sig.Args {
		if sig.Args[i].Kind == table.FD && f.hasFD(c, int(int32(args[i]))) {
			return true
		}
	}
	return sig.Name == "select" && len(sig.Args) > 1 && f.selects(c, args)
}

// args returns the arguments of a call.
func args(c *table.Call) (a [6]uint64) {
	for i := range a {
		a[i] = c.Arg(i)
	}
	return a
}

// configures looks at what fsconfig(2) names: a path and a directory, or a descriptor.
func (f *Filter) configures(c *table.Call) bool {
	const setPath, setPathEmpty, setFD = 3, 4, 5
	switch c.Arg(1) {
	case setPath, setPathEmpty:
		if path, err := c.Path(3); err == nil && f.HasPath(path) {
			return true
		}
	case setFD:
	default:
		return false
	}
	return f.hasFD(c, int(int32(c.Int(4))))
}

func (f *Filter) hasFD(c *table.Call, fd int) bool {
	if f.FDs.Has(fd) {
		return true
	}
	if len(f.Paths) == 0 || fd < 0 {
		return false
	}
	path, ok := FDPath(c.Thread(), fd)
	return ok && f.HasPath(path)
}

// maxPolled bounds how many descriptors of a set are looked at.
const maxPolled = 1 << 16

// polls looks at an array of struct pollfd (poll(2)).
func (f *Filter) polls(c *table.Call) bool {
	const size = 8
	b := make([]byte, size*min(c.Arg(1), maxPolled))
	n, _ := c.ReadMemory(c.RawArg(0), b) // of what cannot be read, the rest counts
	for b = b[:max(n, 0)]; len(b) >= size; b = b[size:] {
		if f.hasFD(c, int(int32(binary.NativeEndian.Uint32(b)))) {
			return true
		}
	}
	return false
}

// selects looks at sets of descriptors (select(2)).
func (f *Filter) selects(c *table.Call, args [6]uint64) bool {
	n := min(uint64(max(int32(args[0]), 0)), maxPolled)
	set := make([]byte, (n+7)/8)
	for _, addr := range args[1:4] {
		if addr == 0 {
			continue
		}
		if got, err := c.ReadMemory(addr, set); err != nil || got < len(set) {
			continue
		}
		for fd := range n {
			if set[fd/8]&(1<<(fd%8)) != 0 && f.hasFD(c, int(fd)) {
				return true
			}
		}
	}
	return false
}
