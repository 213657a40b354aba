package supervisor

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// Who drains the rings, and when: where a core is free, the tracing thread itself,
// on it, while the program runs on another. When nothing has come for a moment it
// shuts the rings and waits for stops as on the trap route; the next call traps, and
// opens them again. So neither side ever wakes the other through the rings, and a
// program that sleeps costs nothing.
//
// Where a program stops again and again (a shell that starts others), or no core is
// free, looking for events would take time from the program. Then the rings stay open, and are drained when they are full and, lest a line be late,
// now and then.
const (
	idleAfter  = 100 * time.Microsecond // without an event: about what two traps cost
	pollEvery  = 8 * time.Microsecond   // between looks for stops
	lookEvery  = 12 * time.Microsecond  // between looks at the rings, which hold five times as much
	tick       = 40 * time.Millisecond  // how late events may be told
	crowdLook  = 2 * time.Millisecond   // between looks for a free core
	crowdLooks = 5                      // in a row without: a moment's company costs less than leaving
	crowdRest  = 20 * time.Millisecond  // after there was none, for longer each time up to
	crowdMost  = 160 * time.Millisecond

	// A stop is served faster by one who follows the thread from core to core, as
	// on the trap route. So it is by how much is recorded between two stops that
	// looking at the rings pays.
	stopPeriod   = 32 // stops after which that is decided
	worthLooking = 32 // events a stop
	burst        = 64 // events at once after which it is plain
)

// poll drains the rings while the program runs, until a stop comes (true) or there
// is no reason to go on.
func (d *direct) poll() (ptrace.Event, bool) {
	l := d.loop
	if len(d.open) == 0 {
		return ptrace.Event{}, false
	}
	if !d.watching {
		d.lookLater()
		return ptrace.Event{}, false
	}
	l.place.leave() // on the tracee's core, there is nothing to look at
	now := time.Now()
	if now.Before(d.crowdedUntil) {
		d.lookLater()
		return ptrace.Event{}, false
	}
	d.setServing(true)
	lastEvent, lastLook, lastDrain := now, now, time.Time{}
	aside := false // we have tried to, since then
	for len(d.open) > 0 && !l.killing {
		if e, ok := ptrace.Poll(-1, l.usage); ok {
			return e, true
		}
		n := 0
		for begin := now; now.Sub(begin) < pollEvery; now = time.Now() {
			n += d.awaitRequests()
			if d.records && now.Sub(lastDrain) >= lookEvery {
				lastDrain = now
				n += d.drain()
			}
		}
		d.recent += n
		switch {
		case now.Sub(lastLook) > crowdLook:
			lastLook = now
			if procfs.Runnable() <= runtime.NumCPU() {
				d.noCore, d.crowdRest = 0, 0
			} else if d.noCore++; d.noCore >= crowdLooks {
				d.crowdRest = min(max(2*d.crowdRest, crowdRest), crowdMost)
				d.crowdedUntil, d.noCore = now.Add(d.crowdRest), 0

				d.lookLater()
				return ptrace.Event{}, false
			}
		case n > 0:
			lastEvent, aside = now, false
		case now.Sub(lastEvent) > idleAfter:

			d.shut()
		case now.Sub(lastEvent) > asideAfter && !aside:
			aside = true
			d.stepAside()
		}
	}
	return ptrace.Event{}, false
}

// awaitRequests looks for requests for a moment, in which nobody looks at the clock: that takes
// longer than a look, and who asks waits meanwhile.
func (d *direct) awaitRequests() (n int) {
	const looks = 16 // at some 50 ns
	for range looks {
		if n = d.takeRequests(); n > 0 {
			break // handlers may take their time
		}
		spin()
	}
	return n
}

// stopped learns that a thread has stopped, and how much had been recorded until
// then: it decides whether to look at the rings or to follow the threads.
func (d *direct) stopped(n int) {
	d.stops++
	d.recent += n
	if d.stops < stopPeriod && n < burst {
		return
	}
	// Calls that are asked about are stops until somebody looks.
	d.watching = d.asks || n >= burst || d.recent >= worthLooking*d.stops
	d.stops, d.recent = 0, 0
}

// lookLater leaves the rings to stops and ticks.
func (d *direct) lookLater() {
	d.setServing(false)
	d.takeRequests() // made before the threads could see it
	d.startTicking()
}

// startTicking makes sure that the rings are looked at soon, whoever waits.
func (d *direct) startTicking() {
	if d.ticks {
		return
	}
	d.ticks = true
	post := func() { d.loop.inbox.post(message{kind: drainRings}) }
	if d.ticking == nil {
		d.ticking = time.AfterFunc(tick, post)
	} else {
		d.ticking.Reset(tick)
	}
}

func (d *direct) stopTicking() {
	if d.ticking != nil {
		d.ticking.Stop()
	}
}

// ticked acts on the message of startTicking.
func (d *direct) ticked() {
	d.ticks = false
	if len(d.open) == 0 {
		d.calm()
	} else if d.drain() == 0 {
		d.shut()
	} else {
		d.tellEntered(nil)
		d.startTicking()
	}
}

// oneCore reports whether we and the program have but one core.
func oneCore() bool {
	var set unix.CPUSet
	return unix.SchedGetaffinity(0, &set) == nil && set.Count() < 2
}
