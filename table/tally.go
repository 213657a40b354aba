package table

import "time"

// A Tallier is a Handler that does nothing about a call but count it. The direct
// route need not tell it of each: exec.so counts, and the Tallier gets the sums.
// Where a call comes by the trap route, its Handle is called as any other's; no
// call is told of both ways.
//
// The methods run on the tracing thread and must not block.
type Tallier interface {
	Handler
	// Tally adds calls of the number nr that have returned since the last time:
	// how many, how many of these failed, and the time that all together
	// were in the kernel, which is 0 if no Tallier wants times. It is called
	// when a thread has ended, and so before Wait returns.
	Tally(abi ABI, nr int, calls, errors uint64, spent time.Duration)
	// WantsTimes reports whether it looks at the time, which costs the
	// program some ten nanoseconds a call.
	WantsTimes() bool
}
