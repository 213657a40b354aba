package virtual

import "sync/atomic"

// A Notifier is the Notify of a Poller, to be embedded. The zero Notifier is ready.
type Notifier struct {
	changed atomic.Pointer[func()]
}

// Notify keeps changed: see Poller.
func (n *Notifier) Notify(changed func()) { n.changed.Store(&changed) }

// Changed tells that more has come: see Poller. Before there is a descriptor it does
// nothing.
func (n *Notifier) Changed() {
	if f := n.changed.Load(); f != nil {
		(*f)()
	}
}
