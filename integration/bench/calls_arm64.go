package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls that loops make, with args as far as they take any. In a process without a
// Go runtime.

//go:nosplit
func callGetppid(*[4]uintptr) { unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0) }

//go:nosplit
func callRead(args *[4]uintptr) { unix.RawSyscall(unix.SYS_READ, args[0], args[1], args[2]) }

//go:nosplit
func callPread(args *[4]uintptr) {
	unix.RawSyscall6(unix.SYS_PREAD64, args[0], args[1], args[2], args[3], 0, 0)
}

//go:nosplit
func callStat(args *[4]uintptr) {
	unix.RawSyscall6(unix.SYS_FSTATAT, args[0], args[1], args[2], args[3], 0, 0)
}

//go:nosplit
func callOpenClose(args *[4]uintptr) {
	fd, _, _ := unix.RawSyscall6(unix.SYS_OPENAT, args[0], args[1], args[2], args[3], 0, 0)
	unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0)
}

//go:nosplit
func callNanosleep(args *[4]uintptr) { unix.RawSyscall(unix.SYS_NANOSLEEP, args[0], args[1], 0) }

//go:nosplit
func callPoll(args *[4]uintptr) {
	now := unix.Timespec{}
	unix.RawSyscall6(unix.SYS_PPOLL, args[0], args[1], uintptr(unsafe.Pointer(&now)), 0, 0, 0)
}

//go:nosplit
func callSelect(args *[4]uintptr) {
	*(*uintptr)(unsafe.Add(unsafe.Pointer(nil), args[1])) = args[3]
	unix.RawSyscall6(unix.SYS_PSELECT6, args[0], args[1], 0, 0, args[2], 0)
}

//go:nosplit
func callReadv(args *[4]uintptr) { unix.RawSyscall(unix.SYS_READV, args[0], args[1], args[2]) }
