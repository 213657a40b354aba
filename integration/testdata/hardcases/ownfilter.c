/* The program's own seccomp filters, each action, over and under the tracer's. */
#include "cases.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

/* filter answers nr with action and allows the rest. */
static int filter_flags(unsigned flags, int nr, unsigned action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void filter(int nr, unsigned action)
{
	must("seccomp", filter_flags(0, nr, action));
}

static volatile int caught;
static siginfo_t info;
static void *rip;
static long rax;

static void on_sigsys(int s, siginfo_t *si, void *uc)
{
	caught++;
	info = *si;
	greg_t *regs = ((ucontext_t *)uc)->uc_mcontext.gregs;
#ifdef __x86_64__
	rip = (void *)regs[REG_RIP];
	rax = regs[REG_RAX];
	regs[REG_RAX] = 4242; /* the call's result, as a sandbox would give it */
#else
	rip = (void *)regs[REG_EIP];
	rax = regs[REG_EAX];
	regs[REG_EAX] = 4242;
#endif
	(void)s;
}

static void handle_sigsys(void)
{
	struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	must("sigaction", sigaction(SIGSYS, &sa, 0));
}

static void show_sigsys(int nr)
{
	say("signo %d code %d errno %d", info.si_signo, info.si_code, info.si_errno);
	say("si_syscall %s si_arch %#x", info.si_syscall == nr ? "right" : "wrong", info.si_arch);
	say("si_call_addr is the saved pc: %d", info.si_call_addr == rip);
	say("saved result %s", rax == nr ? "the number" : rax == -ENOSYS ? "-ENOSYS" : "else");
}

static void answer_errno(void)
{
	filter(SYS_getppid, SECCOMP_RET_ERRNO | E2BIG);
	outcome("getppid", syscall(SYS_getppid));
	outcome("other", close(999));
	filter(SYS_close, SECCOMP_RET_ERRNO | 0);
	outcome("ERRNO 0", close(999));
	filter(SYS_close, SECCOMP_RET_ERRNO | 0xfff);
	errno = 0;
	long r = syscall(SYS_close, 999);
	say("ERRNO 4095: %ld errno %d", r, errno);
	filter(SYS_dup, SECCOMP_RET_ERRNO | 0xffff);
	errno = 0;
	r = syscall(SYS_dup, 999);
	say("ERRNO beyond 4095: %ld errno %d", r, errno);
	filter(SYS_getppid, SECCOMP_RET_ALLOW);
	outcome("the stricter of two", syscall(SYS_getppid));
	filter(SYS_getppid, SECCOMP_RET_ERRNO | EBUSY);
	outcome("the later of two equals", syscall(SYS_getppid));
	filter(SYS_getppid, SECCOMP_RET_LOG);
	outcome("LOG is weaker", syscall(SYS_getppid));
}

static void trap(void)
{
	handle_sigsys();
	filter(SYS_getppid, SECCOMP_RET_TRAP | 0x1234);
	outcome("result", syscall(SYS_getppid));
	say("caught %d", caught);
	show_sigsys(SYS_getppid);
	for (int i = 0; i < 1000; i++)
		if (syscall(SYS_getppid) != 4242)
			say("lost one");
	say("caught %d", caught);
	/* A trapped call with arguments in all registers keeps them. */
	filter(SYS_mmap, SECCOMP_RET_TRAP | 7);
	outcome("mmap", syscall(SYS_mmap, 1, 2, 3, 4, 5, 6));
	show_sigsys(SYS_mmap);
}

static void *trap_in_thread(void *arg)
{
	for (int i = 0; i < 200; i++)
		if (syscall(SYS_getppid) != 4242)
			say("lost one");
	return arg;
}

/* TSYNC puts the filter on threads that run already. */
static void tsync(void)
{
	pthread_t threads[4];
	int go[2];
	must("pipe", pipe(go));
	handle_sigsys();
	must("seccomp", filter_flags(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_TRAP));
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], 0, trap_in_thread, 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], 0);
	say("caught %s", caught > 0 ? "some" : "none");
	must("seccomp", filter_flags(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_LOG,
				     SYS_getpgrp, SECCOMP_RET_ERRNO | EDOM));
	outcome("getpgrp", syscall(SYS_getpgrp));
}

static void *hold(void *arg)
{
	char c;
	(void)!read(*(int *)arg, &c, 1);
	errno = 0;
	outcome("running thread", syscall(SYS_getppid));
	return 0;
}

