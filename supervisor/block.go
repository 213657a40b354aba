package supervisor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A call whose handler has returned table.Block is made to be ppoll(2). While the
// thread waits in it, it has no coroutine; its stops come to blockedStop. At the call's
// exit the handler's continuation runs. A signal ends ppoll with a restart errno; the
// program's own call then gets, with its own registers, the restart errno by which the
// kernel tells such calls apart, so that it is the kernel that decides between EINTR
// and a restart, and that restarts.

// A blockedCall is a call that waits.
type blockedCall struct {
	result table.Result // Block
	slot   uint64       // of the process's waitSlots; 0: none
	until  time.Time    // zero: for ever
	nr     int          // of ppoll
	args   [6]uint64
	// site is the instruction by which ppoll is made, 0 if it takes the place of the
	// program's own call. Until it is entered the thread is in the layer: signals are
	// held.
	site uint64
	// looks: this is no wait, but a look whether a signal has come. See enterWait.
	looks    bool
	uncancel func() bool // nil without a Context
	canceled bool
	over     table.Result // of ppoll
	died     bool
}

// block makes the thread wait as result says, and returns false; or true and the
// call's result if it is not to wait after all. The job ends with that.
func (t *Thread) block(result table.Result) (table.Result, bool) {
	t.unpin()
	for {
		w, blocked := result.Blocked()
		switch {
		case !blocked:
			return result, true
		case t.gone, t.loop.killing, t.current.position == lost:
			result = result.Wake(&t.call, table.Died)
			continue
		case w.Context != nil && w.Context.Err() != nil:
			result = result.Wake(&t.call, table.Canceled)
			continue
		}
		err := t.enterWait(result, w)
		switch e := errnoOf(err); {
		case err == nil:
			return result, false
		case ptrace.Gone(err):
			result = result.Wake(&t.call, table.Died)
		case e == unix.ENOMEM, e == unix.EFAULT, e == unix.ENOSYS:
			result = result.End(table.Errno(e))
		default:
			t.loop.check(err, t)
		}
	}
}

// enterWait lets the thread run into ppoll.
func (t *Thread) enterWait(result table.Result, w *table.Wait) (err error) {
	s, abi := &t.current, t.call.ABI()
	b := &blockedCall{result: result, until: t.deadline(w)}
	nr, ok := table.Number(abi, "ppoll")
	if !ok || ptrace.IsVsyscall(s.info.IP) {
		return unix.ENOSYS
	}
	b.nr = nr
	waits := w
	if b.looks = s.again; b.looks {
		waits, b.until = &table.Wait{}, time.Now()
	}
	if b.slot, b.args, err = t.waitArguments(waits, b.until); err != nil {
		return err
	}
	if err := t.complete(); err != nil {
		return err
	}
	if err := t.save(); err != nil {
		return err
	}
	if s.position == pending {
		err = ptrace.SetCall(t.tid, abi, &s.info, b.nr, b.args)
		s.changed, s.position = true, outside
	} else if err = t.deferSignals(); err == nil {
		if b.site, err = t.site(); err == nil {
			regs := s.regs
			regs.SetEntry(abi, b.site, b.nr, b.args)
			err = regs.Set(t.tid)
		}
	}
	if err != nil {
		return err
	}
	t.waiting = b
	if b.site == 0 {
		t.emerge()
	}
	// What was ready, and yet not enough for the call, may be so for ever, and ppoll tells of what is
	// ready before it looks for signals. So between two such waits there is one for nothing, which
	// only signals end otherwise.
	s.again = w.Events != 0 && !b.looks
	if w.Context != nil {
		l := t.loop
		b.uncancel = context.AfterFunc(w.Context, func() {
			l.inbox.post(message{kind: canceled, thread: t, wait: b})
		})
	}
	t.resume(ptrace.Syscall, 0)
	return nil
}

// waitArguments returns what ppoll is called with.
func (t *Thread) waitArguments(w *table.Wait, until time.Time) (slot uint64, args [6]uint64, err error) {
	if w.Events == 0 && until.IsZero() {
		return 0, args, nil
	}
	for range 2 {
		if slot, err = t.waitSlot(); err != nil {
			return 0, args, err
		}
		args, err = t.fillWaitSlot(slot, w, until)
		if !errors.Is(err, unix.EFAULT) {
			return slot, args, err
		}
		t.proc.waits = waitSlots{} // the program has taken them away
	}
	return 0, args, err
}

// blockedStop acts on a syscall or seccomp stop of a thread that waits.
func (t *Thread) blockedStop() {
	b := t.waiting
	var info ptrace.SyscallInfo
	if !t.loop.check(ptrace.GetSyscallInfo(t.tid, &info), t) {
		return
	}
	if info.Op == ptrace.OpExit {
		b.over = info.Result()
		t.start((*Thread).unblock)
		return
	}
	if b.site != 0 {
		if info.IP != b.site+ptrace.SyscallInsnLen || info.Nr() != int(int32(b.nr)) || info.Args() != b.args {
			t.loop.check(fmt.Errorf("thread %d: %w", t.tid, ptrace.ErrTampered), t)
			return
		}
		if info.Op == ptrace.OpEntry {
			t.emerge()
			if b.canceled {
				t.loop.check(ptrace.Interrupt(t.tid), t)
			}
		}
	}
	t.resume(ptrace.Syscall, 0)
}

// cancelWait ends a wait of the thread whose Context is done, if it still lasts.
func (t *Thread) cancelWait(b *blockedCall) {
	if t.gone || t.waiting != b || b.canceled {
		return
	}
	b.canceled = true
	t.loop.check(ptrace.Interrupt(t.tid), t)
}

// unblock is the job after a wait.
func (t *Thread) unblock() {
	b := t.waiting
	t.waiting = nil
	if b.uncancel != nil {
		b.uncancel()
	}
	if b.slot != 0 {
		t.proc.waits.free = append(t.proc.waits.free, b.slot)
	}
	var result table.Result
	switch e := b.over.Errno(); {
	case b.died:
		result = b.result.Wake(&t.call, table.Died)
	case b.over.Restarting() || e == unix.EINTR:
		if b.canceled {
			result = b.result.Wake(&t.call, table.Canceled)
			break
		}
		t.keepDeadline(b)
		result = b.result.Wake(&t.call, table.Interrupted)
	case e == unix.EFAULT:
		// The program has taken the slot away. Who waits can look whether the wait
		// is over, and wait again, elsewhere.
		t.proc.waits = waitSlots{}
		result = b.result.Wake(&t.call, table.Ready)
	case e != 0: // a filter of the program's own
		result = b.result.End(table.Errno(e))
	case b.looks: // and no signal has come
		result = b.result
	case b.over.Raw() == 0:
		result = b.result.Wake(&t.call, table.TimedOut)
	default:
		result = b.result.Wake(&t.call, table.Ready)
	}
	t.conclude(result)
}

// abandonWait ends the call of a thread that has died while it waited.
func (t *Thread) abandonWait() {
	t.waiting.died = true
	t.start((*Thread).unblock)
}
