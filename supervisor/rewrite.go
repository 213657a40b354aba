package supervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"os"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// When rewriting begins to pay: measured with short programs (docs/PERFORMANCE.md).
const (
	mapAfter     = 48 // calls of a program that have trapped, before the region is mapped
	rewriteAfter = 2  // traps of a site, before it is rewritten

	maxKnown = 1 << 14 // sites of a process that are kept in mind
)

// shorten is called when a call that could have gone directly has been handled, and
// makes the next one from the same place do so, if that is right and pays.
func (t *Thread) shorten() {
	d, i, s := t.loop.direct, t.proc.image, &t.current
	if d == nil || i == nil || i.off || t.gone || t.loop.killing {
		return
	}
	if s.execed && (s.position == outside || s.position == returning) {
		t.beginLinked()
		return
	}
	switch s.position {
	case pending: // answered without the kernel
	case outside:
		if s.result.Restarting() || s.result.Errno() == unix.EINTR {
			// The mask with which it has waited, as epoll_pwait's, is in force until its signal
			// has been delivered, and would not be after a call of ours.
			return
		}
	default:
		return
	}
	if t.proc.ownFilter {
		return
	}
	if t.call.ABI() != ptrace.NativeABI || !d.serves(s.info.Nr()) || ptrace.IsVsyscall(s.info.IP) {
		return
	}
	i.traps++
	call := s.info.IP - ptrace.SyscallInsnLen
	if i.sites[call] == nil && len(i.sites) >= maxKnown {
		return // it makes code as it goes
	}
	site := i.site(call)
	site.hits++
	site.nr = s.info.Nr()
	if site.state == siteRefused || site.hits < rewriteAfter {
		return
	}
	if !i.mapped {
		if i.traps < mapAfter || !t.alone() {
			return
		}
		if !t.mapRegion() {
			return
		}
	}
	t.tryRewrite(call)
}

// tryRewrite rewrites a site, or notes that it cannot be.
func (t *Thread) tryRewrite(call uint64) {
	i := t.proc.image
	s := i.site(call)
	err := t.rewrite(call, s)
	if err == errNoRoom {
		// While the thread makes room, others are served: they may rewrite the
		// site, or fork, after which s may be the child's.
		err = t.makeRoom(call)
		if t.gone || i.off || t.proc.image != i {
			return
		}
		s = i.site(call)
		if err == nil && s.state != siteRefused {
			err = t.rewrite(call, s)
		}
	}
	switch {
	case err == nil, ptrace.Gone(err):
	case errors.Is(err, execso.ErrOtherNumber):
		s.hits = 0 // it was reached by a way around the window
	default:
		s.state = siteRefused
	}
}

// prepareThreads is called before a thread creates the first other one of its
// process: what is safe only in a process with one thread is done now.
func (t *Thread) prepareThreads() {
	d, i := t.loop.direct, t.proc.image
	if d == nil || !t.createsThread() || i == nil || i.off || i.mapped || t.proc.ownFilter || t.call.ABI() != ptrace.NativeABI || !t.alone() {
		return
	}
	if !t.mapRegion() {
		return
	}
	for call, s := range maps.Clone(i.sites) {
		if s.state == siteTraps {
			t.tryRewrite(call)
		}
	}
}

// createsThread reports whether the call at hand creates a thread of the same process.
func (t *Thread) createsThread() bool {
	switch hookOf(t.call.ABI(), t.call.Nr()) {
	case hookClone:
		return t.call.RawArg(0)&unix.CLONE_THREAD != 0
	case hookClone3:
		flags, ok := t.clone3Flags(t.call.RawArg(0))
		return ok && flags&unix.CLONE_THREAD != 0
	}
	return false
}

// alone reports whether no other thread runs in the thread's memory.
func (t *Thread) alone() bool { return t.proc.threads == 1 && t.proc.image.users == 1 }

// rewrite makes the program jump to exec.so before it comes to the system-call
// instruction at call, or makes sure that it still does.
func (t *Thread) rewrite(call uint64, s *site) error {
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return err
	}
	defer mem.Close()
	if s.state == siteRewritten {
		var there [execso.JumpLen]byte
		if _, err := mem.ReadAt(there[:], int64(s.window.Addr)); err != nil {
			return err
		}
		if bytes.Equal(there[:], s.window.Jump(s.tramp)) {
			return nil // the ring was full, or shut
		}
		if !bytes.Equal(there[:], s.window.Original()[:execso.JumpLen]) {
			// Other code has come to this place.
			t.loop.direct.dropRecord(s)
			*s = site{hits: s.hits, nr: s.nr}
		}
	}
	if s.window != nil && !t.has(mem, s.code) {
		t.loop.direct.dropRecord(s)
		*s = site{hits: s.hits, nr: s.nr}
	}
	if s.window == nil {
		if s.window, s.code, err = t.plan(mem, call, s.nr); err != nil {
			return err
		}
	}
	if !t.maySafely(s.window) {
		return nil // not now
	}
	if s.state != siteRewritten {
		if err := t.placeTrampoline(mem, s); err != nil {
			return err
		}
	}
	if err := t.overwrite(mem, s.window.Addr, s.window.Jump(s.tramp)); err != nil {
		t.loop.direct.dropRecord(s)
		s.state = siteTraps
		return err
	}
	s.state = siteRewritten
	return nil
}

