package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/table"
)

var _ table.RegisterReader = (*Thread)(nil)

// Registers reads the thread's registers: see table.RegisterReader.
func (t *Thread) Registers(to *table.Registers) error {
	if t.gone || t.current.position == requested && t.busy {
		return unix.ESRCH
	}
	if t.busy && !t.current.execed {
		if err := t.complete(); err != nil {
			return err
		}
	}
	var regs ptrace.Regs
	if err := regs.Get(t.tid); err != nil {
		return err
	}
	regs.DWARF(to)
	return nil
}
