package supervisor

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

// A pinArea is memory in a process that only the supervisor writes: a private
// mapping that is readable only and, where the kernel has mseal, cannot be
// unmapped, moved or made writable.
type pinArea struct{ addr, size uint64 }

const pinPage = 4096

// Pin puts data where the child cannot change it: see table.Call.
func (t *Thread) Pin(c *table.Call, data []byte) (uint64, error) {
	t.demote()
	if t.gone || t.loop.killing {
		return 0, unix.ESRCH
	}
	area, err := t.pinArea(c, uint64(len(data)))
	if err != nil {
		return 0, err
	}
	t.current.pins = append(t.current.pins, area)
	if err := ptrace.ForceWrite(t.tid, area.addr, data); err != nil {
		if t.gone {
			return 0, unix.ESRCH
		}
		return 0, err
	}
	return area.addr, nil
}

// pinArea takes a free area of at least size bytes, or maps one.
func (t *Thread) pinArea(c *table.Call, size uint64) (pinArea, error) {
	free := t.proc.pins
	if i := slices.IndexFunc(free, func(a pinArea) bool { return a.size >= size }); i >= 0 {
		area := free[i]
		t.proc.pins = slices.Delete(free, i, i+1)
		return area, nil
	}
	size = (max(size, 1) + pinPage - 1) &^ (pinPage - 1)
	r := c.Inject(mmapName(c.ABI()), t.proc.pinHint(c.ABI(), size), size, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
	if r.Gone() {
		return pinArea{}, unix.ESRCH
	}
	addr, err := address(c.ABI(), r)
	if err != nil {
		return pinArea{}, err
	}
	if ptrace.Mseal.Err() == nil && !t.proc.attached { // that would be for ever
		c.Inject("mseal", addr, size, 0) // ENOSYS from 32-bit kernels' table: as before 6.10
	}
	return pinArea{addr, size}, nil
}

// pinHint returns where an area of size bytes may go: far from where the kernel
// puts the program's own mappings, so that it does not fill a hole that the program
// has just made and means to be one. 32-bit programs have no such place.
func (p *Process) pinHint(abi table.ABI, size uint64) uint64 {
	if abi.PointerBits() == 32 {
		return 0
	}
	const first = 64 << 30
	hint := first + p.pinned
	p.pinned += size + pinPage
	return hint
}

// address returns the address that a mapping call has returned.
func address(abi table.ABI, r table.Result) (uint64, error) {
	if err := r.Err(); err != nil {
		return 0, err
	}
	if abi.PointerBits() == 32 {
		return uint64(uint32(r.Raw())), nil
	}
	return uint64(r.Raw()), nil
}

// unpin gives back what the call has pinned.
func (t *Thread) unpin() {
	if !t.current.execed {
		t.proc.pins = append(t.proc.pins, t.current.pins...)
	}
	t.current.pins = nil
}
