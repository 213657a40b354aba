package supervisor

import (
	"maps"
	"slices"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
)

// An image is what the direct route knows of one address space. Processes that
// share their memory (vfork) share it, a forked one gets a copy, an exec begins a
// new one.
type image struct {
	users  int    // processes
	mapped bool   // exec.so's region is in it
	end    uint64 // of the region
	off    bool   // all its calls take the trap route, for good

	// begun: it has begun with its linker's calls rewritten, or they are known from it.
	begun bool

	// unsure: it was copied some time after the memory was, and other threads have
	// run between.
	unsure bool

	// signalled: a signal has been delivered, so that the stack may have frames of
	// threads interrupted anywhere.
	signalled bool

	traps int // calls that could have gone directly and have trapped
	*siteSet
	near []*nearArea // memory for trampolines
	text []module    // executable mappings of files, as last read
}

// A siteSet holds the rewritten sites of images that have not grown apart since a
// fork.
type siteSet struct {
	users int // images
	sites map[uint64]*site
}

// A site is one system-call instruction of a program, known since it trapped.
type site struct {
	nr     int // of the call that last trapped there
	hits   int // traps
	state  siteState
	window *execso.Window // of a rewritten one
	code   function       // of the window
	tramp  uint64         // where its trampoline is
	record *siteRecord
}

type siteState uint8

const (
	siteTraps     siteState = iota
	siteRefused             // cannot be rewritten
	siteRewritten           // jumps to its trampoline
)

// A siteRecord is a site's place in the region, shared by the images that have the
// site from a common ancestor.
type siteRecord struct {
	addr  uint64
	users int
}

func newImage() *image {
	return &image{users: 1, siteSet: &siteSet{users: 1, sites: map[uint64]*site{}}}
}

// settled reports whether it is decided if the region is in it.
func (i *image) settled() bool { return i.mapped || i.off }

// fork returns the image of a new process that has a copy of the memory.
func (i *image) fork() *image {
	c := *i
	c.users = 1
	c.siteSet.users++
	// A trampoline that either writes next is its own.
	c.near = make([]*nearArea, len(i.near))
	for n, area := range i.near {
		copied := *area
		copied.placed = slices.Clip(copied.placed) // whoever appends gets a list of its own
		c.near[n] = &copied
	}
	return &c
}

// own makes the sites the image's own before they change.
func (i *image) own() {
	if i.siteSet.users == 1 {
		return
	}
	i.siteSet.users--
	set := &siteSet{users: 1, sites: make(map[uint64]*site, len(i.sites))}
	for call, s := range i.sites {
		c := *s
		if c.record != nil {
			c.record.users++
		}
		set.sites[call] = &c
	}
	i.siteSet = set
}

// site returns what is known of the system-call instruction at call, for changing.
func (i *image) site(call uint64) *site {
	i.own()
	s := i.sites[call]
	if s == nil {
		s = &site{}
		i.sites[call] = s
	}
	return s
}

// holds reports whether any of our own memory is from addr on, in size bytes.
func (i *image) holds(addr, size uint64) bool {
	if i == nil || !i.mapped || size == 0 {
		return false
	}
	end := pageEnd(addr, size)
	if addr < i.end && end > execso.Base {
		return true
	}
	for _, a := range i.near {
		if addr < a.addr+nearSize && end > a.addr {
			return true
		}
	}
	return false
}

// knows reports whether anything is known of the code from addr on, in the pages of size
// bytes.
func (i *image) knows(addr, size uint64) bool {
	if i == nil {
		return false
	}
	for call, s := range i.sites {
		if s.within(call, addr, size) {
			return true
		}
	}
	return overlaps(i.text, addr, pageEnd(addr, size))
}

// within reports whether the site of call, or what is displaced there, is in these pages.
func (s *site) within(call, addr, size uint64) bool {
	start := call
	if s.window != nil {
		start = s.window.Addr
	}
	return start < pageEnd(addr, size) && call+ptrace.SyscallInsnLen > addr
}

const pageSize = 4096 // on machines that have the direct route

// pageEnd returns the end of the pages that hold size bytes from addr on: what calls about
// memory mean. It is the end of memory if the numbers are too large.
func pageEnd(addr, size uint64) uint64 {
	end := addr + size
	switch last := (end + pageSize - 1) &^ (pageSize - 1); {
	case size == 0:
		return addr
	case end >= addr && last >= end:
		return last
	}
	return ^uint64(0)
}

// overwritten returns the site of which ip is an instruction that is no longer
// there.
func (i *image) overwritten(ip uint64) *site {
	const longest = 32 // bytes from a window's start to its call, more than any
	for _, a := range i.near {
		for n := range a.placed {
			p := &a.placed[n]
			if p.call-ip > longest || !p.window.Overwritten(ip) {
				continue
			}
			if s := i.sites[p.call]; s != nil && s.state == siteRewritten && s.window == p.window {
				return s
			}
		}
	}
	return nil
}

