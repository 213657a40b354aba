package process

import (
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// What descriptors' flags are said with, beside O_CLOEXEC.
const never = -1 // in an argument's place: the call takes no flags

// effects are the calls that change the state.
var effects = map[string]*effect{
	"open":              opens(1),
	"openat":            opens(2),
	"creat":             {end: created, names: true},
	"openat2":           arrives(),
	"open_by_handle_at": {end: opens(2).end, named: true},
	"socket":            sockets(1),
	"accept":            sockets(never),
	"accept4":           sockets(3),
	"socketpair":        {end: pairs(3, 1), named: true},
	"pipe":              {end: pairs(0, never), named: true},
	"pipe2":             {end: pairs(0, 1), named: true},

	"close":       {begin: beginClose, end: endClose, always: true, replaces: true},
	"close_range": {begin: beginCloseRange, end: endCloseRange, always: true, arrives: true, replaces: true},
	"dup":         {begin: about(0), end: endDup},
	"dup2":        {begin: beginDup2, end: endDup2(never), replaces: true},
	"dup3":        {begin: beginDup2, end: endDup2(2), replaces: true},
	"fcntl":       {begin: beginFcntl, end: endFcntl},
	"fcntl64":     {begin: beginFcntl, end: endFcntl},
	"ioctl":       {begin: beginIoctl, end: endIoctl},

	"epoll_create":            arrives(),
	"epoll_create1":           arrives(),
	"eventfd":                 arrives(),
	"eventfd2":                arrives(),
	"timerfd_create":          arrives(),
	"signalfd":                {end: endSignalfd, arrives: true},
	"signalfd4":               {end: endSignalfd, arrives: true},
	"inotify_init":            arrives(),
	"inotify_init1":           arrives(),
	"fanotify_init":           arrives(),
	"memfd_create":            arrives(),
	"memfd_secret":            arrives(),
	"pidfd_open":              arrives(),
	"pidfd_getfd":             {end: endGetFD, arrives: true},
	"userfaultfd":             arrives(),
	"perf_event_open":         arrives(),
	"io_uring_setup":          {end: endURing, arrives: true},
	"bpf":                     {end: endBPF, arrives: true},
	"landlock_create_ruleset": {end: endRuleset, arrives: true},
	"fsopen":                  arrives(),
	"fspick":                  arrives(),
	"fsmount":                 arrives(),
	"open_tree":               arrives(),
	"mq_open":                 arrives(),
	"spu_create":              arrives(),
	"seccomp":                 {end: endSeccomp, arrives: true},
	"recvmsg":                 {end: endRecvmsg, arrives: true},
	"recvmmsg":                {end: endRecvmmsg, arrives: true},
	"recvmmsg_time64":         {end: endRecvmmsg, arrives: true},
	"socketcall":              {begin: beginSocketcall, arrives: true},

	"bind":    {begin: about(0), end: endAddress, always: true, addresses: true, replaces: true},
	"connect": {begin: about(0), end: endAddress, always: true, addresses: true, replaces: true},
	"listen":  {begin: about(0), end: endAddress, addresses: true, replaces: true},

	"unlink":    removes(entry{cwd, 0}),
	"unlinkat":  removes(entry{0, 1}),
	"rmdir":     removes(entry{cwd, 0}),
	"rename":    renames(entry{cwd, 0}, entry{cwd, 1}, never),
	"renameat":  renames(entry{0, 1}, entry{2, 3}, never),
	"renameat2": renames(entry{0, 1}, entry{2, 3}, 4),

	"mount":      {end: allNames, arrives: true},
	"move_mount": {end: allNames, arrives: true},
	"umount":     {end: allNames, arrives: true},
	"umount2":    {end: allNames, arrives: true},

	"chdir":      {end: moved, arrives: true},
	"fchdir":     {end: moved, arrives: true},
	"chroot":     {end: rooted, arrives: true, looks: true},
	"pivot_root": {end: pivoted, arrives: true, looks: true},
	"setns":      {end: endSetns, arrives: true, looks: true},
	"unshare":    {begin: leave, end: endUnshare, always: true, arrives: true, looks: true},
	"execve":     {begin: leave, end: stayed, always: true, arrives: true},
	"execveat":   {begin: leave, end: stayed, always: true, arrives: true},
	"umask":      {begin: beginUmask, end: endUmask, always: true},

	"rt_sigaction": {begin: beginSigaction, end: endSigaction, always: true, arrives: true},
	"sigaction":    {begin: beginOldSigaction, end: endSigaction, always: true, arrives: true},
	"signal":       {end: endSignal, arrives: true},
}

// opens is the effect of a call that opens a file, with flags in an argument.
func opens(flags int) *effect {
	return &effect{names: true, end: func(t *Thread, op *Op, res table.Result) {
		f := int(uint32(op.args[flags]))
		t.opened(op, int(res.Value()), fileFlags(f, op.abi), f&unix.O_CLOEXEC != 0)
	}}
}

// created ends creat(2).
func created(t *Thread, op *Op, res table.Result) {
	t.opened(op, int(res.Value()), unix.O_WRONLY|kernelLargeFile, false) // also in 32-bit ABIs
}

// sockets is the effect of a call that makes a socket, with SOCK_ flags in an argument.
func sockets(flags int) *effect {
	return &effect{names: true, end: func(t *Thread, op *Op, res table.Result) {
		f := socketFlags(op, flags)
		t.opened(op, int(res.Value()), unix.O_RDWR|f&unix.O_NONBLOCK, f&unix.O_CLOEXEC != 0)
		t.detailNow(op.fds, int(res.Value()))
		t.accepted()
	}}
}

func socketFlags(op *Op, arg int) int {
	if arg < 0 {
		return 0
	}
	return int(uint32(op.args[arg]))
}

// arrives is the effect of a call whose result is a new descriptor of which /proc tells
// the rest.
func arrives() *effect {
	return &effect{arrives: true, end: func(t *Thread, op *Op, res table.Result) { t.made(op.fds, int(res.Value())) }}
}

// pairs ends a call that writes two new descriptors to memory, with flags in an argument.
func pairs(at, flags int) func(*Thread, *Op, table.Result) {
	return func(t *Thread, op *Op, _ table.Result) {
		for i := range uint64(2) {
			n, ok := op.word(op.args[at] + 4*i)
			fd := int(int32(n))
			if !ok || fd < 0 {
				continue
			}
			if t.tree.past {
				// What they are is asked later.
				f := socketFlags(op, flags)
				t.opened(op, fd, f&unix.O_NONBLOCK, f&unix.O_CLOEXEC != 0)
				op.fds.slots.at(fd).file.asks = true
				continue
			}
			// Another thread may have changed the numbers since.
			t.made(op.fds, fd)
			t.detailNow(op.fds, fd)
		}
	}
}

// statusMask is what of open(2)'s flags is for the opening alone.
const statusMask = unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_CLOEXEC

// fileFlags returns the flags of a file that was opened with the given ones
// (fs/open.c, build_open_how and do_dentry_open).
func fileFlags(flags int, abi table.ABI) int {
	if flags&unix.O_PATH != 0 {
		return flags & (unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW)
	}
	if abi.PointerBits() == 64 || abi == table.X32 {
		flags |= kernelLargeFile
	}
	return flags &^ statusMask
}
