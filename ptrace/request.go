package ptrace

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Options are the PTRACE_O_ flags of a seized tracee.
type Options uintptr

// DefaultOptions are what a supervisor needs: no tracee survives it, every child
// is traced, every stop tells what it is (ptrace(2), PTRACE_SETOPTIONS).
const DefaultOptions Options = unix.PTRACE_O_EXITKILL |
	unix.PTRACE_O_TRACESYSGOOD |
	unix.PTRACE_O_TRACESECCOMP |
	unix.PTRACE_O_TRACEFORK |
	unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACECLONE |
	unix.PTRACE_O_TRACEEXEC

// A Resumption is a request that lets a stopped tracee run.
type Resumption int

// Resumptions.
const (
	Cont    Resumption = unix.PTRACE_CONT    // until the next event
	Syscall Resumption = unix.PTRACE_SYSCALL // also stop at system-call entry and exit
)

// request makes a ptrace request without telling the Go scheduler: none of those
// used here blocks.
func request(req, tid int, addr, data uintptr) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, data, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

func requestPtr(req, tid int, addr uintptr, data unsafe.Pointer) error {
	_, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(req), uintptr(tid), addr, uintptr(data), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// Seize makes tid a tracee without stopping it.
func Seize(tid int, o Options) error {
	if err := request(unix.PTRACE_SEIZE, tid, 0, uintptr(o)); err != nil {
		return requestError("PTRACE_SEIZE", tid, err)
	}
	return nil
}

// Detach lets a stopped tracee go on untraced, with the signal sig if not 0.
func Detach(tid int, sig unix.Signal) error {
	if err := request(unix.PTRACE_DETACH, tid, 0, uintptr(sig)); err != nil {
		return requestError("PTRACE_DETACH", tid, err)
	}
	return nil
}

// Resume lets a stopped tracee run. At a signal-delivery-stop sig is the signal
// to deliver, 0 for none; elsewhere it should be 0.
func Resume(tid int, how Resumption, sig unix.Signal) error {
	if err := request(int(how), tid, 0, uintptr(sig)); err != nil {
		return requestError("resuming", tid, err)
	}
	return nil
}

// Listen leaves a tracee in its group-stop but lets it tell of SIGCONT.
func Listen(tid int) error {
	if err := request(unix.PTRACE_LISTEN, tid, 0, 0); err != nil {
		return requestError("PTRACE_LISTEN", tid, err)
	}
	return nil
}

// Interrupt makes a running tracee stop with a TrapStop; a call in which it
// blocks returns or restarts as for a signal without a handler. For a stopped
// tracee the stop comes after the next resumption.
func Interrupt(tid int) error {
	if err := request(unix.PTRACE_INTERRUPT, tid, 0, 0); err != nil {
		return requestError("PTRACE_INTERRUPT", tid, err)
	}
	return nil
}

// EventMessage returns what PTRACE_GETEVENTMSG tells of the present stop: the new
// thread's id at Fork, Vfork and Clone, the former id at Exec.
func EventMessage(tid int) (uint64, error) {
	var msg uint64
	if err := requestPtr(unix.PTRACE_GETEVENTMSG, tid, 0, unsafe.Pointer(&msg)); err != nil {
		return 0, requestError("PTRACE_GETEVENTMSG", tid, err)
	}
	return msg, nil
}

// GetSiginfo reads the siginfo of the signal at a signal-delivery-stop.
func GetSiginfo(tid int, info *table.Siginfo) error {
	if err := requestPtr(unix.PTRACE_GETSIGINFO, tid, 0, unsafe.Pointer(info)); err != nil {
		return requestError("PTRACE_GETSIGINFO", tid, err)
	}
	return nil
}

// SetSiginfo replaces the siginfo of the signal at a signal-delivery-stop.
func SetSiginfo(tid int, info *table.Siginfo) error {
	if err := requestPtr(unix.PTRACE_SETSIGINFO, tid, 0, unsafe.Pointer(info)); err != nil {
		return requestError("PTRACE_SETSIGINFO", tid, err)
	}
	return nil
}

// Requests that x/sys/unix does not name.
const (
	ptraceGetSigmask = 0x420a
	ptraceSetSigmask = 0x420b
)

// GetSigmask returns the mask of blocked signals of a stopped tracee; signal n is
// bit n-1.
func GetSigmask(tid int) (mask uint64, err error) {
	if err := requestPtr(ptraceGetSigmask, tid, unsafe.Sizeof(mask), unsafe.Pointer(&mask)); err != nil {
		return 0, requestError("PTRACE_GETSIGMASK", tid, err)
	}
	return mask, nil
}

// SetSigmask sets the mask of blocked signals of a stopped tracee.
func SetSigmask(tid int, mask uint64) error {
	if err := requestPtr(ptraceSetSigmask, tid, unsafe.Sizeof(mask), unsafe.Pointer(&mask)); err != nil {
		return requestError("PTRACE_SETSIGMASK", tid, err)
	}
	return nil
}
