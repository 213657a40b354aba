package execso

import (
	"sync/atomic"
	"unsafe"
)

// A Slot is what one thread writes: its area, its counters, its ring. The thread
// can write what it likes there, at any time, and so can all others of the tree:
// whatever is read from it is checked, and read once only.
type Slot struct {
	region *Region
	index  int
	mem    []byte
	head   uint64 // bytes of the ring that are written, when last looked at
	taken  uint64 // bytes of the ring that Next is done with
	limit  uint64 // what the area's limit is
	known  bool   // SetKnown has been called
	freed  bool
	taking bool   // Requested has given away a request
	broken error  // what Next has found
	chunk  []byte // bytes of the ring from taken on, copied to buf
	buf    [eventReserve]byte
}

// NewSlot returns a slot for a thread, open and with an empty ring; nil if none is
// left.
func (r *Region) NewSlot() *Slot {
	n := len(r.freeSlots)
	if n == 0 {
		return nil
	}
	i := r.freeSlots[n-1]
	if !r.slots.reach(int64(i+1) * SlotSize) {
		return nil
	}
	r.freeSlots = r.freeSlots[:n-1]
	s := &Slot{region: r, index: i, mem: r.slots.mem[i*SlotSize : (i+1)*SlotSize]}
	clear(s.mem[:areaSize])
	poke(s.mem, areaSelf, s.GS())
	s.renew()
	s.Open()
	return s
}

// NullSlot returns the slot of threads that have none: all their calls take the
// trap route. Nothing but its GS is of use.
func (r *Region) NullSlot() *Slot { return r.null }

// Free gives the slot back, which is of no more use. The thread must not run any
// more, with this GS.
func (s *Slot) Free() {
	if s.index == 0 || s.freed {
		return
	}
	clear(s.mem[:areaSize])
	if s.region.counting {
		clear(s.mem[callsOff:knownOff])
	}
	if s.known {
		clear(s.mem[knownOff : knownOff+8*Numbers])
	}
	s.region.freeSlots = append(s.region.freeSlots, s.index)
	s.freed = true
}

// Index returns which slot it is; 0 is the null slot.
func (s *Slot) Index() int { return s.index }

// IsArea reports whether addr is a slot's area.
func IsArea(addr uint64) bool {
	const first = Base + SlotsOffset
	return addr >= first && addr < first+SlotsSize && (addr-first)%SlotSize == 0
}

// GS returns the address that the thread's gs base must be.
func (s *Slot) GS() uint64 { return Base + SlotsOffset + uint64(s.index)*SlotSize }

// Open lets the thread use the services, unless Next has failed.
func (s *Slot) Open() {
	if s.index != 0 && !s.freed && s.broken == nil {
		poke(s.mem, areaCookie, cookie)
	}
}

// Shut makes the thread's next call, if it is not Pass, take the trap route. One
// that is under way still writes its events.
func (s *Slot) Shut() {
	if !s.freed {
		poke(s.mem, areaCookie, 0)
	}
}

// renew tells the thread up to where it may write.
func (s *Slot) renew() {
	s.limit = s.taken + ringSize - 2*eventReserve
	poke(s.mem, areaLimit, s.limit)
}

// Drained says whether somebody takes the events out of the ring all the time, so that waiting for
// room is faster than stopping.
func (s *Slot) Drained(on bool) { s.mayLook(areaPatience, patience, on) }

// mayLook says how often the thread may look for something: so many times, or never.
func (s *Slot) mayLook(area int, times uint64, on bool) {
	switch {
	case s.index == 0 || s.freed:
	case on:
		poke(s.mem, area, times)
	default:
		poke(s.mem, area, 0)
	}
}

// SetKnown says what the service Known answers to this thread's calls of a number.
func (s *Slot) SetKnown(nr int, result int64) {
	if s.index == 0 || s.freed || nr < 0 || nr >= Numbers {
		return
	}
	s.known = true
	poke(s.mem, knownOff+8*nr, uint64(result)-answerBias)
}

// Forget takes back what SetKnown said: the calls take the trap route.
func (s *Slot) Forget(nr int) {
	if !s.freed && nr >= 0 && nr < Numbers {
		poke(s.mem, knownOff+8*nr, 0)
	}
}

// StopAtReturn makes a thread that is in a recorded call stop for the supervisor when
// that returns (IsHelp), instead of writing the Exit. It may be too late: then the Exit is
// written, or about to be.
func (s *Slot) StopAtReturn() {
	if s.index == 0 || s.freed {
		return
	}
	// The thread takes its steps from here when the call has returned. It may be on its
	// way out, or in the next call. That one may as well stop, unless it is counted.
	plan := (*uint64)(unsafe.Pointer(&s.mem[areaPlan]))
	// One that asks for a name is back at once.
	was := atomic.LoadUint64(plan)
	if was != stepAddress(countStep) && was != stepAddress(leaveStep) && !s.region.isStep(was, stepNamed) && !s.region.isStep(was, stepStatted) {
		atomic.CompareAndSwapUint64(plan, was, stepAddress(helpStep))
	}
}

// Counts returns how many calls the service Count has counted by a counter
// (Region.SetCounter) for this thread, and how many of them failed. They are what the
// thread says.
func (s *Slot) Counts(counter int) (calls, errors uint64) {
	return peek(s.mem, callsOff+8*counter), peek(s.mem, errorsOff+8*counter)
}

// Counting reports whether the thread may be in a call that will be counted by this
// counter. No call that begins after SetCounter has taken it from all numbers will.
func (s *Slot) Counting(counter int) bool {
	return s.counting() && peek(s.mem, areaNr) == uint64(counter)
}

// ClearCounts makes a counter zero that the thread is not Counting with.
func (s *Slot) ClearCounts(counter int) {
	if s.index != 0 && !s.freed {
		poke(s.mem, callsOff+8*counter, 0)
		poke(s.mem, errorsOff+8*counter, 0)
	}
}
