package table

import "time"

// A Recorder is a Handler that does nothing about a call but look at it. The
// direct route need not stop a thread for it: exec.so records the call, and the
// Recorder hears of it a little later. Where a call comes by the trap route, its
// Handle is called as any other's.
//
// The methods run on the tracing thread, in the order of the events as far as
// the clock can tell it, and must not block. Of the Call they may use what
// describes it, and read memory, which answers with what was recorded; Native,
// Inject, Pin and Park fail.
type Recorder interface {
	Handler
	// Entered tells of a call that has not returned yet: it blocks, or events
	// of other threads came between. Calls that return soon are told by
	// Returned alone.
	Entered(c *Call, at time.Time)
	// Returned tells how a call ended that entered the kernel at entered and
	// left it at left. res is Gone if the thread ended in the call.
	Returned(c *Call, res Result, entered, left time.Time)
	// WantsTimes reports whether it looks at the times, which cost the program
	// some nanoseconds a call; they are zero if no Recorder does.
	WantsTimes() bool
	// Limits returns how much of a string or buffer it looks at, in bytes, and of an
	// array, in elements.
	Limits() (text, elements int)
}

// A Witness is an Engine of calls that have been recorded.
type Witness interface {
	// Recorded returns what has been recorded of the call's memory: the same bytes for the
	// same contents of the same places. ok is false if that is not all that is known of it:
	// something else was needed to answer ReadMemory.
	Recorded() (memory []byte, ok bool)
}

// Recorded is Witness's. ok is false if the engine is none. It is for Recorders, in Returned.
func (c *Call) Recorded() (memory []byte, ok bool) {
	if c.witness == nil {
		return nil, false
	}
	return c.witness.Recorded()
}
