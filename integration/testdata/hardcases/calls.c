// Many calls, each with arguments that are right, and then with one at a time that is
// not: bad pointers, strings and buffers that run into a hole, lengths and
// descriptors that are none. What a tracer shows of them, and when it may look at
// the memory that they name, depends on how they end. All memory is at fixed
// addresses, so that two traces can be compared.
#include "observe.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#define PAGE 4096ul
#define BASE 0x20000000ul
#define HOLE (BASE + 8 * PAGE) // nothing is mapped from here on

// What an argument is; the good value, and what is put in its place, follow from it.
enum kind {
	NONE, ZERO, ONE, NUMBER, // a small number
	FD, DIR, PIPE_IN, PIPE_OUT, SOCKET, EPOLL, TIMER, CWD, NOFD,
	FILE_NAME, DIR_NAME, NEW_NAME, MISSING, EMPTY,
	OUT, IN, NULLP, LENGTH, LENGTH16, // memory that the kernel fills, reads; its size
	SPAN, TIMEOUT, SPAN64, VECTOR, ADDRESS, ADDRESS_LENGTH, LENGTH_AT, POLLS, EVENT, TIMER_SPEC, LIMIT, NAME, VALUE, SIGNALS,
	APPEND, READ_ONLY, CREATE, MODE, MAPPED, ACCESS,
};

