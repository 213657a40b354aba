package unwind

import (
	"strings"

	"github.com/k42trace/k42trace/table"
)

// A Frame is a place in the code: where the thread is, or where a call returns to.
type Frame struct {
	IP     uint64
	Path   string // what is mapped there: a file, "[vdso]", "[anon]"
	Offset uint64 // of IP in the file
	// Function is the name of the function that begins last before, "" if none is
	// known; At is the distance from its beginning.
	Function string
	At       uint64
	// File and Line are the place in the source, "" and 0 if it is not known, or was not
	// asked for.
	File string
	Line int
}

// MaxFrames is how many frames a Stack has at most if nothing else is said.
const MaxFrames = 256

// An Unwinder unwinds stacks, and keeps what it has read of files and processes. It
// must not be used from two goroutines.
type Unwinder struct {
	// Limit is how many frames a Stack has at most; 0 means MaxFrames.
	Limit int
	// Sources has Frames with places in the source, where there is debugging information.
	Sources bool

	modules map[fileID]*module // nil: cannot be read
	spaces  map[int]*space
	vdso    map[int]*module // by the size of an address
}

type fileID struct {
	device string
	inode  uint64
	path   string
}

// What is kept.
const (
	maxModules = 1024
	maxSpaces  = 256
)

// New returns an Unwinder.
func New() *Unwinder {
	return &Unwinder{modules: map[fileID]*module{}, spaces: map[int]*space{}, vdso: map[int]*module{}}
}

// Forget drops what is known of a process, which has executed another program or ended.
func (u *Unwinder) Forget(pid int) { delete(u.spaces, pid) }

// Stack returns the frames of a thread that stands still, the innermost first, and whether
// there are more than the limit. There are none if its registers are not known.
func (u *Unwinder) Stack(t table.Thread) (frames []Frame, more bool) {
	r, ok := t.(table.RegisterReader)
	if !ok {
		return nil, false
	}
	var regs table.Registers
	if r.Registers(&regs) != nil {
		return nil, false
	}
	m := machineOf(regs.ABI)
	if m == nil {
		return nil, false
	}
	s := u.spaces[t.Process().PID()]
	if s == nil {
		if len(u.spaces) >= maxSpaces {
			clear(u.spaces)
		}
		s = &space{pid: t.Process().PID()}
		u.spaces[s.pid] = s
	}
	s.refresh()
	w := &walk{unwinder: u, machine: m, space: s, mem: stackMemory{thread: t, pages: map[uint64][]byte{}}}
	w.regs = registers{value: regs.Reg, known: regs.Known, pc: regs.IP}
	more = w.run()
	return w.frames, more
}

// A walk is the unwinding of one stack.
type walk struct {
	*machine
	unwinder *Unwinder
	space    *space
	mem      stackMemory
	regs     registers
	frames   []Frame
}

// run walks to the outermost frame, or the limit: then there are more.
func (w *walk) run() (more bool) {
	limit := w.unwinder.Limit
	if limit <= 0 {
		limit = MaxFrames
	}
	// In the innermost frame, and in one that a signal has interrupted, pc is where
	// the thread goes on; in others it is behind a call, which may be its function's last
	// instruction.
	exact := true
	for len(w.frames) < limit {
		at := w.regs.pc
		if !exact {
			at--
		}
		where := w.space.find(at)
		if where == nil {
			return false
		}
		mod := w.moduleOf(where)
		var addr uint64
		known := false
		if mod != nil {
			addr, known = mod.address(at - where.start + where.offset)
		}
		w.add(where, mod, addr, known, at)
		sp, pc := w.sp(), w.regs.pc
		var f *function
		if known {
			if f = mod.frames.find(addr); f == nil && exact && addr > 0 {
				// A system call may be a function's last instruction too.
				addr--
				f = mod.frames.find(addr)
			}
		}
		switch {
		case f == nil:
			if !w.byFramePointer(len(w.frames) == 1) {
				return false
			}
			exact = false
		case !w.byRules(f, addr):
			return false
		default:
			exact = f.common.signal
		}
		if w.sp() == sp && w.regs.pc == pc {
			return false
		}
	}
	return true
}

func (w *walk) sp() uint64 { return w.regs.value[w.machine.sp] }

