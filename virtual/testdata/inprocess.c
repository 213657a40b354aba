// What a program does with a file that it reads again and again: by descriptors that are
// copied, closed, replaced, inherited, sent and fought for, with bad pointers and with
// signals. It prints what it has seen, which must not depend on who answers.
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path, *real;
static volatile size_t huge = -1;
static void *volatile nowhere;

#define CHECK(x) do { if ((x) < 0) { printf("%s: %s\n", #x, strerror(errno)); exit(1); } } while (0)

static int open_it(void)
{
	int fd = open(path, O_RDONLY);
	CHECK(fd);
	return fd;
}

static unsigned sum(const void *p, size_t n)
{
	unsigned s = 0;
	for (size_t i = 0; i < n; i++)
		s = s * 31 + ((const unsigned char *)p)[i];
	return s;
}

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerror(errno) : ""); }

// Each call often enough to be answered without the kernel.
static void warm(void)
{
	int fd = open_it(), other = open(real, O_RDONLY);
	char buf[300];
	struct stat st;
	unsigned s = 0;
	CHECK(other);
	for (int i = 0; i < 200; i++) {
		struct pollfd p[2] = {{fd, POLLIN | POLLOUT, 0}, {-1, POLLIN, 0}};
		long n = read(fd, buf, i);
		s = s * 7 + sum(buf, n > 0 ? n : 0);
		n = pread(fd, buf, i, 3 * i);
		s = s * 7 + sum(buf, n > 0 ? n : 0);
		s = s * 7 + lseek(fd, i, i % 2 ? SEEK_SET : SEEK_CUR);
		CHECK(fstat(fd, &st));
		s = s * 7 + st.st_size + st.st_mode + st.st_nlink + st.st_mtim.tv_sec + st.st_mtim.tv_nsec + st.st_blksize;
		s = s * 7 + poll(p, 2, -1) + p[0].revents + p[1].revents;
		n = pread(other, buf, 10, 0); // a descriptor that is not virtual, by the same calls
		s = s * 7 + sum(buf, n);
		CHECK(dup2(other, 90));
		CHECK(close(90));
		close(91);
	}
	printf("warm: %u\n", s);
	close(fd);
	close(other);
}

static void positions(void)
{
	int fd = open_it();
	char buf[64];
	show("end", lseek(fd, 0, SEEK_END));
	show("read at the end", read(fd, buf, 10));
	show("three before", lseek(fd, -3, SEEK_END));
	show("read there", read(fd, buf, 10));
	printf("%.3s\n", buf);
	show("before the beginning", lseek(fd, -1, SEEK_SET));
	show("far", lseek(fd, 1L << 42, SEEK_SET));
	show("still far", lseek(fd, 0, SEEK_CUR));
	show("read far away", read(fd, buf, 10));
	show("back", lseek(fd, -(1L << 42) + 5, SEEK_CUR));
	show("read", read(fd, buf, 10));
	printf("%.10s\n", buf);
	show("data", lseek(fd, 7, SEEK_DATA));
	show("hole", lseek(fd, 7, SEEK_HOLE));
	show("no such thing", lseek(fd, 7, 77));
	show("at", lseek(fd, 0, SEEK_CUR));
	show("pread", pread(fd, buf, 10, 20));
	show("pread before", pread(fd, buf, 10, -1));
	show("nothing", read(fd, buf, 0));
	show("very much", read(fd, buf, huge));
	show("write", write(fd, buf, 1));
	show("readv", readv(fd, (struct iovec[]){{buf, 3}, {buf + 3, 4}}, 2));
	show("at", lseek(fd, 0, SEEK_CUR));
	close(fd);
	show("closed", read(fd, buf, 1));
}

static void positions_quietly(void)
{
	int fd = open_it();
	char b[8];
	if (read(fd, b, 8) != 8 || lseek(fd, 0, SEEK_CUR) != 8 || b[0] != '#')
		printf("other positions\n");
	close(fd);
}