static struct one_call {
	const char *name;
	long nr;
	enum kind a[6];
} calls[] = {
#define C(name, ...) {#name, SYS_##name, {__VA_ARGS__}},
	C(read, FD, OUT, LENGTH) C(write, PIPE_OUT, IN, LENGTH16) C(open, FILE_NAME, READ_ONLY) C(open, MISSING, READ_ONLY)
	C(open, NEW_NAME, CREATE, MODE) C(close, NOFD) C(stat, FILE_NAME, OUT) C(stat, MISSING, OUT) C(fstat, FD, OUT) C(lstat, DIR_NAME, OUT)
	C(poll, POLLS, ONE, ZERO) C(lseek, FD, NUMBER, ZERO) C(mprotect, MAPPED, LENGTH, ACCESS) C(pread64, FD, OUT, LENGTH, NUMBER)
	C(pwrite64, FD, IN, LENGTH, NUMBER) C(readv, FD, VECTOR, ONE) C(writev, PIPE_OUT, VECTOR, ONE) C(access, FILE_NAME, ZERO)
	C(access, MISSING, ZERO) C(pipe, OUT) C(pipe2, OUT, ZERO) C(sched_yield, NONE) C(madvise, MAPPED, LENGTH, ZERO) C(msync, MAPPED, LENGTH, ONE)
	C(mincore, MAPPED, LENGTH, OUT) C(dup, NOFD) C(dup2, NOFD, ONE) C(nanosleep, SPAN, OUT) C(nanosleep, SPAN, NULLP) C(getitimer, ZERO, OUT)
	C(setitimer, ZERO, SPAN64, OUT) C(socket, NUMBER, NUMBER, ZERO) C(socketpair, ONE, ONE, ZERO, OUT) C(connect, SOCKET, ADDRESS, ADDRESS_LENGTH)
	C(bind, SOCKET, ADDRESS, ADDRESS_LENGTH) C(listen, SOCKET, ONE) C(accept, SOCKET, OUT, LENGTH_AT) C(accept4, SOCKET, NULLP, NULLP, ZERO)
	C(getsockname, SOCKET, OUT, LENGTH_AT) C(getpeername, SOCKET, OUT, LENGTH_AT) C(sendto, SOCKET, IN, LENGTH16, ZERO, NULLP, ZERO)
	C(sendto, SOCKET, IN, LENGTH16, ZERO, ADDRESS, ADDRESS_LENGTH) C(recvfrom, SOCKET, OUT, LENGTH, NUMBER, NULLP, NULLP)
	C(recvfrom, SOCKET, OUT, LENGTH, NUMBER, OUT, LENGTH_AT) C(shutdown, NOFD, ONE) C(setsockopt, SOCKET, ONE, NUMBER, IN, LENGTH16)
	C(getsockopt, SOCKET, ONE, NUMBER, OUT, LENGTH_AT) C(uname, OUT) C(fcntl, FD, ONE) C(fcntl, FD, NUMBER, IN) C(flock, FD, NUMBER) C(fsync, FD)
	C(truncate, FILE_NAME, LENGTH) C(ftruncate, FD, LENGTH) C(getdents64, DIR, OUT, LENGTH16) C(getcwd, OUT, LENGTH) C(chdir, MISSING) C(fchdir, NOFD)
	C(rename, MISSING, NEW_NAME) C(rename, NEW_NAME, NEW_NAME) C(mkdir, DIR_NAME, MODE) C(rmdir, MISSING) C(creat, NEW_NAME, MODE)
	C(link, MISSING, NEW_NAME) C(link, FILE_NAME, FILE_NAME) C(unlink, MISSING) C(symlink, MISSING, FILE_NAME) C(readlink, FILE_NAME, OUT, LENGTH)
	C(readlink, NAME, OUT, LENGTH) C(chmod, FILE_NAME, MODE) C(fchmod, FD, MODE) C(chown, MISSING, ZERO, ZERO) C(lchown, MISSING, ZERO, ZERO)
	C(umask, MODE) C(getrlimit, NUMBER, OUT) C(getpgid, ZERO) C(getsid, ZERO) C(getpriority, ZERO, ZERO) C(statfs, MISSING, OUT)
	C(sched_getparam, ZERO, OUT) C(sched_getscheduler, ZERO) C(sched_getaffinity, ZERO, LENGTH16, OUT) C(rt_sigpending, OUT, LENGTH16)
	C(utimes, MISSING, SPAN64) C(utime, MISSING, NULLP) C(getxattr, FILE_NAME, NAME, OUT, LENGTH) C(setxattr, MISSING, NAME, VALUE, LENGTH16, ZERO)
	C(listxattr, FILE_NAME, OUT, LENGTH) C(removexattr, FILE_NAME, NAME) C(fgetxattr, FD, NAME, OUT, LENGTH) C(flistxattr, FD, OUT, LENGTH)
	C(futex, IN, ONE, ONE, NULLP, NULLP, ZERO) C(futex, IN, ZERO, NUMBER, SPAN, NULLP, ZERO) C(futex, IN, ZERO, NUMBER, NULLP, NULLP, ZERO)
	C(epoll_create, ONE) C(epoll_create1, ZERO) C(epoll_ctl, EPOLL, NUMBER, FD, EVENT) C(epoll_wait, EPOLL, OUT, ONE, ZERO)
	C(epoll_pwait, EPOLL, OUT, ONE, ZERO, NULLP, ZERO) C(clock_getres, ONE, OUT) C(clock_nanosleep, ONE, ZERO, SPAN, OUT) C(clock_nanosleep, ONE, ONE, SPAN, NULLP)
	C(openat, CWD, FILE_NAME, READ_ONLY) C(openat, DIR, EMPTY, READ_ONLY) C(openat, CWD, NEW_NAME, CREATE, MODE) C(mkdirat, CWD, DIR_NAME, MODE)
	C(newfstatat, CWD, FILE_NAME, OUT, ZERO) C(newfstatat, FD, EMPTY, OUT, APPEND) C(newfstatat, CWD, MISSING, OUT, ZERO) C(unlinkat, CWD, MISSING, ZERO)
	C(renameat2, CWD, MISSING, CWD, NEW_NAME, ZERO) C(linkat, CWD, MISSING, CWD, NEW_NAME, ZERO) C(symlinkat, FILE_NAME, CWD, FILE_NAME) C(readlinkat, CWD, FILE_NAME, OUT, LENGTH)
	C(fchmodat, CWD, FILE_NAME, MODE) C(faccessat, CWD, FILE_NAME, ZERO) C(faccessat2, CWD, MISSING, ZERO, ZERO) C(utimensat, CWD, MISSING, SPAN, ZERO)
	C(ppoll, POLLS, ONE, SPAN, NULLP, ZERO) C(splice, PIPE_IN, NULLP, NOFD, NULLP, LENGTH, ZERO) C(tee, PIPE_IN, NOFD, LENGTH, ZERO)
	C(timerfd_create, ONE, ZERO) C(timerfd_settime, TIMER, ZERO, TIMER_SPEC, OUT) C(timerfd_gettime, TIMER, OUT) C(eventfd2, NUMBER, ZERO)
	C(signalfd4, NOFD, SIGNALS, LENGTH16, ZERO) C(inotify_init1, ZERO) C(inotify_add_watch, NOFD, FILE_NAME, ONE) C(preadv, FD, VECTOR, ONE, ZERO, ZERO)
	C(pwritev, FD, VECTOR, ONE, ZERO, ZERO) C(prlimit64, ZERO, NUMBER, NULLP, OUT) C(prlimit64, ZERO, NUMBER, LIMIT, OUT) C(memfd_create, NAME, ZERO)
	C(statx, CWD, MISSING, ZERO, ONE, OUT) C(statx, CWD, FILE_NAME, ZERO, ZERO, OUT) C(copy_file_range, FD, NULLP, NOFD, NULLP, LENGTH, ZERO)
	C(getpid) C(getppid) C(getuid) C(geteuid) C(getgid) C(getegid) C(gettid) C(getpgrp) C(getgroups, NUMBER, OUT) C(getresuid, OUT, OUT, OUT)
	C(sendfile, PIPE_OUT, FD, NULLP, LENGTH) C(fallocate, NOFD, ZERO, ZERO, LENGTH) C(fadvise64, FD, ZERO, LENGTH, ZERO) C(readahead, FD, ZERO, LENGTH)
	C(mlock, MAPPED, LENGTH) C(munlock, MAPPED, LENGTH) C(capget, IN, OUT) C(sigaltstack, NULLP, OUT) C(rt_sigtimedwait, SIGNALS, OUT, TIMEOUT, LENGTH16)
	C(getcpu, NULLP, NULLP, NULLP) C(tgkill, NOFD, NOFD, ZERO) C(wait4, NUMBER, OUT, ONE, NULLP) C(waitid, ONE, NUMBER, OUT, ONE, NULLP)
#undef C
};

