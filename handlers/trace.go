package handlers

import (
	"io"
	"time"

	"github.com/k42trace/k42trace/decode"
	"github.com/k42trace/k42trace/table"
	"github.com/k42trace/k42trace/unwind"
)

// TraceOptions says what a Trace writes and how. The zero value but for Out is
// strace -f without further flags.
type TraceOptions struct {
	// Out gets the text, all that belongs to one event with one Write. What
	// Write returns is not looked at: a trace that cannot be written does not
	// disturb the program.
	Out io.Writer
	// PerThread, if set, is asked for another Out for each thread, which is
	// closed when the thread has ended (strace -ff).
	PerThread func(tid int) io.WriteCloser
	// Messages, if set, gets messages for the user, that are not part of the
	// trace: "k42trace: Process 7 attached".
	Messages io.Writer

	Decode decode.Options
	Text   decode.Text
	Column int // where the result begins; 0 means decode.DefaultColumn

	PID      PIDPrefix
	Clock    ClockFormat
	Relative bool // the time since the line before (strace -r)
	Duration bool // the time spent in each call (strace -T)
	// How exact these times are shown.
	ClockPrecision, RelativePrecision, DurationPrecision Precision

	Number bool // lines begin with the number of the call (strace -n)
	IP     bool // and with the address behind its instruction (strace -i)

	// Whole are calls whose structs are shown whole, Shallow those whose structs
	// are shown as addresses, Raw those of which only registers are shown; nil
	// means none.
	Whole, Shallow, Raw *table.Set

	// Reads and Writes are descriptors whose data is dumped, read and written. The calls
	// in Dumpable must stop for it: see Stopping.
	Reads, Writes *FDSet

	// Remarks are what is told besides of calls.
	Remarks []*Remark

	// Statuses are the ways to end of calls that are shown. Unless it has them all,
	// lines are written when their calls are over.
	Statuses Statuses

	// Stacks, if set, is asked for the stack of each call and signal, which is shown
	// below its line (strace -k). Calls have to come by the trap route.
	Stacks *unwind.Unwinder

	Quiet   Quiet
	Signals *SignalSet // signals that are shown; nil means all

	// Launch, if set, is shown as the execve with which the first thread
	// began: the supervisor made that call itself, before the trace.
	Launch *Launch
}

// A PIDPrefix says which lines begin with the id of their thread.
type PIDPrefix uint8

// Prefixes.
const (
	PIDShared PIDPrefix = iota // "[pid     7] " while there are several threads
	PIDAlways                  // "7     ", what strace -f does with -o
	PIDNever
	PIDBracketed // "[pid     7] " always
)

// A ClockFormat is the form of the time with which lines begin.
type ClockFormat uint8

// Formats of time.
const (
	ClockNone  ClockFormat = iota
	ClockTime              // of the day (strace -tt)
	ClockEpoch             // seconds since 1970 (strace -ttt)
)

// A Precision says how exact a time is shown; what is beyond is cut off.
type Precision uint8

// Precisions.
const (
	Micros Precision = iota
	Seconds
	Millis
	Nanos
)

// Quiet is a set of lines that are not written.
type Quiet uint8

// What can be left out, bits; the names in parentheses are those of --quiet=.
const (
	QuietAttach      Quiet = 1 << iota // messages about new threads (attach)
	QuietExit                          // "+++ exited with 0 +++" (exit)
	QuietExec                          // "+++ superseded by execve" (thread-execve)
	QuietPersonality                   // "[ Process PID=7 runs in 32 bit mode. ]" (personality)
	QuietPath                          // where a path of a Filter leads to (path-resolution)
)

// Trace writes calls, signals and ends of the child's threads in the format of
// strace. It is the Observer of one Cmd, and a Handler, Recorder or Middleware
// of its Table; it must not be used for two Cmds, nor from two goroutines.
type Trace struct {
	opts   TraceOptions
	styles styles
	column int

	shared  stream
	threads map[int]*thread
	latest  *thread // found by the last look-up
	free    []*decode.Event
	signal  *decode.Event // the siginfo of the last signal
	buf     []byte        // the text of the event at hand
	before  time.Time
	clock   clock
	restart [table.NumABI]int
	lines   *lineCache // nil: the same call may look different
}

// A thread is what a Trace knows of a thread of the child.
type thread struct {
	tid    int
	prefix []byte // with which lines begin that tell their thread
	comm   []byte // its name there, if wanted, in <>
	event  *decode.Event
	stream *stream
	file   io.Closer // its own stream's, with PerThread
	abi    table.ABI
	last   string    // the call before, "" if its number is unknown
	nr     int       // and its number
	ip     uint64    // where it was made
	ended  bool      // it is not anywhere any more
	stack  callStack // of the call at hand, until it is shown
	staged []byte    // the line of a call that may turn out not to be shown

	// Of the call at hand:
	inCall      bool
	exits       bool      // it does not return
	interrupted bool      // something else came after its entry
	incomplete  bool      // the entry has not shown all arguments
	resumes     bool      // it is restart_syscall
	entered     time.Time // for Duration
}

