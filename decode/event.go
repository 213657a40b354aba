package decode

import (
	"github.com/k42trace/k42trace/table"
)

// Options says how much is decoded. The zero value is what strace does without
// flags.
type Options struct {
	// StringLimit is the most bytes of a string or buffer, and the most
	// elements of an array, that are read; 0 means 32. Paths have no limit.
	StringLimit int
	// Verbose decodes structs, arrays and environments whole (strace -v).
	Verbose bool
	// FDPath, if set, tells what a descriptor of t's process refers to
	// (strace -y). fd may be any number, and unix.AT_FDCWD.
	FDPath func(t table.Thread, fd int) (path string, ok bool)
}

// DefaultStringLimit is Options.StringLimit where it is 0.
const DefaultStringLimit = 32

// maxStringLimit bounds what a user can ask for.
const maxStringLimit = 1 << 20

// maxElements bounds the elements of an array that are shown in verbose mode.
const maxElements = 1 << 14

// arrayLimit returns the most elements of an array that are shown.
func (o *Options) arrayLimit() int {
	if o.Verbose {
		return maxElements
	}
	return o.StringLimit
}

// A Decoder decodes calls into Events. It may be used from several goroutines.
type Decoder struct {
	opts Options
}

// New returns a decoder.
func New(opts Options) *Decoder {
	if opts.StringLimit <= 0 {
		opts.StringLimit = DefaultStringLimit
	}
	opts.StringLimit = min(opts.StringLimit, maxStringLimit)
	return &Decoder{opts: opts}
}

// NewEvent returns an event to decode calls with. One per thread of the child
// is enough: it is used again and again, and allocates nothing after a while.
func (d *Decoder) NewEvent() *Event {
	e := &Event{opts: &d.opts}
	e.clear()
	return e
}

// An Event is one system call, decoded: first what is known before it runs,
// then the rest. It must not be used from two goroutines at once.
type Event struct {
	opts *Options

	thread table.Thread
	mem    table.Memory
	abi    table.ABI
	nr     int
	sig    *table.Signature
	plan   *plan
	name   string
	args   [6]uint64
	sp     uint64
	res    table.Result
	done   bool
	shown  int // of Args, how many Entry could decode, from the first on
	// partial: of the next one, a Change, Entry has the first child.
	partial bool
	// lateComma: the comma behind what Entry shows comes with what Exit does.
	lateComma bool

	old    uint64 // what the length behind a pointer was before the call
	hadOld bool
	left   int64 // how much of iovecs' buffers is still to be shown

	values []Value
	parent int32 // receives what emit emits
	slot   int32 // or, if not 0, this value is what emit sets

	buf     []byte // the current chunk of the bytes that values point to
	used    int
	readers []reader
	ranges  []table.Range
	fetched int // how many of ranges have been read
}

// The first values of an event have fixed places.
const (
	rootSlot   = 0 // parent of the arguments shown
	argSlot    = 1 // arguments 0 to 5
	resultSlot = 7
	noteSlot   = 8 // parent of what explains the result
	trashSlot  = 9 // takes what an event has no room for
	numSlots   = 10
)

// Name returns the name of the call.
func (e *Event) Name() string { return e.name }

// ABI returns the ABI of the call.
func (e *Event) ABI() table.ABI { return e.abi }

// Outcome returns what Exit was given. ok is false before.
func (e *Event) Outcome() (res table.Result, ok bool) { return e.res, e.done }

// Notes yields the values that explain the result: what poll found, the flags
// that fcntl(F_GETFL) returned.
func (e *Event) Notes() func(yield func(*Value) bool) { return e.Children(&e.values[noteSlot]) }

// Entry decodes what is known of a call before it runs: all arguments but those
// that the kernel fills. It must be called before c.Native, which may change or,
// in execve, destroy the memory.
func (e *Event) Entry(c *table.Call) {
	e.reset(c)
	defer e.release()
	if e.sig == nil {
		for i := range 6 {
			e.slot = argSlot + int32(i)
			e.emit(Value{Kind: Hex, Bits: 64, Num: e.args[i]})
		}
		e.show(0, 1, 2, 3, 4, 5)
		e.shown = 6
		return
	}
	if e.abi == table.I386 {
		e.follow()
	}
	p := e.plan
	for i := range p.args {
		if a := &p.args[i]; !a.exit || a.Dir == table.InOut {
			e.prefetch(i)
		}
	}
	e.fetch()
	for i := range p.args {
		if a := &p.args[i]; !a.exit {
			e.decodeArg(i, true)
		} else if a.Dir == table.InOut {
			e.keepOld(i)
		}
	}
	e.show(p.show...)
	e.shown = p.split
	if p.special.entry != nil {
		p.special.entry(e)
	}
}