static void copies(void)
{
	int fd = open_it(), other = open(real, O_RDONLY), copy, pair[2], status;
	char a[8], b[8];
	CHECK(other);
	copy = dup(fd);
	for (int i = 0; i < 3; i++) {
		read(fd, a, 8);
		read(copy, b, 8);
		printf("dup: %.8s %.8s %ld\n", a, b, (long)lseek(fd, 0, SEEK_CUR));
	}
	// Over each other, again and again.
	for (int i = 0; i < 6; i++) {
		CHECK(dup2(i % 2 ? fd : other, copy));
		CHECK(pread(copy, a, 8, 0));
		CHECK(dup3(i % 2 ? fd : other, 200, O_CLOEXEC));
		CHECK(pread(200, b, 8, 0));
		printf("dup2: %.8s %.8s\n", a, b);
	}
	// A number that is used again.
	for (int i = 0; i < 6; i++) {
		close(copy);
		show("closed", pread(copy, a, 8, 0));
		int now = i % 2 ? open_it() : open(real, O_RDONLY);
		CHECK(now);
		if (now != copy)
			printf("other number\n");
		CHECK(pread(now, a, 8, 0));
		printf("used again: %.8s\n", a);
	}
	close_range(copy, copy, 0);
	show("closed by range", pread(copy, a, 8, 0));
	copy = fcntl(fd, F_DUPFD, 100);
	CHECK(pread(copy, a, 8, 0));
	printf("F_DUPFD: %d %.8s\n", copy, a);
	// Inherited, with one position for both.
	lseek(fd, 0, SEEK_SET);
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		read(fd, a, 8);
		pid_t pid = fork();
		if (!pid) {
			for (int j = 0; j < 60; j++)
				read(fd, a, 1);
			close(fd);
			close(copy);
			_exit(open(real, O_RDONLY) == fd && pread(fd, b, 8, 0) == 8 ? b[0] : 1);
		}
		waitpid(pid, &status, 0);
		printf("fork: %ld %x %.8s\n", (long)lseek(fd, 0, SEEK_CUR), status, a);
	}
	// With memory of its own, and with that of its creator.
	pid_t pid = vfork();
	if (!pid) {
		close(fd);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	show("after vfork", read(fd, a, 8));
	// Sent to ourselves.
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec v = {a, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	c.h = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof fd);
	CHECK(sendmsg(pair[0], &m, 0));
	CHECK(dup2(other, copy));
	CHECK(pread(copy, b, 8, 0));
	close(copy);
	CHECK(recvmsg(pair[1], &m, 0));
	memcpy(&copy, CMSG_DATA(&c.h), sizeof copy);
	lseek(fd, 24, SEEK_SET);
	show("sent", read(copy, a, 8));
	printf("%.8s\n", a);
	close(fd);
	close(copy);
	close(other);
	close(200);
	close(pair[0]);
	close(pair[1]);
}

static volatile sig_atomic_t segv;
static void on_segv(int sig) { segv++; }

static void bad_memory(void)
{
	int fd = open_it();
	char *none = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction sa = {.sa_handler = on_segv}, now;
	sigset_t set;
	CHECK(munmap(none + 4096, 4096));
	CHECK(mprotect(none + 2 * 4096, 4096, PROT_READ));
	sigaction(SIGSEGV, &sa, 0);
	for (int i = 0; i < 3; i++) {
		show("unmapped", read(fd, none + 4096, 10));
		show("read-only", read(fd, none + 2 * 4096, 10));
		show("pread", pread(fd, none + 4096, 10, 0));
		show("null", read(fd, nowhere, 10));
		show("kernel", read(fd, (void *)-4096L, 10));
		show("stat", fstat(fd, (void *)(none + 4096 + 50)));
		show("poll", poll((void *)(none + 4096), 1, 0));
		show("at", lseek(fd, 0, SEEK_CUR));
		show("partly", read(fd, none + 4090, 10) > 0);
		lseek(fd, 0, SEEK_SET);
		show("well", read(fd, none, 10));
		lseek(fd, 0, SEEK_SET);
	}
	sigaction(SIGSEGV, 0, &now);
	sigprocmask(SIG_BLOCK, 0, &set);
	printf("handler %d, blocked %d, called %d\n", now.sa_handler == on_segv, sigismember(&set, SIGSEGV), (int)segv);
	signal(SIGSEGV, SIG_DFL);
	close(fd);
}

static volatile sig_atomic_t alarms;
static int alarmed_fd;
static void on_alarm(int sig)
{
	char b[4];
	alarms++;
	if (pread(alarmed_fd, b, 4, 0) != 4) // and within a call of the same kind
		_exit(3);
}

