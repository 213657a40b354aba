package supervisor

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
)

// A doorbell wakes a tracing thread that sits in wait4. No signal can do that
// without a race (it may come just before the call), and nothing but a child's
// change of state ends the wait; so the doorbell is a child of the tracing thread
// that shares its memory, blocks in a read of an eventfd and exits when there is
// something to read. wait4 returns its pid, once for any number of rings, and
// whether they came before or after it began to wait.
//
// The child runs doorbellChild's few instructions and nothing of Go.
type doorbell struct {
	pid   int // 0: none
	event int // the eventfd
	stack []byte
}

// cloneDoorbell starts the child: clone(flags, stack) and, in the child,
// prctl(PR_SET_PDEATHSIG, SIGKILL), then exit unless getppid() is parent, then
// read(event) and exit. It returns the child's pid or a negative errno.
//
//go:noescape
func cloneDoorbell(flags uintptr, stack unsafe.Pointer, event, parent uintptr) int

const doorbellStack = 4096

func newDoorbell() (*doorbell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	b := &doorbell{event: fd, stack: make([]byte, doorbellStack)}
	if err := b.hang(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return b, nil
}

// hang starts the child. The descriptors are shared, not copied: a copy would
// hold the ends of pipes open that others wait to see closed.
func (b *doorbell) hang() error {
	// The child inherits the signal mask. A signal to the process group must
	// not run Go's handler in it.
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		return fmt.Errorf("blocking signals: %w", err)
	}
	top := unsafe.Pointer(&b.stack[doorbellStack-64])
	top = unsafe.Pointer(uintptr(top) &^ 15)
	pid := cloneDoorbell(unix.CLONE_VM|unix.CLONE_FILES|unix.CLONE_FS, top, uintptr(b.event), uintptr(os.Getpid()))
	unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	if pid < 0 {
		return fmt.Errorf("starting the doorbell: clone: %w", unix.Errno(-pid))
	}
	b.pid = pid
	return nil
}

// ring wakes the tracing thread, now or as soon as it waits. It may be called
// from any goroutine until close.
func (b *doorbell) ring() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(b.event, one[:])
}

// rung is called when wait4 has returned the child's end.
func (b *doorbell) rung(l *loop) {
	b.pid = 0
	if err := b.hang(); err != nil {
		l.fail(err)
	}
}

// release closes the eventfd. Nobody may ring any more.
func (b *doorbell) release() { unix.Close(b.event) }

// close ends the child and reaps it. It may be called again.
func (b *doorbell) close() {
	if b.pid == 0 {
		return
	}
	pid := b.pid
	b.pid = 0
	unix.Kill(pid, unix.SIGKILL)
	ptrace.Wait(pid, nil)
	runtime.KeepAlive(b.stack)
}
