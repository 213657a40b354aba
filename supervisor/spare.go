package supervisor

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// Signals that the program ignores. Without a tracer such a signal is not even queued
// (kernel/signal.c, sig_ignored); with one it wakes the thread, and calls that fail with
// EINTR whatever SA_RESTART says, as epoll_wait does, must not show it. They are made to
// start again. Of those with a timeout the kernel would start that again too, and never
// come to its end if signals keep coming: so their deadline is kept here.

// A sparedWait is a call with a timeout that starts again. Until its end the thread is
// resumed with PTRACE_SYSCALL.
type sparedWait struct {
	until      time.Time
	over       table.Result // what it returns then
	restarting bool         // its entry is the next
	alarm      *time.Timer
}

// spareInterrupted restarts a call that a signal has interrupted though the program
// ignores it, unless it ends a group-stop, which interrupts such calls too.
func (t *Thread) spareInterrupted(sig unix.Signal) {
	stopped := t.stopped
	if sig == unix.SIGCONT {
		t.stopped = false
	}
	var regs ptrace.Regs
	interrupted := !stopped && regs.Get(t.tid) == nil && regs.RestartInterrupted()
	if !interrupted && t.spared == nil {
		return
	}
	switch {
	case !t.ignores(sig):
		t.endSpared() // with EINTR
	case interrupted:
		t.restart(&regs)
	}
}

// ignores reports whether nothing happens when the signal is delivered.
func (t *Thread) ignores(sig unix.Signal) bool {
	status, err := procfs.ReadStatus(t.tid)
	if err != nil {
		return false
	}
	bit := uint64(1) << (sig - 1)
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT: // whose default it is
		return status.Caught&bit == 0
	}
	return status.Ignored&bit != 0
}

// restart lets a thread go on with registers from which its call starts again.
func (t *Thread) restart(regs *ptrace.Regs) {
	if t.spared == nil && !t.released {
		t.spared = t.spare(regs)
	}
	if t.spared != nil {
		t.spared.restarting = true
	}
	t.loop.check(regs.Set(t.tid), t)
}

// spare returns the deadline of the call that the registers are those of, nil if it has
// none. Of a call that did not stop nobody knows when it began: it begins now.
func (t *Thread) spare(regs *ptrace.Regs) *sparedWait {
	abi, nr, args := regs.Call()
	timeout, over, ok := t.timeout(abi, nr, args)
	if !ok {
		return nil
	}
	began := time.Now()
	if s := &t.current; !s.began.IsZero() && s.info.Nr() == nr && s.info.IP == regs.IP() {
		began = s.began
	}
	w := &sparedWait{until: began.Add(timeout), over: over}
	w.alarm = time.AfterFunc(time.Until(w.until), func() {
		t.loop.inbox.post(message{kind: waitOver, thread: t, spared: w})
	})
	return w
}

// sparedAlarm interrupts the call whose time is over; what that makes of it is
// settled at its exit.
func (t *Thread) sparedAlarm(w *sparedWait) {
	if !t.gone && t.spared == w && !t.released && !t.stopped {
		t.loop.check(ptrace.Interrupt(t.tid), t)
	}
}

// endSpared forgets the deadline: the call is over.
func (t *Thread) endSpared() {
	if t.spared != nil {
		t.spared.alarm.Stop()
		t.spared = nil
	}
}

// sparedResult returns what a call is to return that the kernel has ended with r.
func (t *Thread) sparedResult(r table.Result) table.Result {
	w := t.spared
	switch {
	case w == nil:
		return r
	case r.Errno() != unix.EINTR:
		t.endSpared()
	case !time.Now().Before(w.until):
		t.endSpared()
		return w.over
	}
	return r
}

// sparedEntry acts on the entry of a call.
func (t *Thread) sparedEntry() {
	w := t.spared
	switch {
	case w == nil:
	case !w.restarting:
		t.endSpared() // it is another call
	case time.Now().Before(w.until):
		w.restarting = false
	default:
		// The alarm came too early to interrupt it.
		w.restarting = false
		t.sparedAlarm(w)
	}
}

// sparedExit acts on the exit of a call that is not being handled, puts its result
// right, and returns it.
func (t *Thread) sparedExit(was table.Result) table.Result {
	r := t.sparedResult(was)
	if r.Raw() != was.Raw() {
		t.loop.check(ptrace.SetResult(t.tid, r), t)
	}
	return r
}

// A timedCall is one that any signal ends with EINTR, and that has a timeout.
type timedCall struct {
	arg   int  // the index of the timeout
	milli bool // it is an int of milliseconds, not a pointer to a struct timespec
	over  unix.Errno
	op    uint16 // 0, or of ipc(2) the operation
	// receives: arg is a descriptor; if it is a socket, that has the timeout.
	receives bool
	packed   bool // as receives, but by socketcall(2): arg is the address of its arguments
}

