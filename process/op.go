package process

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// An Op is a call under way that may change the state. What it will change is looked up
// when it begins, since other threads go on meanwhile: a close takes effect long before
// it returns, and by then its number may stand for something else.
type Op struct {
	effect *effect
	abi    table.ABI
	args   [6]uint64
	mem    table.Memory
	// doubtful: the arguments are not certainly those that the kernel has seen.
	doubtful bool

	fds       *FDs
	closes    bool   // it closes what is not certain
	closings  uint64 // as they were when it began
	contested bool   // another call closes the same at the same time
	finds     uint64 // Tree.finds when it began
	opened    Opened // what it has made, if that is known

	setting     *File  // whose flags it sets
	sets        uint64 // as they were when it began
	slot        *slot  // that of the descriptor that the call is about
	others      []numbered
	disposition *table.Disposition
	signals     *Signals // that it changes
}

// A numbered is a slot with its number.
type numbered struct {
	fd   int
	slot *slot
}

// An effect is how calls of one name change the state.
type effect struct {
	begin func(t *Thread, op *Op)
	end   func(t *Thread, op *Op, res table.Result)
	// always: also what a failed call does is looked at.
	always bool
	// arrives: what the call makes has to be looked at before it can go again, so the
	// thread has to stop for it.
	arrives bool
	// named: the same, if what it makes is wanted by its name at once.
	named bool
	// addresses: the same, if those of sockets are wanted.
	addresses bool
	// names: the same, unless End is told the name (Op.Opened), or is told later of changes
	// of names by paths that are entries of a directory.
	names bool
	// looks: see Looks.
	looks bool
	// replaces: the call changes what its own arguments stand for.
	replaces bool
}

// maxNumber bounds the numbers of calls.
const maxNumber = 1024

// byNumber has the effects of an ABI's numbers, without X32Bit.
var byNumber = func() (all [table.NumABI][maxNumber]*effect) {
	for name, e := range effects {
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, name); ok {
				all[abi][nr&^table.X32Bit] = e
			}
		}
	}
	return all
}()

func effectOf(abi table.ABI, nr int) *effect {
	if abi == table.X32 && nr >= 0 {
		nr &^= table.X32Bit
	}
	if uint(nr) >= maxNumber {
		return nil
	}
	return byNumber[abi][nr]
}

// Matters reports whether the calls of a number may change the state: a tracked Tree must
// be told of them with Begin and End.
func Matters(abi table.ABI, nr int) bool { return effectOf(abi, nr) != nil }

// Arrives reports whether the thread has to stand still at the End of such a call: what
// it brings is looked at in /proc.
func (tr *Tree) Arrives(abi table.ABI, nr int) bool {
	e := effectOf(abi, nr)
	return e != nil && (e.arrives || e.named && tr.eager || e.addresses && tr.eager && tr.details)
}

// Names reports whether such a call makes a descriptor, or changes names, where names are
// wanted at once.
func (tr *Tree) Names(abi table.ABI, nr int) bool {
	e := effectOf(abi, nr)
	return e != nil && e.names && tr.eager
}

// Looks reports whether such a call may change what names look like to its callers: their
// root directory, or their mounts.
func Looks(abi table.ABI, nr int) bool {
	e := effectOf(abi, nr)
	return e != nil && e.looks
}

// Calls returns all calls for which Matters is true.
func Calls() *table.Set {
	set := &table.Set{}
	for abi := range table.NumABI {
		for nr, e := range byNumber[abi] {
			if e != nil {
				set.Add(abi, nr)
			}
		}
	}
	return set
}

// Replaces reports whether a call that is under way changes what its arguments stand for:
// who wants to know what they were has to look before End.
func (op *Op) Replaces() bool { return op.effect != nil && op.effect.replaces }

// Opened is what a descriptor stands for that a call has made.
type Opened struct {
	Name           string // what /proc has called it
	Known          bool   // the rest is there
	Dev, Ino, Rdev uint64 // as stat(2) tells them
	Mode           uint32
}

// Opened tells what the call has made, as the kernel has said when it had.
func (op *Op) Opened(o Opened) { op.opened = o }

