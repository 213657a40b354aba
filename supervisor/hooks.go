package supervisor

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/seccomp"
	"github.com/k42trace/k42trace/table"
)

// A hook is what the supervisor itself has to do about a call, whether or not it
// has a handler.
type hook uint8

const (
	noHook         hook = iota
	hookFork            // creates a process; must not be injected
	hookClone           // the same, with its flags in argument 0
	hookClone3          // the same, with its flags in memory
	hookReturn          // sigreturn: sets all registers
	hookSeccomp         // may install a filter
	hookPrctl           // the same, and may ask whether there is one
	hookIOUring         // system calls that no filter sees
	hookUserfault       // makes reading its memory wait for the program itself
	hookMove            // may move rewritten code
	hookArea            // may give GS another use, or ask for the present one
	hookWritable        // may make code writable
	hookAdvise          // may take our memory away
	hookAdviseMany      // the same, with its ranges in memory
	hookIdentity        // may change user and group ids
	hookExit            // ends the process
)

var hookNames = map[string]hook{
	"fork": hookFork, "vfork": hookFork, "clone": hookClone, "clone3": hookClone3,
	"exit_group": hookExit, "rt_sigreturn": hookReturn, "sigreturn": hookReturn,
	"seccomp": hookSeccomp, "prctl": hookPrctl, "io_uring_setup": hookIOUring,
	"userfaultfd": hookUserfault, "ioctl": hookUserfault,
	"mremap": hookMove, "arch_prctl": hookArea, "mprotect": hookWritable, "pkey_mprotect": hookWritable,
	"madvise": hookAdvise, "process_madvise": hookAdviseMany,
}

var hooks = byNumber(hookNames)

func init() {
	for _, r := range seccomp.IdentityRules() {
		hooks[r.ABI][r.Nr&^table.X32Bit] = hookIdentity
	}
}

func hookOf(abi table.ABI, nr int) hook { return hooks.of(abi, nr) }

// creates reports whether the call makes a new thread or process.
func creates(abi table.ABI, nr int) bool {
	k := hookOf(abi, nr)
	return k == hookFork || k == hookClone || k == hookClone3
}

// returnsElsewhere reports whether the call sets all registers.
func returnsElsewhere(abi table.ABI, nr int) bool { return hookOf(abi, nr) == hookReturn }

// What takes away what rewritten calls rest on (arch_prctl(2), prctl(2)).
const (
	archSetGS       = 0x1001
	archGetGS       = 0x1004
	setUserDispatch = 59
)

// userfaultfdNew is USERFAULTFD_IOC_NEW, an ioctl of /dev/userfaultfd.
const userfaultfdNew = 0xaa00

// cloneUntraced is CLONE_UNTRACED: the new thread would not be traced.
const cloneUntraced = unix.CLONE_UNTRACED

// hookRules are the calls that stop for the supervisor's own sake.
func hookRules(enforce bool) []seccomp.ArgRule {
	rules := append(seccomp.TreeRules(), seccomp.FilterRules()...)
	for abi := range table.NumABI {
		if nr, ok := table.Number(abi, "userfaultfd"); ok {
			rules = append(rules, seccomp.ArgRule{ABI: abi, Nr: nr})
		}
		if nr, ok := table.Number(abi, "ioctl"); ok {
			rules = append(rules, seccomp.ArgRule{ABI: abi, Nr: nr, Arg: 1, Mask: ^uint32(0), Value: userfaultfdNew})
		}
	}
	if enforce {
		for abi := range table.NumABI {
			if nr, ok := table.Number(abi, "io_uring_setup"); ok {
				rules = append(rules, seccomp.ArgRule{ABI: abi, Nr: nr})
			}
		}
	}
	return rules
}

// hooked reports whether a call without a handler needs the supervisor. The
// answer no is the hot one: clone3 stops always, to look at its flags.
func (l *loop) hooked(t *Thread, abi table.ABI, info *ptrace.SyscallInfo) bool {
	if l.tracks(abi, info.Nr()) && !t.proc.unfiltered {
		return true
	}
	if t.hookedForFiles(abi, info) {
		return true
	}
	switch hookOf(abi, info.Nr()) {
	case hookClone3:
		if l.cmd.Enforce || l.direct != nil && !t.proc.image.settled() {
			return true
		}
		flags, ok := t.clone3Flags(info.Args()[0])
		return ok && flags&cloneUntraced != 0
	case hookMove, hookWritable:
		args := info.Args()
		return t.proc.image.knows(args[0], args[1])
	case hookAdvise:
		args := info.Args()
		return t.proc.image.holds(args[0], args[1])
	case hookAdviseMany:
		return t.proc.image != nil && t.proc.image.mapped
	case hookIdentity:
		return l.direct != nil && l.direct.remembers
	case noHook, hookFork, hookReturn, hookExit:
		return false
	}
	return true
}

// clone3Flags reads the flags of a struct clone_args, its first member.
func (t *Thread) clone3Flags(addr uint64) (uint64, bool) {
	var b [8]byte
	n, _ := t.ReadMemory(addr, b[:])
	return binary.NativeEndian.Uint64(b[:]), n == len(b)
}

// beforeNative returns number and arguments as the kernel shall see them.
func (t *Thread) beforeNative(c *table.Call) (nr int, args [6]uint64, err error) {
	nr, args = c.Nr(), c.Args()
	switch k := hookOf(c.ABI(), nr); {
	case t.loop.cmd.NoFollow:
	case k == hookClone:
		args[0] &^= cloneUntraced
	case k == hookClone3:
		args, err = t.cleanClone3(args)
	}
	t.beforeCall(c.ABI(), nr, args)
	return nr, args, err
}

