package execso

import (
	"slices"

	"golang.org/x/sys/unix"
)

// trapped are the calls that are always left to the trap route: the supervisor must
// stop the thread for them, they do not return where they were made, or they
// change what the direct route stands on.
var trapped = set(
	"clone", "clone3", "fork", "vfork", "execve", "execveat", "exit", "exit_group",
	"rt_sigreturn", "rt_sigaction", "restart_syscall", "uretprobe", "uprobe",
	"seccomp", "prctl", "ptrace", "modify_ldt", "set_thread_area", "get_thread_area",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
	"mremap", "remap_file_pages", "pkey_mprotect", "pkey_alloc", "pkey_free", "mseal", "map_shadow_stack",
	"shmat", "iopl", "ioperm", "reboot",
)

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// A rule is what the signature does not tell of a call.
type rule struct {
	never bool
	// checks are made before the call; if one fails, it takes the trap route.
	// What is checked to be NULL needs no capture.
	checks []step
	// cases are told apart by the value of argument by. For all other values,
	// and where there are no cases, contents hold, unless the others are refused.
	by     uint8
	cases  []selection
	refuse bool
	contents
}

// A selection is what holds for some values of an argument.
type selection struct {
	values []uint32
	never  bool
	contents
}

// Contents is what the signature does not tell of the memory of a call.
type contents struct {
	skip     []int        // arguments whose memory nobody looks at
	captures []capture    // in place of what the signature tells
	proofs   []unix.Errno // errors that prove that the kernel has read the memory
	some     bool         // the kernel fills nothing if the result is 0
	partial  bool         // the result says how much of a buffer the kernel has read
	atLeast  int          // so many bytes of a buffer are captured whatever the limit
	messages bool         // a buffer may hold messages of netlink(7), which are shown whole
	// descriptor: the result is a new descriptor; socket: of a socket. renames: the paths
	// stand for something else afterwards, or for nothing.
	descriptor, socket, renames bool
}

// isNull reports whether an argument is checked to be NULL.
func (r *rule) isNull(arg int) bool {
	return slices.ContainsFunc(r.checks, func(s step) bool { return s.do == stepNull && int(s.arg) == arg })
}

func null(args ...uint8) (checks []step) {
	for _, a := range args {
		checks = append(checks, step{do: stepNull, arg: a})
	}
	return checks
}

func fixed(arg uint8, size uint32, out bool) capture {
	return capture{step: step{do: stepBytes, arg: arg, limit: size, unit: 1}, out: out}
}

// pathErrors come from looking a path up, so after it has been read.
var pathErrors = []unix.Errno{
	unix.ENOENT, unix.EACCES, unix.EEXIST, unix.ENOTDIR, unix.EISDIR, unix.ELOOP, unix.EROFS, unix.ENXIO, unix.ENOTEMPTY,
	unix.ETXTBSY, unix.EXDEV,
}

// timesErrors is for calls that read their times before their path.
var timesErrors = pathErrors

// Two paths are both read before anything that comes from the second.
var secondPathErrors = []unix.Errno{unix.EEXIST, unix.EXDEV, unix.ENOTEMPTY}

var xattrErrors = []unix.Errno{unix.ENODATA, unix.EOPNOTSUPP, unix.ERANGE}

var connectErrors = []unix.Errno{
	unix.EINPROGRESS, unix.ECONNREFUSED, unix.EALREADY, unix.EISCONN, unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EADDRNOTAVAIL,
	unix.EADDRINUSE, unix.ENOENT, unix.EACCES, unix.EAGAIN, unix.ETIMEDOUT,
}

// Of struct flock, termios and others that ioctl and fcntl take, sizes in bytes.
func structAt(values []uint32, size uint32, out bool, proofs ...unix.Errno) selection {
	return selection{values: values, contents: contents{captures: []capture{fixed(2, size, out)}, proofs: proofs}}
}

