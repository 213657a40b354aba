package handlers

import (
	"bufio"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// A Clock gives programs another time than the machine's: moved, running at another rate,
// or standing still. All calls that tell the time agree, and so do those that wait:
// sleeps, timers, and waits with a timeout end when the time has come that the program
// sees. While the time stands still, waits take as long as they say, and when one has come
// to its end, steady clocks (CLOCK_MONOTONIC and its kin) show that: programs that
// look whether they have waited for long enough would wait for ever. The time of day stays.
//
// The vDSO, by which programs read clocks without any call, is hidden from them
// (getauxval(3), AT_SYSINFO_EHDR): for that the Clock must be an Observer of
// the Cmd as well, which Use reminds of. It stays mapped, and a program that searches its
// memory for it will find it. Nor can anything be done about the processor's own counter
// (RDTSC).
//
// Processor time is as it is, and so are the times of files and /proc/uptime. Clocks cannot be
// set: EPERM.
type Clock struct {
	opts  ClockOptions
	began [2]int64 // nanoseconds of the wall and of the steady clock, when it was made
	// apart is how far other clocks were from those, as far as it does not change all the time.
	apart [unix.CLOCK_TAI + 1]int64

	mu     sync.Mutex
	timers map[timerID]uint64 // their clocks
	alarms map[int]int64      // when those of processes are due, by CLOCK_MONOTONIC as shown
	waited int64              // by how much waits have moved steady clocks that stand still
}

// ClockOptions says what time it is.
type ClockOptions struct {
	// Offset is added to the time of day.
	Offset time.Duration
	// Start, if not zero, is the time of day at which it begins. Offset is added to it.
	Start time.Time
	// Rate is how many seconds pass in one: 2 is double speed. 0 means 1.
	Rate float64
	// Frozen: the time stands still.
	Frozen bool
}

// A timerID is a timer of timer_create(2).
type timerID struct {
	pid int
	id  uint64
}

// NewClock returns a clock that begins now.
func NewClock(opts ClockOptions) *Clock {
	if opts.Rate <= 0 {
		opts.Rate = 1
	}
	k := &Clock{opts: opts, timers: map[timerID]uint64{}, alarms: map[int]int64{}}
	k.began[0], k.began[1] = read(unix.CLOCK_REALTIME), read(unix.CLOCK_MONOTONIC)
	k.apart[unix.CLOCK_TAI] = (read(unix.CLOCK_TAI) - k.began[0]) / 1e9 * 1e9
	k.apart[unix.CLOCK_BOOTTIME] = read(unix.CLOCK_BOOTTIME) - k.began[1]
	k.apart[unix.CLOCK_BOOTTIME_ALARM] = k.apart[unix.CLOCK_BOOTTIME]
	k.apart[unix.CLOCK_MONOTONIC_RAW] = read(unix.CLOCK_MONOTONIC_RAW) - k.began[1]
	if !opts.Start.IsZero() {
		k.opts.Offset += time.Duration(opts.Start.UnixNano() - k.began[0])
	}
	return k
}

// clockCalls are the calls that tell a time, or wait for one.
const clockCalls = "time,gettimeofday,clock_gettime,clock_gettime64,clock_settime,clock_settime64,settimeofday,stime," +
	"adjtimex,clock_adjtime,clock_adjtime64,nanosleep,clock_nanosleep,clock_nanosleep_time64,alarm,setitimer,getitimer," +
	"timer_create,timer_settime,timer_settime64,timer_gettime,timer_gettime64," +
	"timerfd_settime,timerfd_settime64,timerfd_gettime,timerfd_gettime64," +
	"futex,futex_time64,futex_waitv,futex_wait,mq_timedsend,mq_timedsend_time64,mq_timedreceive,mq_timedreceive_time64," +
	"poll,ppoll,ppoll_time64,select,_newselect,pselect6,pselect6_time64,epoll_wait,epoll_pwait,epoll_pwait2," +
	"rt_sigtimedwait,rt_sigtimedwait_time64,semtimedop,semtimedop_time64,io_getevents,io_pgetevents,io_pgetevents_time64," +
	"recvmmsg,recvmmsg_time64,setsockopt,getsockopt,times,sysinfo"

// Use puts the Clock in front of the handlers that tbl has for the calls concerned, and
// returns the Observer that the Cmd must have, which tells next, if that is not nil.
func (k *Clock) Use(tbl *table.Table, next table.Observer) table.Observer {
	Layer{clockCalls, k.Wrap}.Use(tbl)
	if next == nil {
		next = table.NopObserver{}
	}
	return &vdsoHider{next}
}

// Wrap is the Clock as middleware. It leaves the vDSO as it is.
func (k *Clock) Wrap(next table.Handler) table.Handler {
	return &passing{k.handle, k.passes, next}
}

// passes reports whether a call has the same meaning for the kernel and for the program.
func (k *Clock) passes(c *table.Call) bool {
	name := k.name(c)
	switch name {
	case "nanosleep":
		return !k.relative()
	case "alarm":
		return !k.scaled()
	case "times", "sysinfo":
		return !k.relative()
	case "setsockopt", "getsockopt":
		_, ok := timesOut(c)
		return !ok || !k.scaled()
	case "setitimer", "getitimer":
		return !k.scaled() || c.Arg(0) != 0
	case "clock_gettime":
		return !wall(c.Arg(0)) && !steady(c.Arg(0))
	case "clock_nanosleep":
		return !wall(c.Arg(0)) && !steady(c.Arg(0)) || !k.relative() && c.Arg(1)&timerAbstime == 0
	case "futex":
		switch c.Arg(1) & futexCommand {
		case futexWait:
			return !k.relative() || c.Arg(3) == 0
		case futexLockPI, futexWaitBitset, futexWaitRequeuePI, futexLockPI2:
			return c.Arg(3) == 0
		}
		return true
	}
	w, ok := waits[name]
	if !ok {
		return false
	}
	return !k.relative() || name == "select" && c.ABI() == table.I386 || c.Arg(w.arg) == 0 || w.unit == 1000 && c.Int(w.arg) < 0
}

// name returns a call's name without what tells how wide its times are.
func (k *Clock) name(c *table.Call) string {
	return strings.TrimSuffix(strings.TrimSuffix(c.Name(), "_time64"), "64")
}

// read reads one of the kernel's clocks, in nanoseconds.
func read(id int32) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

// wall and steady tell of a clock whether it is one of ours, and of which kind (clock_gettime(2)).
func wall(id uint64) bool {
	switch id {
	case unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_REALTIME_ALARM, unix.CLOCK_TAI:
		return true
	}
	return false
}

func steady(id uint64) bool {
	switch id {
	case unix.CLOCK_MONOTONIC, unix.CLOCK_MONOTONIC_RAW, unix.CLOCK_MONOTONIC_COARSE, unix.CLOCK_BOOTTIME, unix.CLOCK_BOOTTIME_ALARM:
		return true
	}
	return false
}

func (k *Clock) offset(id uint64) int64 {
	if wall(id) {
		return int64(k.opts.Offset)
	}
	return 0
}

// now returns what a clock shows the program.
func (k *Clock) now(id uint64) int64 {
	began, base := k.began[1], int32(unix.CLOCK_MONOTONIC)
	if wall(id) {
		began, base = k.began[0], unix.CLOCK_REALTIME
	}
	now := began + k.apart[id] + k.offset(id) + k.shown(read(base)-began)
	if k.opts.Frozen && !wall(id) {
		k.mu.Lock()
		now += k.waited
		k.mu.Unlock()
	}
	return now
}

// A waiting is a wait that a program has begun.
type waiting struct {
	k     *Clock
	until int64 // which is by how much steady clocks will have moved, if it comes to its end
}

// waits begins a wait for a time.
func (k *Clock) waits(shown int64) waiting {
	k.mu.Lock()
	defer k.mu.Unlock()
	return waiting{k, k.waited + shown}
}

// ended tells that a wait has come to its end.
func (w waiting) ended(r table.Result, is bool) table.Result {
	if k := w.k; is && k.opts.Frozen {
		k.mu.Lock()
		k.waited = max(k.waited, w.until)
		k.mu.Unlock()
	}
	return r
}

// shown returns how long a time is for the program.
func (k *Clock) shown(real int64) int64 {
	switch {
	case k.opts.Frozen:
		return 0
	case k.opts.Rate == 1:
		return real
	}
	return clamp(float64(real) * k.opts.Rate)
}

// lasting returns how long the kernel has to wait for what is a time for the program.
func (k *Clock) lasting(shown int64) int64 {
	if k.opts.Frozen || k.opts.Rate == 1 {
		return shown
	}
	real := clamp(float64(shown) / k.opts.Rate)
	if real == 0 && shown > 0 {
		return 1 // 0 has other meanings
	}
	return real
}

// remaining is the reverse of lasting.
func (k *Clock) remaining(real int64) int64 {
	if k.opts.Frozen {
		return real
	}
	if shown := k.shown(real); shown > 0 || real <= 0 {
		return shown
	}
	return 1
}

// until returns the kernel's time at which the program's clock shows the time at.
func (k *Clock) until(id uint64, at int64) int64 {
	if !wall(id) && !steady(id) {
		return at
	}
	if k.opts.Rate == 1 && !k.opts.Frozen {
		return max(at-k.offset(id), 1)
	}
	left := at - k.now(id)
	return max(read(int32(id))+k.lasting(left), 1)
}

func clamp(v float64) int64 {
	const most = math.MaxInt64 / 2
	return int64(min(max(v, -most), most))
}

// scaled reports whether times that are spans differ for the program.
func (k *Clock) scaled() bool { return k.opts.Rate != 1 && !k.opts.Frozen }

// relative reports whether they differ, or are to be noted.
func (k *Clock) relative() bool { return k.opts.Rate != 1 || k.opts.Frozen }

func (k *Clock) handle(c *table.Call, next table.Handler) table.Result {
	name := k.name(c)
	switch name {
	case "time":
		now := k.now(unix.CLOCK_REALTIME) / 1e9
		if c.Arg(0) != 0 {
			if !writeWords(c, c.Arg(0), wordOf(c), now) {
				return table.Errno(unix.EFAULT)
			}
		}
		return table.Return(now)
	case "gettimeofday":
		return k.gettimeofday(c)
	case "clock_gettime":
		if id := c.Arg(0); !wall(id) && !steady(id) {
			return next.Handle(c)
		}
		now := k.now(c.Arg(0))
		if !writeWords(c, c.Arg(1), wordOf(c), now/1e9, now%1e9) {
			return table.Errno(unix.EFAULT)
		}
		return table.Return(0)
	case "clock_settime", "settimeofday", "stime":
		return table.Errno(unix.EPERM)
	case "adjtimex":
		return k.adjtimex(c, next, 0)
	case "clock_adjtime":
		return k.adjtimex(c, next, 1)
	case "times":
		return k.times(c, next)
	case "sysinfo":
		return k.sysinfo(c, next)
	case "setsockopt", "getsockopt":
		return k.socketOption(c, next)
	case "nanosleep":
		return k.sleep(c, next, 0, 1)
	case "clock_nanosleep":
		id := c.Arg(0)
		switch {
		case !wall(id) && !steady(id):
			return next.Handle(c)
		case c.Arg(1)&timerAbstime != 0:
			return k.waitUntil(c, next, 2, id)
		}
		return k.sleep(c, next, 2, 3)
	case "timer_create", "timer_settime", "timer_gettime", "timerfd_settime", "timerfd_gettime", "setitimer", "getitimer", "alarm":
		return k.timer(c, next, name)
	case "futex", "futex_waitv", "futex_wait":
		return k.futex(c, next, name)
	case "mq_timedsend", "mq_timedreceive":
		return k.waitUntil(c, next, 4, unix.CLOCK_REALTIME)
	}
	return k.waitFor(c, next, name)
}

const timerAbstime = 1 // TIMER_ABSTIME, TFD_TIMER_ABSTIME

// wordOf returns the width of a time_t in a call's structs: i386 has calls of both kinds.
func wordOf(c *table.Call) int {
	if c.ABI() == table.I386 && !strings.HasSuffix(c.Name(), "64") && c.Name() != "epoll_pwait2" && c.Name() != "futex_waitv" && c.Name() != "futex_wait" {
		return 4
	}
	return 8
}

// writeWords writes numbers of the width to the program's memory.
func writeWords(c *table.Call, addr uint64, width int, words ...int64) bool {
	b := make([]byte, width*len(words))
	for i, w := range words {
		put(b[i*width:(i+1)*width], uint64(w))
	}
	n, err := c.WriteMemory(addr, b)
	return err == nil && n == len(b)
}

// readWords reads n numbers of the width.
func readWords(c *table.Call, addr uint64, width, n int) ([]int64, bool) {
	b := make([]byte, width*n)
	if got, err := c.ReadMemory(addr, b); err != nil || got < len(b) {
		return nil, false
	}
	words := make([]int64, n)
	for i := range words {
		v := get(b[i*width : (i+1)*width])
		if words[i] = int64(v); width == 4 {
			words[i] = int64(int32(v))
		}
	}
	return words, true
}

// pinWords has argument i point to numbers of the width.
func pinWords(c *table.Call, i, width int, words ...int64) error {
	b := make([]byte, width*len(words))
	for j, w := range words {
		if width == 4 {
			w = min(max(w, math.MinInt32), math.MaxInt32)
		}
		put(b[j*width:(j+1)*width], uint64(w))
	}
	return c.Pin(i, b)
}

func (k *Clock) gettimeofday(c *table.Call) table.Result {
	now := k.now(unix.CLOCK_REALTIME)
	if c.Arg(0) != 0 && !writeWords(c, c.Arg(0), wordOf(c), now/1e9, now%1e9/1e3) {
		return table.Errno(unix.EFAULT)
	}
	if c.Arg(1) != 0 && !writeWords(c, c.Arg(1), 4, 0, 0) {
		return table.Errno(unix.EFAULT)
	}
	return table.Return(0)
}

// spanOf reads seconds and their parts, of which unit are one; valid is false for what the kernel
// refuses, or cannot read.
func spanOf(c *table.Call, addr uint64, unit int64) (ns int64, valid bool) {
	w, ok := readWords(c, addr, wordOf(c), 2)
	if !ok || w[0] < 0 || w[1] < 0 || w[1] >= unit {
		return 0, false
	}
	return nanos(w[0], w[1]*(1e9/unit)), true
}

// nanos returns seconds and nanoseconds as nanoseconds, the most there can be if it is more.
func nanos(sec, nsec int64) int64 {
	if sec >= math.MaxInt64/2/int64(time.Second) {
		return math.MaxInt64 / 2
	}
	return sec*1e9 + nsec
}

// sleep acts on a sleep for the time at argument i, of which the rest is written where argument
// rest points.
func (k *Clock) sleep(c *table.Call, next table.Handler, i, rest int) table.Result {
	if !k.relative() {
		return next.Handle(c)
	}
	d, ok := spanOf(c, c.Arg(i), 1e9)
	if !ok {
		return next.Handle(c)
	}
	real, w := k.lasting(d), k.waits(d)
	if real != d {
		if err := pinWords(c, i, wordOf(c), real/1e9, real%1e9); err != nil {
			return failed(err)
		}
	}
	r := next.Handle(c)
	w.ended(r, r.Raw() == 0)
	if e := r.Errno(); c.Arg(rest) != 0 && (e == unix.EINTR || r.Restarting()) {
		if left, ok := spanOf(c, c.Arg(rest), 1e9); ok {
			left = k.remaining(left)
			writeWords(c, c.Arg(rest), wordOf(c), left/1e9, left%1e9)
		}
	}
	return r
}

// waitUntil acts on a call that waits until the time at argument i of the clock id.
func (k *Clock) waitUntil(c *table.Call, next table.Handler, i int, id uint64) table.Result {
	if c.Arg(i) == 0 {
		return next.Handle(c)
	}
	at, ok := spanOf(c, c.Arg(i), 1e9)
	if !ok {
		return next.Handle(c)
	}
	real := k.until(id, at)
	var w waiting
	if steady(id) {
		w = k.waits(max(at-k.now(id), 0))
	}
	if err := pinWords(c, i, wordOf(c), real/1e9, real%1e9); err != nil {
		return failed(err)
	}
	r := next.Handle(c)
	if w.k == nil {
		return r
	}
	return w.ended(r, r.Errno() == unix.ETIMEDOUT || r.Raw() == 0 && strings.HasPrefix(c.Name(), "clock_nanosleep"))
}

// waits are the calls that wait for a span of time: the argument, and how many of its units are
// a second; 1000 is a number of milliseconds, not a struct.
var waits = map[string]struct {
	arg  int
	unit int64
}{
	"poll": {2, 1000}, "epoll_wait": {3, 1000}, "epoll_pwait": {3, 1000},
	"select": {4, 1e6}, "_newselect": {4, 1e6},
	"ppoll": {2, 1e9}, "pselect6": {4, 1e9}, "epoll_pwait2": {3, 1e9}, "rt_sigtimedwait": {2, 1e9},
	"semtimedop": {3, 1e9}, "io_getevents": {4, 1e9}, "io_pgetevents": {4, 1e9}, "recvmmsg": {4, 1e9},
}

// waitFor acts on a call that waits for a span of time.
func (k *Clock) waitFor(c *table.Call, next table.Handler, name string) table.Result {
	w, ok := waits[name]
	if !ok || !k.relative() {
		return next.Handle(c)
	}
	if name == "select" && c.ABI() == table.I386 {
		return next.Handle(c) // all its arguments are in memory; nobody uses it any more
	}
	if w.unit == 1000 {
		ms := c.Int(w.arg)
		if ms <= 0 {
			return next.Handle(c)
		}
		real, begun := (k.lasting(ms*1e6)+1e6-1)/1e6, k.waits(ms*1e6)
		if real != ms {
			c.SetArg(w.arg, uint64(min(real, math.MaxInt32)))
		}
		r := next.Handle(c)
		return begun.ended(r, r.Raw() == 0)
	}
	if c.Arg(w.arg) == 0 {
		return next.Handle(c)
	}
	d, ok := spanOf(c, c.Arg(w.arg), w.unit)
	if !ok {
		return next.Handle(c)
	}
	real, begun := k.lasting(d), k.waits(d)
	if real == d {
		r := next.Handle(c)
		return begun.ended(r, r.Raw() == 0 || r.Errno() == unix.EAGAIN && name != "recvmmsg")
	}
	from, at, width, part := k.now(unix.CLOCK_MONOTONIC), c.Arg(w.arg), wordOf(c), 1e9/w.unit
	tells := false // how much is left
	switch name {
	case "select", "_newselect", "pselect6", "ppoll":
		tells = true
		fallthrough
	default:
		if err := pinWords(c, w.arg, width, real/1e9, real%1e9/part); err != nil {
			return failed(err)
		}
	case "recvmmsg": // which fails if it cannot tell it
		if tells = writeWords(c, at, width, real/1e9, real%1e9/part); !tells {
			return table.Errno(unix.EFAULT)
		}
	}
	r := next.Handle(c)
	if tells && !r.Gone() {
		left := max(d-(k.now(unix.CLOCK_MONOTONIC)-from), 0)
		switch {
		case name == "recvmmsg":
			// What the kernel tells is what was left when the last message had come.
			if left = d; r.Raw() > 0 {
				left, _ = spanOf(c, at, w.unit)
				left = k.remaining(left)
			}
		case r.Raw() == 0:
			left = 0
		}
		writeWords(c, at, width, left/1e9, left%1e9/part) // if it cannot be written, the kernel does without
	}
	return r
}

// Operations of futex(2) with a timeout.
const (
	futexWait          = 0
	futexLockPI        = 6
	futexWaitBitset    = 9
	futexWaitRequeuePI = 11
	futexLockPI2       = 13
	futexCommand       = 0x7f
	futexRealtime      = 0x100 // FUTEX_CLOCK_REALTIME
)

func (k *Clock) futex(c *table.Call, next table.Handler, name string) table.Result {
	switch name {
	case "futex_waitv":
		return k.waitUntil(c, next, 3, c.Arg(4))
	case "futex_wait":
		return k.waitUntil(c, next, 4, c.Arg(5))
	}
	clock := uint64(unix.CLOCK_MONOTONIC)
	if c.Arg(1)&futexRealtime != 0 {
		clock = unix.CLOCK_REALTIME
	}
	switch c.Arg(1) & futexCommand {
	case futexWait:
		if k.relative() && c.Arg(3) != 0 {
			if d, ok := spanOf(c, c.Arg(3), 1e9); ok {
				real, begun := k.lasting(d), k.waits(d)
				if real != d {
					if err := pinWords(c, 3, wordOf(c), real/1e9, real%1e9); err != nil {
						return failed(err)
					}
				}
				r := next.Handle(c)
				return begun.ended(r, r.Errno() == unix.ETIMEDOUT)
			}
		}
	case futexLockPI:
		return k.waitUntil(c, next, 3, unix.CLOCK_REALTIME)
	case futexWaitBitset, futexWaitRequeuePI, futexLockPI2:
		return k.waitUntil(c, next, 3, clock)
	}
	return next.Handle(c)
}

// timer acts on timers.
func (k *Clock) timer(c *table.Call, next table.Handler, name string) table.Result {
	switch name {
	case "timer_create":
		r := next.Handle(c)
		if id, ok := readWords(c, c.Arg(2), 4, 1); !r.Failed() && ok {
			k.mu.Lock()
			k.timers[timerID{c.Process().PID(), uint64(id[0])}] = c.Arg(0)
			k.mu.Unlock()
		}
		return r
	case "alarm":
		if !k.scaled() {
			return next.Handle(c)
		}
		return k.alarm(c, next)
	case "setitimer", "getitimer":
		if c.Arg(0) != 0 { // ITIMER_REAL
			return next.Handle(c)
		}
		if name == "setitimer" {
			k.mu.Lock()
			delete(k.alarms, c.Process().PID())
			k.mu.Unlock()
		}
		return k.set(c, next, name == "setitimer", false, unix.CLOCK_MONOTONIC, 1e6)
	case "timerfd_settime", "timerfd_gettime":
		return k.set(c, next, name == "timerfd_settime", true, timerfdClock(c), 1e9)
	}
	k.mu.Lock()
	clock, known := k.timers[timerID{c.Process().PID(), c.Arg(0)}]
	k.mu.Unlock()
	if !known || !wall(clock) && !steady(clock) {
		return next.Handle(c)
	}
	return k.set(c, next, name == "timer_settime", true, clock, 1e9)
}

// set acts on a call that sets a timer, or only tells what it is set to: an interval and a time,
// in seconds and units, in each of the structs.
func (k *Clock) set(c *table.Call, next table.Handler, sets, flagged bool, clock uint64, unit int64) table.Result {
	width, in, out := wordOf(c), 1, 2
	if flagged {
		in, out = 2, 3
	}
	if !sets {
		in, out = -1, 1
	}
	if in >= 0 && c.Arg(in) != 0 {
		w, ok := readWords(c, c.Arg(in), width, 4)
		if ok && w[0] >= 0 && w[2] >= 0 && w[1] >= 0 && w[3] >= 0 && w[1] < unit && w[3] < unit {
			every := k.lasting(nanos(w[0], w[1]*(1e9/unit)))
			at := nanos(w[2], w[3]*(1e9/unit))
			switch {
			case at == 0: // disarmed
			case flagged && c.Arg(1)&timerAbstime != 0:
				at = k.until(clock, at)
			default:
				at = k.lasting(at)
			}
			part := 1e9 / unit
			if err := pinWords(c, in, width, every/1e9, every%1e9/part, at/1e9, max(at%1e9/part, least(at))); err != nil {
				return failed(err)
			}
		}
	}
	r := next.Handle(c)
	if !r.Failed() && c.Arg(out) != 0 && k.scaled() {
		if w, ok := readWords(c, c.Arg(out), width, 4); ok {
			part := 1e9 / unit
			every, left := k.remaining(w[0]*1e9+w[1]*part), k.remaining(w[2]*1e9+w[3]*part)
			writeWords(c, c.Arg(out), width, every/1e9, every%1e9/part, left/1e9, left%1e9/part)
		}
	}
	return r
}

// least keeps a time of less than a unit from being none.
func least(ns int64) int64 {
	if ns > 0 && ns < 1e9 {
		return 1
	}
	return 0
}

// timerfdClock returns the clock of a timerfd (proc_pid_fdinfo(5), clockid).
func timerfdClock(c *table.Call) uint64 {
	f, err := os.Open(procfs.Path(c.Thread().TID(), "fdinfo/"+itoa(c.FD(0))))
	if err != nil {
		return unix.CLOCK_MONOTONIC
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "clockid:"); ok {
			var n uint64
			for _, d := range strings.TrimSpace(id) {
				n = n*10 + uint64(d-'0')
			}
			return n
		}
	}
	return unix.CLOCK_MONOTONIC
}
