package table

// A Handler decides what a system call does. It runs while the calling thread
// of the child stands still before the call, as a coroutine on the tracing
// thread: it reads top to bottom, and must not block in Go (see Call.Park).
//
// What it returns becomes the call's result in the child. A handler that never
// calls Native has answered the call itself: the kernel does not run it.
type Handler interface {
	Handle(c *Call) Result
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(c *Call) Result

// Handle calls f(c).
func (f HandlerFunc) Handle(c *Call) Result { return f(c) }

// Native is the handler that runs the real call, as if it had no handler.
var Native Handler = HandlerFunc((*Call).Native)

// Middleware wraps a handler in another.
type Middleware func(next Handler) Handler
