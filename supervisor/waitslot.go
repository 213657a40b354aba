package supervisor

import (
	"encoding/binary"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// waitSlots are the places in a process's memory where its blocked threads have what
// ppoll(2) takes: a struct pollfd and a struct timespec, which the kernel writes to.
// The program can too, to the harm of its own waits only: nothing is read from there.
type waitSlots struct {
	areas []uint64 // mapped pages
	free  []uint64
}

const waitSlotSize = 32

// copied returns what a process has whose memory is a copy: no thread of it waits.
func (w *waitSlots) copied() waitSlots {
	c := waitSlots{areas: slices.Clone(w.areas)}
	for _, a := range c.areas {
		c.release(a)
	}
	return c
}

// release makes all slots of an area free.
func (w *waitSlots) release(area uint64) {
	for at := uint64(0); at < pinPage; at += waitSlotSize {
		w.free = append(w.free, area+at)
	}
}

// waitSlot takes a free slot of the thread's process, and maps more if there is none.
func (t *Thread) waitSlot() (uint64, error) {
	w := &t.proc.waits
	if len(w.free) == 0 {
		abi := t.call.ABI()
		r := t.call.Inject(mmapName(abi), t.proc.pinHint(abi, pinPage), pinPage,
			unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
		if r.Gone() {
			return 0, unix.ESRCH
		}
		area, err := address(abi, r)
		if err != nil {
			return 0, err
		}
		w.areas = append(w.areas, area)
		w.release(area)
	}
	last := len(w.free) - 1
	slot := w.free[last]
	w.free = w.free[:last]
	return slot, nil
}

// fillWaitSlot writes what ppoll takes into a slot, and returns its arguments.
func (t *Thread) fillWaitSlot(slot uint64, w *table.Wait, until time.Time) (args [6]uint64, err error) {
	const pollFD = 8 // size of struct pollfd
	b := make([]byte, 0, waitSlotSize)
	b = binary.NativeEndian.AppendUint32(b, uint32(w.FD))
	b = binary.NativeEndian.AppendUint16(b, uint16(w.Events))
	b = binary.NativeEndian.AppendUint16(b, 0)
	if w.Events != 0 {
		args[0], args[1] = slot, 1
	}
	if !until.IsZero() {
		left := max(time.Until(until), 0)
		sec, nsec := left/time.Second, left%time.Second
		if t.call.ABI() == table.I386 {
			b = binary.NativeEndian.AppendUint32(b, uint32(min(sec, 1<<31-1)))
			b = binary.NativeEndian.AppendUint32(b, uint32(nsec))
		} else {
			b = binary.NativeEndian.AppendUint64(b, uint64(sec))
			b = binary.NativeEndian.AppendUint64(b, uint64(nsec))
		}
		args[2] = slot + pollFD
	}
	n, err := ptrace.WriteMemory(t.tid, slot, b)
	if err == nil && n < len(b) {
		err = unix.EFAULT
	}
	return args, err
}
