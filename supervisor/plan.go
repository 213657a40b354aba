package supervisor

import (
	"hash/maphash"
	"io"

	"github.com/k42trace/k42trace/execso"
)

// Plans: what is displaced at a site is decided once for all processes that have the
// file mapped, which takes longer than anything else about it.

// A planKey is a site in a file.
type planKey struct {
	device string
	inode  uint64
	offset uint64
	nr     int
}

// A plan is what was decided for a site where its file was mapped at base. It is good
// for the same function only: files change, and what a process has mapped where may be
// other than when we last looked.
type plan struct {
	window *execso.Window
	base   uint64
	code   function
}

// A function is the code that a window was decided from.
type function struct {
	start, size uint64
	sum         uint64 // of its bytes, as they are without us
}

// maxPlans bounds the plans that are kept; then all are forgotten.
const maxPlans = 1 << 13

var planSeed = maphash.MakeSeed()

// plan decides what is to be displaced at the site of call, which has made the call nr.
func (t *Thread) plan(mem io.ReaderAt, call uint64, nr int) (*execso.Window, function, error) {
	d := t.loop.direct
	find := func(m module) (p plan, ok bool) {
		p, ok = d.plans[planKey{m.device, m.inode, call - m.base, nr}]
		if !ok {
			return p, false
		}
		delta := m.base - p.base
		p.code.start += delta
		if !t.has(mem, p.code) {
			return p, false
		}
		p.window = p.window.Moved(delta)
		return p, true
	}
	m, ok := t.proc.image.moduleOf(call)
	if ok {
		if p, ok := find(m); ok {
			return p.window, p.code, nil
		}
	}
	if !ok || !t.stillMapped(m) {
		// It was read some time ago, if at all.
		known := m
		t.proc.image.text, _ = t.mappings()
		if m, ok = t.proc.image.moduleOf(call); !ok {
			return nil, function{}, errNoModule
		}
		if m != known {
			if p, ok := find(m); ok {
				return p.window, p.code, nil
			}
		}
	}
	var file io.ReaderAt
	if f := t.fileOf(m); f != nil {
		defer f.Close()
		file = f
	}
	start, end, err := execso.FunctionOf(mem, m.base, file, call)
	if err != nil {
		return nil, function{}, err
	}
	code, err := t.original(mem, start, end-start)
	if err != nil {
		return nil, function{}, err
	}
	w, err := execso.PlanWindow(code, start, call, nr)
	if err != nil {
		return nil, function{}, err
	}
	f := function{start, end - start, maphash.Bytes(planSeed, code)}
	if len(d.plans) >= maxPlans {
		clear(d.plans)
	}
	d.plans[planKey{m.device, m.inode, call - m.base, nr}] = plan{w, m.base, f}
	return w, f, nil
}

// has reports whether the process has this function.
func (t *Thread) has(mem io.ReaderAt, f function) bool {
	code, err := t.original(mem, f.start, f.size)
	return err == nil && maphash.Bytes(planSeed, code) == f.sum
}

// original returns the process's code as it is without us.
func (t *Thread) original(mem io.ReaderAt, start, size uint64) ([]byte, error) {
	code := make([]byte, size)
	if _, err := mem.ReadAt(code, int64(start)); err != nil {
		return nil, err
	}
	for call, s := range t.proc.image.sites {
		if s.state == siteRewritten && call >= start && call < start+size && s.jumps(mem) {
			s.window.Undo(code, start)
		}
	}
	return code, nil
}
