/* Random operations on descriptors, directories and dispositions, in several threads and
 * processes, by a seed. From time to time a thread waits until no operation is under way
 * anywhere and makes a call that a tracer knows: getpriority(MARK, ...). What the tracer
 * thinks of the process can then be compared with /proc.
 *
 * argv: seed, operations of each thread, directory to work in, how often to execute itself.
 * With an even seed, operations of several threads overlap. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK = 7777, HIGH = 48, MAX_DEPTH = 3, THREADS = 2 };

/* Shared by all: how many operations are under way, -1 while somebody looks; how many
 * processes there are. */
static struct shared {
	atomic_int users, processes;
} *shared;

static char self[4096], dir[2048];
static int operations, serial;

static void enter_alone(void)
{
	for (;;) {
		int n = 0;
		if (atomic_compare_exchange_weak(&shared->users, &n, -1))
			return;
		syscall(SYS_sched_yield);
	}
}

static void leave_alone(void) { atomic_store(&shared->users, 0); }

static void enter(void)
{
	if (serial) {
		enter_alone();
		return;
	}
	for (;;) {
		int n = atomic_load(&shared->users);
		if (n >= 0 && atomic_compare_exchange_weak(&shared->users, &n, n + 1))
			return;
		syscall(SYS_sched_yield);
	}
}

static void leave(void)
{
	if (serial)
		leave_alone();
	else
		atomic_fetch_sub(&shared->users, 1);
}

/* xorshift */
static unsigned next(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r >> 20;
}

static void mark(int tag)
{
	enter_alone();
	syscall(SYS_getpriority, MARK, tag);
	leave_alone();
}

static void handler(int sig) { (void)sig; }

struct work {
	uint64_t random;
	int depth, count;
};

static void operate(struct work *w);

static void *thread(void *arg)
{
	struct work w = *(struct work *)arg;
	free(arg);
	operate(&w);
	return NULL;
}

static int child(void *arg)
{
	struct work *w = arg;
	if (!serial)
		leave(); /* what the creator's count of itself gave us */
	operate(w);
	atomic_fetch_sub(&shared->processes, 1);
	syscall(SYS_exit, 0);
	return 0;
}

/* spawn creates a process that shares some things with this one. */
static void spawn(struct work *w)
{
	if (atomic_fetch_add(&shared->processes, 1) > 12) {
		atomic_fetch_sub(&shared->processes, 1);
		return;
	}
	/* No malloc: who shares the memory shares the thread-local storage too. */
	char *stack = mmap(NULL, 256 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct work *c = (struct work *)stack;
	*c = (struct work){w->random * 2862933555777941757ull + 3037000493ull, w->depth + 1, w->count / 2};
	static const int flags[] = {0, CLONE_FILES, CLONE_FS, CLONE_FILES | CLONE_FS, CLONE_VM, CLONE_VM | CLONE_SIGHAND | CLONE_FILES,
				    CLONE_VM | CLONE_SIGHAND};
	int f = flags[next(&w->random) % 7];
	if (!serial)
		atomic_fetch_add(&shared->users, 1); /* for the child */
	if (clone(child, stack + (256 << 10), f | SIGCHLD, c) < 0) {
		if (!serial)
			atomic_fetch_sub(&shared->users, 1);
		atomic_fetch_sub(&shared->processes, 1);
	}
}

static void name(char *buf, uint64_t *r) { snprintf(buf, 4096, "%s/f%u", dir, next(r) % 6); }

static int any(uint64_t *r) { return 3 + next(r) % (HIGH - 3); }

static void exchange(uint64_t *r)
{
	int pair[2], pass = any(r);
	if (socketpair(AF_UNIX, next(r) % 2 ? SOCK_STREAM : SOCK_DGRAM, 0, pair))
		return;
	char data = 'x', control[64] = {0};
	struct iovec iov = {&data, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), (int[]){pass, pair[0]}, 2 * sizeof(int));
	if (sendmsg(pair[0], &m, 0) == 1) {
		if (next(r) % 2)
			close(pass);
		m.msg_controllen = sizeof control;
		if (next(r) % 2) {
			struct mmsghdr v = {.msg_hdr = m};
			recvmmsg(pair[1], &v, 1, MSG_DONTWAIT, NULL);
		} else
			recvmsg(pair[1], &m, next(r) % 2 ? MSG_CMSG_CLOEXEC | MSG_DONTWAIT : MSG_DONTWAIT);
	}
	if (next(r) % 4)
		close(pair[next(r) % 2]);
}