static long fd, dir, pipes[2], sockets[2], epoll, timer;
static char *const memory = (char *)BASE;

// Where things lie in the memory.
enum { AT_IN = 0, AT_OUT = 0x1000, AT_FILE = 0x2000, AT_DIR = 0x2100, AT_NEW = 0x2200, AT_MISSING = 0x2300, AT_EMPTY = 0x2400, AT_NAME = 0x2500,
	AT_SPAN = 0x3000, AT_SPAN64 = 0x3100, AT_VECTOR = 0x3200, AT_ADDRESS = 0x3300, AT_LENGTH = 0x3400, AT_POLLS = 0x3500, AT_EVENT = 0x3600,
	AT_TIMER = 0x3700, AT_LIMIT = 0x3800, AT_SIGNALS = 0x3900, AT_MAPPED = 0x5000 };

// prepare makes everything as it was, before each call.
static void prepare(void) {
	memset(memory + AT_OUT, 'o', PAGE);
	strcpy(memory + AT_IN, "some text that is written, with \001 in it");
	strcpy(memory + AT_FILE, "file"), strcpy(memory + AT_DIR, "dir"), strcpy(memory + AT_NEW, "new-name");
	strcpy(memory + AT_MISSING, "missing/name-that-is-longer-than-thirty-two-bytes"), memory[AT_EMPTY] = 0, strcpy(memory + AT_NAME, "user.name");
	memset(memory + AT_SPAN, 0, 0x100), memset(memory + AT_SPAN64, 0, 0x100);
	*(struct iovec *)(memory + AT_VECTOR) = (struct iovec){memory + AT_IN, 20};
	struct sockaddr_un *a = (void *)(memory + AT_ADDRESS);
	memset(a, 0, 0x100);
	a->sun_family = AF_UNIX, strcpy(a->sun_path, "missing/socket");
	*(int *)(memory + AT_LENGTH) = 16;
	*(struct pollfd *)(memory + AT_POLLS) = (struct pollfd){fd, POLLIN, 0};
	*(struct epoll_event *)(memory + AT_EVENT) = (struct epoll_event){EPOLLIN, {.u64 = 7}};
	memset(memory + AT_TIMER, 0, 0x100);
	*(struct rlimit *)(memory + AT_LIMIT) = (struct rlimit){100, 1};
	memset(memory + AT_SIGNALS, 0, 0x100);
	memory[AT_SIGNALS] = 2;
	memset((char *)HOLE - 64, 'z', 64);
}

static long good(enum kind k) {
	switch (k) {
	case NONE: case ZERO: case NULLP: case READ_ONLY: return 0;
	case ONE: return 1;
	case NUMBER: return 5;
	case FD: return fd;
	case DIR: return dir;
	case PIPE_IN: return pipes[0];
	case PIPE_OUT: return pipes[1];
	case SOCKET: return sockets[0];
	case EPOLL: return epoll;
	case TIMER: return timer;
	case CWD: return AT_FDCWD;
	case NOFD: return 999;
	case FILE_NAME: return BASE + AT_FILE;
	case DIR_NAME: return BASE + AT_DIR;
	case NEW_NAME: return BASE + AT_NEW;
	case MISSING: return BASE + AT_MISSING;
	case EMPTY: return BASE + AT_EMPTY;
	case NAME: return BASE + AT_NAME;
	case VALUE: case IN: return BASE + AT_IN;
	case OUT: return BASE + AT_OUT;
	case LENGTH: return 40;
	case LENGTH16: return 8;
	case SPAN: case TIMEOUT: return BASE + AT_SPAN;
	case SPAN64: return BASE + AT_SPAN64;
	case VECTOR: return BASE + AT_VECTOR;
	case ADDRESS: return BASE + AT_ADDRESS;
	case ADDRESS_LENGTH: return 110;
	case LENGTH_AT: return BASE + AT_LENGTH;
	case POLLS: return BASE + AT_POLLS;
	case EVENT: return BASE + AT_EVENT;
	case TIMER_SPEC: return BASE + AT_TIMER;
	case LIMIT: return BASE + AT_LIMIT;
	case SIGNALS: return BASE + AT_SIGNALS;
	case APPEND: return AT_EMPTY_PATH;
	case CREATE: return O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
	case MODE: return 0640;
	case MAPPED: return BASE + AT_MAPPED;
	case ACCESS: return PROT_READ | PROT_WRITE;
	}
	return 0;
}

