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
