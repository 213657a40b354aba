package table

// An Answerer is a Handler that gives every call of a number the same result, which
// the direct route then gives in the program itself, without entering the kernel.
type Answerer interface {
	Handler
	// Answer returns the result. It does not change.
	Answer() Result
}

// A Rememberer is a Handler for calls whose result is a fact about the thread that
// only its own calls change: getpid(2), getuid(2) and their like. The direct route
// asks the kernel once and then answers in the program, until a call of the thread
// may have changed the fact.
type Rememberer interface {
	Handler
	// Remembers marks the handler.
	Remembers()
}

// A Stopper is a Handler whose calls shall stop the thread: the direct route must not
// ask it over shared memory. A trace needs that to be in order.
type Stopper interface {
	Handler
	// Stops marks the handler.
	Stops()
}
