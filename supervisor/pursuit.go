package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// A pursuit knows on which core the followed thread runs, and pins us there.
//
// The kernel tells it in /proc only, and of a process that has not been looked at
// before that takes as long as several stops. So it is guessed where it can be: a
// thread that has waited for another's end is where it was, and a new program where
// the one before it was, since the scheduler puts it onto the core with the least to
// do. Whether that is right shows: on our core a thread that we let go runs in our
// place, and has mostly stopped again when we look. If it has not a few times, it is
// looked up.
type pursuit struct {
	tid     int // whom we follow; 0: nobody, or it is dead
	cpu     int // where we are pinned; -1: nowhere
	guessed bool
	missed  int // calls in a row that we had to wait for

	before   struct{ tid, cpu int } // whom we followed before, and where it was
	executed int                    // the thread that has last executed a program
	programs int                    // where the last such thread that was looked up was; -1: nowhere

	allowed unix.CPUSet
}

// doubtful is after how many missed stops a guess is looked at.
const doubtful = 3

// begin begins to follow tid. allowed is where we may be.
func (p *pursuit) begin(tid int, allowed unix.CPUSet) bool {
	*p = pursuit{cpu: -1, programs: -1, allowed: allowed}
	return p.find(tid)
}

// end makes us free.
func (p *pursuit) end() { unix.SchedSetaffinity(0, &p.allowed) }

// processor returns the CPU that the thread last ran on, -1 if it cannot be told.
func processor(tid int) int {
	s, err := procfs.ReadStat(tid)
	if err != nil {
		return -1
	}
	return s.Processor
}

// find follows tid to where it is.
func (p *pursuit) find(tid int) bool {
	cpu := processor(tid)
	if tid == p.executed {
		p.programs = cpu
	}
	return p.follow(tid, cpu, false)
}

// findProgram follows tid, which has executed a program.
func (p *pursuit) findProgram(tid int) {
	p.executed = tid
	switch {
	case tid == p.tid:
		p.guessed, p.missed = true, 0 // the exec may have moved it
	case p.programs >= 0:
		p.follow(tid, p.programs, true)
	default:
		p.find(tid)
	}
}

// findNext follows tid, which is the first to stop after whom we followed is dead.
func (p *pursuit) findNext(tid int) {
	if tid == p.before.tid {
		p.follow(tid, p.before.cpu, true)
		return
	}
	p.find(tid)
}

// check learns of a call of the followed thread, and whether we had to wait for it. It
// looks a guess up that is in doubt.
func (p *pursuit) check(waited bool) {
	if !waited {
		p.missed = 0
		return
	}
	if p.missed++; p.guessed && p.missed >= doubtful {
		p.find(p.tid)
	}
}

// died learns that a thread is gone.
func (p *pursuit) died(tid int) {
	if p.tid == tid {
		p.tid = 0
	}
}

// follow pins us to cpu, for tid.
func (p *pursuit) follow(tid, cpu int, guessed bool) bool {
	if p.tid != 0 && p.tid != tid {
		p.before.tid, p.before.cpu = p.tid, p.cpu
	}
	p.tid, p.guessed, p.missed = tid, guessed, 0
	if cpu == p.cpu {
		return true
	}
	if cpu < 0 || !p.allowed.IsSet(cpu) {
		return false // not for us
	}
	var set unix.CPUSet
	set.Set(cpu)
	if unix.SchedSetaffinity(0, &set) != nil {
		return false
	}
	p.cpu = cpu
	return true
}
