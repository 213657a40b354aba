/* Processes stuck in exec, in exit or in a page fault while others must go on. */
#include "cases.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile int stop;
static volatile long turns;

static void *turn(void *arg)
{
	while (!stop)
		if (syscall(SYS_getppid) > 0)
			turns++;
	return arg;
}

/* Exec while siblings are in vfork: the kernel waits in the exec for threads that wait for children. */
static void *in_vfork(void *arg)
{
	pid_t pid = vfork();
	if (pid == 0) {
		/* It ends only when somebody writes to it. */
		int fd = open("fifo", O_RDONLY);
		char c;
		(void)!read(fd, &c, 1);
		_exit(0);
	}
	return arg;
}

static void exec_over_vfork(void)
{
	must("mkfifo", mkfifo("fifo", 0600));
	must("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		pthread_t t;
		for (int i = 0; i < 3; i++)
			pthread_create(&t, 0, in_vfork, 0);
		for (int i = 0; i < 3; i++)
			pthread_create(&t, 0, turn, 0);
		while (!turns)
			sched_yield();
		usleep(20000); /* whether they are in vfork yet or not, exec must work */
		execl("/bin/echo", "echo", "executed", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("status %d", status);
	/* Some vforked children may be left, and some of them may not have opened the FIFO yet:
	 * it stays open until each has had its byte. They are ours, as their parent has none left. */
	int fifo = must("open", open("fifo", O_RDWR));
	must("write", write(fifo, "123", 3));
	while (wait(0) > 0 || errno == EINTR)
		;
}

/* Exec again and again with siblings in all states. */
static void *sleeps(void *arg) { pause(); return arg; }
static void *forks(void *arg)
{
	while (!stop) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, 0, 0);
	}
	return arg;
}
static void *threads_too(void *arg)
{
	while (!stop) {
		pthread_t t;
		if (pthread_create(&t, 0, (void *(*)(void *))getppid, 0) == 0)
			pthread_join(t, 0);
	}
	return arg;
}

static void *execs(void *arg)
{
	char **argv = arg;
	execv("/proc/self/exe", argv);
	_exit(97);
}

static void exec_storm(int left)
{
	pthread_t t;
	for (int i = 0; i < 2; i++) {
		pthread_create(&t, 0, turn, 0);
		pthread_create(&t, 0, sleeps, 0);
		pthread_create(&t, 0, forks, 0);
		pthread_create(&t, 0, threads_too, 0);
	}
	if (left == 0) {
		say("enough");
		_exit(18);
	}
	char count[16];
	snprintf(count, sizeof count, "%d", left - 1);
	char *argv[] = {"stuck", "exec_storm", count, 0};
	if (left & 1)
		execs(argv);
	pthread_create(&t, 0, execs, argv);
	pause();
}

/* A page that a thread of the program fills in: who reads it waits for that thread. */
static char *lazy;
static int faults;

static void *pager(void *arg)
{
	int uffd = *(int *)arg;
	static char page[4096] __attribute__((aligned(4096)));
	for (;;) {
		struct pollfd p = {uffd, POLLIN, 0};
		must("poll", poll(&p, 1, -1));
		struct uffd_msg m;
		ssize_t n = read(uffd, &m, sizeof m);
		if (n <= 0 || m.event != UFFD_EVENT_PAGEFAULT)
			continue;
		memset(page, 0, sizeof page);
		strcpy(page, "/nonexistent/out of a fault");
		struct uffdio_copy copy = {.dst = m.arg.pagefault.address & ~4095UL, .src = (unsigned long)page, .len = 4096};
		__atomic_fetch_add(&faults, 1, __ATOMIC_SEQ_CST); // before who waits goes on
		if (ioctl(uffd, UFFDIO_COPY, &copy) && errno != EEXIST)
			must("UFFDIO_COPY", -1);
	}
	return 0;
}

static void userfault(void)
{
	static int uffd;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0)
		skip("userfaultfd");
	struct uffdio_api api = {.api = UFFD_API};
	must("UFFDIO_API", ioctl(uffd, UFFDIO_API, &api));
	enum { PAGES = 8 };
	lazy = mmap(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {.range = {(unsigned long)lazy, PAGES * 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	must("UFFDIO_REGISTER", ioctl(uffd, UFFDIO_REGISTER, &reg));
	pthread_t t;
	pthread_create(&t, 0, pager, &uffd);
	/* The kernel's own read of a path faults, and so does a tracer's. */
	outcome("open", open(lazy, O_RDONLY));
	outcome("access", access(lazy + 4096, F_OK));
	/* A write, a read into it, and an exec whose strings are there. */
	int fd[2];
	must("pipe", pipe(fd));
	outcome("write", write(fd[1], lazy + 2 * 4096, 100));
	outcome("read", read(fd[0], lazy + 3 * 4096, 100));
	char *argv[] = {lazy + 4 * 4096, 0};
	outcome("exec", execv(lazy + 5 * 4096, argv));
	say("first byte %c", lazy[6 * 4096]);
	say("faults %d", __atomic_load_n(&faults, __ATOMIC_SEQ_CST) >= 6);
}

static int left;
static void storm(void) { exec_storm(left); }

int main(int argc, char **argv)
{
	left = argc > 2 ? atoi(argv[2]) : 40;
	struct one_case cases[] = {{"exec_over_vfork", exec_over_vfork}, {"exec_storm", storm}, {"userfault", userfault}};
	return RUN_CASE(argc, argv, cases);
}