// Begin tells that the thread makes a call, with its whole registers; mem is good for
// reading what they point to until End. op is for the caller to keep.
func (t *Thread) Begin(op *Op, abi table.ABI, nr int, args [6]uint64, mem table.Memory) {
	e := effectOf(abi, nr)
	*op = Op{effect: e}
	if e == nil || !t.tree.tracked {
		op.effect = nil
		return
	}
	op.abi, op.args, op.mem, op.fds = abi, args, mem, t.fds
	if abi == table.I386 {
		for i := range op.args {
			op.args[i] = uint64(uint32(args[i]))
		}
	}
	op.closings, op.finds = t.fds.closings, t.tree.finds
	t.together()
	if e.begin != nil {
		e.begin(t, op)
	}
}

// closing tells that the call may close what is not known, or what others are about to
// make.
func (op *Op) closing() {
	if op.closes {
		return
	}
	op.closes = true
	op.fds.closing++
	op.fds.closings++
	op.closings = op.fds.closings
}

// begunSetting tells that the call may set the flags of the file that it is about.
func (op *Op) begunSetting() {
	if op.slot != nil {
		f := op.slot.file
		f.setting++
		f.sets++
		op.setting, op.sets = f, f.sets
	}
}

// closesSlot tells that the call closes s.
func (op *Op) closesSlot(s *slot) {
	if s == nil {
		return
	}
	if s.closing {
		op.contested = true
		op.closing()
	}
	s.closing = true
}

// doubt reports whether, while the call was under way, other threads have made calls that
// may have undone what it did, or have met what it made: nobody can tell in which order
// the kernel did it all.
func (op *Op) doubt() bool {
	f := op.fds
	return f.closing > 0 || f.closings != op.closings || op.contested || f.tree.finds != op.finds
}

// End tells how the call has ended; mem is good for reading its memory now. A result that
// is Gone means that the thread has ended in it.
func (t *Thread) End(op *Op, res table.Result, mem table.Memory) {
	e := op.effect
	if e == nil {
		return
	}
	if op.closes {
		op.fds.closing-- // not its own doubt
	}
	if e.end != nil && (!res.Failed() || e.always) {
		op.mem = mem
		e.end(t, op, res)
	}
	if op.closes {
		op.fds.closings++
	}
	if op.slot != nil {
		op.slot.closing = false
	}
	for _, o := range op.others {
		o.slot.closing = false
	}
	if f := op.setting; f != nil {
		f.setting--
		// Others have set them meanwhile: nobody can tell who was the last.
		f.asks = f.asks || f.setting > 0 || f.sets != op.sets
		f.sets++
	}
	if res.Gone() {
		t.lost(op)
	}
	*op = Op{}
}

// together notes that whoever has left what the thread alone has now, has done so before the
// call at hand.
func (t *Thread) together() {
	if t.tree.past {
		return
	}
	t.fds.parted = t.fds.parted && len(t.fds.users) > 1
	t.fs.parted = t.fs.parted && len(t.fs.users) > 1
}

// lost tells that the thread has ended in a call: the kernel may have done what others see
// that share it with the thread, or not.
func (t *Thread) lost(op *Op) {
	t.fs.umaskKnown = false
	t.fs.forget()
	if op.signals != nil {
		op.signals.contested = true
	}
	op.fds.listed = false
	if op.slot != nil {
		op.slot.doubtful = true
	}
	for _, o := range op.others {
		o.slot.doubtful = true
	}
}

// fd returns an argument as a descriptor.
func (op *Op) fd(i int) int { return int(int32(op.args[i])) }

// word reads a 32-bit number from memory.
func (op *Op) word(addr uint64) (uint32, bool) {
	var b [4]byte
	n, _ := op.mem.ReadMemory(addr, b[:])
	return binary.NativeEndian.Uint32(b[:]), n == len(b)
}

// long reads a number of the width of the ABI's long.
func (op *Op) long(addr uint64) (uint64, bool) {
	if op.abi.PointerBits() == 32 {
		v, ok := op.word(addr)
		return uint64(v), ok
	}
	var b [8]byte
	n, _ := op.mem.ReadMemory(addr, b[:])
	return binary.NativeEndian.Uint64(b[:]), n == len(b)
}

// closed reports whether a close that ended so has closed: an error may come from what
// is done afterwards (close(2)).
func closed(res table.Result) bool { return res.Errno() != unix.EBADF }
