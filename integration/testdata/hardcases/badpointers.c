/* Calls with every kind of bad pointer: the kernel's errno, and the program goes on. */
#include "cases.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#define P (-77777L) /* stands for the pointer under test */

static long zero[4];
static int null_fd, pipe_fd[2], sock[2];
static char *hole;  /* the page before it is mapped, it is not */
static char *fence; /* the same, PROT_NONE in place of a hole */

static struct { const char *name; long value; } pointers[] = {
	{"null", 0}, {"one", 1}, {"hole", 0}, {"last byte before a hole", 0}, {"fence", 0}, {"last before a fence", 0},
	{"kernel", (long)0xffff888000000000}, {"not canonical", (long)0x8000000000000000}, {"-1", -1}, {"-4096", -4096},
	{"top of user space", 0x7ffffffff000}, {"32 bits set", 0xffffffff},
};
enum { POINTERS = sizeof pointers / sizeof *pointers };

static void prepare(void)
{
	long page = 4096;
	hole = mmap(0, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(hole, 'h', 4 * page);
	must("munmap", munmap(hole + page, 3 * page));
	hole += page;
	fence = mmap(0, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(fence, 'f', 4 * page);
	must("mprotect", mprotect(fence + page, 3 * page, PROT_NONE));
	fence += page;
	pointers[2].value = (long)hole;
	pointers[3].value = (long)hole - 1;
	pointers[4].value = (long)fence;
	pointers[5].value = (long)fence - 1;
	null_fd = must("open", open("/dev/null", O_RDWR));
	must("pipe", pipe2(pipe_fd, O_NONBLOCK));
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock));
}

static void called(const char *call, const char *how, long r)
{
	if (r == -1)
		say("%s, %s: %s", call, how, strerror(errno));
	else
		say("%s, %s: %ld", call, how, r);
}

