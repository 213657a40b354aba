package decode

import (
	"github.com/k42trace/k42trace/table"
)

// Options says how much is decoded. The zero value is what strace does without
// flags.
type Options struct {
	// StringLimit is the most bytes of a string or buffer, and the most
	// elements of an array, that are read; 0 means DefaultStringLimit, and
	// less than 0 none at all. Paths have no limit.
	StringLimit int
	// Verbose decodes structs, arrays and environments whole (strace -v).
	Verbose bool
	// Shallow follows no pointers to structs and arrays (strace -e verbose=none).
	Shallow bool
	// Raw shows all arguments as they are in the registers (strace -e raw=all).
	Raw bool
	// FDName, if set, tells what a descriptor of t's process refers to
	// (strace -y). fd may be any number, and unix.AT_FDCWD.
	FDName func(t table.Thread, fd int) (name FDName, ok bool)
	// OtherFD, if set, is FDName for a descriptor of the process that t's descriptor pidfd
	// stands for. It is asked of pidfd_getfd.
	OtherFD func(t table.Thread, pidfd, fd int) (name FDName, ok bool)
	// ProcessFD, if set, is FDName for a descriptor of the process that t knows as pid. It is
	// asked of kcmp.
	ProcessFD func(t table.Thread, pid, fd int) (name FDName, ok bool)
	// Netlink, if set, tells the netlink family of the socket that a descriptor of t's
	// process is, so that what goes through it is decoded as messages. It is asked of
	// the calls that send and receive, once of each. The family is -1 if it is not known.
	Netlink func(t table.Thread, fd int) (family int, ok bool)
	// Object, if set, tells what a descriptor of t's process is called in /proc, so that what
	// a call tells of it can be decoded. It is asked of few calls.
	Object func(t table.Thread, fd int) (name string, ok bool)
}

// An FDName is what a descriptor refers to.
type FDName struct {
	// Path is a path or the kernel's name of what has none, which the program may have
	// chosen.
	Path string
	// Exists says that the path is not that of something deleted, though it ends like it.
	Exists bool
	// Note is shown behind the path, or, if that is "", in its place, as it is.
	Note string
}

// A NamedFD is what Options.FDName has answered.
type NamedFD struct {
	FD   int
	Name FDName
	OK   bool
}

// DefaultStringLimit is Options.StringLimit where it is 0.
const DefaultStringLimit = 32

// maxStringLimit bounds what a user can ask for.
const maxStringLimit = 1 << 20

// maxElements bounds the elements of an array that are shown in verbose mode.
const maxElements = 1 << 15

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
	if opts.StringLimit == 0 {
		opts.StringLimit = DefaultStringLimit
	}
	opts.StringLimit = min(max(opts.StringLimit, 0), maxStringLimit)
	return &Decoder{opts: opts}
}

// Limits returns the most bytes of a string or buffer, and the most elements of an
// array, that are looked at.
func (d *Decoder) Limits() (text, elements int) { return d.opts.StringLimit, d.opts.arrayLimit() }

// NewEvent returns an event to decode calls with. One per thread of the child
// is enough: it is used again and again, and allocates nothing after a while.
func (d *Decoder) NewEvent() *Event {
	e := &Event{opts: &d.opts}
	e.clear()
	return e
}

// Use makes the event decode the calls to come as d does.
func (e *Event) Use(d *Decoder) { e.opts = &d.opts }

// An Event is one system call, decoded: first what is known before it runs,
// then the rest. It must not be used from two goroutines at once.
type Event struct {
	opts *Options

	thread table.Thread
	tid    int // the thread's, also afterwards
	abi    table.ABI
	nr     int
	sig    *table.Signature
	plan   *plan
	name   string
	args   [6]uint64 // as the kernel reads them
	raw    [6]uint64 // as they are in the registers
	sp     uint64
	res    table.Result
	done   bool
	// peeks: what follows what is shown can be looked at too. Records of the direct
	// route have no more than is shown.
	peeks bool
	order []int // the arguments that are shown
	shown int   // how many of them Entry could decode, from the first on
	// partial: of the next one, a Change, Entry has the first child.
	partial bool
	// noting: what is being decoded explains the result.
	noting bool
	// lateComma: the comma behind what Entry shows comes with what Exit does.
	lateComma bool
	// inquired: somebody was asked for what neither the call nor its memory tells.
	inquired bool
	fds      []NamedFD

	old                 uint64 // what the length behind a pointer was before the call
	hadOld              bool
	nlAsked             bool     // Options.Netlink has been asked, and
	nlFound             int      // what it said: the family,
	nlIs                bool     // and that there is one
	nlFamily            uint64   // the address family of the netlink message that is being decoded
	nlKind, nlSlaveKind string   // the kinds of the link that is being decoded
	nlType              uint64   // of the message that is being decoded, of netfilter
	left                int64    // how much of iovecs' buffers is still to be shown
	olds                []uint32 // what the lengths of the addresses of recvmmsg's messages were

	// Of bpf's struct that tells about a descriptor: how it was before the call, its length,
	// and what the descriptor is.
	infoBefore []byte
	infoLen    uint32
	infoObject string

	values []Value
	parent int32  // gets the next value as a child
	slot   int32  // or, if not 0, this is the next value itself
	latest int32  // the value made last
	own    [6]int // order's, where it is not the plan's

	buf     []byte // the current chunk of the bytes that values point to
	used    int
	readers []reader
	// resultAt is where the result is, of calls that return it in memory.
	resultAt uint64
	// indirect says that an argument was behind a pointer, or should have been.
	indirect bool

	ranges  []table.Range
	fetched int // how many of ranges have been read
}

