package seccomp

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// TreeRules returns the rules that report every call by which a child could be
// created that the tracer does not get to see: clone(2) with CLONE_UNTRACED, and
// clone3(2), whose flags lie in memory.
func TreeRules() []ArgRule {
	return slices.Concat(
		rules("clone", 0, unix.CLONE_UNTRACED, unix.CLONE_UNTRACED),
		rules("clone3", 0, 0, 0),
	)
}

// FilterRules returns the rules that report every call by which a program asks
// for its own filters or adds one: seccomp(2), and prctl(2) with PR_SET_SECCOMP
// or PR_GET_SECCOMP. A filter of the program's own can hide calls from the tracer
// (all verdicts but LOG and ALLOW outrank RET_TRACE), so a policy that decides
// has to see them.
func FilterRules() []ArgRule {
	return slices.Concat(
		rules("seccomp", 0, 0, 0),
		rules("prctl", 0, ^uint32(0), unix.PR_SET_SECCOMP),
		rules("prctl", 0, ^uint32(0), unix.PR_GET_SECCOMP),
	)
}

// RewritingRules returns the rules that report the calls after which a program's
// rewritten system-call instructions would not work, or could not be rewritten any
// more: creating a thread (clone(2), CLONE_THREAD; clone3 is in TreeRules), moving memory
// (mremap(2), MREMAP_MAYMOVE: what grows may be code), making it writable, taking memory
// away for good or from children (madvise(2), process_madvise(2)), a GS of
// its own (arch_prctl(2)), and dispatch of its calls by where they are made
// (prctl(2), PR_SET_SYSCALL_USER_DISPATCH).
func RewritingRules() []ArgRule {
	const archSetGS, archGetGS, setUserDispatch = 0x1001, 0x1004, 59
	return slices.Concat(
		rules("clone", 0, unix.CLONE_THREAD, unix.CLONE_THREAD),
		rules("mremap", 3, unix.MREMAP_MAYMOVE, unix.MREMAP_MAYMOVE),
		rules("madvise", 2, ^uint32(0), unix.MADV_REMOVE),
		rules("madvise", 2, ^uint32(0), unix.MADV_DONTFORK),
		rules("madvise", 2, ^uint32(0), unix.MADV_WIPEONFORK),
		rules("process_madvise", 3, ^uint32(0), unix.MADV_REMOVE),
		rules("process_madvise", 3, ^uint32(0), unix.MADV_DONTFORK),
		rules("process_madvise", 3, ^uint32(0), unix.MADV_WIPEONFORK),
		rules("mprotect", 2, unix.PROT_WRITE, unix.PROT_WRITE),
		rules("pkey_mprotect", 2, unix.PROT_WRITE, unix.PROT_WRITE),
		rules("arch_prctl", 0, ^uint32(0), archSetGS),
		rules("arch_prctl", 0, ^uint32(0), archGetGS),
		rules("prctl", 0, ^uint32(0), setUserDispatch),
	)
}

// rules returns the same rule for the call name of every ABI that has it.
func rules(name string, arg int, mask, value uint32) []ArgRule {
	var all []ArgRule
	for abi := range table.NumABI {
		if nr, ok := table.Number(abi, name); ok {
			all = append(all, ArgRule{ABI: abi, Nr: nr, Arg: arg, Mask: mask, Value: value})
		}
	}
	return all
}