static void tsync_running(void)
{
	pthread_t thread;
	int go[2];
	must("pipe", pipe(go));
	pthread_create(&thread, 0, hold, &go[0]);
	must("seccomp", filter_flags(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
	(void)!write(go[1], "x", 1);
	pthread_join(thread, 0);
}

/* RET_TRACE with no tracer of the program's own: ENOSYS, whatever the data. */
static void trace(void)
{
	static const unsigned data[] = {0, 1, 2, 0x7ff, 0x8000, 0xffff};
	static const int nrs[] = {SYS_getppid, SYS_getpgrp, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid};
	for (unsigned i = 0; i < sizeof data / sizeof *data; i++) {
		filter(nrs[i], SECCOMP_RET_TRACE | data[i]);
		char what[64];
		snprintf(what, sizeof what, "data %#x", data[i]);
		errno = 0;
		outcome(what, syscall(nrs[i]));
	}
}

static void fatal(unsigned action, int in_thread)
{
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		filter(SYS_getppid, action);
		if (in_thread) {
			pthread_t thread;
			pthread_create(&thread, 0, trap_in_thread, 0);
			pthread_join(thread, 0);
			say("the other thread lives");
			_exit(11);
		}
		syscall(SYS_getppid);
		say("not reached");
		_exit(12);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		say("killed by %d", WTERMSIG(status));
	else
		say("exit %d", WEXITSTATUS(status));
}

static void killing(void)
{
	signal(SIGSYS, SIG_IGN); /* KILL and a forced SIGSYS do not ask */
	fatal(SECCOMP_RET_KILL_PROCESS, 0);
	fatal(SECCOMP_RET_KILL_THREAD, 0);
	fatal(SECCOMP_RET_KILL_PROCESS, 1);
	fatal(SECCOMP_RET_KILL_THREAD, 1);
	fatal(SECCOMP_RET_TRAP, 0);
	fatal(SECCOMP_RET_TRAP, 1);
	fatal(0x12340000, 0); /* an unknown action is KILL_PROCESS */
}

static void kill_self(void)
{
	filter(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
	syscall(SYS_getppid);
	say("not reached");
}

/* Another process answers the calls: RET_USER_NOTIF. */
static void notify(void)
{
	int pair[2];
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		int listener = filter_flags(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid, SECCOMP_RET_USER_NOTIF);
		must("listener", listener);
		char control[CMSG_SPACE(sizeof(int))] = {0};
		struct iovec io = {"x", 1};
		struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &listener, sizeof listener);
		must("sendmsg", sendmsg(pair[1], &m, 0));
		close(listener);
		for (int i = 0; i < 3; i++) {
			errno = 0;
			long r = syscall(SYS_getppid, 1, 2, 3, 4, 5, 6);
			if (i == 2)
				say("continued: %s", r > 0 ? "the real one" : "else");
			else
				outcome("notified", r);
		}
		_exit(21);
	}
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec io = {&byte, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	must("recvmsg", recvmsg(pair[0], &m, 0));
	int listener;
	memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof listener);
	for (int i = 0;; i++) {
		struct seccomp_notif req = {0};
		struct seccomp_notif_resp resp = {0};
		struct pollfd p = {listener, POLLIN, 0};
		must("poll", poll(&p, 1, -1));
		if (!(p.revents & POLLIN))
			break;
		must("recv", ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &req));
		say("asked: nr right %d, pid right %d, arch %#x, args %llu %llu", req.data.nr == SYS_getppid,
		    req.pid == pid, req.data.arch, (unsigned long long)req.data.args[0], (unsigned long long)req.data.args[5]);
		resp.id = req.id;
		if (i == 0)
			resp.val = 777;
		else if (i == 1)
			resp.error = -EUCLEAN;
		else
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		must("send", ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp));
		if (i == 2)
			break;
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("exit %d", WEXITSTATUS(status));
}

/* What the filters of a process look like to itself, and how it may ask. */
static void ask(void)
{
	unsigned action = SECCOMP_RET_TRACE;
	outcome("avail", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	action = 0x11110000;
	outcome("avail unknown", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	struct seccomp_notif_sizes sizes;
	outcome("sizes", syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	outcome("bad operation", syscall(SYS_seccomp, 99, 0, 0));
	outcome("bad program", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 0));
	struct sock_fprog empty = {0, 0};
	outcome("empty program", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &empty));
	filter(SYS_getppid, SECCOMP_RET_ALLOW);
	outcome("mode after own filter", prctl(PR_GET_SECCOMP));
}

/* An argument check as sandboxes have it: 64 bits in two halves. */
static void arguments(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x89abcdef, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x01234567, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("prctl", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	outcome("match", syscall(SYS_lseek, -1, 0x0123456789abcdef, 0));
	outcome("low only", syscall(SYS_lseek, -1, 0x89abcdef, 0));
	outcome("none", syscall(SYS_lseek, -1, 5, 0));
}

/* The filter goes through fork and exec. */
static void inherited(void)
{
	filter(SYS_getppid, SECCOMP_RET_ERRNO | ENOMSG);
	filter(SYS_mkdir, SECCOMP_RET_ERRNO | ENODATA);
	filter(SYS_mkdirat, SECCOMP_RET_ERRNO | ENODATA);
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		outcome("child", syscall(SYS_getppid));
		execl("/bin/mkdir", "mkdir", "/nonexistent/x", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("mkdir %d", WEXITSTATUS(status));
}

/* The filter forbids what a tracer may want to inject; the program does not. */
static void narrow(void)
{
	static const int allowed[] = {SYS_write, SYS_exit_group, SYS_getpid, SYS_rt_sigreturn, SYS_openat};
	struct sock_filter code[32];
	int n = 0, count = sizeof allowed / sizeof *allowed;
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < count; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], count - i, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {n, code};
	must("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must("seccomp", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
	outcome("getpid", syscall(SYS_getpid) > 0);
	outcome("openat", syscall(SYS_openat, AT_FDCWD, "/nonexistent/x", O_RDONLY));
	syscall(SYS_openat, AT_FDCWD, (char *)8, O_RDONLY);
	outcome("openat", -1);
	say("still here");
	_exit(14);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"errno", answer_errno}, {"trap", trap}, {"tsync", tsync}, {"tsync_running", tsync_running},
		{"trace", trace}, {"killing", killing}, {"kill_self", kill_self}, {"notify", notify},
		{"ask", ask}, {"arguments", arguments}, {"inherited", inherited}, {"narrow", narrow},
	};
	return RUN_CASE(argc, argv, cases);
}