// maxOrphaned bounds the images that are kept for children not heard of yet.
const maxOrphaned = 256

// leave ends a process's use of its image. One whose threads may have been killed
// between a fork and the news of it is kept for a while: the child, when we hear of
// it, has the same sites.
func (d *direct) leave(p *Process) {
	if p.image == nil {
		return
	}
	if !p.lossy {
		d.drop(p.image)
		p.image = nil
		return
	}
	d.orphaned = append(d.orphaned, p.image)
	if len(d.orphaned) > maxOrphaned {
		d.drop(d.orphaned[0])
		d.orphaned = d.orphaned[1:]
	}
}

// drop ends one use of an image.
func (d *direct) drop(i *image) {
	if i.users--; i.users > 0 {
		return
	}
	if i.siteSet.users--; i.siteSet.users > 0 {
		return
	}
	for s := range maps.Values(i.sites) {
		d.dropRecord(s)
	}
	i.sites = nil
}

func (d *direct) dropRecord(s *site) {
	if s.record == nil {
		return
	}
	if s.record.users--; s.record.users == 0 {
		d.region.FreeSite(s.record.addr)
	}
	s.record = nil
}

// inheritImage gives a new process the image that it has from its creator.
func (p *Process) inheritImage(from *Process, shares bool) {
	guess := p.image // what it has run with until now
	switch {
	case p.loop.direct == nil:
	case from.image == nil || from.image.sites == nil:
		p.image = newImage() // nothing is known of it
		p.image.off = true
	case shares:
		p.image = from.image
		p.image.users++
	default:
		p.image = from.image.fork()
		p.image.unsure = from.threads > 1 || from.image.users > 1 || from.lossy
	}
	if guess != nil {
		p.image.takeIn(guess)
		p.loop.direct.drop(guess)
	}
}

// takeIn adds what was known of the same memory under a wrong guess of where it is from.
// What of all that is so, confirm finds out.
func (i *image) takeIn(guess *image) {
	i.unsure = true
	i.mapped, i.off, i.end = i.mapped || guess.mapped, i.off || guess.off, max(i.end, guess.end)
	i.signalled = i.signalled || guess.signalled
	for _, a := range guess.near {
		if !slices.ContainsFunc(i.near, func(b *nearArea) bool { return a.addr == b.addr }) {
			i.near = append(i.near, a)
		}
	}
	for call, s := range guess.sites {
		if s.record != nil && i.sites[call] == nil {
			*i.site(call) = *s
			s.record.users++
		}
	}
}

// confirm makes what is known of a new process agree with its memory: what its
// creator's other threads had rewritten when that was copied, and not what they had
// when we heard of it.
func (t *Thread) confirm() {
	i := t.proc.image
	if i == nil || !i.unsure {
		return
	}
	i.unsure = false
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return // it is gone
	}
	defer mem.Close()
	switch there := t.loop.direct.region.MappedIn(mem); {
	case there && !i.mapped:
		i.mapped, i.off, i.end = true, true, t.loop.direct.region.End() // we do not know which sites lead to it
	case !there:
		i.mapped = false
	}
	if i.sites == nil {
		return
	}
	i.own()
	i.near = slices.DeleteFunc(i.near, func(a *nearArea) bool {
		_, err := mem.ReadAt(make([]byte, 1), int64(a.addr))
		return err != nil
	})
	for _, s := range i.sites {
		if s.window == nil {
			continue
		}
		t.mendHalfWritten(mem, s)
		if s.record == nil {
			continue
		}
		if s.jumps(mem) {
			s.state = siteRewritten
		} else if s.state == siteRewritten {
			t.loop.direct.dropRecord(s)
			*s = site{hits: s.hits, nr: s.nr}
		}
	}
}

// mendHalfWritten gives the program its own instruction back where the memory was copied
// between two of the stores that write a jump over it, or take that away: nobody is going to make
// the last of them here.
func (t *Thread) mendHalfWritten(mem *ptrace.MemoryFile, s *site) {
	var there [execso.JumpLen]byte
	if _, err := mem.ReadAt(there[:], int64(s.window.Addr)); err == nil && execso.HalfWritten(there[:]) {
		_, _ = mem.WriteAt(s.window.Original()[:execso.JumpLen], int64(s.window.Addr))
	}
}

// sharesMemory reports whether a new process has its creator's address space (kcmp(2)).
// The event does not tell: a clone with CLONE_VM that ends with SIGCHLD is a fork to
// ptrace (kernel/fork.c, kernel_clone). Where the kernel does not compare, it is all
// there is.
func sharesMemory(pid1, pid2 int, kind ptrace.Kind) bool {
	same, known := kcmp(pid1, pid2, kcmpVM)
	if !known {
		return kind != ptrace.ForkStop
	}
	return same
}
