/* Much of everything: descriptors, argument lists, lengths, paths. */
#include "cases.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

extern char **environ;

/* hold waits for the end of the input when asked to, so that the tracer can be looked at. */
static void hold(void)
{
	char c;
	if (getenv("HOLD")) {
		say("holding");
		while (read(0, &c, 1) > 0)
			;
	}
}

enum { MANY = 32768 };

static void descriptors(void)
{
	struct rlimit r = {MANY + 100, MANY + 100};
	if (setrlimit(RLIMIT_NOFILE, &r)) {
		/* Not this many here: as many as there may be. */
		must("getrlimit", getrlimit(RLIMIT_NOFILE, &r));
		r.rlim_cur = r.rlim_max;
		must("setrlimit", setrlimit(RLIMIT_NOFILE, &r));
	}
	const int many = r.rlim_cur - 100;
	int last = -1;
	for (int i = 0; i < many; i++)
		last = must("dup", dup(0));
	say("all of %d: %d", many, last >= many);
	static struct pollfd p[MANY];
	for (int i = 0; i < many; i++)
		p[i] = (struct pollfd){last - i, POLLNVAL, 0};
	outcome("poll of all", poll(p, many, 0));
	unsigned long set[(MANY + 200) / 64] = {0}; /* select(2) knows no FD_SETSIZE */
	set[last / 64] |= 1UL << last % 64;
	struct timeval zero = {0, 0};
	outcome("select of the last", syscall(SYS_select, last + 1, set, 0, 0, &zero));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		outcome("in the child", fcntl(last, F_GETFD));
		must("dup3", dup3(0, last - 1, O_CLOEXEC));
		execl("/bin/sh", "sh", "-c", "ls /proc/self/fd | wc -l | xargs test 900 -lt && echo kept", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	outcome("close_range", syscall(SYS_close_range, 100, ~0U, 0));
	outcome("closed", fcntl(last, F_GETFD));
	/* A message with as many as it can carry. */
	int pair[2];
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	enum { SCM_MAX = 253 };
	char control[CMSG_SPACE(SCM_MAX * sizeof(int))] = {0};
	struct iovec io = {"x", 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	*c = (struct cmsghdr){CMSG_LEN(SCM_MAX * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	outcome("sendmsg of 253", sendmsg(pair[0], &m, 0));
	outcome("recvmsg of 253", recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC));
}

/* check is what the program executed with many arguments does. */
static void arguments_came(int argc, char **argv)
{
	size_t bytes = 0, env = 0;
	int strings = 0;
	unsigned sum = 0;
	for (int i = 2; i < argc; i++)
		for (const char *s = argv[i]; *s; s++, bytes++)
			sum = sum * 31 + *s;
	for (char **e = environ; *e; e++, strings++)
		env += strlen(*e);
	say("%d arguments, %zu bytes, sum %#x, %d variables, %zu bytes", argc - 2, bytes, sum, strings, env);
	hold();
}

static void execute(int count, size_t length)
{
	struct rlimit r = {64 << 20, RLIM_INFINITY};
	must("setrlimit", setrlimit(RLIMIT_STACK, &r));
	char **argv = calloc(count + 3, sizeof *argv);
	char *s = malloc(length + 1);
	for (size_t i = 0; i < length; i++)
		s[i] = 'a' + i % 26;
	s[length] = 0;
	argv[0] = "limits";
	argv[1] = "came";
	for (int i = 0; i < count; i++)
		argv[2 + i] = s;
	char *env[] = {s, getenv("HOLD") ? "HOLD=1" : 0, 0};
	execve("/proc/self/exe", argv, env);
	outcome("execve", -1);
}

static void long_arguments(void) { execute(32, 131071); }  /* 4 MiB in the longest strings that there are */
static void many_arguments(void) { execute(300000, 5); }   /* and in short ones */

static void too_many(void)
{
	execute(200, 131071);
	say("still here");
}

static void vectors(void)
{
	size_t size = 3UL << 30;
	char *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		skip("3 GiB of address space");
	int null = must("open", open("/dev/null", O_RDWR)), zero = must("open", open("/dev/zero", O_RDONLY));
	(void)zero;
	outcome("write of 3 GiB", write(null, p, size));
	outcome("write of 2 GiB", write(null, p, 1UL << 31));
	static struct iovec v[1024];
	for (int i = 0; i < 1024; i++)
		v[i] = (struct iovec){p, 1UL << 31};
	outcome("writev of 2 GiB", writev(null, v, 1));
	outcome("writev of 1024 times 2 GiB", writev(null, v, 1024));
	outcome("writev of 1025", syscall(SYS_writev, null, v, 1025));
	outcome("readv of 1024 times 2 GiB", readv(null, v, 1024));
	outcome("pwritev2", syscall(SYS_pwritev2, null, v, 1024, 0, 0, 0));
	int pair[2];
	must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair));
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 1024};
	outcome("sendmsg of it", sendmsg(pair[0], &m, 0));
	outcome("sendto of 2 GiB", sendto(pair[0], p, 1UL << 31, 0, 0, 0));
	outcome("recv into 2 GiB", recv(pair[1], p, 1UL << 31, 0));
	static struct mmsghdr many[1024];
	for (int i = 0; i < 1024; i++)
		many[i].msg_hdr = m;
	outcome("sendmmsg", sendmmsg(pair[0], many, 1024, 0));
	struct iovec remote = {p, 1UL << 31};
	outcome("process_vm_readv", process_vm_readv(getpid(), v, 0, &remote, 1, 0));
	int e = must("epoll", epoll_create1(0));
	outcome("epoll_wait for millions", epoll_wait(e, (struct epoll_event *)p, 100000000, 0));
	outcome("poll of too many", syscall(SYS_poll, p, 1 << 30, 0));
	outcome("getrandom", syscall(SYS_getrandom, p, 1UL << 20, 0));
	outcome("getdents64", syscall(SYS_getdents64, must("open", open("/proc/self/task", O_RDONLY)), p, 1U << 31) > 0);
	outcome("setgroups of too many", syscall(SYS_setgroups, 65537, p));
	outcome("mincore", mincore(p, 1 << 30, (unsigned char *)p));
	outcome("setsockopt", setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, p, 1U << 30));
	outcome("add_key", syscall(SYS_add_key, "user", "k", p, 1UL << 30, -3));
	outcome("setxattr", syscall(SYS_setxattr, "/dev/null", "user.x", p, 1UL << 31, 0));
	/* 200 MB go through a pipe, in large pieces. */
	int fd[2];
	must("pipe", pipe(fd));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		close(fd[0]);
		memset(p, 'w', 20 << 20);
		for (int i = 0; i < 10; i++)
			must("write", write(fd[1], p, 20 << 20));
		_exit(0);
	}
	close(fd[1]);
	long all = 0;
	for (ssize_t n; (n = read(fd[0], p, 1 << 30)) > 0;)
		all += n;
	say("through the pipe: %ld", all);
	must("waitpid", waitpid(pid, 0, 0));
	hold();
}