static void signals(void)
{
	int fd = alarmed_fd = open_it();
	char *buf = malloc(5000);
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval t = {{0, 300}, {0, 300}}, off = {{0, 0}, {0, 0}};
	unsigned s = 0;
	long rounds = 0, total = 0;
	sigaction(SIGALRM, &sa, 0);
	setitimer(ITIMER_REAL, &t, 0);
	while (alarms < 200 || rounds < 50) {
		unsigned one = 0;
		lseek(fd, 0, SEEK_SET);
		total = 0;
		for (long n; (n = read(fd, buf, 1 + total % 4999)) > 0; total += n)
			one = one * 31 + sum(buf, n);
		if (rounds++ && one != s) {
			printf("round %ld has read something else: %ld bytes\n", rounds, total);
			break;
		}
		s = one;
	}
	setitimer(ITIMER_REAL, &off, 0);
	printf("signals: %ld %u\n", total, s);
	close(fd);
	free(buf);
}

// Threads that share a position get each byte once.
static int shared_fd;
static void *reader(void *arg)
{
	unsigned char b[7];
	uint64_t *all = arg;
	for (long n; (n = read(shared_fd, b, sizeof b)) > 0;)
		for (long i = 0; i < n; i++)
			*all += b[i] + 1;
	return 0;
}

static void readers(void)
{
	pthread_t t[4];
	uint64_t part[4] = {0}, all = 0;
	shared_fd = open_it();
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], 0, reader, &part[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], 0);
		all += part[i];
	}
	printf("readers: %llu, at %ld\n", (unsigned long long)all, (long)lseek(shared_fd, 0, SEEK_CUR));
	close(shared_fd);
}

// A number that one thread makes mean one thing after the other, with the other told when.
static volatile int turn, number, stop;
static void *follower(void *arg)
{
	char b[8];
	long wrong = 0;
	for (int seen = 0; !stop;) {
		int now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
		if (now == seen)
			continue;
		seen = now;
		long n = pread(number, b, 8, 0);
		int want = now % 3;
		if (want == 0 ? n != -1 : n != 8 || (b[0] == '#') != (want == 1))
			wrong++;
		__atomic_store_n((int *)arg, now, __ATOMIC_RELEASE);
	}
	return (void *)wrong;
}

static void fight(void)
{
	pthread_t t;
	int done = 0;
	void *wrong;
	int fd = open_it(), other = open(real, O_RDONLY);
	CHECK(other);
	number = 300;
	pthread_create(&t, 0, follower, &done);
	for (int i = 1; i < 600; i++) {
		if (i % 3 == 0)
			close(number);
		else
			CHECK(dup2(i % 3 == 1 ? fd : other, number));
		__atomic_store_n(&turn, i, __ATOMIC_RELEASE);
		while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != i)
			;
	}
	stop = 1;
	pthread_join(t, &wrong);
	printf("fight: %ld wrong\n", (long)wrong);
	close(fd);
	close(other);
	close(number);
}

// And with nobody told: the one or the other, and never something else. (It may also be what
// stands for a virtual file in the kernel, if that comes there after we have looked: VIRTUAL.md.)
static void *swapper(void *arg)
{
	int *fds = arg;
	for (int i = 0; !stop; i++)
		dup2(fds[i % 2], number);
	return 0;
}

static void untold(void)
{
	pthread_t t;
	char b[8];
	int fds[2] = {open_it(), open(real, O_RDONLY)};
	long wrong = 0;
	stop = 0;
	number = 310;
	dup2(fds[0], number);
	pthread_create(&t, 0, swapper, fds);
	for (int i = 0; i < 3000; i++) {
		long n = pread(number, b, 8, 0);
		if (n ? n != 8 || (memcmp(b, "#!\"#$%&'", 8) && memcmp(b, "a real f", 8)) : !getenv("K42TRACE_TEST"))
			wrong++;
	}
	stop = 1;
	pthread_join(t, 0);
	dup2(fds[1], number);
	CHECK(pread(number, b, 8, 0));
	wrong += b[0] == '#';
	printf("untold: %ld wrong\n", wrong);
	close(fds[0]);
	close(fds[1]);
	close(number);
}

// A thread with descriptors of its own.
static void *loner(void *arg)
{
	char b[8];
	int fd = *(int *)arg;
	long n = 0;
	CHECK(pread(fd, b, 8, 0));
	CHECK(unshare(CLONE_FILES));
	for (int i = 0; i < 10; i++)
		n += pread(fd, b, 8, 0);
	close(fd);
	int now = open(real, O_RDONLY);
	if (now != fd)
		printf("not %d: %d\n", fd, now);
	for (int i = 0; i < 10; i++)
		n += pread(fd, b, 8, 0);
	printf("alone: %ld %c\n", n, b[0] == '#' ? '#' : '-');
	return 0;
}