// maySafely reports whether the window may be written now: other threads could be
// among its instructions, or read it by halves, and a signal's frame may tell that
// this one was. Such a frame is seen to when it is used, if rt_sigreturn traps.
func (t *Thread) maySafely(w *execso.Window) bool {
	if !t.alone() {
		return w.AnyTime()
	}
	return w.Single || !t.proc.image.signalled || t.loop.direct.seesReturns
}

// overwrite writes the bytes of an instruction over those of another, while other
// threads may run there.
func (t *Thread) overwrite(mem *ptrace.MemoryFile, addr uint64, code []byte) error {
	if !t.alone() {
		var there [16]byte
		first := addr &^ 7
		if n, err := mem.ReadAt(there[:], int64(first)); n < int(addr-first)+len(code) {
			return err
		}
		words := [2]uint64{binary.LittleEndian.Uint64(there[:]), binary.LittleEndian.Uint64(there[8:])}
		stores, ok := execso.Stores(addr, words, code)
		for i, s := range stores {
			err := ptrace.StoreWord(t.tid, s.Addr, s.Word)
			if err == nil {
				continue
			}
			if i == 0 {
				return err
			}
			ok = false // nobody must be left waiting there
			break
		}
		if ok {
			return nil
		}
		// What is given back may also have been written while there was one thread.
	}
	_, err := mem.WriteAt(code, int64(addr))
	return err
}

// fileOf opens the file of a mapping, nil if it is not to be found any more.
func (t *Thread) fileOf(m module) *os.File {
	// In the program's own view of the file system; whatever has come to that
	// place since must not block us.
	f, err := os.OpenFile(procfs.Path(t.tid, "root")+m.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Ino != m.inode {
		_ = f.Close()
		return nil
	}
	return f
}

var (
	errNoModule = errors.New("not in the code of a file")
	errNoRoom   = errors.New("no memory for a trampoline within reach")
)

// placeTrampoline writes the site's trampoline and its record.
func (t *Thread) placeTrampoline(mem io.WriterAt, s *site) error {
	area := t.proc.image.areaNear(s.window.Call())
	if area == nil {
		return errNoRoom
	}
	at := area.next()
	code, ok := t.loop.direct.newTrampoline(s, at)
	if !ok {
		return unix.ENOMEM
	}
	if _, err := mem.WriteAt(code, int64(at)); err != nil {
		t.loop.direct.dropRecord(s)
		return err
	}
	area.take(s, len(code))
	return nil
}

// newTrampoline makes the site's record, and the trampoline for address at.
func (d *direct) newTrampoline(s *site, at uint64) ([]byte, bool) {
	record, ok := d.region.NewSite(s.window.Call())
	if !ok {
		return nil, false
	}
	code, back, err := s.window.Trampoline(at, record)
	if err != nil {
		d.region.FreeSite(record)
		return nil, false
	}
	d.region.SetBack(record, back)
	s.tramp, s.record = at, &siteRecord{addr: record, users: 1}
	return code, true
}

// restoreRange gives a program its own instructions back in a part of its memory that
// it is about to change, and leaves them alone from then on.
func (t *Thread) restoreRange(addr, size uint64) {
	i := t.proc.image
	if !i.knows(addr, size) {
		return
	}
	mem, err := ptrace.OpenMemory(t.tid)
	if !t.loop.check(err, t) {
		return
	}
	defer mem.Close()
	i.own()
	for call, s := range i.sites {
		if !s.within(call, addr, size) {
			continue
		}
		if s.state == siteRewritten {
			t.undo(mem, s)
		}
		s.state = siteRefused
	}
}

// undo writes the original instructions over the jump, if that is still there.
func (t *Thread) undo(mem *ptrace.MemoryFile, s *site) {
	if s.jumps(mem) {
		_ = t.overwrite(mem, s.window.Addr, s.window.Original()[:execso.JumpLen])
	}
}

// jumps reports whether the jump is in the memory.
func (s *site) jumps(mem io.ReaderAt) bool {
	var there [execso.JumpLen]byte
	_, err := mem.ReadAt(there[:], int64(s.window.Addr))
	return err == nil && bytes.Equal(there[:], s.window.Jump(s.tramp))
}

// restore gives a program its own instructions back and lets all its calls trap.
func (t *Thread) restore() {
	i := t.proc.image
	if i == nil || i.off {
		return
	}
	i.off = true
	if !i.mapped {
		return
	}
	mem, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		t.loop.check(err, t)
		return
	}
	defer mem.Close()
	for _, s := range i.sites {
		if s.state != siteRewritten {
			continue
		}
		t.undo(mem, s)
		// The record stays: another thread may be on its way through it.
	}
}