static void paths(void)
{
	char path[PATH_MAX + 10];
	for (int length = PATH_MAX - 3; length <= PATH_MAX + 2; length++) {
		memset(path, '/', length);
		path[length] = 0;
		char what[32];
		snprintf(what, sizeof what, "%d slashes", length);
		outcome(what, access(path, F_OK));
		memcpy(path, "/tmp", 4);
		for (int i = 4; i < length; i++)
			path[i] = i & 1 ? '.' : '/';
		path[length] = 0;
		outcome(what, access(path, F_OK));
	}
	char name[NAME_MAX + 3];
	memset(name, 'n', sizeof name);
	name[NAME_MAX + 1] = 0;
	outcome("name of 256", mkdir(name, 0700));
	name[NAME_MAX] = 0;
	outcome("name of 255", mkdir(name, 0700));
	/* Deeper than a path can say: 100 times 255 bytes. */
	for (int i = 0; i < 100; i++)
		if (chdir(name) || mkdir(name, 0700)) {
			outcome("deeper", -1);
			break;
		}
	char *cwd = getcwd(0, 0);
	say("getcwd: %s", cwd ? "a path" : strerror(errno));
	char here[PATH_MAX];
	outcome("readlink of the cwd", readlink("/proc/self/cwd", here, sizeof here));
	outcome("open in it", open("file", O_WRONLY | O_CREAT, 0600) >= 0);
	outcome("unlink", unlink("file"));
	/* And up again. */
	for (int i = 0; i < 100; i++) {
		if (rmdir(name) && errno != ENOENT)
			break;
		if (chdir(".."))
			break;
	}
	outcome("rmdir", rmdir(name));
	/* Symbolic links to their limits. */
	char target[PATH_MAX];
	memset(target, 't', sizeof target);
	target[PATH_MAX - 1] = 0;
	outcome("symlink to 4095", symlink(target, "link"));
	outcome("readlink", readlink("link", here, sizeof here));
	outcome("follow", open("link", O_RDONLY));
}

static int count;
static char **vector;
static void came(void) { arguments_came(count, vector); }

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"descriptors", descriptors}, {"long_arguments", long_arguments}, {"many_arguments", many_arguments}, {"too_many", too_many},
		{"vectors", vectors}, {"paths", paths}, {"came", came},
	};
	count = argc, vector = argv;
	return RUN_CASE(argc, argv, cases);
}
