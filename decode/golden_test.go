package decode

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

func init() { time.Local = time.UTC }

// show decodes a call that was made elsewhere: with args, whose memory is the
// test's, and the result res. Memory that the kernel fills is as it is now.
func show(t testing.TB, opts Options, abi table.ABI, name string, res table.Result, args ...uint64) string {
	t.Helper()
	e, c := event(t, opts, abi, name, args...)
	e.Entry(c)
	e.Exit(c, res)
	return line(e)
}

// words is memory with 64-bit numbers in it.
func words(n ...uint64) uint64 {
	b := []byte{}
	for _, x := range n {
		b = le.AppendUint64(b, x)
	}
	return bytesAt(b)
}

// ints is memory with 32-bit numbers in it.
func ints(n ...uint32) uint64 {
	b := []byte{}
	for _, x := range n {
		b = le.AppendUint32(b, x)
	}
	return bytesAt(b)
}

func join(parts ...any) uint64 {
	var b bytes.Buffer
	for _, p := range parts {
		switch p := p.(type) {
		case uint16:
			b.Write(le.AppendUint16(nil, p))
		case uint32:
			b.Write(le.AppendUint32(nil, p))
		case uint64:
			b.Write(le.AppendUint64(nil, p))
		case string:
			b.WriteString(p)
		default:
			panic(fmt.Sprintf("join: %T", p))
		}
	}
	return bytesAt(b.Bytes())
}

const (
	cwd = ^uint64(99) // AT_FDCWD
	bad = 8           // an address of nothing
)

// statOf is a struct stat of x86-64.
func statOf(mode uint32, rdev, size uint64) uint64 {
	b := make([]byte, 144)
	le.PutUint32(b[24:], mode)
	le.PutUint64(b[40:], rdev)
	le.PutUint64(b[48:], size)
	return bytesAt(b)
}

func ok(v int64) table.Result              { return table.Return(v) }
func failed(errno unix.Errno) table.Result { return table.Errno(errno) }