var rules = map[string]rule{
	"write":    {contents: contents{partial: true}},
	"pwrite64": {contents: contents{partial: true}},
	"sendto":   {contents: contents{partial: true, messages: true}},
	"sendmsg":  {contents: contents{messages: true}},
	"recvmsg":  {contents: contents{messages: true}},

	// A symbolic link that is none is found out after the path has been read;
	// that there is no room, before.
	"readlink":   {checks: []step{{do: stepPositive, arg: 2}}, contents: contents{proofs: []unix.Errno{unix.EINVAL}}},
	"readlinkat": {checks: []step{{do: stepPositive, arg: 3}}, contents: contents{proofs: []unix.Errno{unix.EINVAL}}},

	"open":      {contents: contents{descriptor: true}},
	"openat":    {contents: contents{descriptor: true}},
	"creat":     {contents: contents{descriptor: true}},
	"openat2":   {contents: contents{proofs: pathErrors}}, // reads how first
	"unlink":    {contents: contents{renames: true}},
	"unlinkat":  {contents: contents{renames: true}},
	"rmdir":     {contents: contents{renames: true}},
	"utime":     {contents: contents{proofs: timesErrors}},
	"utimes":    {contents: contents{proofs: timesErrors}},
	"futimesat": {contents: contents{proofs: timesErrors}},
	"utimensat": {contents: contents{proofs: timesErrors}},
	"symlink":   {contents: contents{proofs: pathErrors}}, // what it says is read before where it is
	"symlinkat": {contents: contents{proofs: pathErrors}},
	"link":      {contents: contents{proofs: secondPathErrors}},
	"linkat":    {contents: contents{proofs: secondPathErrors}},
	"rename":    {contents: contents{proofs: secondPathErrors, renames: true}},
	"renameat":  {contents: contents{proofs: secondPathErrors, renames: true}},
	"renameat2": {contents: contents{proofs: secondPathErrors, renames: true}},
	"getxattr":  {contents: contents{proofs: xattrErrors}},
	"lgetxattr": {contents: contents{proofs: xattrErrors}},
	"fgetxattr": {contents: contents{proofs: xattrErrors}},

	"connect":  {contents: contents{proofs: connectErrors}},
	"bind":     {contents: contents{proofs: connectErrors}},
	"socket":   {contents: contents{descriptor: true, socket: true}},
	"accept":   {checks: null(2), contents: contents{skip: []int{1}, descriptor: true, socket: true}},
	"accept4":  {checks: null(2), contents: contents{skip: []int{1}, descriptor: true, socket: true}},
	"recvfrom": {checks: null(5), contents: contents{skip: []int{4}, messages: true}},
	// Structs are shown whole; a filter is one that leads to another.
	"setsockopt": {by: 2, cases: []selection{
		{values: []uint32{unix.SO_ATTACH_FILTER, unix.SO_ATTACH_REUSEPORT_CBPF}, never: true},
	}, contents: contents{atLeast: 264}},

	"sendfile":          {checks: null(2)},
	"splice":            {checks: null(1, 3)},
	"copy_file_range":   {checks: null(1, 3)},
	"pidfd_send_signal": {checks: null(2)},

	"wait4":           {contents: contents{some: true}},
	"waitid":          {checks: null(4)},
	"nanosleep":       {contents: contents{skip: []int{1}}}, // filled only by signals
	"clock_nanosleep": {contents: contents{skip: []int{3}}},
	"semtimedop":      {contents: contents{proofs: []unix.Errno{unix.EAGAIN}}},
	"semop":           {contents: contents{proofs: []unix.Errno{unix.EAGAIN}}},
	"rt_sigtimedwait": {contents: contents{proofs: []unix.Errno{unix.EAGAIN}}},

	"getdents":   {contents: contents{captures: []capture{entries}}},
	"getdents64": {contents: contents{captures: []capture{entries}}},
	"sched_getaffinity": {contents: contents{captures: []capture{{
		step: step{do: stepResult, arg: 2, length: noLength, unit: 1, limit: 1024}, out: true,
	}}}},
	// All entries: which are ready is seen only by looking at them.
	"poll":  {contents: contents{captures: []capture{polled}}},
	"ppoll": {checks: null(2), contents: contents{captures: []capture{polled}}},

	"epoll_ctl": {by: 1, cases: []selection{
		{values: []uint32{unix.EPOLL_CTL_DEL}, contents: contents{skip: []int{3}}},
	}, contents: contents{proofs: []unix.Errno{unix.EEXIST, unix.ENOENT, unix.EPERM, unix.EBADF, unix.EINVAL}}},

	"futex": {by: 1, cases: []selection{
		{values: futexOps(0, 6, 9, 11, 13), contents: contents{proofs: []unix.Errno{unix.EAGAIN, unix.ETIMEDOUT}}}, // with a time
	}, contents: contents{skip: []int{3}}},

	// Of these two, what is not known here may be known to whoever decodes it.
	"fcntl": {by: 1, refuse: true, cases: []selection{
		{values: []uint32{
			unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETOWN, unix.F_SETOWN,
			unix.F_GETSIG, unix.F_SETSIG, unix.F_GETLEASE, unix.F_SETLEASE, unix.F_NOTIFY, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ,
			unix.F_ADD_SEALS, unix.F_GET_SEALS,
		}},
		structAt([]uint32{unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_SETLK, unix.F_OFD_SETLKW}, 32, false, unix.EAGAIN, unix.EACCES),
		structAt([]uint32{unix.F_GETLK, unix.F_OFD_GETLK}, 32, true),
		structAt([]uint32{unix.F_SETOWN_EX, unix.F_SET_RW_HINT, unix.F_SET_FILE_RW_HINT}, 8, false),
		structAt([]uint32{unix.F_GETOWN_EX, unix.F_GET_RW_HINT, unix.F_GET_FILE_RW_HINT}, 8, true),
	}},
	"ioctl": {by: 1, refuse: true, cases: []selection{
		{values: []uint32{
			unix.TCSBRK, unix.TCXONC, unix.TCFLSH, unix.TIOCEXCL, unix.TIOCNXCL, unix.TIOCSCTTY, unix.TIOCNOTTY, fioclex, fionclex, unix.FICLONE,
		}},
		structAt([]uint32{unix.TCGETS}, 36, true),
		structAt([]uint32{unix.TCSETS, unix.TCSETSW, unix.TCSETSF}, 36, false),
		structAt([]uint32{unix.TIOCGWINSZ}, 8, true),
		structAt([]uint32{unix.TIOCSWINSZ}, 8, false),
		structAt([]uint32{
			unix.TIOCGPGRP, unix.TIOCOUTQ, unix.TIOCINQ, unix.TIOCGETD, unix.TIOCGSID, unix.TIOCGPTN, unix.FS_IOC_GETFLAGS,
		}, 4, true),
		structAt([]uint32{
			unix.TIOCSPGRP, unix.TIOCPKT, fionbio, fioasync, unix.TIOCSETD, unix.TIOCSPTLCK, unix.FS_IOC_SETFLAGS,
		}, 4, false),
		structAt([]uint32{unix.BLKGETSIZE64}, 8, true),
	}},

	// A GS of its own a program can have without us only.
	"arch_prctl": {by: 0, refuse: true, cases: []selection{{values: []uint32{archSetFS}, contents: contents{skip: []int{1}}}}},
	// Code may be among what is made writable.
	"mprotect": {checks: []step{{do: stepBits, arg: 2, limit: unix.PROT_EXEC | unix.PROT_WRITE}}},

	// What takes memory away from children, or for good: it may be ours.
	"madvise": {by: 2, cases: []selection{
		{values: []uint32{unix.MADV_REMOVE, unix.MADV_DONTFORK, unix.MADV_WIPEONFORK}, never: true},
	}},

	// The kernel reads less than is shown, or not always.
	"vmsplice":          {never: true},
	"semctl":            {never: true}, // its last argument may be a pointer
	"process_madvise":   {never: true},
	"process_vm_readv":  {never: true},
	"process_vm_writev": {never: true},
	"rt_sigqueueinfo":   {never: true},
	"rt_tgsigqueueinfo": {never: true},
	"sched_setaffinity": {never: true},
	"mount":             {never: true},
	"move_mount":        {never: true},
	"fsconfig":          {never: true},
	"fanotify_mark":     {never: true},
	"quotactl":          {never: true},
	"quotactl_fd":       {never: true},
	"keyctl":            {never: true}, // what its arguments point to depends on the operation
	"kcmp":              {never: true},
	"bpf":               {never: true},
	"landlock_add_rule": {never: true},
	"syslog":            {never: true},
	"kexec_file_load":   {never: true},
	"create_module":     {never: true},
	"query_module":      {never: true},
}

