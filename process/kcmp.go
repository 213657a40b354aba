package process

import "golang.org/x/sys/unix"

// What kcmp(2) compares (linux/kcmp.h).
const (
	kcmpFile        = 0
	kcmpFiles       = 2
	kcmpFS          = 3
	kcmpSighand     = 4
	kcmpEpollTarget = 7
)

// kcmp reports whether two threads have the same of a kind, and false for known if
// nobody may know.
func kcmp(tid1, tid2, kind, fd1, fd2 int) (same, known bool) {
	if tid1 == tid2 && fd1 == fd2 {
		return true, true
	}
	r, _, e := unix.RawSyscall6(unix.SYS_KCMP, uintptr(tid1), uintptr(tid2), uintptr(kind), uintptr(fd1), uintptr(fd2), 0)
	return r == 0, e == 0
}
