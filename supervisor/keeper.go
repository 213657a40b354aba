package supervisor

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// A keeper looks after the tracing thread while that follows the child: as SCHED_IDLE it
// gets a few thousandths of a core that others want, and the child, which waits for it,
// no more. So from elsewhere it is watched whether it goes on, and if it does not though
// it could, it is given back to the scheduler; and so it is when nothing has happened
// for long, so that nobody has to watch. The thread learns of that from outing.
type keeper struct {
	events atomic.Uint64 // that the thread has seen
	outing atomic.Uint32 // why it was given back: kept if it was not

	mu      sync.Mutex
	tid     int         // of the thread while it follows, else 0
	allowed unix.CPUSet // where it may run otherwise
	timer   *time.Timer
	seen    uint64        // of the events, when last looked
	looked  time.Time     // when that was, if without an event
	ran     time.Duration // how long it had had a core then
	still   int           // looks in a row without an event
}

const (
	kept    = iota
	idled   // nothing happened
	starved // it did not get its core
)

const (
	keepEvery  = 10 * time.Millisecond // between looks
	keepStill  = 50                    // looks without an event, then nobody follows any more
	keepHungry = 2                     // without an event, and without a quarter of the core
)

// begin begins to look after the calling thread.
func (k *keeper) begin(allowed unix.CPUSet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tid, k.allowed, k.seen, k.still = unix.Gettid(), allowed, k.events.Load(), 0
	k.outing.Store(kept)
	if k.timer == nil {
		k.timer = time.AfterFunc(keepEvery, k.look)
	} else {
		k.timer.Reset(keepEvery)
	}
}

// end ends that: afterwards nobody but the thread itself changes how it is scheduled.
func (k *keeper) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer.Stop()
	k.tid = 0
}

// release gives the thread back to the scheduler.
func (k *keeper) release(why uint32) {
	k.outing.Store(why)
	_ = setPolicyOf(k.tid, schedOther)
	_ = unix.SchedSetaffinity(k.tid, &k.allowed)
	k.tid = 0
}

// look is called by the timer.
func (k *keeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.tid == 0 {
		return
	}
	defer func() {
		if k.tid != 0 {
			k.timer.Reset(keepEvery)
		}
	}()
	if n := k.events.Load(); n != k.seen || policyOf(k.tid) != schedIdle {
		// It gets on, or has yet to become what it is to be kept from: given back before that, it
		// would be left to it.
		k.seen, k.still = n, 0
		return
	}
	k.still++
	stat, err := procfs.ReadStat(k.tid)
	ran, _ := procfs.Schedstat(strconv.Itoa(k.tid))
	now := time.Now()
	hungry := err == nil && stat.State == 'R' && ran-k.ran < now.Sub(k.looked)/4
	k.looked, k.ran = now, ran
	switch {
	case hungry && k.still >= keepHungry:
		k.release(starved)
	case k.still >= keepStill:
		k.release(idled)
	}
}
