package virtual

import "sync"

// A Gate is the part of a Poller that says what it is ready for. A File embeds one and
// calls Set. The zero Gate is ready for nothing.
type Gate struct {
	mu      sync.Mutex
	now     Events
	changed func()
}

// Set makes now what the file is ready for, and tells of it: also if it was so before,
// which to an edge-triggered epoll means that more has come. Any goroutine may call it,
// not with a lock that Read and Write take.
func (g *Gate) Set(now Events) {
	g.mu.Lock()
	g.now = now
	changed := g.changed
	g.mu.Unlock()
	if changed != nil {
		changed()
	}
}

// Become is Set without telling: for Read and Write, after which the layer looks.
func (g *Gate) Become(now Events) {
	g.mu.Lock()
	g.now = now
	g.mu.Unlock()
}

// Readiness returns what was set last.
func (g *Gate) Readiness() Events {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

// Notify keeps changed: see Poller.
func (g *Gate) Notify(changed func()) {
	g.mu.Lock()
	g.changed = changed
	g.mu.Unlock()
}