/* one does one operation. */
static void one(struct work *w)
{
	uint64_t *r = &w->random;
	char path[4096], other[4096];
	int p[2];
	static const int opens[] = {O_RDONLY, O_RDWR | O_CREAT, O_WRONLY | O_APPEND | O_CREAT, O_RDWR | O_CREAT | O_CLOEXEC,
				    O_RDONLY | O_NONBLOCK, O_PATH, O_RDWR | O_SYNC | O_CREAT | O_TRUNC, O_PATH | O_NOFOLLOW | O_CLOEXEC,
				    O_RDONLY | O_NOCTTY | O_NOATIME, O_WRONLY | O_DSYNC};
	switch (next(r) % 40) {
	case 0: case 1: case 2:
		name(path, r);
		open(path, opens[next(r) % 10], 0600);
		break;
	case 3:
		openat(any(r), "f1", O_RDWR | O_CREAT, 0600);
		break;
	case 4:
		open(next(r) % 2 ? dir : "/dev/null", next(r) % 2 ? O_RDONLY : O_PATH | O_CLOEXEC);
		break;
	case 5:
		name(path, r);
		creat(path, 0600);
		break;
	case 6:
		open(dir, O_TMPFILE | O_RDWR, 0600);
		break;
	case 7: case 8:
		dup(any(r));
		break;
	case 9: case 10:
		syscall(SYS_dup2, any(r), any(r));
		break;
	case 11:
		dup3(any(r), any(r), next(r) % 2 ? O_CLOEXEC : 0);
		break;
	case 12:
		fcntl(any(r), next(r) % 2 ? F_DUPFD : F_DUPFD_CLOEXEC, any(r));
		break;
	case 13:
		fcntl(any(r), F_SETFD, next(r) % 4);
		break;
	case 14: {
		static const int flags[] = {0, O_NONBLOCK, O_APPEND, O_APPEND | O_NONBLOCK, O_ASYNC, O_RDWR | O_ASYNC | O_NONBLOCK, O_NOATIME};
		fcntl(any(r), F_SETFL, flags[next(r) % 7]);
		break;
	}
	case 15: {
		int on = next(r) % 2;
		ioctl(any(r), (unsigned long[]){FIOCLEX, FIONCLEX, FIONBIO, FIOASYNC}[next(r) % 4], &on);
		break;
	}
	case 16:
		pipe2(p, (int[]){0, O_CLOEXEC, O_NONBLOCK}[next(r) % 3]);
		break;
	case 17:
		socketpair(AF_UNIX, (next(r) % 2 ? SOCK_STREAM : SOCK_DGRAM | SOCK_CLOEXEC) | (next(r) % 2 ? SOCK_NONBLOCK : 0), 0, p);
		break;
	case 18:
		socket(next(r) % 2 ? AF_INET : AF_UNIX, SOCK_STREAM | (next(r) % 2 ? SOCK_CLOEXEC : 0), 0);
		break;
	case 19:
		syscall(SYS_eventfd2, 1, next(r) % 2 ? O_CLOEXEC : O_NONBLOCK);
		break;
	case 20:
		epoll_create1(next(r) % 2 ? EPOLL_CLOEXEC : 0);
		break;
	case 21:
		syscall(SYS_timerfd_create, 1, next(r) % 2 ? O_CLOEXEC : O_NONBLOCK);
		break;
	case 22:
		syscall(SYS_inotify_init1, next(r) % 2 ? O_CLOEXEC : O_NONBLOCK);
		break;
	case 23:
		syscall(SYS_memfd_create, "state", next(r) % 2);
		break;
	case 24:
		syscall(SYS_pidfd_open, getpid(), 0);
		break;
	case 25: {
		uint64_t set = 1 << (SIGUSR2 - 1);
		syscall(SYS_signalfd4, -1, &set, 8, next(r) % 2 ? O_CLOEXEC : 0);
		break;
	}
	case 26: case 27: {
		/* Mostly there is no epoll among what is picked by chance. */
		int e = epoll_create1(0);
		for (int i = 0; i < 6 && e >= 0; i++) {
			struct epoll_event ev = {EPOLLIN, {.u64 = next(r)}};
			epoll_ctl(e, 1 + next(r) % 3, any(r), &ev);
		}
		break;
	}
	case 28: case 29: case 30: case 31:
		close(any(r));
		break;
	case 32: {
		unsigned a = any(r);
		syscall(SYS_close_range, a, next(r) % 8 ? a + next(r) % 4 : ~0u, (int[]){0, 2, 4, 6}[next(r) % 4]);
		break;
	}
	case 33:
		if (next(r) % 2)
			chdir(next(r) % 2 ? dir : "/tmp");
		else
			fchdir(any(r));
		break;
	case 34:
		umask(next(r) & 0777);
		break;
	case 35:
		unshare((int[]){CLONE_FILES, CLONE_FS, CLONE_FILES | CLONE_FS}[next(r) % 3]);
		break;
	case 36: {
		struct sigaction a = {.sa_handler = (void (*[])(int)){SIG_DFL, SIG_IGN, handler}[next(r) % 3], .sa_flags = next(r) % 2 ? SA_RESETHAND : 0};
		sigaction(SIGRTMIN + 5 + next(r) % 4, &a, NULL);
		if (a.sa_handler == handler) {
			sigaction(SIGUSR1, &a, NULL);
			if (next(r) % 2)
				syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
			a.sa_handler = SIG_IGN;
			sigaction(SIGUSR1, &a, NULL);
		}
		break;
	}
	case 37:
		exchange(r);
		break;
	case 38:
		name(path, r);
		name(other, r);
		if (next(r) % 2)
			unlink(path);
		else
			rename(path, other);
		break;
	case 39:
		if (w->depth < MAX_DEPTH)
			spawn(w);
		break;
	}
}

