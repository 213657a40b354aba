package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// What programs know of their descriptors, so that calls on virtual ones are answered in
// the program, and calls on others are made there (execso.Descriptors). The handlers of such
// calls (table.Resident) find out what a descriptor is, which is noted here. It is forgotten
// when the number may come to mean something else: for that, the calls that close
// and replace descriptors are served or stop, whether or not they have a handler.

// A fileTable is what is known of the descriptors of one struct files_struct.
type fileTable struct {
	users int // threads
	known *execso.Descriptors
}

// What the calls do that have to be seen.
type filesEffect uint8

const (
	noEffect  filesEffect = iota
	closesFD              // its first argument
	replaces              // its second
	closesAll             // a range, and may unshare
	unshares
	goesRound // makes what closes descriptors unseen
)

var filesEffects = map[string]filesEffect{
	"close": closesFD, "dup2": replaces, "dup3": replaces, "close_range": closesAll,
	"unshare": unshares, "io_uring_setup": goesRound,
}

var filesEffectsOf = byNumber(filesEffects)

func filesEffectOf(abi table.ABI, nr int) filesEffect { return filesEffectsOf.of(abi, nr) }

// filesCalls are the calls that have to be seen where descriptors are known.
func filesCalls() *table.Set {
	set := &table.Set{}
	for name := range filesEffects {
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, name); ok {
				set.Add(abi, nr)
			}
		}
	}
	for nr := range execso.Numbers {
		if pollOf(nr) != noPoll {
			set.Add(ptrace.NativeABI, nr)
		}
	}
	return set
}

// knowsFiles reports whether anything is to be known of descriptors.
func (l *loop) knowsFiles() bool { return l.direct != nil && l.direct.files }

// wantsFiles reports whether any call could make use of what is known.
func (l *loop) wantsFiles() bool {
	for nr := range l.table.Routed().Numbers(ptrace.NativeABI) {
		if l.resides(nr, l.handlerOf(nr)) {
			return true
		}
	}
	return false
}

// resides reports whether exec.so may serve the calls of a number by their descriptor. The
// state that is kept (Cmd.Track) has to be told of those that change it.
func (l *loop) resides(nr int, h table.Handler) bool {
	r, ok := h.(table.Resident)
	return ok && !l.tracks(ptrace.NativeABI, nr) && r.Descriptor() == 0 && r.Others() == table.Native && execso.Servable(nr, execso.ByFile)
}

// filesBy returns what exec.so does about the calls of a number whose handler is h, where s
// is what it would do otherwise.
func (l *loop) filesBy(nr int, h table.Handler, s execso.Service) execso.Service {
	if !l.knowsFiles() {
		return s
	}
	switch effect := filesEffectOf(ptrace.NativeABI, nr); {
	case effect == noEffect:
	case h == nil && execso.Servable(nr, execso.Leave):
		return execso.Leave
	case makesCalls(s) || s == execso.Pass:
		return execso.Trap
	}
	switch {
	case h == nil && pollOf(nr) != noPoll:
		return execso.Poll
	case l.resides(nr, h):
		return execso.ByFile
	}
	return s
}

// hookedForFiles reports whether a call without a handler has to be handled.
func (t *Thread) hookedForFiles(abi table.ABI, info *ptrace.SyscallInfo) bool {
	if !t.loop.knowsFiles() {
		return false
	}
	switch effect := filesEffectOf(abi, info.Nr()); effect {
	case noEffect:
		return t.maySpare(abi, info)
	case closesFD, replaces:
		if f := t.files; f != nil && f.users == 1 && !t.maySpare(abi, info) {
			// Nobody else learns anything meanwhile.
			fd := int(int32(info.Args()[effect-closesFD]))
			f.known.Leave(fd)
			f.known.Left(fd)
			return false
		}
	}
	return true
}

// maySpare reports whether a call that need not be handled, and that exec.so lets pass if
// it can, is to be handled all the same, to have the next one from the same place
// rewritten (shorten), as it is time for that.
func (t *Thread) maySpare(abi table.ABI, info *ptrace.SyscallInfo) bool {
	d, i, nr := t.loop.direct, t.proc.image, info.Nr()
	if d == nil || abi != ptrace.NativeABI || nr < 0 || nr >= execso.Numbers || i.off {
		return false
	}
	service := d.service[nr]
	if service != execso.ByFile && service != execso.Poll && service != execso.Leave {
		return false
	}
	call := info.IP - ptrace.SyscallInsnLen
	if i.sites[call] == nil && len(i.sites) >= maxKnown {
		return false
	}
	s := i.site(call)
	i.traps++
	switch s.state {
	case siteTraps:
		s.hits++
		s.nr = nr
		return s.hits >= rewriteAfter && (i.mapped || i.traps >= mapAfter)
	case siteRewritten:
		// It asks about each descriptor once. But now and then it is to be seen whether
		// it still is.
		const seldom = 16
		return service == execso.Poll || i.traps%seldom == 0
	}
	return false
}

// A departure is what a call is about to do to descriptors.
type departure struct {
	from        *fileTable
	first, last int
	effect      filesEffect
}

// leaves is called before the kernel makes a call.
func (t *Thread) leaves(nr int, args [6]uint64) (d departure) {
	if t.files == nil {
		return d
	}
	d.effect = filesEffectOf(t.call.ABI(), nr)
	switch d.effect {
	case noEffect:
		return d
	case closesFD:
		d.first = int(int32(args[0]))
		d.last = d.first
	case replaces:
		d.first = int(int32(args[1]))
		d.last = d.first
	case closesAll:
		d.first, d.last = int(uint32(args[0])), int(min(uint32(args[1]), execso.MaxDescriptors))
	default:
		return d
	}
	d.from = t.files
	for fd := d.first; fd <= d.last; fd++ {
		d.from.known.Leave(fd)
	}
	return d
}

