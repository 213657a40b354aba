package supervisor

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Park runs f on a goroutine of its own while the thread stands still: see
// table.Call.
func (t *Thread) Park(c *table.Call, f func(ctx context.Context)) error {
	l := t.loop
	if t.gone || l.killing {
		return unix.ESRCH
	}
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	t.parks++
	id := t.parks
	t.parkSeq = id
	l.parked.Go(func() {
		// Also when f panics or calls Goexit: Call.Park tells which.
		defer l.inbox.post(message{kind: unparked, thread: t, park: id})
		f(ctx)
	})
	for t.parkSeq == id && !t.gone {
		t.co.suspend()
	}
	if t.parkSeq == id {
		t.parkSeq = 0
		return unix.ESRCH
	}
	return nil
}

// unpark lets the handler of a Park go on, if it still waits.
func (t *Thread) unpark(id uint64) {
	if t.gone || t.parkSeq != id {
		return
	}
	t.parkSeq = 0
	t.runCoroutine()
}