static void operate(struct work *w)
{
	for (int i = 0; i < w->count; i++) {
		enter();
		one(w);
		leave();
		if (next(&w->random) % 16 == 0)
			mark(w->depth);
	}
	mark(w->depth);
}

static void map(const char *name, int create)
{
	int fd = open(name, O_RDWR | (create ? O_CREAT : 0), 0600);
	if (fd < 0 || (create && ftruncate(fd, 4096)))
		exit(3);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	serial = strtoul(argv[1], NULL, 10) % 2;
	operations = atoi(argv[2]);
	snprintf(dir, sizeof dir, "%s", argv[3]);
	int again = atoi(argv[4]); /* how often to execute itself */
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 3;
	char file[4096];
	snprintf(file, sizeof file, "%s.shared", dir);
	int first = argc == 5;
	map(file, first);
	if (first)
		atomic_store(&shared->processes, 1);
	else
		leave_alone(); /* what the exec was made under */
	signal(SIGUSR1, SIG_IGN);

	uint64_t seed = strtoull(argv[1], NULL, 10) * 6364136223846793005ull + 1442695040888963407ull + again;
	struct work w = {seed, 0, operations};
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++) {
		struct work *t = malloc(sizeof *t);
		*t = (struct work){seed + i * 7919 + 1, 0, operations};
		pthread_create(&threads[i], NULL, thread, t);
	}
	operate(&w);
	if (again > 0) {
		/* The other threads are killed wherever they wait. */
		char next_again[16];
		snprintf(next_again, sizeof next_again, "%d", again - 1);
		enter_alone();
		execl(self, self, argv[1], argv[2], argv[3], next_again, "executed", NULL);
		return 4;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (wait(NULL) > 0)
		;
	return 0;
}
