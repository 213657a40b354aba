package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// vsyscall is never called: arm64 has no vsyscall page.
func (t *Thread) vsyscall(int, [6]uint64) table.Result { return table.Errno(unix.ENOSYS) }
