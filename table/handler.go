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

// Native is the handler that runs the real call, as if it had no handler. Handlers can be
// compared with it.
var Native Handler = native{}

type native struct{}

// Handle runs the call.
func (native) Handle(c *Call) Result { return c.Native() }

// A Passer is a Handler that can tell of a call, before it is handled, that it would run it
// as it is and not look at what comes of it. Such a call goes on at once, and its return is
// no stop.
type Passer interface {
	Handler
	// Passes reports whether the call needs no handling. If it returns false, Handle is
	// called. It may use what the Call tells, memory and state, but not Native,
	// Inject, Pin or Park, nor change the Call.
	Passes(c *Call) bool
}

// Passes reports whether h would let the call pass, as Native does. Middleware that is a
// Passer asks so about the handler that it wraps.
func Passes(h Handler, c *Call) bool {
	if h == Native {
		return true
	}
	p, ok := h.(Passer)
	return ok && p.Passes(c)
}

// Middleware wraps a handler in another.
type Middleware func(next Handler) Handler