// NewTrace returns a Trace.
func NewTrace(opts TraceOptions) *Trace {
	t := &Trace{
		opts:    opts,
		styles:  newStyles(&opts),
		column:  opts.Column,
		threads: map[int]*thread{},
		shared:  stream{out: opts.Out},
		signal:  decode.New(decode.Options{}).NewEvent(),
	}
	if t.column == 0 {
		t.column = decode.DefaultColumn
	}
	t.shared.results = t.column
	// What is dumped is that of the call that was decoded last.
	if o := &t.opts; o.Text.Comm == nil && !o.Text.Translated && o.Reads == nil && o.Writes == nil {
		t.lines = newLineCache(o.Decode.FDName)
	}
	for abi := range table.NumABI {
		t.restart[abi] = -1
		if nr, ok := table.Number(abi, "restart_syscall"); ok {
			t.restart[abi] = nr
		}
	}
	return t
}

// Handle traces a call that has no other handler.
func (t *Trace) Handle(c *table.Call) table.Result { return t.trace(c, table.Native) }

// Wrap traces the calls that reach next: the arguments are those that the child
// gave, the result is what next made of it. It is a table.Middleware. If next
// only lets the call run, Trace need not take part in it: Wrap returns t
// itself, a table.Recorder. What an Inject does to a call is shown with it.
func (t *Trace) Wrap(next table.Handler) table.Handler {
	if next == table.Native && t.opts.Stacks == nil {
		return t
	}
	if i, ok := next.(*injected); ok {
		return tracedInjection{t, i}
	}
	if s, ok := next.(table.Stopper); ok {
		return tracedStopper{t, s}
	}
	return table.HandlerFunc(func(c *table.Call) table.Result { return t.trace(c, next) })
}

// A tracedStopper is the handler of calls that stop for another.
type tracedStopper struct {
	trace *Trace
	table.Stopper
}

// Handle traces the call.
func (s tracedStopper) Handle(c *table.Call) table.Result { return s.trace.trace(c, s.Stopper) }

func (t *Trace) trace(c *table.Call, next table.Handler) table.Result {
	th := t.threadOf(c.Thread())
	t.enter(th, c, present)
	th.exits = exits(c)
	t.captureEntry(th, c)
	if t.opts.Duration {
		th.entered = time.Now()
	}
	res := next.Handle(c)
	if _, blocked := res.Blocked(); blocked {
		return res.After(func(res table.Result) table.Result {
			t.leave(t.threadOf(c.Thread()), c, res, th.entered, present, nil)
			return res
		})
	}
	t.captureReturn(th, c)
	t.leave(th, c, res, th.entered, present, nil)
	return res
}

// A tracedInjection is the handler of calls into which something may be injected.
type tracedInjection struct {
	trace *Trace
	*injected
}

// Handle writes the call's line between the steps of what is done to it.
func (i tracedInjection) Handle(c *table.Call) table.Result {
	t := i.trace
	var d dose
	i.inject.take(c, &d)
	d.enter(c)
	th := t.threadOf(c.Thread())
	t.enter(th, c, present)
	t.captureEntry(th, c)
	if t.opts.Duration {
		th.entered = time.Now()
	}
	return d.run(c, i.next).After(func(res table.Result) table.Result {
		d.leave(c, res)
		t.leave(t.threadOf(c.Thread()), c, res, th.entered, present, &d)
		d.linger(c)
		return res
	})
}

// exits reports whether the call ends its thread.
func exits(c *table.Call) bool {
	name := c.Name()
	return name == "exit" || name == "exit_group"
}

// threadOf returns what is known of a thread.
func (t *Trace) threadOf(x table.Thread) *thread {
	tid := x.TID()
	if th := t.latest; th != nil && th.tid == tid {
		return th
	}
	th := t.threads[tid]
	if th == nil {
		th = t.add(tid, nil)
	}
	t.latest = th
	return th
}

func (t *Trace) add(tid int, by *thread) *thread {
	th := &thread{stream: &t.shared, abi: hostABI}
	t.name(th, tid)
	if n := len(t.free); n > 0 {
		th.event, t.free = t.free[n-1], t.free[:n-1]
	} else {
		th.event = t.styles.plain.NewEvent()
	}
	if by != nil {
		th.abi = by.abi
	}
	if t.opts.PerThread != nil {
		out := t.opts.PerThread(tid)
		th.stream, th.file = &stream{out: out, results: t.column}, out
	}
	return th
}

// name gives a thread its id.
func (t *Trace) name(th *thread, tid int) {
	th.tid = tid
	t.threads[tid] = th
	t.prefix(th)
}

// prefix sets with what the lines begin that tell their thread.
func (t *Trace) prefix(th *thread) {
	tid := int64(th.tid)
	if t.opts.Text.Comm != nil {
		// A thread that has ended has none, and keeps the one that it had.
		if comm := t.opts.Text.AppendComm(nil, th.tid); comm != nil {
			th.comm = comm
		}
	}
	switch {
	case t.opts.PID != PIDAlways:
		th.prefix = append(th.prefix[:0], "[pid "...)
		th.prefix = append(appendPadded(th.prefix, tid, 5, false), th.comm...)
		th.prefix = append(th.prefix, "] "...)
	case th.comm == nil:
		th.prefix = append(appendPadded(th.prefix[:0], tid, 5, true), ' ')
	default:
		th.prefix = append(appendPadded(th.prefix[:0], tid, 0, true), th.comm...)
		th.prefix = append(th.prefix, ' ')
	}
}

func (t *Trace) remove(th *thread) {
	if th.file != nil {
		_ = th.file.Close()
	}
	delete(t.threads, th.tid)
	t.latest = nil
	if len(t.free) < maxFree {
		t.free = append(t.free, th.event)
	}
}

// maxFree bounds the events that are kept for new threads.
const maxFree = 64