// TestLines compares with lines of strace 6.1, taken from a program that made
// these calls. $0 to $5 stand for the arguments as addresses.
func TestLines(t *testing.T) {
	iov := words(cstr("abc"), 3, cstr("defgh"), 5)
	argv := words(cstr("a"), cstr("\x01b"), 0)
	var long []uint64
	for range 39 {
		long = append(long, cstr("arg"))
	}
	args39 := words(append(long, 0)...)
	sigaction := func(handler, flags uint64) uint64 { return words(handler, flags, 0x7f8000, 1<<16|1<<33|1<<63) }
	inet := join(uint16(unix.AF_INET), "\x90\xcd\x7f\x00\x00\x01", uint64(0))
	unixAddr := func(path string) uint64 { return join(uint16(unix.AF_UNIX), path) }
	tests := []struct {
		want string
		name string
		res  table.Result
		args []uint64
	}{
		// Strings, escapes, buffers.
		{`write(3, "a\0b\1772\1x\"\\\n\t\r\v\f\339\377<>\0", 20) = 20`, "write", ok(20), []uint64{3, bytesAt([]byte("a\x00b\x7f2\x01x\"\\\n\t\r\v\f\x1b9\xff<>\x00")), 20}},
		{`write(3, "abcdefghijklmnopqrstuvwxyz012345"..., 36) = 36`, "write", ok(36), []uint64{3, cstr("abcdefghijklmnopqrstuvwxyz0123456789"), 36}},
		{`write(3, "abcdefghijklmnopqrstuvwxyz012345", 32) = 32`, "write", ok(32), []uint64{3, cstr("abcdefghijklmnopqrstuvwxyz012345"), 32}},
		{`write(3, 0x8, 5) = -1 EFAULT (Bad address)`, "write", failed(unix.EFAULT), []uint64{3, bad, 5}},
		{`write(3, NULL, 5) = -1 EFAULT (Bad address)`, "write", failed(unix.EFAULT), []uint64{3, 0, 5}},
		{`write(3, "", 0) = 0`, "write", ok(0), []uint64{3, cstr(""), 0}},
		{`read(3, "a\0b\1772\1x\"\\\n", 100) = 10`, "read", ok(10), []uint64{3, cstr("a\x00b\x7f2\x01x\"\\\nrest"), 100}},
		{`read(3, "", 10) = 0`, "read", ok(0), []uint64{3, cstr("x"), 10}},
		{`read(99, $1, 10) = -1 EBADF (Bad file descriptor)`, "read", failed(unix.EBADF), []uint64{99, cstr("x"), 10}},
		{`pread64(3, $1, 5, -3) = -1 EINVAL (Invalid argument)`, "pread64", failed(unix.EINVAL), []uint64{3, cstr("x"), 5, ^uint64(2)}},
		{`getrandom("\x94\xea\x08\x7f", 4, 0) = 4`, "getrandom", ok(4), []uint64{bytesAt([]byte("\x94\xea\x08\x7f")), 4, 0}},
		{`readlink("/proc/self/cwd", "/tm", 3) = 3`, "readlink", ok(3), []uint64{cstr("/proc/self/cwd"), cstr("/tmp"), 3}},
		{`getcwd("/tmp/dec", 4096) = 9`, "getcwd", ok(9), []uint64{cstr("/tmp/dec"), 4096}},
		{`chdir("` + strings.Repeat("x", 1000) + `") = -1 ENAMETOOLONG (File name too long)`, "chdir", failed(unix.ENAMETOOLONG), []uint64{cstr(strings.Repeat("x", 1000))}},

		// open and its like.
		{`openat(AT_FDCWD, "/tmp", O_RDWR|O_TMPFILE, 01777) = 5`, "openat", ok(5), []uint64{cwd, cstr("/tmp"), unix.O_RDWR | unix.O_TMPFILE, 01777}},
		{`open("f", O_RDWR|O_CREAT|O_TRUNC|O_NONBLOCK|O_CLOEXEC, 0644) = 3`, "open", ok(3), []uint64{cstr("f"), unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_NONBLOCK | unix.O_CLOEXEC, 0644}},
		{`open("f", O_WRONLY|O_APPEND|O_NOFOLLOW|O_DIRECTORY) = -1 ENOTDIR (Not a directory)`, "open", failed(unix.ENOTDIR), []uint64{cstr("f"), unix.O_WRONLY | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_DIRECTORY}},
		{`open("f", O_ACCMODE|0x40000000) = 6`, "open", ok(6), []uint64{cstr("f"), 3 | 0x40000000}},
		{`openat(-1, 0x8, O_RDONLY) = -1 EFAULT (Bad address)`, "openat", failed(unix.EFAULT), []uint64{1<<32 - 1, bad, 0}},
		{`openat(AT_FDCWD, NULL, O_RDONLY) = -1 EFAULT (Bad address)`, "openat", failed(unix.EFAULT), []uint64{cwd, 0, 0}},
		{`openat2(AT_FDCWD, "f", {flags=O_RDWR|O_CREAT, mode=0644, resolve=RESOLVE_BENEATH}, 24) = 11`, "openat2", ok(11), []uint64{cwd, cstr("f"), words(unix.O_RDWR|unix.O_CREAT, 0644, 8), 24}},
		{`creat("g", 007) = 9`, "creat", ok(9), []uint64{cstr("g"), 7}},
		{`pipe2([15, 16], O_NONBLOCK|O_CLOEXEC) = 0`, "pipe2", ok(0), []uint64{ints(15, 16), unix.O_NONBLOCK | unix.O_CLOEXEC}},
		{`pipe2([13, 14], 0) = 0`, "pipe2", ok(0), []uint64{ints(13, 14), 0}},
		{`pipe2($0, 0x10 /* O_??? */) = -1 EINVAL (Invalid argument)`, "pipe2", failed(unix.EINVAL), []uint64{ints(0, 0), 0x10}},
		{`dup3(3, 51, 0) = 51`, "dup3", ok(51), []uint64{3, 51, 0}},
		{`lseek(3, 0, 0x4d /* SEEK_??? */) = -1 EINVAL (Invalid argument)`, "lseek", failed(unix.EINVAL), []uint64{3, 0, 77}},
		{`access("/tmp", R_OK|W_OK|X_OK) = 0`, "access", ok(0), []uint64{cstr("/tmp"), 7}},
		{`umask(022) = 022`, "umask", ok(022), []uint64{022}},
		{`chown("f", -1, 0) = 0`, "chown", ok(0), []uint64{cstr("f"), 1<<32 - 1, 0}},
		{`mknod("n", S_IFIFO|0600) = 0`, "mknod", ok(0), []uint64{cstr("n"), unix.S_IFIFO | 0600, 0}},
		{`mknod("n", S_IFCHR|0600, makedev(0x1, 0x3)) = 0`, "mknod", ok(0), []uint64{cstr("n"), unix.S_IFCHR | 0600, unix.Mkdev(1, 3)}},

		// Status of files.
		{`stat("/dev/null", {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}) = 0`, "stat", ok(0), []uint64{cstr("/dev/null"), statOf(unix.S_IFCHR|0666, unix.Mkdev(1, 3), 0)}},
		{`newfstatat(AT_FDCWD, "/tmp", {st_mode=S_IFDIR|S_ISVTX|0777, st_size=4096, ...}, AT_SYMLINK_NOFOLLOW) = 0`, "newfstatat", ok(0), []uint64{cwd, cstr("/tmp"), statOf(unix.S_IFDIR|01777, 0, 4096), unix.AT_SYMLINK_NOFOLLOW}},
		{`stat("/nope", $1) = -1 ENOENT (No such file or directory)`, "stat", failed(unix.ENOENT), []uint64{cstr("/nope"), statOf(0, 0, 0)}},
		{`statx(3, "", AT_STATX_DONT_SYNC|AT_EMPTY_PATH, STATX_ALL, {stx_mask=STATX_ALL|STATX_MNT_ID, stx_attributes=0, stx_mode=S_IFREG|0644, stx_size=7, ...}) = 0`, "statx", ok(0),
			[]uint64{3, cstr(""), 0x5000, 0xfff, join(uint32(0x1fff), uint32(4096), uint64(0), uint32(1), uint32(0), uint32(0), uint16(unix.S_IFREG|0644), uint16(0), uint64(5), uint64(7), strings.Repeat("\x00", 208))}},
		{`utimensat(AT_FDCWD, "f", [{tv_sec=1, tv_nsec=2} /* 1970-01-01T00:00:01.000000002+0000 */, UTIME_OMIT], 0) = 0`, "utimensat", ok(0), []uint64{cwd, cstr("f"), words(1, 2, 3, utimeOmit), 0}},
		{`utimes("f", [{tv_sec=1, tv_usec=2} /* 1970-01-01T00:00:01.000002+0000 */, {tv_sec=3, tv_usec=4} /* 1970-01-01T00:00:03.000004+0000 */]) = 0`, "utimes", ok(0), []uint64{cstr("f"), words(1, 2, 3, 4)}},
		{`getdents64(19, $1 /* 2 entries */, 8192) = 48`, "getdents64", ok(48), []uint64{19, join(uint64(1), uint64(2), uint16(24), "\x04a\x00\x00\x00\x00", uint64(1), uint64(2), uint16(24), "\x08b\x00\x00\x00\x00"), 8192}},

		// Vectors of buffers, offsets.
		{`writev(3, [{iov_base="abc", iov_len=3}, {iov_base="defgh", iov_len=5}], 2) = 8`, "writev", ok(8), []uint64{3, iov, 2}},
		{`writev(3, [], 0) = 0`, "writev", ok(0), []uint64{3, iov, 0}},
		{`writev(3, NULL, 3) = -1 EFAULT (Bad address)`, "writev", failed(unix.EFAULT), []uint64{3, 0, 3}},
		{`readv(3, [{iov_base="abc", iov_len=3}, {iov_base="d", iov_len=5}], 2) = 4`, "readv", ok(4), []uint64{3, iov, 2}},
		{`sendfile(12, 99, [10], 10) = -1 EBADF (Bad file descriptor)`, "sendfile", failed(unix.EBADF), []uint64{12, 99, words(10), 10}},

		// fcntl.
		{`fcntl(3, F_GETFL) = 0x8802 (flags O_RDWR|O_NONBLOCK|O_LARGEFILE)`, "fcntl", ok(0x8802), []uint64{3, unix.F_GETFL}},
		{`fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)`, "fcntl", ok(1), []uint64{3, unix.F_GETFD}},
		{`fcntl(3, F_GETFD) = 0`, "fcntl", ok(0), []uint64{3, unix.F_GETFD}},
		{`fcntl(3, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK) = 0`, "fcntl", ok(0), []uint64{3, unix.F_SETFL, unix.O_APPEND | unix.O_NONBLOCK}},
		{`fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=5}) = 0`, "fcntl", ok(0), []uint64{3, unix.F_SETLK, words(1, 0, 5, 0)}},
		{`fcntl(3, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_SET, l_start=0, l_len=5, l_pid=0}) = 0`, "fcntl", ok(0), []uint64{3, 5, words(2, 0, 5, 0)}},
		{`fcntl(3, F_SETLKW, 0x8) = -1 EFAULT (Bad address)`, "fcntl", failed(unix.EFAULT), []uint64{3, unix.F_SETLKW, bad}},
		{`fcntl(3, 0x3e7 /* F_??? */, 0x1) = -1 EINVAL (Invalid argument)`, "fcntl", failed(unix.EINVAL), []uint64{3, 999, 1}},
		{`fcntl(3, F_DUPFD_CLOEXEC, 0) = 17`, "fcntl", ok(17), []uint64{3, unix.F_DUPFD_CLOEXEC, 0}},

		// Signals.
		{`rt_sigaction(SIGUSR1, {sa_handler=0x555735, sa_mask=[CHLD RT_2 RT_32], sa_flags=SA_RESTORER|SA_RESTART|SA_NODEFER, sa_restorer=0x7f8000}, NULL, 8) = 0`, "rt_sigaction", ok(0), []uint64{10, sigaction(0x555735, 0x54000000), 0, 8}},
		{`rt_sigaction(SIGUSR2, {sa_handler=SIG_IGN, sa_mask=[CHLD RT_2 RT_32], sa_flags=SA_RESTORER, sa_restorer=0x7f8000}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0`, "rt_sigaction", ok(0), []uint64{12, sigaction(1, 0x4000000), words(0, 0, 0, 0), 8}},
		{`rt_sigaction(100, NULL, NULL, 4) = -1 EINVAL (Invalid argument)`, "rt_sigaction", failed(unix.EINVAL), []uint64{100, 0, 0, 4}},
		{`rt_sigprocmask(SIG_BLOCK, ~[RTMIN RT_1], [], 8) = 0`, "rt_sigprocmask", ok(0), []uint64{0, words(^uint64(3 << 31)), words(0), 8}},
		{`rt_sigprocmask(SIG_SETMASK, $1, NULL, 4) = -1 EINVAL (Invalid argument)`, "rt_sigprocmask", failed(unix.EINVAL), []uint64{2, words(1), 0, 4}},
		{`kill(25849, SIGUSR1) = 0`, "kill", ok(0), []uint64{25849, 10}},
		{`kill(-1, 100) = -1 EINVAL (Invalid argument)`, "kill", failed(unix.EINVAL), []uint64{1<<32 - 1, 100}},
		{`rt_sigtimedwait([HUP USR2], NULL, {tv_sec=0, tv_nsec=1000}, 8) = 1 (SIGHUP)`, "rt_sigtimedwait", ok(1), []uint64{words(1<<0 | 1<<11), 0, words(0, 1000), 8}},
		{`rt_sigsuspend([], 8) = ? ERESTARTNOHAND (To be restarted if no handler)`, "rt_sigsuspend", failed(table.ERESTARTNOHAND), []uint64{words(0), 8}},
		{`nanosleep({tv_sec=1, tv_nsec=0}, {tv_sec=0, tv_nsec=995053259}) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)`, "nanosleep", failed(table.ERESTART_RESTARTBLOCK), []uint64{words(1, 0), words(0, 995053259)}},
		{`nanosleep({tv_sec=0, tv_nsec=1}, $1) = 0`, "nanosleep", ok(0), []uint64{words(0, 1), words(0, 0)}},
		{`pause() = ? ERESTARTNOHAND (To be restarted if no handler)`, "pause", failed(table.ERESTARTNOHAND), nil},

		// Waiting for descriptors.
		{`poll([{fd=15, events=POLLIN|POLLPRI}, {fd=16, events=POLLOUT}, {fd=-1}], 3, 100) = 2 ([{fd=15, revents=POLLIN}, {fd=16, revents=POLLOUT}])`, "poll", ok(2),
			[]uint64{join(uint32(15), uint16(3), uint16(1), uint32(16), uint16(4), uint16(4), uint32(1<<32-1), uint16(1), uint16(0)), 3, 100}},
		{`poll(NULL, 0, 1) = 0 (Timeout)`, "poll", ok(0), []uint64{0, 0, 1}},
		{`poll(0x8, 2, 0) = -1 EFAULT (Bad address)`, "poll", failed(unix.EFAULT), []uint64{bad, 2, 0}},
		{`ppoll([{fd=15, events=POLLIN}], 1, {tv_sec=0, tv_nsec=405}, NULL, 0) = 1 ([{fd=15, revents=POLLIN}], left {tv_sec=0, tv_nsec=405})`, "ppoll", ok(1), []uint64{join(uint32(15), uint16(1), uint16(1)), 1, words(0, 405), 0, 0}},
		{`select(17, [15], [16], NULL, {tv_sec=1, tv_usec=4}) = 2 (in [15], out [16], left {tv_sec=1, tv_usec=4})`, "select", ok(2), []uint64{17, words(1 << 15), words(1 << 16), 0, words(1, 4)}},
		{`select(-1, $1, NULL, NULL, {tv_sec=0, tv_usec=0}) = -1 EINVAL (Invalid argument)`, "select", failed(unix.EINVAL), []uint64{1<<32 - 1, words(1 << 15), 0, 0, words(0, 0)}},
		{`select(100, [15 90], NULL, NULL, NULL) = -1 EBADF (Bad file descriptor)`, "select", failed(unix.EBADF), []uint64{100, words(1<<15, 1<<26), 0, 0, 0}},
		{`pselect6(1, NULL, NULL, NULL, {tv_sec=0, tv_nsec=9}, {sigmask=[], sigsetsize=8}) = 0 (Timeout)`, "pselect6", ok(0), []uint64{1, 0, 0, 0, words(0, 9), words(words(0), 8)}},
		{`epoll_ctl(21, EPOLL_CTL_ADD, 15, {events=EPOLLIN|EPOLLET, data={u32=591751049, u64=4886718345}}) = 0`, "epoll_ctl", ok(0), []uint64{21, 1, 15, join(uint32(0x80000001), uint64(4886718345))}},
		{`epoll_ctl(21, EPOLL_CTL_DEL, 16, $3) = 0`, "epoll_ctl", ok(0), []uint64{21, 2, 16, join(uint32(1), uint64(5))}},
		{`epoll_wait(21, [{events=EPOLLOUT, data={u32=5, u64=5}}], 4, 10) = 1`, "epoll_wait", ok(1), []uint64{21, join(uint32(4), uint64(5), "............"), 4, 10}},
		{`epoll_wait(21, [], 4, 1) = 0`, "epoll_wait", ok(0), []uint64{21, join(uint32(4), uint64(5)), 4, 1}},

		// Sockets.
		{`socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 31`, "socket", ok(31), []uint64{2, 1 | unix.SOCK_CLOEXEC, 6}},
		{`socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 34`, "socket", ok(34), []uint64{16, 3 | unix.SOCK_CLOEXEC, 0}},
		{`socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) = 35`, "socket", ok(35), []uint64{17, 3, 0x300}},
		{`socket(0x63 /* AF_??? */, 0x4d /* SOCK_??? */, 5) = -1 EINVAL (Invalid argument)`, "socket", failed(unix.EINVAL), []uint64{99, 77, 5}},
		{`bind(30, {sa_family=AF_UNIX, sun_path="/tmp/dec/sock"}, 110) = 0`, "bind", ok(0), []uint64{30, unixAddr("/tmp/dec/sock" + strings.Repeat("\x00", 95)), 110}},
		{`connect(30, {sa_family=AF_UNIX, sun_path=@"abstract"}, 11) = -1 ECONNREFUSED (Connection refused)`, "connect", failed(unix.ECONNREFUSED), []uint64{30, unixAddr("\x00abstract"), 11}},
		{`connect(30, {sa_family=AF_UNIX}, 2) = -1 EINVAL (Invalid argument)`, "connect", failed(unix.EINVAL), []uint64{30, unixAddr(""), 2}},
		{`connect(30, $1, 1) = -1 EINVAL (Invalid argument)`, "connect", failed(unix.EINVAL), []uint64{30, unixAddr(""), 1}},
		{`getsockname(31, {sa_family=AF_INET, sin_port=htons(37069), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 0`, "getsockname", ok(0), nil},
		{`getsockname(31, $1, NULL) = -1 EFAULT (Bad address)`, "getsockname", failed(unix.EFAULT), []uint64{31, inet, 0}},
		{`getsockname(99, $1, [16]) = -1 EBADF (Bad file descriptor)`, "getsockname", failed(unix.EBADF), []uint64{99, inet, ints(16)}},
		{`accept4(31, NULL, NULL, SOCK_CLOEXEC|SOCK_NONBLOCK) = 40`, "accept4", ok(40), []uint64{31, 0, 0, unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}},
		{`connect(33, {sa_family=AF_INET6, sin6_port=htons(5), sin6_flowinfo=htonl(5), inet_pton(AF_INET6, "::ffff:1.2.3.4", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH (Network is unreachable)`, "connect", failed(unix.ENETUNREACH),
			[]uint64{33, join(uint16(unix.AF_INET6), "\x00\x05\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x01\x02\x03\x04", uint32(0)), 28}},
		{`bind(34, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=0x000005}, 12) = 0`, "bind", ok(0), []uint64{34, join(uint16(unix.AF_NETLINK), uint16(0), uint32(0), uint32(5)), 12}},
		{`sendto(37, "hello", 5, MSG_NOSIGNAL, NULL, 0) = 5`, "sendto", ok(5), []uint64{37, cstr("hello"), 5, unix.MSG_NOSIGNAL, 0, 0}},
		{`recvfrom(38, "hello", 100, 0, NULL, NULL) = 5`, "recvfrom", ok(5), []uint64{38, cstr("hello"), 100, 0, 0, 0}},
		{`sendmsg(28, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="abc", iov_len=3}, {iov_base="defgh", iov_len=5}], msg_iovlen=2, msg_controllen=0, msg_flags=0}, MSG_NOSIGNAL) = 8`, "sendmsg", ok(8), []uint64{28, words(0, 0, iov, 2, 0, 0, 0), unix.MSG_NOSIGNAL}},
		{`recvmsg(29, {msg_namelen=128}, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily unavailable)`, "recvmsg", failed(unix.EAGAIN), []uint64{29, words(0, 128, iov, 2, 0, 0, 0), unix.MSG_DONTWAIT}},
		{`recvmsg(29, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="abc", iov_len=3}, {iov_base="de", iov_len=5}], msg_iovlen=2, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[41, 42]}], msg_controllen=24, msg_flags=MSG_CMSG_CLOEXEC}, MSG_CMSG_CLOEXEC) = 5`, "recvmsg", ok(5),
			[]uint64{29, words(0, 0, iov, 2, words(24, 1|1<<32, 41|42<<32), 24, unix.MSG_CMSG_CLOEXEC), unix.MSG_CMSG_CLOEXEC}},
		{`setsockopt(31, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0`, "setsockopt", ok(0), []uint64{31, 1, 2, ints(1), 4}},
		{`setsockopt(31, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0`, "setsockopt", ok(0), []uint64{31, 1, 13, ints(1, 5), 8}},
		{`setsockopt(37, SOL_SOCKET, SO_BINDTODEVICE, "lo\0", 3) = 0`, "setsockopt", ok(0), []uint64{37, 1, 25, cstr("lo"), 3}},
		{`getsockopt(28, SOL_SOCKET, SO_PEERCRED, {pid=25849, uid=0, gid=0}, [12]) = 0`, "getsockopt", ok(0), []uint64{28, 1, 17, ints(25849, 0, 0), ints(12)}},
		{`getsockopt(5, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`, "getsockopt", ok(0), []uint64{5, 1, 4, ints(111), ints(4)}},

		// Processes.
		{`execve("/nope", ["a", "\1b"], NULL) = -1 ENOENT (No such file or directory)`, "execve", failed(unix.ENOENT), []uint64{cstr("/nope"), argv, 0}},
		{`execve("/nope", [], $2 /* 2 vars */) = -1 ENOENT (No such file or directory)`, "execve", failed(unix.ENOENT), []uint64{cstr("/nope"), words(0), argv}},
		{`execve("/nope", 0x8, $2 /* 1 var */) = -1 ENOENT (No such file or directory)`, "execve", failed(unix.ENOENT), []uint64{cstr("/nope"), 8, words(cstr("A=b"), 0)}},
		{`execve("/nope", ["x", 0x8], NULL) = -1 ENOENT (No such file or directory)`, "execve", failed(unix.ENOENT), []uint64{cstr("/nope"), words(cstr("x"), 8, 0), 0}},
		{`execve("/nope", [` + strings.Repeat(`"arg", `, 32) + `...], NULL) = -1 ENOENT (No such file or directory)`, "execve", failed(unix.ENOENT), []uint64{cstr("/nope"), args39, 0}},
		{`wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, {ru_utime={tv_sec=0, tv_usec=132}, ru_stime={tv_sec=0, tv_usec=0}, ...}) = 25850`, "wait4", ok(25850), []uint64{1<<32 - 1, ints(0x300), 0, words(0, 132, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)}},
		{`wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], WCONTINUED, NULL) = 25853`, "wait4", ok(25853), []uint64{1<<32 - 1, ints(11), 8, 0}},
		{`wait4(-1, [{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}], WSTOPPED, NULL) = 25853`, "wait4", ok(25853), []uint64{1<<32 - 1, ints(0x137f), 2, 0}},
		{`wait4(-1, $1, WNOHANG, NULL) = 0`, "wait4", ok(0), []uint64{1<<32 - 1, ints(0), 1, 0}},
		{`clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=$3) = 25853`, "clone", ok(25853), []uint64{0x1200011, 0, 0, 0x7ffff7dd1a10, 0}},
		{`clone(child_stack=NULL, flags=CLONE_PIDFD|SIGCHLD, parent_tid=[48]) = 25852`, "clone", ok(25852), []uint64{0x1011, 0, ints(48), 0, 0}},
		{`clone3({flags=CLONE_VFORK, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 88) = 25850`, "clone3", ok(25850), []uint64{words(0x4000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88}},
		{`clone3(NULL, 88) = -1 EFAULT (Bad address)`, "clone3", failed(unix.EFAULT), []uint64{0, 88}},
		{`clone3($0, 10) = -1 EINVAL (Invalid argument)`, "clone3", failed(unix.EINVAL), []uint64{words(0, 0), 10}},
		{`exit_group(0) = ?`, "exit_group", table.Gone(), []uint64{0}},
		{`getrlimit(RLIMIT_NOFILE, {rlim_cur=20000, rlim_max=RLIM64_INFINITY}) = 0`, "getrlimit", ok(0), []uint64{7, words(20000, ^uint64(0))}},
		{`prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0`, "prlimit64", ok(0), []uint64{0, 3, 0, words(8192*1024, ^uint64(0))}},
		{`sched_getaffinity(0, 128, [0 1]) = 32`, "sched_getaffinity", ok(32), []uint64{0, 128, words(3, 0, 0, 0)}},
		{`sched_getscheduler(0) = 0 (SCHED_OTHER)`, "sched_getscheduler", ok(0), []uint64{0}},
		{`getgroups(10, []) = 0`, "getgroups", ok(0), []uint64{10, ints(1)}},
		{`setgroups(2, [5, 6]) = 0`, "setgroups", ok(0), []uint64{2, ints(5, 6)}},
		{`setreuid(-1, 0) = 0`, "setreuid", ok(0), []uint64{1<<32 - 1, 0}},
		{`prctl(PR_SET_NAME, "probe") = 0`, "prctl", ok(0), []uint64{15, cstr("probe")}},
		{`prctl(PR_GET_PDEATHSIG, [SIGTERM]) = 0`, "prctl", ok(0), []uint64{2, ints(15)}},
		{`prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0`, "prctl", ok(0), []uint64{38, 1, 0, 0, 0}},
		{`prctl(0x3e7 /* PR_??? */, 0x1, 0x2, 0x3, 0x4) = -1 EINVAL (Invalid argument)`, "prctl", failed(unix.EINVAL), []uint64{999, 1, 2, 3, 4}},
		{`arch_prctl(ARCH_GET_FS, [0x7ffff7dd1740]) = 0`, "arch_prctl", ok(0), []uint64{0x1003, words(0x7ffff7dd1740)}},
		{`personality(0xffffffff) = 0x40000 (PER_LINUX|ADDR_NO_RANDOMIZE)`, "personality", ok(0x40000), []uint64{0xffffffff}},
		{`capset({version=_LINUX_CAPABILITY_VERSION_3, pid=-1}, {effective=1<<CAP_CHOWN|1<<CAP_CHECKPOINT_RESTORE|0xfffffe00, permitted=0x80000000 /* CAP_??? */, inheritable=1<<CAP_CHOWN|0x200 /* CAP_??? */}) = 0`, "capset", ok(0), []uint64{ints(0x20080522, 1<<32-1), ints(1, 0, 1, 0xffffff00, 1<<31, 1<<9)}},
		{`futex(NULL, 0x1ff /* FUTEX_??? */, 1, NULL, 0x3, 0x4) = 0`, "futex", ok(0), []uint64{0, 0x1ff, 1, 0, 3, 4}},
		{`open_by_handle_at(-100, NULL, O_RDONLY) = -1 EFAULT (Bad address)`, "open_by_handle_at", failed(unix.EFAULT), []uint64{1<<32 - 100, 0, 0}},
		{`capget({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=1<<CAP_CHOWN|1<<CAP_CHECKPOINT_RESTORE, permitted=0, inheritable=0}) = 0`, "capget", ok(0), []uint64{ints(0x20080522, 0), ints(1, 0, 0, 1<<8, 0, 0)}},

		// Memory.
		{`mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fbe000`, "mmap", ok(0x7ffff7fbe000), []uint64{0, 8192, 3, 0x22, 1<<32 - 1, 0}},
		{`mmap(NULL, 0, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_SHARED_VALIDATE|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, 99, 0x1000) = -1 EBADF (Bad file descriptor)`, "mmap", failed(unix.EBADF), []uint64{0, 0, 7, 3 | 0x40000 | 21<<26, 99, 0x1000}},
		{`mprotect(0x7ffff7fbe000, 4096, PROT_NONE) = 0`, "mprotect", ok(0), []uint64{0x7ffff7fbe000, 4096, 0}},
		{`mremap(0x7ffff7fbe000, 8192, 16384, MREMAP_MAYMOVE) = 0x7ffff7fb0000`, "mremap", ok(0x7ffff7fb0000), []uint64{0x7ffff7fbe000, 8192, 16384, 1, 5}},
		{`brk(NULL) = 0x555555580000`, "brk", ok(0x555555580000), []uint64{0}},
		{`futex(0x7f, FUTEX_WAKE, 1) = 0`, "futex", ok(0), []uint64{0x7f, 1, 1}},
		{`futex(0x7f, FUTEX_WAIT_PRIVATE, 0, {tv_sec=0, tv_nsec=1000}) = -1 ETIMEDOUT (Connection timed out)`, "futex", failed(unix.ETIMEDOUT), []uint64{0x7f, 128, 0, words(0, 1000)}},
		{`futex(0x7f, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, NULL, FUTEX_BITSET_MATCH_ANY) = 0`, "futex", ok(0), []uint64{0x7f, 9 | 128 | 256, 0, 0, 0, 0xffffffff}},
		{`futex(0x7f, FUTEX_WAKE_OP, 1, 1, 0x7fff, FUTEX_OP_SET<<28|0<<12|FUTEX_OP_CMP_NE<<24|0x1) = 0`, "futex", ok(0), []uint64{0x7f, 5, 1, 1, 0x7fff, 0x1000001}},
		{`futex(0x7f, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, 0x7fff, 0) = 0`, "futex", ok(0), []uint64{0x7f, 4 | 128, 1, 2, 0x7fff, 0}},

		// System V IPC, terminals, the rest.
		{`shmget(IPC_PRIVATE, 4096, IPC_CREAT|0600) = 0`, "shmget", ok(0), []uint64{0, 4096, 01600}},
		{`shmget(0x1234, 1, 000) = -1 ENOENT (No such file or directory)`, "shmget", failed(unix.ENOENT), []uint64{0x1234, 1, 0}},
		{`semtimedop(0, [{sem_num=1, sem_op=-1, sem_flg=SEM_UNDO|IPC_NOWAIT}], 1, NULL) = 0`, "semtimedop", ok(0), []uint64{0, join(uint16(1), uint16(0xffff), uint16(0x1800)), 1, 0}},
		{`msgsnd(0, {mtype=1, mtext="hi\0"}, 3, IPC_NOWAIT) = 0`, "msgsnd", ok(0), []uint64{0, join(uint64(1), "hi\x00"), 3, 04000}},
		{`ioctl(43, TIOCGWINSZ, {ws_row=5, ws_col=6, ws_xpixel=0, ws_ypixel=0}) = 0`, "ioctl", ok(0), []uint64{43, 0x5413, join(uint16(5), uint16(6), uint32(0))}},
		{`ioctl(0, TCGETS, $2) = -1 ENOTTY (Inappropriate ioctl for device)`, "ioctl", failed(unix.ENOTTY), []uint64{0, 0x5401, ints(0)}},
		{`ioctl(15, FIOCLEX) = 0`, "ioctl", ok(0), []uint64{15, 0x5451, 7}},
		{`ioctl(15, _IOC(_IOC_READ|_IOC_WRITE, 0x12, 0x34, 0x10), 0x5) = -1 ENOTTY (Inappropriate ioctl for device)`, "ioctl", failed(unix.ENOTTY), []uint64{15, 0xc0101234, 5}},
		{`time([1795290597 /* 2026-11-21T19:49:57+0000 */]) = 1795290597 (2026-11-21T19:49:57+0000)`, "time", ok(1795290597), []uint64{words(1795290597)}},
		{`syslog(10 /* SYSLOG_ACTION_SIZE_BUFFER */) = 131072`, "syslog", ok(131072), []uint64{10, 0, 0}},
		{`mount("a", "/nope", "tmpfs", MS_RDONLY|MS_NOSUID, "x") = -1 ENOENT (No such file or directory)`, "mount", failed(unix.ENOENT), []uint64{cstr("a"), cstr("/nope"), cstr("tmpfs"), 3, cstr("x")}},
		{`getpid() = 25849`, "getpid", ok(25849), nil},
	}
	for _, tt := range tests {
		args := tt.args
		want := tt.want
		var got string
		if tt.name == "getsockname" && args == nil {
			// The kernel shortens the length that it finds.
			n := uint32(128)
			got = changing(t, &n, 16, tt.name, tt.res, 31, inet, at(&n))
		} else {
			for i, a := range args {
				want = strings.ReplaceAll(want, fmt.Sprintf("$%d", i), fmt.Sprintf("%#x", a))
			}
			got = show(t, Options{}, table.AMD64, tt.name, tt.res, args...)
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// changing is show for a call that sets *n to after.
func changing(t *testing.T, n *uint32, after uint32, name string, res table.Result, args ...uint64) string {
	t.Helper()
	e, c := event(t, Options{}, table.AMD64, name, args...)
	e.Entry(c)
	*n = after
	e.Exit(c, res)
	return line(e)
}

// event returns a call, and an event to decode it.
func event(t testing.TB, opts Options, abi table.ABI, name string, args ...uint64) (*Event, *table.Call) {
	t.Helper()
	nr, ok := table.Number(abi, name)
	if !ok {
		t.Fatalf("no call %q", name)
	}
	var a [6]uint64
	copy(a[:], args)
	c := &table.Call{}
	c.Reset(&self{}, abi, nr, a, 0, 0)
	return New(opts).NewEvent(), c
}
