package supervisor

import "iter"

// A coroutine does the jobs of one thread, on the tracing thread: a job can stop
// in the middle, to wait for an event, and be resumed. Switching costs a tenth of
// a microsecond where a goroutine and a channel take ten.
type coroutine struct {
	thread *Thread
	next   func() (struct{}, bool) // runs it until it suspends itself or is done
	stop   func()
	// suspend gives control back to the event loop, from inside.
	suspend func()
	ended   bool
}

// maxIdle is how many coroutines are kept for new threads, with the stacks that
// they have grown.
const maxIdle = 32

// coroutine returns one that has nothing to do.
func (l *loop) coroutine() *coroutine {
	if n := len(l.idle); n > 0 {
		co := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return co
	}
	co := &coroutine{}
	co.next, co.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() { co.ended = true }()
		co.suspend = func() { yield(struct{}{}) }
		for {
			co.thread.doJob()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return co
}

// retire keeps the coroutine of a dead thread for another, or ends it.
func (l *loop) retire(co *coroutine) {
	co.thread = nil
	if !co.ended && !l.killing && len(l.idle) < maxIdle {
		l.idle = append(l.idle, co)
		return
	}
	co.stop()
}

// endCoroutines ends those that are kept.
func (l *loop) endCoroutines() {
	for _, co := range l.idle {
		co.stop()
	}
	l.idle = nil
}
