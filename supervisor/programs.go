package supervisor

import (
	"hash/maphash"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// Programs that run again: what one run of an executable file has shown of its calls,
// the next begins with, so that short programs gain by the direct route too. That is as
// long as the Cmd lives, not kept in a file: it costs one run in the old manner to learn,
// and nobody has to trust a file.

// A program is what was executed under some name. Who has that name may change: nothing
// of what is noted is believed before it has been seen to be so.
type program struct {
	calls  int    // of a run, that could have gone directly
	linker module // the interpreter, as it was mapped; if there was none, zero
	sites  map[planKey]struct{}
}

const (
	// worthWarming is how many calls a program must have made, that mapping the
	// region before its first pays: it takes as long as some six of them.
	worthWarming = 16

	maxPrograms = 1 << 10 // that are kept; then all are forgotten
)

// executes notes what the thread is about to execute.
func (t *Thread) executes(c *table.Call) {
	d := t.loop.direct
	if d == nil {
		return
	}
	t.executing = nil
	name, err := c.Path(0)
	if err != nil {
		return
	}
	p := d.programs[name]
	if p == nil {
		if len(d.programs) >= maxPrograms {
			clear(d.programs)
		}
		p = &program{sites: map[planKey]struct{}{}}
		d.programs[name] = p
	}
	t.executing = p
}

// learn notes what the thread's program has shown up to now, if that is not known: in
// its interpreter, or, if it has none, in itself. Libraries are mapped later.
func (t *Thread) learn() {
	i := t.proc.image
	if i == nil || i.program == nil || i.program.calls >= worthWarming {
		return
	}
	p := i.program
	if p.calls = max(p.calls, i.traps); p.calls < worthWarming {
		return
	}
	base, err := ptrace.AuxValue(t.tid, ptrace.NativeABI, ptrace.AuxBase)
	if err != nil {
		return
	}
	i.text, _ = t.mappings()
	for call, s := range i.sites {
		m, ok := i.moduleOf(call)
		if !ok || s.state == siteRefused || base != 0 && m.base != base {
			continue
		}
		p.sites[planKey{m.device, m.inode, call - m.base, s.nr}] = struct{}{}
		if base != 0 {
			p.linker = m
		}
	}
}

// warm lets a thread that has executed a known program begin with its calls rewritten,
// as far as the files are mapped already that they are in.
func (t *Thread) warm() {
	d, i := t.loop.direct, t.proc.image
	p := i.program
	if p == nil || len(p.sites) == 0 || i.mapped || t.proc.ownFilter || !t.alone() || t.executedOther(t.call.ABI()) {
		return
	}
	base, err := ptrace.AuxValue(t.tid, ptrace.NativeABI, ptrace.AuxBase)
	if err != nil {
		return
	}
	var taken []module
	if base != 0 && p.linker.base != 0 {
		i.text = []module{p.linker.at(base)}
	} else {
		i.text, taken = t.mappings()
	}
	sites := t.sitesOf(p)
	if len(sites) == 0 || !t.mapAtOnce(sites[0].window.Addr, taken) {
		return
	}
	d.admit(t)
	if len(i.near) > 0 {
		t.rewriteAll(i.near[0], sites)
	}
}

// sitesOf returns the sites of a program that are mapped where they were last looked for,
// and decides about those of which nothing has been decided yet. What is mapped may be
// something else by now: the code is compared.
func (t *Thread) sitesOf(p *program) []site {
	i := t.proc.image
	var sites []site
	var code []table.Range
	for key := range p.sites {
		for _, m := range i.text {
			call := m.base + key.offset
			if m.inode != key.inode || m.device != key.device || call < m.start || call >= m.end {
				continue
			}
			plan, ok := t.loop.direct.planned(m, call, key.nr)
			if !ok {
				if plan.window, plan.code, ok = t.decide(call, key.nr); !ok {
					delete(p.sites, key) // it would fail again
					continue
				}
			}
			sites = append(sites, site{nr: key.nr, window: plan.window, code: plan.code})
			code = append(code, table.Range{Addr: plan.code.start, Buf: make([]byte, plan.code.size)})
		}
	}
	t.ReadRanges(code)
	n := 0
	for k, c := range code {
		if maphash.Bytes(planSeed, c.Buf[:c.N]) == sites[k].code.sum {
			sites[n] = sites[k]
			n++
		}
	}
	return sites[:n]
}

// decide is plan for a site of which nothing has been decided.
func (t *Thread) decide(call uint64, nr int) (*execso.Window, function, bool) {
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return nil, function{}, false
	}
	defer mem.Close()
	w, f, err := t.plan(mem, call, nr)
	return w, f, err == nil
}

// rewriteAll rewrites these sites of a program that has not run yet.
func (t *Thread) rewriteAll(area *nearArea, sites []site) {
	d, i := t.loop.direct, t.proc.image
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return // it is gone
	}
	defer mem.Close()
	start := area.addr + area.used
	var code []byte
	n := 0
	for _, s := range sites {
		if area.used+execso.MaxTrampoline > nearSize {
			break
		}
		at := area.addr + area.used
		tramp, ok := d.newTrampoline(&s, at)
		if !ok {
			continue
		}
		code = append(code, tramp...)
		for len(code)%trampolineAlign != 0 {
			code = append(code, 0xcc)
		}
		area.used = start + uint64(len(code)) - area.addr
		area.placed = append(area.placed, placed{at: at, window: s.window, call: s.window.Call()})
		sites[n] = s
		n++
	}
	_, err = mem.WriteAt(code, int64(start))
	for _, s := range sites[:n] {
		if err == nil {
			_, err = mem.WriteAt(s.window.Jump(s.tramp), int64(s.window.Addr))
		}
		if err != nil {
			d.dropRecord(&s)
			continue
		}
		s.state = siteRewritten
		*i.site(s.window.Call()) = s
	}
}

// at returns the module as it is when it is mapped at base.
func (m module) at(base uint64) module {
	m.start += base - m.base
	m.end += base - m.base
	m.base = base
	return m
}