// beforeCall gives the program its own code back where a call is about to take away
// what rewritten code rests on.
func (t *Thread) beforeCall(abi table.ABI, nr int, args [6]uint64) {
	switch hookOf(abi, nr) {
	case hookMove:
		if args[3]&unix.MREMAP_MAYMOVE != 0 {
			t.restoreRange(args[0], args[1])
		}
	case hookArea:
		if uint32(args[0]) == archSetGS {
			t.restore()
		}
	case hookWritable:
		if args[2]&unix.PROT_WRITE != 0 {
			t.restoreRange(args[0], args[1])
		}
	case hookPrctl:
		if uint32(args[0]) == setUserDispatch {
			t.restore()
		}
	}
}

// maxCloneArgs bounds sizeof(struct clone_args) as the kernel does: a page.
const maxCloneArgs = 4096

// cleanClone3 clears CLONE_UNTRACED, in a copy: the program's memory stays as it
// is, and nobody can put the flag back. What the kernel will refuse anyway is
// left to it.
func (t *Thread) cleanClone3(args [6]uint64) ([6]uint64, error) {
	addr, size := args[0], args[1]
	flags, ok := t.clone3Flags(addr)
	if !ok || size < 8 || size > maxCloneArgs {
		return args, nil
	}
	if flags&cloneUntraced == 0 && !t.loop.cmd.Enforce {
		return args, nil
	}
	b := make([]byte, size)
	if n, err := t.ReadMemory(addr, b); err != nil || n < len(b) {
		return args, unix.EFAULT
	}
	flags = binary.NativeEndian.Uint64(b)
	binary.NativeEndian.PutUint64(b, flags&^cloneUntraced)
	pinned, err := t.Pin(&t.call, b)
	if err != nil {
		return args, err
	}
	args[0] = pinned
	return args, nil
}

// answered returns the supervisor's own answer to a call, false if the kernel is
// to give it.
func (t *Thread) answered(c *table.Call, nr int, args [6]uint64) (table.Result, bool) {
	if t.proc.unfiltered && !t.loop.cmd.Enforce {
		return table.Result{}, false // it has no filter of ours
	}
	switch hookOf(c.ABI(), nr) {
	case hookArea:
		if uint32(args[0]) == archGetGS && t.hasArea() {
			// It is ours, and would be 0 without us.
			if n, err := t.WriteMemory(args[1], make([]byte, 8)); err != nil || n < 8 {
				return table.Errno(unix.EFAULT), true
			}
			return table.Return(0), true
		}
	case hookAdvise:
		if takesAway(args[2]) && t.proc.image.holds(args[0], args[1]) {
			return table.Errno(unix.EINVAL), true // as for memory of other kinds
		}
	case hookAdviseMany:
		if takesAway(args[3]) && t.holdsAny(args[1], args[2]) {
			return table.Errno(unix.EINVAL), true
		}
	case hookPrctl:
		// There would be none without us.
		if uint32(args[0]) == unix.PR_GET_SECCOMP && !t.proc.ownFilter && !t.proc.unfiltered {
			return table.Return(0), true
		}
	case hookSeccomp:
		// A listener may let calls run that our filter would have reported
		// (SECCOMP_USER_NOTIF_FLAG_CONTINUE outranks RET_TRACE).
		const newListener = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
		if t.loop.cmd.Enforce && uint32(args[0]) == unix.SECCOMP_SET_MODE_FILTER && uint32(args[1])&newListener != 0 {
			return table.Errno(unix.EINVAL), true
		}
	case hookIOUring:
		if t.loop.cmd.Enforce && t.loop.table.Lookup(c.ABI(), nr) == nil {
			return table.Errno(unix.ENOSYS), true
		}
	}
	return table.Result{}, false
}

// takesAway reports whether an advice may make memory go away (madvise(2)).
func takesAway(advice uint64) bool {
	switch uint32(advice) {
	case unix.MADV_REMOVE, unix.MADV_DONTFORK, unix.MADV_WIPEONFORK:
		return true
	}
	return false
}

// holdsAny reports whether any of our own memory is in the ranges of an iovec.
func (t *Thread) holdsAny(addr, n uint64) bool {
	const most = 1024 // UIO_MAXIOV
	word := uint64(t.call.ABI().PointerBits() / 8)
	b := make([]byte, min(n, most)*2*word)
	got, _ := t.ReadMemory(addr, b)
	value := func(at uint64) uint64 {
		if word == 4 {
			return uint64(binary.NativeEndian.Uint32(b[at:]))
		}
		return binary.NativeEndian.Uint64(b[at:])
	}
	for at := uint64(0); at+2*word <= uint64(got); at += 2 * word {
		if t.proc.image.holds(value(at), value(at+word)) {
			return true
		}
	}
	return false
}

// afterCall notes what a call has changed, of the program's or an injected one.
func (t *Thread) afterCall(abi table.ABI, nr int, args [6]uint64, r table.Result) {
	if r.Failed() {
		return
	}
	switch hookOf(abi, nr) {
	case hookWritable, hookMove:
		if i := t.proc.image; i != nil {
			i.text = nil // it is to be read again
		}
	case hookIdentity:
		t.forgetKnown()
	case hookSeccomp:
		if op := uint32(args[0]); op == unix.SECCOMP_SET_MODE_FILTER || op == unix.SECCOMP_SET_MODE_STRICT {
			t.proc.ownFilter = true
			t.restore() // it is to see its calls where they are
		}
	case hookPrctl:
		if uint32(args[0]) == unix.PR_SET_SECCOMP {
			t.proc.ownFilter = true
			t.restore()
		}
	case hookUserfault:
		if sig := table.SignatureOf(abi, nr); sig.Name == "userfaultfd" || uint32(args[1]) == userfaultfdNew {
			t.proc.userfaults = true
		}
	}
}