var (
	// getdents counts its entries, so all of them are captured.
	entries = capture{step: step{do: stepResult, arg: 1, length: noLength, unit: 1, limit: 1 << 20}, out: true, elastic: true}
	polled  = capture{step: step{do: stepLength, arg: 0, length: 1, unit: 8, limit: 1 << 16}, elastic: true}
)

// archSetFS is ARCH_SET_FS (arch_prctl(2)).
const archSetFS = 0x1002

// futexOps returns operations of futex(2) with all combinations of their flags,
// FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
func futexOps(ops ...uint32) (all []uint32) {
	for _, op := range ops {
		for _, flags := range []uint32{128, 0, 128 | 256, 256} {
			all = append(all, op|flags)
		}
	}
	return all
}

// Requests of ioctl(2) that x/sys/unix does not have (asm-generic/ioctls.h).
const fionbio, fioasync, fioclex, fionclex = 0x5421, 0x5452, 0x5451, 0x5450

// A structure is a struct of the kernel's interface, as x86-64 has it.
type structure struct {
	size     uint32
	variable bool // a length argument says how many bytes of it there are
}

// structs are those whose memory can be captured, by the name that table.Arg.Set
// gives; package decode reads no more of them than this.
var structs = map[string]structure{
	"int": {size: 4}, "uint": {size: 4}, "pid": {size: 4}, "uid": {size: 4}, "fd": {size: 4}, "wstatus": {size: 4},
	"off": {size: 8}, "loff": {size: 8}, "size": {size: 8}, "addr": {size: 8}, "time_t": {size: 8},
	"stat": {size: 144}, "statx": {size: 256}, "statfs": {size: 120},
	"timespec": {size: 16}, "timespec64": {size: 16}, "timeval": {size: 16}, "utimbuf": {size: 16}, "timezone": {size: 8},
	"itimerval": {size: 32}, "itimerspec": {size: 32}, "itimerspec64": {size: 32}, "tms": {size: 32}, "rusage": {size: 144},
	"rlimit": {size: 16}, "rlimit64": {size: 16}, "utsname": {size: 390}, "sysinfo": {size: 112}, "sched_param": {size: 4},
	"stack_t": {size: 24}, "siginfo": {size: 128}, "sigevent": {size: 64}, "sembuf": {size: 6}, "epoll_event": {size: 12},
	"sigset": {size: 8, variable: true}, "sockaddr": {size: 128, variable: true}, "open_how": {size: 24, variable: true},
}
