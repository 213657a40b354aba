package supervisor

import (
	"encoding/binary"
	"hash/maphash"
	"io"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// Dynamic linkers: nearly all calls of a short program are its linker's, and that is the
// same for most programs of a tree. So what the first one has shown of it the next ones
// begin with. That is known as long as the Cmd lives, not kept in a file: docs/DECISIONS.md.

// A linker is a file that has been the interpreter of a program (execve(2)).
type linker struct {
	module        // as it was mapped
	entry  uint64 // where it begins, from its base on
	sites  []site // that have trapped, with what was decided of them
}

const (
	// worthLearning is how many sites a linker must have shown: to begin with the
	// region takes a program as long as some six calls by the trap route.
	worthLearning = 8

	maxLinkers = 4 // that are known; then all are forgotten
)

// learn notes what the thread's linker has shown up to now, if that is not known.
func (t *Thread) learn() {
	d, i := t.loop.direct, t.proc.image
	if d == nil || i == nil || i.mapped || i.begun || i.off || t.proc.ownFilter || len(i.sites) < worthLearning {
		return
	}
	i.begun = true
	base, err := ptrace.AuxValue(t.tid, ptrace.NativeABI, ptrace.AuxBase)
	if err != nil || base == 0 {
		return
	}
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return // it is gone
	}
	defer mem.Close()
	i.text, _ = t.mappings()
	var l linker
	if l.entry, err = entryOf(mem, base); err != nil {
		return
	}
	for call, s := range i.sites {
		m, ok := i.moduleOf(call)
		if !ok || m.base != base {
			continue
		}
		if w, code, err := t.plan(mem, call, s.nr); err == nil {
			l.module = m
			l.sites = append(l.sites, site{nr: s.nr, window: w, code: code})
		}
	}
	if len(l.sites) < worthLearning {
		return
	}
	if len(d.linkers) >= maxLinkers {
		d.linkers = nil
	}
	d.linkers = append(d.linkers, l)
}

// beginLinked lets a thread that has executed a program begin with its linker's calls
// rewritten, if that is known.
func (t *Thread) beginLinked() {
	d, i, s := t.loop.direct, t.proc.image, &t.current
	if len(d.linkers) == 0 || i.mapped || t.proc.ownFilter || !t.alone() || t.call.ABI() != ptrace.NativeABI {
		return
	}
	regs := s.regs
	if !s.saved && regs.Get(t.tid) != nil || regs.Mode32() {
		return
	}
	for _, l := range d.linkers {
		base := regs.IP() - l.entry // that is where a program with a linker begins
		sites := t.matching(l.at(base))
		if len(sites) < worthLearning {
			continue // it is another
		}
		i.begun = true
		mem, err := ptrace.OpenMemory(t.tid)
		if err != nil {
			return // it is gone
		}
		defer mem.Close()
		s.regs, s.saved = regs, true
		if t.mapAtOnce(mem, base, sites[0].window.Addr&^(pageSize-1)) {
			d.admit(t)
			if len(i.near) > 0 {
				t.rewriteAll(mem, i.near[0], sites)
			}
		}
		return
	}
}

// entryOf reads where the program or library begins to run that is mapped at base, as an
// offset (elf(5), e_entry).
func entryOf(mem io.ReaderAt, base uint64) (uint64, error) {
	const at = 24 // of 64-bit files
	var b [8]byte
	_, err := mem.ReadAt(b[:], int64(base)+at)
	return binary.NativeEndian.Uint64(b[:]), err
}

// at returns what is known of a linker as it is when it is mapped at base.
func (l linker) at(base uint64) []site {
	delta := base - l.base
	sites := make([]site, len(l.sites))
	for n, s := range l.sites {
		s.code.start += delta
		s.window = s.window.Moved(delta)
		sites[n] = s
	}
	return sites
}

// matching returns those of the sites whose code is in the thread's memory: what is there
// may be something else than what they were found in.
func (t *Thread) matching(sites []site) []site {
	code := make([]table.Range, len(sites))
	for n, s := range sites {
		code[n] = table.Range{Addr: s.code.start, Buf: make([]byte, s.code.size)}
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

// rewriteAll rewrites these sites of a program that has not run yet.
func (t *Thread) rewriteAll(mem io.WriterAt, area *nearArea, sites []site) {
	d, i := t.loop.direct, t.proc.image
	start := area.next()
	var code []byte
	n := 0
	for _, s := range sites {
		if !area.hasRoom() {
			break
		}
		tramp, ok := d.newTrampoline(&s, area.next())
		if !ok {
			continue
		}
		area.take(&s, len(tramp))
		code = append(code, tramp...)
		code = append(code, make([]byte, area.next()-start-uint64(len(code)))...) // to the next one
		sites[n] = s
		n++
	}
	_, err := mem.WriteAt(code, int64(start))
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
