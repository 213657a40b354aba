package supervisor

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

var _ table.Tamperer = (*Thread)(nil)

// siKernel is SI_KERNEL, the si_code of signals that the kernel sends (sigaction(2)).
const siKernel = 0x80

// Raise makes a signal pending: see table.Call. Who sends it is mended at its
// delivery stop.
func (t *Thread) Raise(sig unix.Signal) error {
	t.demote()
	if t.gone || t.loop.killing {
		return unix.ESRCH
	}
	var info table.Siginfo
	binary.NativeEndian.PutUint32(info[0:], uint32(sig))
	binary.NativeEndian.PutUint32(info[8:], siKernel)
	if !t.held.Hold(sig, &info) {
		return unix.Tgkill(t.proc.pid, t.tid, sig) // SIGKILL and SIGSTOP
	}
	t.deliverHeld()
	return nil
}

// Poke writes memory whatever its protection, as much of it as there is: see table.Call.
func (t *Thread) Poke(addr uint64, p []byte) error {
	t.demote()
	if t.gone || t.loop.killing {
		return unix.ESRCH
	}
	m, err := ptrace.OpenMemory(t.tid)
	if err != nil {
		return err
	}
	defer m.Close()
	if n, err := m.WriteAt(p, int64(addr)); n == 0 && err != nil {
		return fmt.Errorf("writing memory of thread %d at %#x: %w", t.tid, addr, err)
	}
	return nil
}
