package handlers

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What a Clock does about calls that have times of their own kind.

// adjtimex lets the kernel tell how its clock runs, and tells the program's time with it.
func (k *Clock) adjtimex(c *table.Call, next table.Handler, i int) table.Result {
	if i == 1 && !wall(c.Arg(0)) {
		return next.Handle(c)
	}
	const (
		readOffset = 0xa001 // ADJ_OFFSET_SS_READ
		nano       = 0x2000 // STA_NANO: the time's parts are nanoseconds
	)
	modes, ok := readWords(c, c.Arg(i), 4, 1)
	if ok && modes[0] != 0 && modes[0] != readOffset {
		return table.Errno(unix.EPERM)
	}
	r := next.Handle(c)
	if r.Failed() {
		return r
	}
	// struct timex, and that of i386's older calls (linux/timex.h).
	width, status, at := 8, uint64(40), uint64(72)
	if c.ABI() == table.I386 && !strings.HasSuffix(c.Name(), "64") {
		width, status, at = 4, 20, 36
	}
	now, part := k.now(unix.CLOCK_REALTIME), int64(1e3)
	if s, ok := readWords(c, c.Arg(i)+status, 4, 1); ok && s[0]&nano != 0 {
		part = 1
	}
	if !writeWords(c, c.Arg(i)+at, width, now/1e9, now%1e9/part) {
		return table.Errno(unix.EFAULT)
	}
	return r
}

// ahead is by how much a steady clock of the program is ahead of the kernel's.
func (k *Clock) ahead(id uint64) int64 { return k.now(id) - read(int32(id)) }

// times tells the ticks of the program's clock.
func (k *Clock) times(c *table.Call, next table.Handler) table.Result {
	const tick = 1e9 / 100 // USER_HZ
	r := next.Handle(c)
	if r.Failed() || r.Gone() {
		return r
	}
	return table.Return(r.Raw() + k.ahead(unix.CLOCK_MONOTONIC)/tick)
}

// sysinfo tells for how long the machine has run; that comes first in all of its structs.
func (k *Clock) sysinfo(c *table.Call, next table.Handler) table.Result {
	r := next.Handle(c)
	if r.Failed() || r.Gone() {
		return r
	}
	width := c.ABI().PointerBits() / 8
	if c.ABI() == table.X32 {
		width = 8
	}
	if !writeWords(c, c.Arg(0), width, k.now(unix.CLOCK_BOOTTIME)/1e9) {
		return table.Errno(unix.EFAULT)
	}
	return r
}

// timesOut reports whether a call sets or tells the timeout of a socket (socket(7)), and the
// width of the times in it.
func timesOut(c *table.Call) (width int, ok bool) {
	const receive, send = 66, 67 // SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW
	if c.Arg(1) != unix.SOL_SOCKET {
		return 0, false
	}
	switch c.Arg(2) {
	case unix.SO_RCVTIMEO, unix.SO_SNDTIMEO:
		if c.ABI() == table.I386 {
			return 4, true
		}
		return 8, true
	case receive, send:
		return 8, true
	}
	return 0, false
}

// socketOption acts on timeouts of sockets.
func (k *Clock) socketOption(c *table.Call, next table.Handler) table.Result {
	width, ok := timesOut(c)
	if !ok {
		return next.Handle(c)
	}
	if c.Name() == "setsockopt" {
		w, ok := readWords(c, c.Arg(3), width, 2)
		if size := c.Arg(4); ok && size >= uint64(2*width) && w[0] >= 0 && w[1] >= 0 && w[1] < 1e6 {
			real := k.lasting(nanos(w[0], w[1]*1e3))
			if real > 0 {
				real = max(real, 1e3) // 0 is none
			}
			if err := pinWords(c, 3, width, real/1e9, real%1e9/1e3); err != nil {
				return failed(err)
			}
			c.SetArg(4, uint64(2*width))
		}
		return next.Handle(c)
	}
	r := next.Handle(c)
	if w, ok := readWords(c, c.Arg(3), width, 2); ok && !r.Failed() && !r.Gone() {
		left := k.remaining(nanos(w[0], w[1]*1e3))
		writeWords(c, c.Arg(3), width, left/1e9, left%1e9/1e3)
	}
	return r
}

// alarm acts on alarm(2), whose seconds are too coarse for other rates: it is setitimer(2).
func (k *Clock) alarm(c *table.Call, next table.Handler) table.Result {
	const second, half = int64(1e9), int64(5e8)
	before := c.Inject("alarm", 0)
	nr, ok := table.Number(c.ABI(), "setitimer")
	if before.Failed() || !ok {
		return before
	}
	shown := int64(c.Arg(0)) * second
	real := k.lasting(shown)
	if real > 0 {
		real = max(real, 1000)
	}
	pid, now := c.Process().PID(), k.now(unix.CLOCK_MONOTONIC)
	k.mu.Lock()
	due, ours := k.alarms[pid]
	if k.alarms[pid] = now + shown; shown == 0 {
		delete(k.alarms, pid)
	}
	k.mu.Unlock()
	width := wordOf(c)
	c.SetNr(nr)
	c.SetArg(0, 0) // ITIMER_REAL
	c.SetArg(2, 0)
	if err := pinWords(c, 1, width, 0, 0, real/1e9, real%1e9/1e3); err != nil {
		return failed(err)
	}
	if r := next.Handle(c); r.Failed() {
		return r
	}
	switch {
	case before.Raw() == 0:
		return table.Return(0)
	case !ours: // it was set by setitimer
		due = now + k.remaining(before.Raw()*second)
	}
	return table.Return(max((due-now+half)/second, 1)) // as the kernel rounds it
}
