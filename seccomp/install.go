package seccomp

import "golang.org/x/sys/unix"

// SetModeFilter is the first argument of the seccomp(2) call that installs a
// program (Linux 3.17). The second one is flags (see Flags), the third one the
// address of the program's Header. The call wants CAP_SYS_ADMIN in the thread's
// user namespace or no_new_privs set, and fails with EACCES otherwise.
const SetModeFilter = unix.SECCOMP_SET_MODE_FILTER

// Flags returns the choices for seccomp(2)'s flags, best first: a kernel that
// does not know a flag answers EINVAL, and the next choice is to be tried.
//
// With allThreads the filter goes to every thread of the process: for processes
// that are attached to while they run. A program that is being launched has one
// thread only and needs no flag for the others, which inherit the filter. The
// synchronisation fails, and changes nothing, if a thread has a filter that the
// calling one has not: with ESRCH (Linux 5.7), or on older kernels with that
// thread's id as a positive result, which must be taken for an error.
//
// SECCOMP_FILTER_FLAG_SPEC_ALLOW (Linux 4.17) is always the first choice. Without
// it x86 kernels before 5.16 switch speculation features off (SSBD, STIBP) for
// every thread that has a filter, which slows the program's own code down far
// more than the filter does. That is a protection for processes that run
// untrusted code beside their secrets, and they can still ask for it with
// PR_SET_SPECULATION_CTRL.
//
// SECCOMP_FILTER_FLAG_LOG is never wanted: it may put every reported call into
// the audit log.
func Flags(allThreads bool) []uint32 {
	const (
		spec  = unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
		sync  = unix.SECCOMP_FILTER_FLAG_TSYNC
		esrch = unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	)
	if allThreads {
		return []uint32{spec | sync | esrch, spec | sync, sync}
	}
	return []uint32{spec, 0}
}