// Exit decodes the rest of the call that Entry was called for: what the kernel
// filled in, and the result res.
func (e *Event) Exit(c *table.Call, res table.Result) {
	if len(e.values) < numSlots {
		e.reset(c)
	}
	e.thread, e.mem = c.Thread(), c.Thread()
	defer e.release()
	e.res, e.done = res, true
	e.ranges, e.fetched = e.ranges[:0], 0
	e.slot, e.parent = 0, rootSlot
	if e.plan != nil && e.plan.hasExit {
		e.exitArgs(!res.Failed() && !res.Gone())
	}
	e.slot = resultSlot
	e.emitResult()
	if e.plan != nil && e.plan.special.exit != nil {
		e.plan.special.exit(e)
	}
}

func (e *Event) clear() {
	if cap(e.values) > keepValues {
		e.values = nil
	}
	if e.values == nil {
		e.values = make([]Value, numSlots, 64)
	}
	e.values = e.values[:numSlots]
	clear(e.values)
	if cap(e.buf) > keepBuffer {
		e.buf = nil
	}
	e.buf, e.used = e.buf[:0], 0
	e.readers = e.readers[:0]
	e.ranges, e.fetched = e.ranges[:0], 0
	e.parent, e.slot, e.shown, e.done = rootSlot, 0, 0, false
	e.partial, e.lateComma = false, false
	e.old, e.hadOld = 0, false
	e.left = allData
	e.name, e.sig, e.plan = "", nil, nil
}

func (e *Event) reset(c *table.Call) {
	e.clear()
	e.thread, e.mem = c.Thread(), c.Thread()
	e.abi, e.nr, e.sig, e.sp = c.ABI(), c.Nr(), c.Signature(), c.SP()
	for i := range e.args {
		e.args[i] = c.RawArg(i)
	}
	if e.sig == nil {
		e.name = c.Name()
		return
	}
	e.name = e.sig.Name
	e.plan = planOf(e.abi, e.nr, e.sig)
	for i := range e.plan.args {
		e.args[i] = c.Arg(i)
	}
}

// release forgets the thread, which the event may outlive.
func (e *Event) release() { e.thread, e.mem = nil, nil }

// emit makes v the next value: of the slot that waits for one, or the next
// child of the value that is open. It returns its index.
func (e *Event) emit(v Value) int32 {
	if i := e.slot; i != 0 {
		e.slot = 0
		v.next = e.values[i].next
		e.values[i] = v
		return i
	}
	i := int32(len(e.values))
	if i >= maxValues {
		e.values[e.parent].Cut = true
		return trashSlot
	}
	e.values = append(e.values, v)
	p := &e.values[e.parent]
	if p.first == 0 {
		p.first = i
	} else {
		e.values[p.last].next = i
	}
	p.last = i
	return i
}

// open emits v and makes it the parent of what follows, until close is called
// with what open returned.
func (e *Event) open(v Value) (outer int32) {
	i := e.emit(v)
	outer, e.parent = e.parent, i
	return outer
}

func (e *Event) close(outer int32) { e.parent = outer }

// full reports that the event can hold no more values.
func (e *Event) full() bool { return len(e.values) >= maxValues }

// exitArgs decodes the arguments that the kernel fills, if the call was good.
func (e *Event) exitArgs(good bool) {
	p := e.plan
	if good {
		for i := range p.args {
			if p.args[i].exit {
				e.prefetch(i)
			}
		}
		e.fetch()
	}
	for i := range p.args {
		switch a := &p.args[i]; {
		case !a.exit:
		case a.Dir == table.InOut:
			e.decodeChange(i, good)
		default:
			e.decodeArg(i, good)
		}
	}
}

// show makes arguments the next ones that are shown.
func (e *Event) show(args ...int) {
	for _, a := range args {
		i := argSlot + int32(a)
		root := &e.values[rootSlot]
		if root.first == 0 {
			root.first = i
		} else {
			e.values[root.last].next = i
		}
		root.last = i
		e.values[i].next = 0
	}
}

// showOnly replaces the arguments shown.
func (e *Event) showOnly(args ...int) {
	e.values[rootSlot].first = 0
	e.show(args...)
}

// arg returns the value of argument i.
func (e *Event) arg(i int) *Value { return &e.values[argSlot+i] }

// set gives argument i a value without children.
func (e *Event) set(i int, v Value) {
	e.slot = argSlot + int32(i)
	e.emit(v)
}