static void apart(void)
{
	pthread_t t;
	char b[8];
	int fd = open_it();
	long n = 0;
	for (int i = 0; i < 10; i++)
		n += pread(fd, b, 8, 0);
	pthread_create(&t, 0, loner, &fd);
	pthread_join(t, 0);
	for (int i = 0; i < 10; i++)
		n += pread(fd, b, 8, 0);
	printf("others: %ld %c\n", n, b[0]);
	close(fd);
}

static void polls(void)
{
	int fd = open_it(), other = open(real, O_RDONLY), pipes[2];
	CHECK(pipe(pipes));
	struct pollfd p[4] = {{fd, POLLIN, 0}, {fd, POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLRDHUP, 0}, {-5, -1, 7}, {fd, 0, 0}};
	int n;
	for (int i = 0; i < 3; i++) {
		n = poll(p, 4, i - 1);
		printf("poll: %d, %x %x %x %x\n", n, p[0].revents, p[1].revents, p[2].revents, p[3].revents);
	}
	p[3].fd = pipes[0];
	p[3].events = POLLIN;
	n = poll(p, 4, 0);
	printf("with a pipe: %d, %x\n", n, p[3].revents);
	p[3].fd = 123;
	n = poll(p, 4, 0);
	printf("with what is closed: %d, %x\n", n, p[3].revents);
	p[3].fd = other;
	n = poll(p, 4, 0);
	printf("with a file: %d, %x\n", n, p[3].revents);
	p[0].events = 0;
	n = poll(p, 1, 10);
	printf("for nothing: %d, %x\n", n, p[0].revents);
	close(fd);
	close(other);
	close(pipes[0]);
	close(pipes[1]);
}

static void executed(char **argv)
{
	int fd = open_it(), status;
	char b[8], n[12];
	snprintf(n, sizeof n, "%d", fd);
	for (int i = 0; i < 5; i++)
		read(fd, b, 8);
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		execl(argv[0], argv[0], path, real, n, (char *)0);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	printf("exec: %x, at %ld\n", status, (long)lseek(fd, 0, SEEK_CUR));
	close(fd);
}

// Closed by what no filter sees.
static void ring(void)
{
	struct io_uring_params p = {0};
	char b[8];
	int fd = open_it(), wrong = 0;
	for (int i = 0; i < 10; i++)
		CHECK(pread(fd, b, 8, 0));
	int r = syscall(SYS_io_uring_setup, 4, &p);
	if (r >= 0) {
		size_t size = p.sq_off.array + p.sq_entries * 4;
		char *sq = mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, r, IORING_OFF_SQ_RING);
		struct io_uring_sqe *e = mmap(0, p.sq_entries * sizeof *e, PROT_READ | PROT_WRITE, MAP_SHARED, r, IORING_OFF_SQES);
		for (int i = 0; i < 20; i++) {
			unsigned *tail = (unsigned *)(sq + p.sq_off.tail), at = *tail & *(unsigned *)(sq + p.sq_off.ring_mask);
			memset(&e[at], 0, sizeof *e);
			e[at].opcode = IORING_OP_CLOSE;
			e[at].fd = fd;
			((unsigned *)(sq + p.sq_off.array))[at] = at;
			__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
			if (syscall(SYS_io_uring_enter, r, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) != 1)
				wrong++;
			if (pread(fd, b, 8, 0) != -1)
				wrong++;
			int now = i % 2 ? open_it() : open(real, O_RDONLY);
			if (now != fd || pread(now, b, 8, 0) != 8 || (b[0] == '#') != i % 2)
				wrong++;
		}
		close(r);
	}
	printf("ring: %d wrong\n", wrong);
	close(fd);
}

int main(int argc, char **argv)
{
	path = argv[1];
	real = argv[2];
	if (argc > 3) { // executed
		int fd = atoi(argv[3]);
		char b[2];
		unsigned s = 0;
		for (int i = 0; i < 200; i++) {
			CHECK(read(fd, b, 2));
			s = s * 31 + sum(b, 2);
		}
		printf("executed: %u\n", s);
		close(fd);
		return 5;
	}
	warm();
	positions();
	copies();
	bad_memory();
	polls();
	signals();
	executed(argv);
	readers();
	fight();
	untold();
	apart();
	ring();
	for (int i = 0; i < 100; i++)
		positions_quietly();
	return 0;
}
