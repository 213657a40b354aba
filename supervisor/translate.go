package supervisor

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A signal that reaches a thread in exec.so or in a trampoline must find it where it
// would be without them: the program's handler sees the registers, unwinders walk
// from them, and pthread_cancel decides by the instruction pointer. So at every
// signal-delivery-stop the thread is moved to the system-call instruction, if the
// call has not been made, or behind it. This is also how signals are deferred to the
// outermost edge of the layer, with nothing half done.

// inTrampoline is the Disposition of a thread in the memory near the program's own
// code: it stands where the original instruction is, or between it and the call.
const inTrampoline execso.Disposition = 100

// leaveExecso moves a thread that is about to take a signal out of the layer. It
// reports whether the signal is the layer's own and must not reach the program.
func (t *Thread) leaveExecso(info *table.Siginfo) (swallow bool) {
	i := t.proc.image
	if t.loop.direct == nil || i == nil || !i.mapped {
		return false
	}
	var regs ptrace.Regs
	if !t.loop.check(regs.Get(t.tid), t) {
		return false
	}
	f := frameOf(&regs)
	if faults(info) && execso.Touches(f.IP) {
		// The kernel is to find that out.
		t.outOf(&f)
		setFrame(&regs, &f)
		return t.loop.check(regs.Set(t.tid), t)
	}
	in := t.outOf(&f)
	if in != execso.Elsewhere {
		t.current.began = time.Time{} // of a call before
	}
	switch in {
	case execso.Elsewhere:
		return false
	case inTrampoline:
		// A displaced instruction may well fault: that is the program's.
		swallow = steps(info)
	default:
		swallow = steps(info) || faults(info)
	}
	if swallow {
		// Somebody steps through our code, or uses the register that leads to
		// our area. Such a program is left alone.
		t.restore()
	} else if i.overwritten(f.IP) != nil {
		return false // the original is not there: it stays in the trampoline
	}
	setFrame(&regs, &f)
	t.loop.check(regs.Set(t.tid), t)
	return swallow
}

// outOf changes f to what it would be without the layer, and settles what the
// thread's ring says.
func (t *Thread) outOf(f *execso.Frame) execso.Disposition {
	d := t.loop.direct
	slot := t.slot
	if slot == nil {
		slot = d.region.NullSlot()
	}
	in := slot.Translate(f)
	switch in {
	case execso.Elsewhere:
		return t.outOfTrampoline(f)
	case execso.Entered:
		d.takeBack(t)
	case execso.ReturnedUnstored:
		if e := t.store(slot.Outputs()); e != 0 {
			f.AX = uint64(table.Errno(e).Raw())
		}
	case execso.ReturnedUnrecorded:
		d.drain()
		d.drainOne(t)
		d.returned(t, table.FromRaw(int64(f.AX)), &execso.Event{Stamp: execso.Now(), Unhelped: true})
	}
	return in
}

// outOfTrampoline is outOf for the memory near the program's own code.
func (t *Thread) outOfTrampoline(f *execso.Frame) execso.Disposition {
	for _, a := range t.proc.image.near {
		if f.IP < a.addr || f.IP >= a.addr+a.used {
			continue
		}
		n, _ := slices.BinarySearchFunc(a.placed, f.IP, func(p placed, ip uint64) int {
			if p.at <= ip {
				return -1
			}
			return 1
		})
		if n == 0 {
			return execso.Elsewhere
		}
		p := &a.placed[n-1]
		ip, where := p.window.Translate(p.at, f.IP)
		if where == execso.OutsideTrampoline {
			return execso.Elsewhere
		}
		if where == execso.AfterCall {
			f.CX = ip
		}
		f.IP = ip
		return inTrampoline
	}
	return execso.Elsewhere
}

// hasArea reports whether GS leads to an area of ours.
func (t *Thread) hasArea() bool {
	var regs ptrace.Regs
	if t.loop.direct == nil || regs.Get(t.tid) != nil {
		return false
	}
	base, selected := regs.AreaBase()
	return !selected && execso.IsArea(base)
}

// handlerReturned is called when a signal handler of the program has returned to where the
// thread was interrupted. If that is among instructions over which a jump has been
// written since, it goes on in the trampoline.
func (t *Thread) handlerReturned() {
	i := t.proc.image
	if t.loop.direct == nil || i == nil || !i.mapped {
		return
	}
	var regs ptrace.Regs
	if regs.Get(t.tid) != nil {
		return
	}
	if s := i.overwritten(regs.IP()); s != nil {
		if ip, ok := s.window.Resume(s.tramp, regs.IP()); ok {
			regs.SetIP(ip)
			t.loop.check(regs.Set(t.tid), t)
		}
	}
}

// takeBack forgets a call that the thread was about to make: it will, after the
// signal, by a trap.
func (d *drainer) takeBack(t *Thread) {
	d.drain()
	d.drainOne(t)
	r := &t.rec
	if !r.inCall {
		return
	}
	if r.told {
		d.returned(t, table.Gone(), &execso.Event{})
		return
	}
	r.inCall = false
	d.entered = slices.DeleteFunc(d.entered, func(o *Thread) bool { return o == t })
}

// steps reports whether the signal comes from single-stepping.
func steps(info *table.Siginfo) bool {
	const trapTrace, trapHwbkpt = 2, 4
	code := info.Code()
	return info.Signo() == unix.SIGTRAP && (code == trapTrace || code == trapHwbkpt)
}

// faults reports whether the signal tells of a fault of the instruction at hand.
func faults(info *table.Siginfo) bool {
	return (info.Signo() == unix.SIGSEGV || info.Signo() == unix.SIGBUS) && info.Code() > 0
}

// help acts on the stop that exec.so asks for when it cannot tell whether memory may
// be touched that the call was about: the call is over, its result is in the area.
func (t *Thread) help() {
	d := t.loop.direct
	var regs ptrace.Regs
	if !t.loop.check(regs.Get(t.tid), t) {
		return
	}
	f := frameOf(&regs)
	t.outOf(&f)
	setFrame(&regs, &f)
	noCall(&regs)
	if t.loop.check(regs.Set(t.tid), t) && !t.loop.killing {
		d.admit(t)
		t.goOn(0)
	}
}
