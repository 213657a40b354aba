package supervisor

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"io"
	"slices"

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
	sites  []site // that have trapped, in order, with what was decided of them
}

const (
	// worthLearning is how many sites a linker must have shown: to begin with the
	// region takes a program as long as some six calls by the trap route.
	worthLearning = 8

	maxLinkers = 4 // that are known; then all are forgotten
)

// othersMayExec reports whether the call at hand is the last occasion to learn before another
// program may begin: it would be in vain for the only one of a tree.
func (t *Thread) othersMayExec() bool {
	abi, nr := t.call.ABI(), t.call.Nr()
	if hookOf(abi, nr) == hookExit {
		return len(t.loop.processes) > 1
	}
	return creates(abi, nr) && !t.createsThread() || execCalls.Has(abi, nr)
}

var execCalls = nativeCalls("execve", "execveat")

// learn notes what the thread's linker has shown up to now, if that is not known.
func (t *Thread) learn() {
	d, i := t.loop.direct, t.proc.image
	if d == nil || i == nil || i.begun || i.off || t.proc.ownFilter || len(i.sites) < worthLearning {
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
	slices.SortFunc(l.sites, func(a, b site) int { return cmp.Compare(a.code.start, b.code.start) })
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
		code, n := t.matching(l.at(base))
		if n < worthLearning {
			continue // it is another
		}
		i.begun = true
		mem, err := ptrace.OpenMemory(t.tid)
		if err != nil {
			return // it is gone
		}
		defer mem.Close()
		s.regs, s.saved = regs, true
		if t.mapAtOnce(mem, base, code[0].Addr&^(pageSize-1)) {
			d.admit(t)
			if len(i.near) > 0 {
				t.rewriteAll(mem, i.near[0], code)
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

// A stretch is a piece of a program's code, with some sites in it.
type stretch struct {
	table.Range
	sites []site
	news  bool // something in Buf is to be written
}

// oneStretch is how far apart sites may be: a call that writes takes as long as writing some
// hundred bytes more.
const oneStretch = 512

// stretchesOf puts the sites, which are in order, into stretches.
func stretchesOf(sites []site) []stretch {
	var all []stretch
	first := 0
	for n, s := range sites {
		if n+1 < len(sites) && sites[n+1].code.start <= s.code.start+s.code.size+oneStretch {
			continue
		}
		start := sites[first].code.start
		all = append(all, stretch{
			Range: table.Range{Addr: start, Buf: make([]byte, s.code.start+s.code.size-start)},
			sites: sites[first : n+1],
		})
		first = n + 1
	}
	return all
}

// matching returns the stretches of those of the sites whose code is in the thread's memory,
// and how many sites there are: what is there may be something else than what they
// were found in.
func (t *Thread) matching(sites []site) (all []stretch, n int) {
	all = stretchesOf(sites)
	code := make([]table.Range, len(all))
	for k, s := range all {
		code[k] = s.Range
	}
	t.ReadRanges(code)
	for k := range all {
		s := &all[k]
		read := s.Buf[:code[k].N]
		s.sites = slices.DeleteFunc(s.sites, func(e site) bool {
			at := e.code.start - s.Addr
			return at+e.code.size > uint64(len(read)) || maphash.Bytes(planSeed, read[at:][:e.code.size]) != e.code.sum
		})
		s.Buf = read
		n += len(s.sites)
	}
	return slices.DeleteFunc(all, func(s stretch) bool { return len(s.sites) == 0 }), n
}

// rewriteAll rewrites the sites of a program that has not run yet.
func (t *Thread) rewriteAll(mem io.WriterAt, area *nearArea, all []stretch) {
	d, i := t.loop.direct, t.proc.image
	start := area.next()
	var code []byte
	for k := range all {
		st := &all[k]
		for n := range st.sites {
			s := &st.sites[n]
			if !area.hasRoom() {
				break
			}
			tramp, ok := d.newTrampoline(s, area.next())
			if !ok {
				continue
			}
			area.take(s, len(tramp))
			code = append(code, tramp...)
			code = append(code, make([]byte, area.next()-start-uint64(len(code)))...) // to the next one
			copy(st.Buf[s.window.Addr-st.Addr:], s.window.Jump(s.tramp))
			s.state, st.news = siteRewritten, true
		}
	}
	_, err := mem.WriteAt(code, int64(start))
	i.own()
	for _, st := range all {
		if err == nil && st.news {
			_, err = mem.WriteAt(st.Buf, int64(st.Addr))
		}
		for n := range st.sites {
			switch s := &st.sites[n]; {
			case s.state != siteRewritten:
			case err != nil:
				d.dropRecord(s)
			default:
				i.sites[s.window.Call()] = s
			}
		}
	}
}