static int bad(enum kind k, const long **values) {
	static const long pointers[] = {0, 1, HOLE - 1, HOLE - 5, HOLE - 24, HOLE, (long)0xffff888000000000, -1};
	static const long lengths[] = {0, 1, 4096 * 64, 1l << 40, -1};
	static const long fds[] = {-1, 999};
	static const long numbers[] = {-1, 0x7fffffff};
	switch (k) {
	case NONE: case ZERO: case READ_ONLY: case CREATE: case APPEND: case MODE: case MAPPED: case ACCESS:
		return 0;
	case LENGTH: case LENGTH16: case ADDRESS_LENGTH:
		return *values = lengths, sizeof lengths / sizeof *lengths;
	case FD: case DIR: case PIPE_IN: case PIPE_OUT: case SOCKET: case EPOLL: case TIMER: case CWD: case NOFD:
		return *values = fds, sizeof fds / sizeof *fds;
	case ONE: case NUMBER:
		return *values = numbers, sizeof numbers / sizeof *numbers;
	case TIMEOUT: // none is for ever
		return *values = pointers + 1, sizeof pointers / sizeof *pointers - 1;
	default:
		return *values = pointers, sizeof pointers / sizeof *pointers;
	}
}

static int is_one_of(long nr, const long *list) {
	for (; *list >= 0; list++)
		if (*list == nr)
			return 1;
	return 0;
}

static char text[1 << 20];
static int written;

static void make(const struct one_call *c, const long *a, int changed, long value) {
	static const long descriptors[] = {SYS_open, SYS_openat, SYS_creat, SYS_dup, SYS_dup2, SYS_socket, SYS_epoll_create, SYS_epoll_create1,
		SYS_timerfd_create, SYS_eventfd2, SYS_signalfd4, SYS_inotify_init1, SYS_memfd_create, SYS_accept, SYS_accept4, -1};
	static const long pairs[] = {SYS_pipe, SYS_pipe2, SYS_socketpair, -1};
	static const long ids[] = {SYS_getpid, SYS_getppid, SYS_gettid, SYS_getpgrp, SYS_getpgid, SYS_getsid, -1};
	char junk[128];
	prepare();
	errno = 0;
	long r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	int e = errno;
	// What it made goes again.
	if (is_one_of(c->nr, descriptors) && r > 2)
		close(r);
	if (is_one_of(c->nr, pairs) && r == 0) {
		int *made = (int *)a[c->nr == SYS_socketpair ? 3 : 0];
		close(made[0]), close(made[1]);
	}
	if (c->nr == SYS_umask)
		umask(022);
	unlink("new-name");
	while (read(pipes[0], junk, sizeof junk) > 0)
		;
	while (recv(sockets[1], junk, sizeof junk, MSG_DONTWAIT) > 0)
		;
	if (is_one_of(c->nr, ids) && r > 0)
		r = 1;
	if (written < (int)sizeof text - 200)
		written += sprintf(text + written, "%s, argument %d %#lx: %ld %s\n", c->name, changed, value, r, r == -1 ? errname(e) : "");
}

int main(void) {
	signal(SIGXFSZ, SIG_IGN);
	check(mmap(memory, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == memory);
	must(mkdir("dir", 0755));
	fd = must(open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	must(write(fd, "the file's text, which is longer than what is shown of it by a tracer\n", 70));
	dir = must(open(".", O_RDONLY | O_DIRECTORY));
	int p[2], s[2];
	must(pipe2(p, O_NONBLOCK));
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	pipes[0] = p[0], pipes[1] = p[1], sockets[0] = s[0], sockets[1] = s[1];
	epoll = must(epoll_create1(EPOLL_CLOEXEC));
	timer = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
		const struct one_call *c = &calls[i];
		long a[6];
		for (int k = 0; k < 6; k++)
			a[k] = good(c->a[k]);
		for (int k = 0; k < 3; k++)
			make(c, a, -1, 0);
		for (int k = 0; k < 6; k++) {
			const long *values;
			for (int n = bad(c->a[k], &values); n > 0; n--) {
				long kept = a[k];
				a[k] = values[n - 1];
				make(c, a, k, a[k]);
				a[k] = kept;
			}
		}
	}
	for (int n = 0; n < written; )
		n += must(write(1, text + n, written - n));
	return 0;
}
