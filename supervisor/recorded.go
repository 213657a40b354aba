package supervisor

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A recorded is the table.Engine of a call that exec.so has recorded. The thread
// runs on meanwhile: nothing can be done to it, and its memory is what was recorded
// of it.
type recorded struct {
	*Thread
	captures []execso.Captured
	memory   []byte // of which they are
	whole    bool   // they have been all that was asked for
	entering bool   // the call has not returned, as far as we know
}

// begin is for telling that the call has been entered.
func (r *recorded) begin() {
	r.entering = true
	if r.rec.has {
		r.over()
	}
}

// settle says what was recorded of the call's memory.
func (r *recorded) settle(captures []execso.Captured) {
	r.captures, r.memory, r.whole, r.entering = captures, nil, false, false
}

// settleBy says it by the call's Exit.
func (r *recorded) settleBy(e *execso.Event) {
	r.settle(e.Captures)
	r.memory, r.whole = e.Memory, !e.Unhelped
}

// Recorded returns the memory of a call that has returned.
func (r *recorded) Recorded() (memory []byte, ok bool) { return r.memory, r.whole }

// over reports whether the call has returned meanwhile. What has been read of its
// memory since may be what came after it; what was recorded is right.
func (r *recorded) over() bool {
	d, t := r.loop.direct, r.Thread
	new := !t.rec.has
	t.look()
	if !d.fetch(t) {
		return t.distrusted
	}
	if new && d.merging {
		d.late = append(d.late, t)
	}
	r.settleBy(&t.rec.next)
	return true
}

var (
	_ table.Engine  = (*recorded)(nil)
	_ table.Witness = (*recorded)(nil)
)

// Route tells that the thread was not stopped.
func (r *recorded) Route() table.Route { return table.RouteDirect }

// Native, Inject, Pin and Park fail: the call has been made.

// Native fails.
func (r *recorded) Native(*table.Call) table.Result { return table.Errno(unix.EOPNOTSUPP) }

// Inject fails.
func (r *recorded) Inject(*table.Call, int, [6]uint64) table.Result {
	return table.Errno(unix.EOPNOTSUPP)
}

// Pin fails.
func (r *recorded) Pin(*table.Call, []byte) (uint64, error) { return 0, unix.EOPNOTSUPP }

// Park fails.
func (r *recorded) Park(*table.Call, func(context.Context)) error { return unix.EOPNOTSUPP }

// ReadMemory answers from what was recorded, and for the rest from the thread's
// memory as it is now, which is right while the thread is in the call.
func (r *recorded) ReadMemory(addr uint64, p []byte) (int, error) {
	n := execso.ReadCaptured(r.captures, addr, p)
	if n == len(p) || n > 0 && !r.cutAt(addr+uint64(n)) {
		return n, nil
	}
	m, err := r.live(addr+uint64(n), p[n:])
	if r.entering && r.over() {
		r.entering = false
		return r.ReadMemory(addr, p)
	}
	if n += m; n > 0 {
		err = nil
	}
	return n, err
}

// cutAt reports whether more of the memory that goes on at addr is of interest than was
// recorded.
func (r *recorded) cutAt(addr uint64) bool {
	for i := range r.captures {
		if c := &r.captures[i]; c.Cut && c.Addr+uint64(len(c.Data)) == addr {
			return true
		}
	}
	return false
}

// ReadRanges is ReadMemory for several.
func (r *recorded) ReadRanges(ranges []table.Range) {
	for i := range ranges {
		ranges[i].N, _ = r.ReadMemory(ranges[i].Addr, ranges[i].Buf)
	}
}

// WriteMemory fails.
func (r *recorded) WriteMemory(uint64, []byte) (int, error) { return 0, unix.EOPNOTSUPP }

func (r *recorded) live(addr uint64, p []byte) (int, error) {
	r.whole = false
	if r.gone || len(p) == 0 {
		return 0, unix.ESRCH
	}
	if r.proc.userfaults {
		return 0, unix.EFAULT // nobody of the program waits for us
	}
	return ptrace.ReadMemory(r.tid, addr, p)
}