// The first values of an event have fixed places.
const (
	trashSlot  = 0 // takes what an event has no room for
	argSlot    = 1 // arguments 0 to 5
	resultSlot = 7
	noteSlot   = 8 // parent of what explains the result
	numSlots   = 9
)

// Name returns the name of the call.
func (e *Event) Name() string { return e.name }

// ABI returns the ABI of the call.
func (e *Event) ABI() table.ABI { return e.abi }

// Call returns the signature of the call that is shown, and its arguments: those of i386's
// socketcall and the like are of the call that it stands for. The signature is nil for an
// unknown number.
func (e *Event) Call() (*table.Signature, [6]uint64) { return e.sig, e.args }

// Outcome returns what Exit was given. ok is false before.
func (e *Event) Outcome() (res table.Result, ok bool) { return e.res, e.done }

// Inquired returns what more was needed to decode the call than what Call and Thread's memory
// tell: the same call with the same memory and result is decoded the same as long as
// Options.FDName gives the same answers. Anything else that was asked for makes ok false. The
// slice is valid until the next Entry.
func (e *Event) Inquired() (names []NamedFD, ok bool) { return e.fds, !e.inquired }

// Notes yields the values that explain the result: what poll found, the flags
// that fcntl(F_GETFL) returned.
func (e *Event) Notes() func(yield func(*Value) bool) { return e.Children(&e.values[noteSlot]) }

// Entry decodes what is known of a call before it runs: all arguments but those
// that the kernel fills. It must be called before c.Native, which may change or,
// in execve, destroy the memory.
func (e *Event) Entry(c *table.Call) {
	e.reset(c)
	p := e.plan
	if p == nil {
		e.unknown(len(e.args))
		return
	}
	e.thread = c.Thread()
	e.tid, e.peeks = e.thread.TID(), c.Route() == table.RouteTrap
	if e.opts.Raw {
		if e.name == "socketcall" { // strace shows which one even so
			e.follow()
		}
		e.unknown(min(len(e.sig.Args), len(e.args)))
		e.plan = nil
		e.release()
		return
	}
	if e.abi == table.I386 {
		e.follow()
		p = e.plan
	}
	if len(p.before) > 0 {
		for _, i := range p.before {
			e.prefetch(i)
		}
		e.fetch()
	}
	for i := range p.args {
		switch a := &p.args[i]; {
		case a.scalar:
			v := e.arg(i)
			*v = Value{}
			v.Kind, v.Bits, v.Num, v.Set = a.kind, a.bits, e.args[i], a.set
		case !a.exit:
			e.decodeArg(i, true)
		default:
			*e.arg(i) = Value{}
			if a.change {
				e.keepOld(i)
			}
		}
	}
	e.order, e.shown = p.show, p.split
	if p.special.entry != nil {
		p.special.entry(e)
	}
	e.release()
}

// unknown decodes a call without a signature: its first n registers.
func (e *Event) unknown(n int) {
	for i, num := range e.args[:n] {
		e.set(i, Value{Kind: Hex, Bits: 64, Num: num})
		e.own[i] = i
	}
	e.order, e.shown = e.own[:n], n
}

// Exit decodes the rest of the call that Entry was called for: what the kernel
// filled in, and the result res.
func (e *Event) Exit(c *table.Call, res table.Result) {
	e.res, e.done = res, true
	e.slot, e.parent = 0, trashSlot
	p := e.plan
	if p == nil {
		if e.opts.Raw {
			e.emitResult(Hex)
		} else {
			e.emitResult(Int)
		}
		return
	}
	e.thread = c.Thread()
	e.ranges, e.fetched = e.ranges[:0], 0
	if len(p.exits) > 0 {
		e.exitArgs(e.good())
	}
	e.emitResult(p.result)
	if p.special.exit != nil {
		p.special.exit(e)
	}
	e.release()
}