// moduleOf returns what is known of a mapping's file.
func (w *walk) moduleOf(m *mapping) *module {
	if m.opened {
		return m.module
	}
	m.opened = true
	u := w.unwinder
	switch {
	case m.path == "[vdso]":
		if u.vdso[w.word] == nil {
			u.vdso[w.word], _ = readVDSO(&w.mem, m)
		}
		m.module = u.vdso[w.word]
	case m.inode != 0 && strings.HasPrefix(m.path, "/"):
		id := fileID{m.device, m.inode, m.path}
		mod, ok := u.modules[id]
		if !ok {
			if len(u.modules) >= maxModules {
				clear(u.modules)
			}
			mod, _ = openModule(w.space.pid, m)
			u.modules[id] = mod
		}
		m.module = mod
	}
	return m.module
}

// add adds the frame of the present registers.
func (w *walk) add(where *mapping, mod *module, addr uint64, known bool, at uint64) {
	pc := w.regs.pc
	f := Frame{IP: pc, Path: where.path, Offset: pc - where.start + where.offset}
	if f.Path == "" {
		f.Path, f.Offset = "[anon]", pc
	}
	if known {
		if name, start := mod.symbols.find(addr); name != "" {
			f.Function, f.At = name, addr-start+(pc-at)
		}
		if w.unwinder.Sources {
			f.File, f.Line = w.sourceOf(where, mod, addr)
		}
	}
	w.frames = append(w.frames, f)
}

// byRules goes on to the caller as the unwinding information says.
func (w *walk) byRules(f *function, addr uint64) bool {
	at, err := f.rowAt(addr)
	if err != nil {
		return false
	}
	old := w.regs
	var cfa uint64
	if at.cfa.kind == ruleValExpr {
		if cfa, err = evaluate(at.cfa.expr, &old, &w.mem, w.word); err != nil {
			return false
		}
	} else {
		v, ok := old.get(at.cfa.reg)
		if at.cfa.kind != ruleCFA || !ok {
			return false
		}
		cfa = w.cut(v + uint64(at.cfa.off))
	}
	w.regs.set(w.machine.sp, cfa)
	for n, r := range at.regs {
		v, ok := w.apply(r, n, &old, cfa)
		if !ok {
			if n < uint64(len(w.regs.value)) {
				w.regs.known &^= 1 << n
			}
			continue
		}
		w.regs.set(n, v)
	}
	ra, ok := w.regs.get(f.common.ra)
	if _, ruled := at.regs[f.common.ra]; !ok || !ruled && w.machine.sp != 31 {
		// Nothing but arm64 leaves it in a register.
		return false
	}
	return w.goTo(ra)
}

// apply returns the caller's value of register n.
func (w *walk) apply(r rule, n uint64, old *registers, cfa uint64) (uint64, bool) {
	switch r.kind {
	case ruleSame:
		return old.get(n)
	case ruleOffset:
		return w.mem.word(w.cut(cfa+uint64(r.off)), w.word)
	case ruleValOffset:
		return w.cut(cfa + uint64(r.off)), true
	case ruleRegister:
		return old.get(r.reg)
	case ruleExpr, ruleValExpr:
		v, err := evaluate(r.expr, old, &w.mem, w.word, cfa)
		if err != nil {
			return 0, false
		}
		if r.kind == ruleExpr {
			return w.mem.word(v, w.word)
		}
		return v, true
	}
	return 0, false
}

// cut makes an address of a sum.
func (w *walk) cut(v uint64) uint64 {
	if w.word == 4 {
		return uint64(uint32(v))
	}
	return v
}

// goTo makes ra the place where the caller is, if it can be one.
func (w *walk) goTo(ra uint64) bool {
	if w.machine.sp == 31 {
		ra &= 1<<48 - 1 // arm64 signs it in the bits above
	}
	if ra == 0 || w.space.find(ra) == nil && w.space.find(ra-1) == nil {
		return false
	}
	w.regs.pc = ra
	return true
}

// maxFrameSize bounds the frame of a function without unwinding information.
const maxFrameSize = 16 << 20

// byFramePointer goes on to the caller where nothing is said of a function: made code,
// Go's. Most of that keeps frame pointers; the innermost function may have no frame at
// all.
func (w *walk) byFramePointer(innermost bool) bool {
	size := uint64(w.word)
	sp := w.sp()
	fp, ok := w.regs.get(w.fp)
	if ok && fp >= sp && fp-sp < maxFrameSize && fp%size == 0 {
		caller, ok1 := w.mem.word(fp, w.word)
		ra, ok2 := w.mem.word(fp+size, w.word)
		if ok1 && ok2 && w.goTo(ra) {
			w.regs.set(w.fp, caller)
			w.regs.set(w.machine.sp, fp+2*size)
			return true
		}
	}
	if !innermost {
		return false
	}
	if ra, ok := w.mem.word(sp, w.word); ok && w.goTo(ra) {
		w.regs.set(w.machine.sp, sp+size)
		return true
	}
	return false
}