/* Every pointer argument of many calls, with each of the pointers. */
static void each(void)
{
	prepare();
	int n = null_fd, e = must("epoll", epoll_create1(0));
	struct { const char *name; long nr, a[6]; } calls[] = {
		{"openat", SYS_openat, {AT_FDCWD, P, O_RDONLY}}, {"open", SYS_open, {P, O_RDONLY}},
		{"stat", SYS_stat, {P, (long)fence - 400}}, {"fstat", SYS_fstat, {n, P}}, {"newfstatat", SYS_newfstatat, {AT_FDCWD, P, P, 0}},
		{"statx", SYS_statx, {AT_FDCWD, P, 0, 0xfff, P}}, {"statx out", SYS_statx, {n, (long)"", AT_EMPTY_PATH, 0xfff, P}},
		{"read", SYS_read, {n, P, 4096}}, {"read zero", SYS_read, {open("/dev/zero", O_RDONLY), P, 2}}, {"write", SYS_write, {pipe_fd[1], P, 8192}},
		{"write null", SYS_write, {n, P, 1L << 46}}, {"write -1", SYS_write, {pipe_fd[1], P, -1}}, {"read -1", SYS_read, {pipe_fd[0], P, -1}},
		{"pread64", SYS_pread64, {n, P, 10, 0}}, {"pwrite64", SYS_pwrite64, {n, P, 10, 0}},
		{"readv", SYS_readv, {pipe_fd[0], P, 3}}, {"writev", SYS_writev, {pipe_fd[1], P, 3}}, {"writev -1", SYS_writev, {pipe_fd[1], P, -1}},
		{"writev 1025", SYS_writev, {pipe_fd[1], P, 1025}}, {"preadv", SYS_preadv, {n, P, 2, 0, 0}}, {"pwritev2", SYS_pwritev2, {n, P, 2, 0, 0, 0}},
		{"vmsplice", SYS_vmsplice, {pipe_fd[1], P, 1, 0}}, {"sendto", SYS_sendto, {sock[0], P, 10, MSG_DONTWAIT, 0, 0}},
		{"sendto address", SYS_sendto, {sock[0], (long)"x", 1, MSG_DONTWAIT, P, 16}}, {"sendto huge", SYS_sendto, {sock[0], P, -1, MSG_DONTWAIT, P, -1}},
		{"sendmsg", SYS_sendmsg, {sock[0], P, MSG_DONTWAIT}}, {"recvmsg", SYS_recvmsg, {sock[0], P, MSG_DONTWAIT}},
		{"sendmmsg", SYS_sendmmsg, {sock[0], P, 3, MSG_DONTWAIT}}, {"sendmmsg -1", SYS_sendmmsg, {sock[0], P, -1, MSG_DONTWAIT}},
		{"recvmmsg", SYS_recvmmsg, {sock[0], P, 3, MSG_DONTWAIT, 0}}, {"recvfrom", SYS_recvfrom, {sock[0], P, 10, MSG_DONTWAIT, P, P}},
		{"bind", SYS_bind, {sock[0], P, 110}}, {"bind -1", SYS_bind, {sock[0], P, -1}}, {"connect", SYS_connect, {sock[0], P, 110}},
		{"connect 0", SYS_connect, {sock[0], P, 0}}, {"accept4", SYS_accept4, {sock[0], P, P, 0}}, {"getsockname", SYS_getsockname, {sock[0], P, P}},
		{"getpeername", SYS_getpeername, {sock[0], P, P}}, {"setsockopt", SYS_setsockopt, {sock[0], SOL_SOCKET, SO_RCVBUF, P, 4}},
		{"setsockopt -1", SYS_setsockopt, {sock[0], SOL_SOCKET, SO_RCVBUF, P, -1}}, {"getsockopt", SYS_getsockopt, {sock[0], SOL_SOCKET, SO_TYPE, P, P}},
		{"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, P}}, {"pipe", SYS_pipe, {P}}, {"pipe2", SYS_pipe2, {P, O_CLOEXEC}},
		{"poll", SYS_poll, {P, 1, 0}}, {"poll many", SYS_poll, {P, 1000000, 0}}, {"poll -1", SYS_poll, {P, -1, 0}}, {"ppoll", SYS_ppoll, {(long)fence - 64, 0, (long)zero, P, 8}}, {"ppoll timeout", SYS_ppoll, {1, 1, P, 0, 8}},
		{"select", SYS_select, {64, P, P, P, (long)zero}}, {"select -1", SYS_select, {-1, P, P, P, P}}, {"pselect6", SYS_pselect6, {8, P, 0, 0, (long)zero, P}},
		{"epoll_ctl", SYS_epoll_ctl, {e, EPOLL_CTL_ADD, pipe_fd[0], P}}, {"epoll_wait", SYS_epoll_wait, {e, P, 10, 0}},
		{"epoll_wait -1", SYS_epoll_wait, {e, P, -1, 0}}, {"epoll_pwait", SYS_epoll_pwait, {e, P, 10, 0, P, 8}}, {"epoll_pwait2", 441, {e, (long)zero, 1, (long)zero, P, 8}},
		{"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, P, 0, 8}}, {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, P, 8}},
		{"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, P, 0, 8}}, {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, P, 8}},
		{"rt_sigprocmask size", SYS_rt_sigprocmask, {SIG_BLOCK, P, P, -1}}, {"rt_sigpending", SYS_rt_sigpending, {P, 8}},
		{"rt_sigtimedwait", SYS_rt_sigtimedwait, {P, P, P, 8}}, {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {getpid(), 0, P}},
		{"rt_sigsuspend", SYS_rt_sigsuspend, {P, 9}}, {"sigaltstack", SYS_sigaltstack, {P, 0}}, {"sigaltstack old", SYS_sigaltstack, {0, P}},
		{"nanosleep", SYS_nanosleep, {P, 0}}, {"clock_nanosleep", SYS_clock_nanosleep, {0, 0, P, P}}, {"clock_gettime", SYS_clock_gettime, {0, P}},
		{"gettimeofday", SYS_gettimeofday, {P, 0}}, {"getitimer", SYS_getitimer, {0, P}}, {"setitimer", SYS_setitimer, {0, P, P}},
		{"timer_create", SYS_timer_create, {0, P, P}}, {"timerfd_settime", SYS_timerfd_settime, {n, 0, P, P}}, {"utimensat", SYS_utimensat, {AT_FDCWD, P, P, 0}},
		{"futex wait", SYS_futex, {P, 0, 12345, P, P, 0}}, {"futex wake", SYS_futex, {P, 1, 1, 0, 0, 0}}, {"futex requeue", SYS_futex, {P, 4, 1, 1, P, 0}},
		{"futex_waitv", 449, {P, 4, 0, P, 0}}, {"set_robust_list", SYS_set_robust_list, {P, 24}}, {"get_robust_list", SYS_get_robust_list, {0, P, P}},
		{"getrlimit", SYS_getrlimit, {7, P}}, {"setrlimit", SYS_setrlimit, {4, P}}, {"prlimit64", SYS_prlimit64, {0, 7, P, P}}, {"getrusage", SYS_getrusage, {0, P}},
		{"wait4", SYS_wait4, {-1, P, WNOHANG, P}}, {"waitid", SYS_waitid, {P_ALL, 0, P, WEXITED | WNOHANG, P}}, {"uname", SYS_uname, {P}}, {"sysinfo", SYS_sysinfo, {P}},
		{"getcwd", SYS_getcwd, {P, 4096}}, {"getcwd -1", SYS_getcwd, {P, -1}}, {"chdir", SYS_chdir, {P}}, {"mkdir", SYS_mkdir, {P, 0700}}, {"rename", SYS_rename, {P, P}},
		{"renameat2", SYS_renameat2, {AT_FDCWD, P, AT_FDCWD, P, 0}}, {"linkat", SYS_linkat, {AT_FDCWD, P, AT_FDCWD, P, 0}}, {"symlink", SYS_symlink, {P, P}}, {"readlink", SYS_readlink, {P, P, 100}},
		{"readlink -1", SYS_readlink, {(long)"/proc/self/exe", P, -1}}, {"unlinkat", SYS_unlinkat, {AT_FDCWD, P, 0}}, {"access", SYS_access, {P, 0}}, {"faccessat2", 439, {AT_FDCWD, P, 0, 0}},
		{"chmod", SYS_chmod, {P, 0}}, {"chown", SYS_chown, {P, 0, 0}}, {"truncate", SYS_truncate, {P, 0}}, {"mknod", SYS_mknod, {P, 0, 0}}, {"statfs", SYS_statfs, {P, P}}, {"fstatfs", SYS_fstatfs, {n, P}},
		{"getdents64", SYS_getdents64, {open("/", O_RDONLY), P, 4096}}, {"getxattr", SYS_getxattr, {P, P, P, 100}}, {"setxattr", SYS_setxattr, {P, P, P, 10, 0}}, {"listxattr", SYS_listxattr, {P, P, -1}},
		{"mount", SYS_mount, {P, P, P, 0, P}}, {"umount2", SYS_umount2, {P, 8}}, {"execve", SYS_execve, {P, 0, 0}}, {"execve argv", SYS_execve, {(long)"/bin/true", P, 0}},
		{"execve true", SYS_execve, {(long)"/bin/true", 1, 0}}, {"execve envp", SYS_execve, {(long)"/bin/true", 0, P}}, {"execveat", SYS_execveat, {AT_FDCWD, P, P, P, 0}},
		{"ioctl TCGETS", SYS_ioctl, {n, 0x5401, P}}, {"ioctl FIONREAD", SYS_ioctl, {pipe_fd[0], 0x541B, P}}, {"ioctl FIONBIO", SYS_ioctl, {pipe_fd[0], 0x5421, P}},
		{"fcntl GETLK", SYS_fcntl, {n, F_GETLK, P}}, {"fcntl SETLK", SYS_fcntl, {n, F_SETLK, P}}, {"fcntl OWNER", SYS_fcntl, {n, 15, P}},
		{"prctl name", SYS_prctl, {15, P, 0, 0, 0}}, {"prctl get name", SYS_prctl, {16, P, 0, 0, 0}}, {"prctl seccomp", SYS_prctl, {22, 2, P, 0, 0}}, {"arch_prctl get", SYS_arch_prctl, {0x1003, P}},
		{"seccomp", SYS_seccomp, {1, 0, P}}, {"bpf", SYS_bpf, {0, P, 64}}, {"perf_event_open", SYS_perf_event_open, {P, 0, -1, -1, 0}}, {"clone3", 435, {P, 88}}, {"clone3 size", 435, {P, -1}}, {"openat2", 437, {AT_FDCWD, (long)"/", P, 24}},
		{"openat2 size", 437, {AT_FDCWD, (long)"/", P, -1}}, {"sched_setaffinity", SYS_sched_setaffinity, {0, 8, P}}, {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, P}}, {"sched_setattr", SYS_sched_setattr, {0, P, 0}}, {"sched_getattr", SYS_sched_getattr, {0, P, 48, 0}},
		{"process_vm_readv", SYS_process_vm_readv, {getpid(), P, 1, P, 1, 0}}, {"process_vm_readv -1", SYS_process_vm_readv, {getpid(), P, -1, P, -1, 0}}, {"copy_file_range", SYS_copy_file_range, {n, P, n, P, 1, 0}}, {"sendfile", SYS_sendfile, {n, n, P, 1}}, {"splice", SYS_splice, {pipe_fd[0], P, n, P, 1, 0}},
		{"getrandom", SYS_getrandom, {P, 16, 0}}, {"getcpu", SYS_getcpu, {P, P, 0}}, {"getgroups", SYS_getgroups, {100, P}}, {"setgroups", SYS_setgroups, {3, P}}, {"getresuid", SYS_getresuid, {P, P, P}}, {"capget", SYS_capget, {P, P}}, {"capset", SYS_capset, {P, P}},
		{"mincore", SYS_mincore, {(long)fence - 4096, 4096, P}}, {"madvise", SYS_madvise, {P & ~4095L, 4096, 4}}, {"msync", SYS_msync, {P, 4096, 4}}, {"mprotect", SYS_mprotect, {P, 4096, 1}}, {"memfd_create", SYS_memfd_create, {P, 0}}, {"inotify_add_watch", SYS_inotify_add_watch, {n, P, 1}}, {"signalfd4", SYS_signalfd4, {-1, P, 8, 0}},
		{"add_key", SYS_add_key, {P, P, P, 10, 0}}, {"keyctl", SYS_keyctl, {11, 0, P, -1, 0}}, {"io_setup", SYS_io_setup, {1, P}}, {"io_submit", SYS_io_submit, {0, 1, P}}, {"mq_open", SYS_mq_open, {P, 0, 0, 0}}, {"semop", SYS_semop, {0, P, 1}}, {"msgsnd", SYS_msgsnd, {0, P, -1, 0}}, {"shmctl", SYS_shmctl, {-1, 2, P}},
		{"rseq", 334, {P, 32, 0, 0}}, {"unshare", SYS_unshare, {P}}, {"cachestat", 451, {n, P, P, 0}}, {"io_uring_setup", 425, {4, P}}, {"landlock_create_ruleset", 444, {P, 8, 0}}, {"mount_setattr", 442, {AT_FDCWD, P, 0, P, 32}}, {"pidfd_send_signal", 424, {n, 0, P, 0}},
		{"name_to_handle_at", SYS_name_to_handle_at, {AT_FDCWD, P, P, P, 0}}, {"open_by_handle_at", SYS_open_by_handle_at, {AT_FDCWD, P, 0}}, {"modify_ldt", SYS_modify_ldt, {1, P, 16}}, {"syslog", SYS_syslog, {3, P, 10}}, {"quotactl", SYS_quotactl, {0x800001 << 8, P, 0, P}}, {"swapon", SYS_swapon, {P, 0}}, {"init_module", SYS_init_module, {P, 10, P}}, {"chroot", SYS_chroot, {P}}, {"pivot_root", SYS_pivot_root, {P, P}}, {"sethostname", SYS_sethostname, {P, 65}}, {"adjtimex", SYS_adjtimex, {P}},
	};
	for (unsigned c = 0; c < sizeof calls / sizeof *calls; c++)
		for (int p = 0; p < POINTERS; p++) {
			/* Each in a process of its own: some succeed, and change something. */
			pid_t pid = must("fork", fork());
			if (pid == 0) {
				alarm(5); /* a call that waits is a mistake in the table above */
				long a[6];
				for (int i = 0; i < 6; i++)
					a[i] = calls[c].a[i] == P ? pointers[p].value : calls[c].a[i];
				errno = 0;
				long r = syscall(calls[c].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
				char what[100];
				snprintf(what, sizeof what, "%s(%s)", calls[c].name, pointers[p].name);
				/* What a success returns may be an address or an id. */
				if (r > 0 && r < 4096)
					say("%s: %ld", what, r);
				else if (r != -1)
					say("%s: %s", what, r ? "some value" : "0");
				else
					outcome(what, -1);
				_exit(0);
			}
			int status;
			must("waitpid", waitpid(pid, &status, 0));
			if (status)
				say("%s(%s): status %#x", calls[c].name, pointers[p].name, status);
		}
}

/* Strings that end at the end of a mapping, with their NUL and without. */
static void strings(void)
{
	prepare();
	char *ends[] = {hole, fence};
	for (int e = 0; e < 2; e++) {
		const char *where = e ? "fence" : "hole";
		for (int length = 0; length < 20; length++) {
			char *s = ends[e] - length - 1;
			memset(s, 'a', length);
			s[length] = 0;
			called("open with NUL", where, syscall(SYS_openat, AT_FDCWD, s, O_RDONLY));
			s[length] = 'a';
			called("open without NUL", where, syscall(SYS_openat, AT_FDCWD, s, O_RDONLY));
			called("symlink", where, syscall(SYS_symlink, s, "/nonexistent/x"));
			called("memfd_create", where, syscall(SYS_memfd_create, s, 0x1000000));
		}
		memset(ends[e] - 4096, '/', 4096);
		ends[e][-1] = 0;
		called("4095 slashes", where, syscall(SYS_access, ends[e] - 4096, 0));
		ends[e][-1] = '/';
		called("4096 slashes, no end", where, syscall(SYS_access, ends[e] - 4096, 0));
		/* Vectors of pointers that end at the edge. */
		char **argv = (char **)ends[e] - 2;
		argv[0] = "x", argv[1] = "y";
		called("argv without its NULL", where, syscall(SYS_execve, "/bin/true", argv, 0));
		argv[1] = (char *)8;
		called("argv with a bad string", where, syscall(SYS_execve, "/bin/true", argv, 0));
		argv = (char **)(ends[e] - 12);
		argv[0] = "x";
		called("argv half mapped", where, syscall(SYS_execve, "/bin/true", argv, 0));
		called("envp half mapped", where, syscall(SYS_execve, "/bin/true", 0, argv));
	}
	/* Not valid UTF-8, control characters, quotes: only bytes to the kernel. */
	static const char *const odd[] = {"", "\xff\xfe", "a\nb", "\"quoted\"", "\\", "\033[31m", "\xc3\x28", "tab\t\001\1772\200"};
	for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++)
		called("open", "odd name", syscall(SYS_openat, AT_FDCWD, odd[i], O_RDONLY));
}

/* I/O vectors that lie. */
static void vectors(void)
{
	prepare();
	char good[] = "good", sink[16];
	struct iovec *v;
	v = (struct iovec[]){{good, 4}, {(void *)8, 4}, {good, 4}};
	called("writev", "second bad", syscall(SYS_writev, pipe_fd[1], v, 3));
	called("read", "what arrived", read(pipe_fd[0], sink, sizeof sink));
	v = (struct iovec[]){{(void *)8, 4}, {good, 4}};
	called("writev", "first bad", syscall(SYS_writev, pipe_fd[1], v, 2));
	v = (struct iovec[]){{(void *)8, 0}, {0, 0}, {good, 4}, {(void *)-1, 0}};
	called("writev", "empty and bad", syscall(SYS_writev, pipe_fd[1], v, 4));
	called("read", "what arrived", read(pipe_fd[0], sink, sizeof sink));
	v = (struct iovec[]){{good, -1}};
	called("writev", "length -1", syscall(SYS_writev, null_fd, v, 1));
	v = (struct iovec[]){{good, (size_t)1 << 63}};
	called("writev", "length 1<<63", syscall(SYS_writev, null_fd, v, 1));
	v = (struct iovec[]){{good, 0x7fffffffffffffff}, {good, 4}};
	called("writev", "sum overflows", syscall(SYS_writev, null_fd, v, 2));
	v = (struct iovec[]){{hole - 4, 8}};
	called("writev", "half mapped", syscall(SYS_writev, pipe_fd[1], v, 1));
	called("read", "what arrived", read(pipe_fd[0], sink, sizeof sink));
	called("write", "half mapped", syscall(SYS_write, pipe_fd[1], hole - 4, 8));
	called("read", "what arrived", read(pipe_fd[0], sink, sizeof sink));
	v = (struct iovec *)(hole - sizeof *v - 8);
	v->iov_base = good, v->iov_len = 4;
	called("writev", "vector half mapped", syscall(SYS_writev, pipe_fd[1], v, 2));
	must("write", write(pipe_fd[1], "0123456789", 10));
	v = (struct iovec[]){{sink, 2}, {(void *)"read only", 4}, {sink, 2}};
	called("readv", "second read-only", syscall(SYS_readv, pipe_fd[0], v, 3));
	called("read", "the rest", read(pipe_fd[0], sink, sizeof sink));

	/* Messages: garbage in each of their pointers and lengths. */
	struct iovec io = {good, 4};
	struct msghdr base = {.msg_iov = &io, .msg_iovlen = 1}, m;
	m = base, m.msg_iov = (void *)8;
	called("sendmsg", "iov", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_iovlen = -1;
	called("sendmsg", "iovlen -1", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_iovlen = 1 << 20;
	called("sendmsg", "iovlen 1<<20", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_control = (void *)8, m.msg_controllen = 64;
	called("sendmsg", "control", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_control = good, m.msg_controllen = -1;
	called("sendmsg", "controllen -1", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_control = good, m.msg_controllen = 0x7fffffff;
	called("sendmsg", "controllen INT_MAX", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_name = (void *)8, m.msg_namelen = 16;
	called("sendmsg", "name", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_name = good, m.msg_namelen = 0x7fffffff;
	called("sendmsg", "namelen INT_MAX", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	m = base, m.msg_name = good, m.msg_namelen = -1;
	called("sendmsg", "namelen -1", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	struct { struct cmsghdr h; char data[64]; } control = {{0, SOL_SOCKET, SCM_RIGHTS}, {0}};
	static const size_t lengths[] = {0, 1, 15, 16, 17, 20, 80, 81, 1 << 30, (size_t)-1};
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		control.h.cmsg_len = lengths[i];
		m = base, m.msg_control = &control, m.msg_controllen = sizeof control;
		called("sendmsg", "cmsg_len", syscall(SYS_sendmsg, sock[0], &m, MSG_DONTWAIT));
	}
	/* Addresses shorter and longer than their families, and of no family. */
	static const unsigned short families[] = {AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, 999, 0xffff};
	for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
		for (int length = 0; length < 130; length += 13) {
			struct sockaddr_storage a;
			memset(&a, 0, sizeof a);
			a.ss_family = families[i];
			called("connect", "address", syscall(SYS_connect, sock[0], &a, length));
		}
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"each", each}, {"strings", strings}, {"vectors", vectors}};
	return RUN_CASE(argc, argv, cases);
}
