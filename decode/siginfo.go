package decode

import (
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// siginfo_t is a header and a union that si_signo and si_code choose from
// (asm-generic/siginfo.h). This is its layout where pointers have 64 bits; the
// 32-bit one has no padding after the header.

var siginfoType = register("siginfo", sizes64(table.SiginfoSize, table.SiginfoSize), decodeSiginfo)

// SignalEvent decodes a signal's siginfo into e, as its only argument, to be
// rendered with AppendArgs.
func (e *Event) SignalEvent(info *table.Siginfo) {
	e.clear()
	e.abi = table.AMD64
	e.slot = argSlot
	b := e.alloc(len(info))
	copy(b, info[:])
	e.emitBytesAs("", siginfoType, b)
	e.show(0)
}

// AppendSiginfo decodes a siginfo_t into e, as the kernel gave it to the tracer of thread tid,
// and appends it:
//
//	{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=0, si_utime=0, si_stime=0}
func (t *Text) AppendSiginfo(dst []byte, e *Event, tid int, info *table.Siginfo) []byte {
	e.SignalEvent(info)
	e.tid = tid
	return t.appendValue(dst, e, e.arg(0))
}

// Kinds of si_code that are not from a fault (asm-generic/siginfo.h).
const (
	siUser    = 0
	siKernel  = 0x80
	siQueue   = -1
	siTimer   = -2
	siMesgq   = -3
	siAsyncIO = -4
	siSigIO   = -5
	siTkill   = -6
	siAsyncNL = -60
)

func decodeSiginfo(e *Event, name string, r *reader) {
	signo := r.u32()
	errno := r.u32()
	code := r.u32()
	if r.abi != table.I386 {
		r.skip(4)
	}
	union := r.off
	outer := e.open(Value{Name: name, Kind: Struct, Num: r.addr})
	defer e.close(outer)
	if signo == 0 {
		return
	}
	e.num("si_signo", Signal, 32, signo)
	e.siCode(int32(signo), int32(code))
	if errno != 0 {
		e.num("si_errno", Errno, 32, errno)
	}
	switch int32(code) {
	case siUser, siTkill:
		pid, uid := r.u32(), r.u32()
		e.num("si_pid", PID, 32, pid)
		e.num("si_uid", UID, 32, uid)
		return
	case siTimer: // shown with its value, whatever it is
		e.num("si_timerid", Hex, 32, r.u32())
		e.num("si_overrun", Int, 32, r.u32())
		e.siValueOf(r.ptr())
		return
	case siSigIO:
		e.siBand(r)
		return
	case siQueue, siMesgq, siAsyncIO, siAsyncNL:
		e.num("si_pid", PID, 32, r.u32())
		e.num("si_uid", UID, 32, r.u32())
		e.siValue(r)
		return
	}
	if int32(code) < 0 {
		e.num("si_pid", PID, 32, r.u32())
		e.num("si_uid", UID, 32, r.u32())
		e.siValue(r)
		return
	}
	switch unix.Signal(signo) {
	case unix.SIGCHLD:
		e.num("si_pid", PID, 32, r.u32())
		e.num("si_uid", UID, 32, r.u32())
		status := r.u32()
		kind := Signal
		if code == 1 { // CLD_EXITED
			kind = Int
		}
		e.num("si_status", kind, 32, status)
		bits := r.longBits()
		e.num("si_utime", Ticks, bits, r.long())
		e.num("si_stime", Ticks, bits, r.long())
	case unix.SIGILL, unix.SIGFPE, unix.SIGSEGV, unix.SIGBUS, unix.SIGTRAP:
		e.num("si_addr", Addr, 64, r.ptr())
		switch {
		case unix.Signal(signo) == unix.SIGBUS && (code == 4 || code == 5): // BUS_MCEERR_AR, _AO
			e.num("si_addr_lsb", Hex, 16, r.u16())
		case unix.Signal(signo) == unix.SIGSEGV && code == 3: // SEGV_BNDERR
			r.at(union + 2*r.abi.PointerBits()/8)
			e.num("si_lower", Addr, 64, r.ptr())
			e.num("si_upper", Addr, 64, r.ptr())
		case unix.Signal(signo) == unix.SIGSEGV && code == 4: // SEGV_PKUERR
			r.at(union + 2*r.abi.PointerBits()/8)
			e.num("si_pkey", Uint, 32, r.u32())
		}
	case unix.SIGIO:
		if code >= 1 && code <= 6 { // POLL_IN to POLL_HUP
			e.siBand(r)
		}
	case unix.SIGSYS:
		e.num("si_call_addr", Addr, 64, r.ptr())
		nr, arch := r.u32(), r.u32()
		e.callNumber("si_syscall", 32, nr, uint32(arch))
		e.enum("si_arch", 32, arch, setAuditArch)
	default:
		pid, uid := r.u32(), r.u32()
		if pid != 0 || uid != 0 {
			e.num("si_pid", PID, 32, pid)
			e.num("si_uid", UID, 32, uid)
		}
		e.siValue(r)
	}
}

// siBand emits which descriptor is ready, and for what.
func (e *Event) siBand(r *reader) {
	e.num("si_band", Int, r.longBits(), r.long())
	e.emitFD("si_fd", r.u32(), false)
}

// siValue emits the value that sigqueue(3) and its like send along,
// if there is one.
func (e *Event) siValue(r *reader) {
	if p := r.ptr(); p != 0 {
		e.siValueOf(p)
	}
}

func (e *Event) siValueOf(p uint64) {
	e.num("si_int", Int, 32, uint64(uint32(p)))
	e.num("si_ptr", Addr, 64, p)
}

func (e *Event) siCode(signo, code int32) {
	set := setSiCodes[0]
	if code > 0 && code < siKernel && signo > 0 && int(signo) < len(setSiCodes) && setSiCodes[signo] != nil {
		set = setSiCodes[signo]
	}
	if set.name(uint64(uint32(code))) == "" {
		e.num("si_code", Hex, 32, uint64(uint32(code)))
		return
	}
	e.enum("si_code", 32, uint64(uint32(code)), set)
}
