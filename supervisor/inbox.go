package supervisor

import "sync"

// A messageKind says what another goroutine wants of the tracing thread.
type messageKind uint8

const (
	unparked     messageKind = iota // the function of thread's Park has returned
	tableChanged                    // the table may have new routes
	killTree                        // the context is done
	letGo                           // attached processes are to be detached
	drainRings                      // what exec.so has recorded is to be told
	canceled                        // the context of thread's wait is done
	waitOver                        // the time of a call that was started again is over
)

type message struct {
	kind   messageKind
	thread *Thread
	park   uint64 // which Park of the thread
	wait   *blockedCall
	spared *sparedWait
}

// An inbox takes messages from any goroutine to the tracing thread.
type inbox struct {
	mu       sync.Mutex
	messages []message
	ring     func() // nil after the loop has ended
}

// post leaves a message and wakes the tracing thread.
func (b *inbox) post(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring == nil {
		return
	}
	b.messages = append(b.messages, m)
	b.ring()
}

// close makes post do nothing from now on.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring = nil
}

func (b *inbox) take() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.messages
	b.messages = nil
	return m
}

// drainInbox acts on all messages.
func (l *loop) drainInbox() {
	for _, m := range l.inbox.take() {
		switch m.kind {
		case unparked:
			m.thread.unpark(m.park)
		case canceled:
			m.thread.cancelWait(m.wait)
		case waitOver:
			m.thread.sparedAlarm(m.spared)
		case tableChanged:
			l.extendFilters()
		case drainRings:
			l.direct.ticked()
		case letGo:
			l.letGo = true
		case killTree:
			l.killedByContext = len(l.threads) > 0
			l.kill()
		}
	}
}
