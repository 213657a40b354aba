package supervisor

import (
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/ptrace"
)

// A Placement says where the tracing thread runs. The child's own threads are
// always left to the scheduler and to themselves.
type Placement uint8

const (
	// PlaceAuto follows the core of the child's thread while only one at a
	// time is busy, and leaves everything to the scheduler otherwise. It needs
	// CAP_SYS_NICE and does nothing without.
	PlaceAuto Placement = iota
	// PlaceScheduler leaves the tracing thread to the scheduler.
	PlaceScheduler
)

// placement decides where the tracing thread runs.
//
// A stop and a resumption are two hand-overs between tracee and tracer, of which
// only one runs at a time. A wake-up across cores costs three to five times one on
// the same core, yet the scheduler sends a woken thread to an idle core where it
// can. It makes one exception: a core on which only SCHED_IDLE threads run counts
// as idle (kernel/sched/fair.c, sched_idle_cpu). So to follow is to be pinned to
// the tracee's core and to be SCHED_IDLE there: the tracee, woken, stays, runs at
// once, and gives way by stopping. See docs/PERFORMANCE.md for what that gains.
//
// The price is that a stranger's thread on that core would starve us, and with us
// the tracee; so the time we spend waiting for the core is watched, and too much
// of it ends the following for a while.
type placement struct {
	mode      Placement
	following bool
	whom      pursuit
	keeper    keeper
	others    int  // events in a row of other threads
	waited    bool // the last event was not there when we looked for it

	score   int       // of solo events: see observe
	events  int       // in this period
	rest    time.Time // until which not to follow again
	backoff time.Duration

	period time.Time     // when this period began
	last   time.Time     // of the last event, while following
	delay  time.Duration // how long we had waited for a core when last looked at
	ran    time.Duration // how long ranTID had had one then
	ranTID int
}

const (
	soloScore    = 32          // solo events, net, before following
	maxScore     = 64          // and beyond which they do not count
	crowdPenalty = 4           // what an event among several busy threads takes away
	periodEvents = 128         // between looks at the clock and at the tracee's core
	shortRun     = 4           // events in a row of a thread that it is not worth to move for
	firstBackoff = time.Second // doubled each time up to
	maxBackoff   = time.Minute

	// Rarer events than these are not worth following for.
	worthwhile = periodEvents * 100 * time.Microsecond
	// A gap that may have been spent waiting for the core.
	suspicious = 2 * time.Millisecond
)

// wait waits for the next event of any tracee.
func (p *placement) wait(usage *unix.Rusage) (ptrace.Event, error) {
	if p.following {
		p.keeper.events.Add(1)
		// The tracee ran while we were on our way here.
		if e, ok := ptrace.Poll(-1, usage); ok {
			p.waited = false
			return e, nil
		}
		p.waited = true
	}
	return ptrace.Wait(-1, usage)
}

// observe learns of a call's stop: whose, and whether other threads of the child were
// running meanwhile.
func (p *placement) observe(tid int, alone bool) {
	if p.mode != PlaceAuto {
		return
	}
	if alone {
		p.score = min(p.score+1, maxScore)
	} else {
		p.score = max(p.score-crowdPenalty, 0)
	}
	if p.following {
		p.follow(tid)
		return
	}
	if p.events++; p.events < periodEvents {
		return
	}
	now := time.Now()
	elapsed := now.Sub(p.period)
	p.events, p.period = 0, now
	if p.score >= soloScore && elapsed < worthwhile && now.After(p.rest) {
		p.enter(tid)
	}
}

// follow checks, while following, whether it still does good.
func (p *placement) follow(tid int) {
	if outing := p.keeper.outing.Load(); outing != kept {
		p.leave()
		if outing == starved {
			p.backOff()
		}
		return
	}
	now := time.Now()
	gap := now.Sub(p.last)
	p.last = now
	p.events++
	if tid == p.whom.tid {
		p.others = 0
		p.whom.check(p.waited)
	} else {
		p.others++
	}
	switch {
	case p.score == 0:
		p.leave()
	case p.others == shortRun:
		p.whom.find(tid)
		p.others = 0
	case gap > suspicious:
		if p.starved(tid, suspicious/2) {
			p.leave()
			p.backOff()
		}
	case p.events >= periodEvents:
		elapsed := now.Sub(p.period)
		p.events, p.period = 0, now
		switch {
		case elapsed > worthwhile && p.starved(tid, elapsed/4):
			p.leave()
			p.backOff()
		case elapsed > 4*worthwhile:
			p.leave()
		default:
			p.whom.find(tid)
		}
	}
}

// execed learns that a thread has executed a program. New processes start on other
// cores than their parents', which mostly wait for them; but what they do before the
// exec is not worth a move, and on their core we would be somebody whom the kernel
// gets out of the way of at the exec (kernel/sched/core.c, sched_exec).
func (p *placement) execed(tid int) {
	if p.following && p.score > 0 {
		p.whom.findProgram(tid)
	}
}

// stopped learns of any stop. If nobody is followed any more, now it is this thread:
// likely the one that has waited for the other's end.
func (p *placement) stopped(tid int) {
	if p.following && p.whom.tid == 0 {
		p.whom.findNext(tid)
	}
}

// starved reports whether, since the last question, we have waited for the core
// longer than limit and it was not the tracee that had it: woken by us, it runs in
// our place, and we wait for as long as it computes.
func (p *placement) starved(tid int, limit time.Duration) bool {
	ran, _ := procfs.Schedstat(strconv.Itoa(tid))
	_, delay := procfs.Schedstat("thread-self")
	waited := delay - p.delay
	its := ran
	if tid == p.ranTID {
		its -= p.ran
	}
	p.delay, p.ran, p.ranTID = delay, ran, tid
	return waited > limit && waited > 2*its
}

func (p *placement) backOff() {
	p.backoff = min(max(2*p.backoff, firstBackoff), maxBackoff)
	p.rest = time.Now().Add(p.backoff)
}

// enter begins to follow.
func (p *placement) enter(tid int) {
	var allowed unix.CPUSet
	if !mayFollow() || unix.SchedGetaffinity(0, &allowed) != nil || allowed.Count() < 2 {
		p.mode = PlaceScheduler
		return
	}
	// Where every core has somebody to run, as SCHED_IDLE we would starve. The
	// tracee stands still, so of those that are runnable one is us. That may be
	// over in a moment: it is asked again after the next period.
	if procfs.Runnable()-1 >= runtime.NumCPU() {
		return
	}
	if !p.whom.begin(tid, allowed) {
		return
	}
	p.keeper.begin(allowed) // before it is needed
	if setPolicy(schedIdle|schedResetOnFork) != nil {
		p.keeper.end()
		p.whom.end()
		p.mode = PlaceScheduler
		return
	}
	p.following = true
	p.last = time.Now()
	p.period = p.last
	p.ran, _ = procfs.Schedstat(strconv.Itoa(tid))
	_, p.delay = procfs.Schedstat("thread-self")
	p.ranTID = tid
}

// leave gives the thread back to the scheduler.
func (p *placement) leave() {
	if !p.following {
		return
	}
	p.following, p.events, p.score = false, 0, 0
	setPolicy(schedOther) // while somebody sees to it that we come so far
	p.keeper.end()
	p.whom.end()
}
