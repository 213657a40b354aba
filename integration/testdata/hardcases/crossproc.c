/* Processes that reach into each other: memory, descriptors, /proc. */
#include "cases.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char *shared; /* what child and parent agree on */

static pid_t child(void (*run)(int), int *to)
{
	int in[2];
	must("pipe", pipe(in));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		close(in[1]);
		run(in[0]);
		_exit(0);
	}
	close(in[0]);
	*to = in[1];
	return pid;
}

static char secret[8192] = "the child's";

static void wait_with_secret(int in)
{
	strcpy(secret, "the child's own now");
	shared[0] = 1;
	char c;
	(void)!read(in, &c, 1);
	say("child sees: %s", secret);
}

static void reached(char *flag)
{
	while (!*(volatile char *)flag)
		usleep(100);
}

static void vm(void)
{
	int to;
	shared[0] = 0;
	pid_t pid = child(wait_with_secret, &to);
	reached(shared);
	char got[64] = "";
	struct iovec local = {got, 20}, remote = {secret, 20};
	outcome("readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
	say("%s", got);
	strcpy(got, "written from outside");
	local.iov_len = remote.iov_len = strlen(got) + 1;
	outcome("writev", process_vm_writev(pid, &local, 1, &remote, 1, 0));
	remote.iov_base = (void *)8;
	outcome("remote bad", process_vm_readv(pid, &local, 1, &remote, 1, 0));
	struct iovec two[2] = {{secret, 5}, {(void *)8, 5}};
	outcome("second remote bad", process_vm_readv(pid, &local, 1, two, 2, 0));
	outcome("flags", process_vm_readv(pid, &local, 1, two, 2, 1));
	outcome("nobody", process_vm_readv(0x3fffffff, &local, 1, two, 2, 0));
	must("write", write(to, "x", 1));
	must("waitpid", waitpid(pid, 0, 0));
	outcome("after its end", process_vm_readv(pid, &local, 1, two, 2, 0));
}

static void mem(void)
{
	int to;
	char path[64], got[64] = "";
	shared[0] = 0;
	pid_t pid = child(wait_with_secret, &to);
	reached(shared);
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int fd = must("open", open(path, O_RDWR));
	outcome("pread", pread(fd, got, 19, (long)secret));
	say("%s", got);
	outcome("pwrite", pwrite(fd, "through proc", 13, (long)secret));
	outcome("bad", pread(fd, got, 19, 8));
	must("write", write(to, "x", 1));
	must("waitpid", waitpid(pid, 0, 0));
	outcome("after its end", pread(fd, got, 19, (long)secret));
	close(fd);

	/* Its own memory, over a page that it may not write. */
	fd = must("open", open("/proc/self/mem", O_RDWR));
	char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	outcome("forced write", pwrite(fd, "forced", 7, (long)page));
	say("%s", page);
	/* The kernel reads the path through the same mapping. */
	outcome("open of it", open(page, O_RDONLY));
}

static int hidden = -1;

static void wait_with_file(int in)
{
	hidden = memfd_create("hidden", 0);
	(void)!write(hidden, "in the memfd", 12);
	if (dup2(hidden, 77) != 77)
		_exit(1);
	shared[0] = 1;
	char c;
	(void)!read(in, &c, 1);
	say("child: offset %ld", (long)lseek(77, 0, SEEK_CUR));
}

static void getfd(void)
{
	int to;
	shared[0] = 0;
	pid_t pid = child(wait_with_file, &to);
	reached(shared);
	int pidfd = must("pidfd_open", syscall(SYS_pidfd_open, pid, 0));
	int fd = syscall(438, pidfd, 77, 0);
	if (fd < 0)
		skip("pidfd_getfd");
	lseek(fd, 3, SEEK_SET);
	char got[32] = "";
	outcome("read", read(fd, got, 9));
	say("%s", got);
	outcome("flags", syscall(438, pidfd, 77, 1));
	outcome("no such fd", syscall(438, pidfd, 78, 0));
	outcome("not a pidfd", syscall(438, fd, 77, 0));
	struct pollfd p = {pidfd, POLLIN, 0};
	outcome("alive", poll(&p, 1, 0));
	must("write", write(to, "x", 1));
	outcome("ended", poll(&p, 1, 10000));
	outcome("of a zombie", syscall(438, pidfd, 77, 0));
	siginfo_t si;
	outcome("waitid pidfd", waitid(P_PIDFD, pidfd, &si, WEXITED));
	outcome("pidfd of nobody", syscall(SYS_pidfd_send_signal, pidfd, 0, 0, 0));
}

/* What /proc shows of a child that waits in a call. */
static void proc(void)
{
	int to;
	shared[0] = 0;
	pid_t pid = child(wait_with_secret, &to);
	reached(shared);
	char path[64], text[256];
	/* Until it sits in the read. */
	for (;;) {
		snprintf(path, sizeof path, "/proc/%d/syscall", pid);
		int fd = must("open", open(path, O_RDONLY));
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		if (!strncmp(text, "0 ", 2))
			break;
		usleep(1000);
	}
	text[strcspn(text + 2, " ") + 2] = 0;
	say("in call number 0");
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	/* Sleeping, not stopped: its tracer has let it go into the call. */
	for (;;) {
		int fd = must("open", open(path, O_RDONLY));
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n] = 0;
		if (strchr(text, ')')[2] == 'S')
			break;
		usleep(1000);
	}
	say("state S");
	must("write", write(to, "x", 1));
	must("waitpid", waitpid(pid, 0, 0));
}

static void undumpable(void)
{
	/* Root may still; this is about a tracer that loses sight of its child. */
	must("prctl", prctl(PR_SET_DUMPABLE, 0));
	outcome("dumpable", prctl(PR_GET_DUMPABLE));
	outcome("open", open("/nonexistent/undumpable", O_RDONLY));
	say("written");
	must("prctl", prctl(PR_SET_DUMPABLE, 1));
	outcome("open", open("/nonexistent/dumpable", O_RDONLY));
}

static void kcmp_files(void)
{
	int a = dup(1), b = must("open", open("/dev/null", O_RDONLY));
	pid_t self = getpid();
	outcome("same file", syscall(SYS_kcmp, self, self, 0, 1, a));
	outcome("other file", syscall(SYS_kcmp, self, self, 0, 1, b) > 0);
	outcome("same memory", syscall(SYS_kcmp, self, self, 1, 0, 0));
}

int main(int argc, char **argv)
{
	shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct one_case cases[] = {
		{"vm", vm}, {"mem", mem}, {"getfd", getfd}, {"proc", proc}, {"undumpable", undumpable}, {"kcmp", kcmp_files},
	};
	return RUN_CASE(argc, argv, cases);
}
