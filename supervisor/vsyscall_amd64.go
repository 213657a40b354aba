package supervisor

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// vsyscall does the work of a call from the vsyscall page. The kernel emulates
// these inside a page fault, without an exit stop that could tell the result
// (arch/x86/entry/vsyscall/vsyscall_64.c), and lets a tracer answer them. One with
// a bad pointer, which raises SIGSEGV, is left to the kernel.
func (t *Thread) vsyscall(nr int, args [6]uint64) table.Result {
	now := time.Now()
	var out []byte
	switch nr {
	case unix.SYS_GETTIMEOFDAY:
		if args[1] != 0 { // struct timezone, long without meaning
			if _, err := t.WriteMemory(args[1], make([]byte, 8)); err != nil {
				return t.vsyscallFault()
			}
		}
		out = binary.NativeEndian.AppendUint64(out, uint64(now.Unix()))
		out = binary.NativeEndian.AppendUint64(out, uint64(now.Nanosecond()/1000))
		return t.vsyscallResult(args[0], out, 0)
	case unix.SYS_TIME:
		out = binary.NativeEndian.AppendUint64(out, uint64(now.Unix()))
		return t.vsyscallResult(args[0], out, now.Unix())
	case unix.SYS_GETCPU:
		cpu := max(processor(t.tid), 0)
		if args[1] != 0 { // the NUMA node
			if _, err := t.WriteMemory(args[1], make([]byte, 4)); err != nil {
				return t.vsyscallFault()
			}
		}
		return t.vsyscallResult(args[0], binary.NativeEndian.AppendUint32(out, uint32(cpu)), 0)
	}
	return table.Errno(unix.ENOSYS)
}

func (t *Thread) vsyscallResult(addr uint64, out []byte, v int64) table.Result {
	if addr != 0 {
		if n, err := t.WriteMemory(addr, out); err != nil || n < len(out) {
			return t.vsyscallFault()
		}
	}
	return table.Return(v)
}

// vsyscallFault leaves a call that will fault to the kernel.
func (t *Thread) vsyscallFault() table.Result {
	t.current.faults = true
	return table.Gone()
}