// clear forgets the last call. What the slots of the arguments and of the result
// hold stays until they get what belongs there.
func (e *Event) clear() {
	if cap(e.values) > keepValues {
		e.values = nil
	}
	if e.values == nil {
		e.values = make([]Value, numSlots, 64)
	}
	e.values = e.values[:numSlots]
	e.values[noteSlot] = Value{}
	if cap(e.buf) > keepBuffer {
		e.buf = nil
	}
	e.buf, e.used = e.buf[:0], 0
	e.readers = e.readers[:0]
	e.ranges, e.fetched = e.ranges[:0], 0
	e.parent, e.slot, e.shown, e.done = trashSlot, 0, 0, false
	e.order = nil
	e.partial, e.lateComma, e.inquired = false, false, false
	e.fds = e.fds[:0]
	e.old, e.hadOld = 0, false
	e.infoBefore = nil
	e.left = allData
	e.nlAsked = false
}

func (e *Event) reset(c *table.Call) {
	e.clear()
	e.abi, e.nr, e.sig, e.sp, e.args = c.ABI(), c.Nr(), c.Signature(), c.SP(), c.Args()
	if e.sig == nil {
		e.name, e.plan = c.Name(), nil
		return
	}
	e.name, e.raw, e.resultAt, e.indirect = e.sig.Name, e.args, 0, false
	e.plan = planOf(e.abi, e.nr, e.sig)
	if !e.opts.Raw {
		e.plan.cut(&e.args)
	}
}

// release forgets the thread, which the event may outlive.
func (e *Event) release() { e.thread = nil }

// next returns the next value, empty: the slot that waits for one, or the next
// child of the value that is open. It is good until the next one is asked for.
func (e *Event) next() *Value {
	if i := e.slot; i != 0 {
		e.slot, e.latest = 0, i
		v := &e.values[i]
		*v = Value{}
		return v
	}
	n := len(e.values)
	if n >= maxValues {
		e.values[e.parent].Cut = true
		e.latest = trashSlot
		return &e.values[trashSlot]
	}
	e.latest = int32(n)
	p := &e.values[e.parent]
	if p.first == 0 {
		p.first = int32(n)
	} else {
		e.values[p.last].next = int32(n)
	}
	p.last = int32(n)
	e.values = append(e.values, Value{})
	return &e.values[n]
}

// emit makes v the next value.
func (e *Event) emit(v Value) { *e.next() = v }

// begin makes a value of the given name and kind the parent of what follows,
// until close is called with what begin returned.
func (e *Event) begin(name string, kind Kind) (outer int32) {
	v := e.next()
	v.Name, v.Kind = name, kind
	return e.descend()
}

// open is begin for a value of which there is more to say.
func (e *Event) open(v Value) (outer int32) {
	e.emit(v)
	return e.descend()
}

// descend makes the latest value the parent of what follows.
func (e *Event) descend() (outer int32) {
	outer, e.parent = e.parent, e.latest
	return outer
}

func (e *Event) close(outer int32) { e.parent = outer }

// full reports that the event can hold no more values.
func (e *Event) full() bool { return len(e.values) >= maxValues }

// exitArgs decodes the arguments that the kernel fills, if the call was good.
func (e *Event) exitArgs(good bool) {
	p := e.plan
	if good {
		for _, i := range p.after {
			e.prefetch(i)
		}
		e.fetch()
	}
	for _, i := range p.exits {
		if p.args[i].change {
			e.decodeChange(i, good)
		} else if a := &p.args[i]; !good && a.typ != nil && a.typ.gathers && a.Len >= 0 && !e.res.Gone() {
			e.bufferAddresses(i)
		} else {
			e.decodeArg(i, good)
		}
	}
}

// show makes arguments the next ones that are shown.
func (e *Event) show(args ...int) {
	n := copy(e.own[:], e.order)
	n += copy(e.own[n:], args)
	e.order = e.own[:n]
}

// showOnly replaces the arguments shown.
func (e *Event) showOnly(args ...int) { e.order = e.own[:copy(e.own[:], args)] }

// arg returns the value of argument i.
func (e *Event) arg(i int) *Value { return &e.values[argSlot+i] }

// set gives argument i a value without children.
func (e *Event) set(i int, v Value) { *e.arg(i) = v }