// (Of sends, an interrupted one has mostly sent something, and says how much.)
var timedCalls = map[string]timedCall{
	"epoll_wait":             {arg: 3, milli: true},
	"epoll_pwait":            {arg: 3, milli: true},
	"epoll_pwait2":           {arg: 3},
	"semtimedop":             {arg: 3, over: unix.EAGAIN},
	"semtimedop_time64":      {arg: 3, over: unix.EAGAIN},
	"ipc":                    {arg: 5, over: unix.EAGAIN, op: 4}, // SEMTIMEDOP
	"rt_sigtimedwait":        {arg: 2, over: unix.EAGAIN},
	"rt_sigtimedwait_time64": {arg: 2, over: unix.EAGAIN},
	"read":                   {receives: true, over: unix.EAGAIN},
	"readv":                  {receives: true, over: unix.EAGAIN},
	"recvfrom":               {receives: true, over: unix.EAGAIN},
	"recvmsg":                {receives: true, over: unix.EAGAIN},
	"accept":                 {receives: true, over: unix.EAGAIN},
	"socketcall":             {arg: 1, packed: true, over: unix.EAGAIN},
	"accept4":                {receives: true, over: unix.EAGAIN},
	"io_getevents":           {arg: 4},
	"io_pgetevents":          {arg: 4},
	"io_pgetevents_time64":   {arg: 4},
}

// timed has the calls of timedCalls by number.
var timed = func() (m [table.NumABI]map[int]timedCall) {
	for abi := range table.NumABI {
		m[abi] = map[int]timedCall{}
		for name, c := range timedCalls {
			if nr, ok := table.Number(abi, name); ok {
				m[abi][nr] = c
			}
		}
	}
	return m
}()

// beginTimed notes when a call enters the kernel.
func (t *Thread) beginTimed(abi table.ABI, nr int) {
	if _, ok := timed[abi][nr]; ok {
		t.current.began = time.Now()
	}
}

// longest is in seconds: as good as for ever, and no overflow.
const longest = 1 << 31

// timeout returns how long a call may wait, and what it returns when it has; false if
// it waits for ever, or is not one of timedCalls.
func (t *Thread) timeout(abi table.ABI, nr int, args [6]uint64) (time.Duration, table.Result, bool) {
	c, ok := timed[abi][nr]
	if !ok || c.op != 0 && uint16(args[0]) != c.op {
		return 0, table.Result{}, false
	}
	over := table.Return(0)
	if c.over != 0 {
		over = table.Errno(c.over)
	}
	if c.packed {
		b := make([]byte, 4)
		if n, err := t.ReadMemory(args[c.arg], b); err != nil || n < len(b) || !receivesBySocketcall(args[0]) {
			return 0, over, false
		}
		d, ok := t.receiveTimeout(int(int32(binary.NativeEndian.Uint32(b))))
		return d, over, ok
	}
	if c.receives {
		d, ok := t.receiveTimeout(int(int32(args[c.arg])))
		return d, over, ok
	}
	if c.milli {
		ms := int32(args[c.arg])
		return time.Duration(ms) * time.Millisecond, over, ms >= 0
	}
	b := make([]byte, t.timespecSize(abi, nr))
	if args[c.arg] == 0 {
		return 0, over, false
	}
	if n, err := t.ReadMemory(args[c.arg], b); err != nil || n < len(b) {
		return 0, over, false
	}
	var sec, nsec int64
	if len(b) == 8 {
		sec, nsec = int64(int32(binary.NativeEndian.Uint32(b))), int64(int32(binary.NativeEndian.Uint32(b[4:])))
	} else {
		sec, nsec = int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))
	}
	valid := sec >= 0 && sec < longest && nsec >= 0 && nsec < 1e9
	return time.Duration(sec)*time.Second + time.Duration(nsec), over, valid
}

// receivesBySocketcall reports whether an operation of socketcall(2) receives.
func receivesBySocketcall(op uint64) bool {
	const accept, recv, recvfrom, recvmsg, accept4 = 5, 10, 12, 17, 18
	switch uint32(op) {
	case accept, recv, recvfrom, recvmsg, accept4:
		return true
	}
	return false
}

// receiveTimeout returns the SO_RCVTIMEO of a socket of the thread's process (socket(7)),
// false if there is none.
func (t *Thread) receiveTimeout(fd int) (time.Duration, bool) {
	process, err := unix.PidfdOpen(t.proc.pid, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(process)
	socket, err := unix.PidfdGetfd(process, fd, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(socket)
	limit, err := unix.GetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO)
	if err != nil {
		return 0, false
	}
	d := time.Duration(limit.Nano())
	return d, d > 0 && limit.Sec < longest
}

// timespecSize returns the size of the struct timespec that a call takes: i386 has old
// calls, of 32 bits a field, and new ones.
func (t *Thread) timespecSize(abi table.ABI, nr int) int {
	const old, new = 8, 16
	if abi != table.I386 {
		return new
	}
	switch sig := table.SignatureOf(abi, nr); sig.Name {
	case "epoll_pwait2", "semtimedop_time64", "rt_sigtimedwait_time64", "io_pgetevents_time64":
		return new
	}
	return old
}