// hasLeft is called when it has been made.
func (t *Thread) hasLeft(d departure, args [6]uint64, result table.Result) {
	if d.effect == noEffect {
		return
	}
	if d.from != nil {
		for fd := d.first; fd <= d.last; fd++ {
			d.from.known.Left(fd)
		}
	}
	if result.Failed() || t.gone {
		return
	}
	switch {
	case d.effect == unshares && args[0]&unix.CLONE_FILES != 0,
		d.effect == closesAll && args[2]&unix.CLOSE_RANGE_UNSHARE != 0:
		t.newFiles()
	case d.effect == goesRound:
		t.loop.direct.forgetFiles()
	}
}

// newFiles gives the thread a table of its own, of which nothing is known.
func (t *Thread) newFiles() {
	t.dropFiles()
	if d := t.loop.direct; d != nil && d.files && !d.blind {
		t.files = &fileTable{users: 1, known: d.region.NewDescriptors()}
	}
	t.useFiles()
}

// useFiles says in the thread's area what it has.
func (t *Thread) useFiles() {
	if t.slot == nil {
		return
	}
	if t.files == nil {
		t.slot.Use(nil)
	} else {
		t.slot.Use(t.files.known)
	}
}

// shareFiles gives the thread what another has.
func (t *Thread) shareFiles(with *Thread) {
	t.dropFiles()
	if t.files = with.files; t.files != nil {
		t.files.users++
	}
}

// dropFiles ends the thread's use of its table.
func (t *Thread) dropFiles() {
	f := t.files
	if f == nil {
		return
	}
	t.files = nil
	if f.users--; f.users == 0 && f.known != nil {
		f.known.Free()
	}
}

// findFiles finds out whose table a new thread shares; by is who has created it, nil
// if that is not known.
func (t *Thread) findFiles(by *Thread) {
	if !t.loop.knowsFiles() {
		return
	}
	if by != nil {
		switch same, known := kcmp(t.tid, by.tid, kcmpFiles); {
		case same:
			t.shareFiles(by)
			return
		case known:
			t.newFiles()
			if f := by.files; f != nil && t.files != nil && f.users == 1 {
				// Its creator has done nothing since, and nobody else could.
				t.files.known.Copy(f.known)
			}
			return
		}
	}
	unsure := false
	for _, other := range t.loop.threads {
		if other != t && other.files != nil {
			same, known := kcmp(t.tid, other.tid, kcmpFiles)
			if same {
				t.shareFiles(other)
				return
			}
			unsure = unsure || !known && procfs.Alive(other.tid) && procfs.Alive(t.tid)
		}
	}
	if unsure {
		// What one of them closes, the other's table would go on telling of.
		t.loop.direct.forgetFiles()
	}
	t.newFiles()
}

// forgetFiles ends it all: from now on descriptors may be closed by what no filter sees, or by
// somebody of whom nobody knows that he shares them.
func (d *direct) forgetFiles() {
	d.blind = true
	for _, t := range d.loop.threads {
		if t.files != nil {
			t.files.known = nil // and is not free for others, as nobody gets any
			t.files = nil
		}
		t.useFiles()
	}
}

// Residence returns the thread itself, if anything is to be known of its descriptors.
func (t *Thread) Residence() table.Residence {
	if !t.loop.knowsFiles() || t.loop.direct.blind || t.gone {
		return nil
	}
	return t
}

var _ table.Residence = (*Thread)(nil)

// Keep makes a file known in the programs: see table.Residence.
func (t *Thread) Keep(k table.KeptFile) table.Kept {
	if f := t.loop.direct.region.NewFile(k); f != nil {
		return f
	}
	return nil
}

// Learn notes what one of the thread's descriptors is: see table.Residence.
func (t *Thread) Learn(fd int, ask func() (table.Kept, bool)) {
	var glance execso.Glance
	ok := false
	if t.files != nil {
		glance, ok = t.files.known.Look(fd)
	}
	k, open := ask()
	if !ok || t.gone {
		return
	}
	if nr := t.call.Nr(); k == nil && (t.call.ABI() != ptrace.NativeABI || nr < 0 || nr >= execso.Numbers || t.loop.direct.service[nr] != execso.ByFile) {
		return // others may be about to say more of it
	}
	t.note(glance, k, open)
}

// note notes what one of the thread's descriptors is, and reports whether that can be.
func (t *Thread) note(glance execso.Glance, k table.Kept, open bool) (noted bool) {
	d := t.loop.direct
	if !open || d.blind {
		return false
	}
	f, ok := k.(*execso.File)
	if k != nil && (!ok || !d.region.Has(f)) {
		return false // of another tree
	}
	if f != nil && t.proc.image.mapped {
		f.Load()
	}
	glance.Note(f)
	return true
}

const (
	kcmpVM    = 1
	kcmpFiles = 2
)

// kcmp reports whether two threads have the same of a kind; not known: nobody can tell, as
// one is gone or the kernel does not compare (kcmp(2)).
func kcmp(tid1, tid2, kind int) (same, known bool) {
	r, _, e := unix.RawSyscall6(unix.SYS_KCMP, uintptr(tid1), uintptr(tid2), uintptr(kind), 0, 0, 0)
	return r == 0 && e == 0, e == 0
}
