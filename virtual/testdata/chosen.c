// Reads into vectors, statx, ppoll, select and pselect of a file, again and again: with times,
// masks, bad memory, numbers that are closed, and under signals. It prints what it has
// seen, which must not depend on who answers.
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path, *real;
static char *none; // a page, one that is not there, and one that can only be read

#define CHECK(x) do { if ((x) < 0) { printf("%s: %s\n", #x, strerror(errno)); exit(1); } } while (0)

static int open_it(void)
{
	int fd = open(path, O_RDONLY);
	CHECK(fd);
	return fd;
}

static unsigned sum(const void *p, long n)
{
	unsigned s = 0;
	for (long i = 0; i < n; i++)
		s = s * 31 + ((const unsigned char *)p)[i];
	return s;
}

static void show(const char *what, long r) { printf("%s: %ld %s\n", what, r, r < 0 ? strerror(errno) : ""); }

static void vectors(void)
{
	static char buf[4096];
	int fd = open_it(), dir = open("/", O_RDONLY);
	unsigned s = 0;
	for (int i = 0; i < 200; i++) {
		struct iovec v[4] = {{buf, i}, {0, 0}, {buf + 500, 3 * i}, {buf + 2000, 40}};
		long n = readv(fd, v, 1 + i % 4);
		s = s * 7 + n + sum(buf, sizeof buf);
		n = preadv(fd, v, 1 + i % 4, 11 * i);
		s = s * 7 + n + sum(buf, sizeof buf);
		n = preadv2(fd, v, 1 + i % 4, 300 * i, 0);
		s = s * 7 + n + sum(buf, sizeof buf);
		n = preadv2(fd, v, 2, i % 3 ? -1 : i, 0);
		s = s * 7 + n + sum(buf, sizeof buf);
		s = s * 7 + lseek(fd, i % 5 ? 0 : i, i % 5 ? SEEK_CUR : SEEK_SET);
	}
	printf("vectors: %u\n", s);
	for (int i = 0; i < 2; i++) {
		lseek(fd, -5, SEEK_END);
		show("at the end", readv(fd, (struct iovec[]){{buf, 3}, {buf + 3, 40}}, 2));
		show("behind", readv(fd, (struct iovec[]){{buf, 3}, {buf + 3, 40}}, 2));
		show("far", preadv(fd, (struct iovec[]){{buf, 3}}, 1, 1L << 45));
		show("before", preadv(fd, (struct iovec[]){{buf, 3}}, 1, -7));
		lseek(fd, 3, SEEK_SET);
		show("none", readv(fd, 0, 0));
		show("many", readv(fd, (void *)none, 1025));
		show("no vector", readv(fd, (void *)(none + 4096), 1));
		show("half a vector", readv(fd, (void *)(none + 4096 - 24), 2));
		show("negative", readv(fd, (struct iovec[]){{buf, 3}, {buf, -1}}, 2));
		show("nowhere", readv(fd, (struct iovec[]){{none + 4096, 3}}, 1));
		show("null", readv(fd, (struct iovec[]){{0, 3}}, 1));
		show("partly", readv(fd, (struct iovec[]){{buf, 3}, {none + 4096, 3}}, 2));
		show("at", lseek(fd, 0, SEEK_CUR));
		show("unwritable", preadv(fd, (struct iovec[]){{none + 8192, 3}}, 1, 0));
		show("writev", writev(fd, (struct iovec[]){{buf, 3}}, 1));
		show("flags", preadv2(fd, (struct iovec[]){{buf, 3}}, 1, 0, 0x40000000));
		show("a directory", readv(dir, (struct iovec[]){{buf, 3}}, 1));
	}
	static const long far[] = {1L << 39, 1L << 41, 0x7ffffffffffffffd};
	for (int i = 0; i < 6; i++) {
		show("pread far", pread(fd, buf, 10, far[i % 3]));
		show("preadv far", preadv(fd, (struct iovec[]){{buf, 10}}, 1, far[i % 3]));
		show("very much", syscall(SYS_read, fd, buf, 1L << 57));
		show("all there is", syscall(SYS_read, fd, buf, INT64_MAX));
		show("at", lseek(fd, 0, SEEK_CUR));
	}
	close(fd);
	show("closed", readv(fd, (struct iovec[]){{buf, 3}}, 1));
	close(dir);
}

static void attributes(void)
{
	struct statx x;
	int fd = open_it();
	unsigned s = 0;
	for (int i = 0; i < 100; i++) {
		memset(&x, 7, sizeof x);
		CHECK(syscall(SYS_statx, fd, "", i % 2 ? AT_EMPTY_PATH : AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &x));
		s = s * 31 + x.stx_size + x.stx_mode + x.stx_nlink + x.stx_mtime.tv_sec + x.stx_mtime.tv_nsec + (x.stx_mask & STATX_BASIC_STATS);
	}
	printf("statx: %u\n", s);
	for (int i = 0; i < 2; i++) {
		show("reserved", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 1u << 31, &x));
		x.stx_size = 77;
		show("flags", syscall(SYS_statx, fd, "", AT_EMPTY_PATH | 0x80000, 0, &x));
		show("size", x.stx_size);
		show("both", syscall(SYS_statx, fd, "", AT_EMPTY_PATH | 0x6000, 0, &x));
		show("one", syscall(SYS_statx, fd, "", AT_EMPTY_PATH | 0x2000, 0, &x));
		show("not empty", syscall(SYS_statx, fd, "", 0, 0, &x));
		show("beneath", syscall(SYS_statx, fd, "x", AT_EMPTY_PATH, 0, &x));
		show("nowhere", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, none + 4096 - 8));
		show("no path", syscall(SYS_statx, fd, none + 4096, AT_EMPTY_PATH, 0, &x));
		show("fstatat", syscall(SYS_newfstatat, fd, "", none, AT_EMPTY_PATH | 0x80000));
		show("absolute", syscall(SYS_statx, fd, "/", AT_EMPTY_PATH, 0, &x));
	}
	close(fd);
	show("closed", syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &x));
}

static void put(fd_set *s, int a, int b)
{
	FD_ZERO(s);
	if (a >= 0)
		FD_SET(a, s);
	if (b >= 0)
		FD_SET(b, s);
}

// By the kernel's own select, and its pselect, with fractions of as many to a second.
static long selects(int with, int n, void *in, void *out, void *ex, void *time, void *mask)
{
	if (with == 0)
		return syscall(SYS_select, n, in, out, ex, time);
	return syscall(SYS_pselect6, n, in, out, ex, time, mask);
}

static const long fractions[2] = {1000000, 1000000000};

static void sets(void)
{
	int fd = open_it(), other = open(real, O_RDONLY), copy = dup2(fd, 130), pipes[2];
	fd_set in, out, ex;
	unsigned s = 0;
	CHECK(pipe(pipes));
	for (int with = 0; with < 2; with++) {
		for (int i = 0; i < 200; i++) {
			long time[2] = {i % 3, i % 2};
			put(&in, fd, i % 4 ? copy : -1);
			put(&out, i % 5 ? fd : -1, copy);
			put(&ex, fd, copy);
			long n = selects(with, 140, &in, &out, i % 2 ? &ex : 0, i % 7 ? time : 0, 0);
			if (i % 7 && (time[0] * fractions[with] + time[1] > i % 3 * fractions[with] + i % 2 || time[0] < i % 3 - 1 || time[1] < 0 || time[1] >= fractions[with]))
				printf("left: %ld %ld of %d %d\n", time[0], time[1], i % 3, i % 2);
			// Some of it takes time, unless there is none.
			if (i % 7 && (i % 3 || i % 2) && time[0] == i % 3 && time[1] == i % 2)
				printf("all is left\n");
			s = s * 31 + n + sum(&in, sizeof in) + 3 * sum(&out, sizeof out) + 5 * sum(&ex, sizeof ex);
		}
		printf("sets: %u\n", s);
		for (int i = 0; i < 2; i++) {
			long soon[2] = {0, 0}, later[2] = {0, 1000}, bad[2] = {-1, 0}, worse[2] = {0, -1}, large[2] = {0, fractions[with]}, huge[2] = {1L << 62, 0};
			sigset_t mask;
			sigemptyset(&mask);
			struct { void *mask; size_t size; } pack = {&mask, 8}, short_pack = {&mask, 4}, no_mask = {none + 4096, 8}, no_pack = {0, 3};
			put(&ex, fd, -1);
			show("nothing", selects(with, 140, 0, 0, &ex, soon, 0));
			printf("%u\n", sum(&ex, sizeof ex));
			put(&ex, fd, -1);
			show("nothing, later", selects(with, 140, 0, 0, &ex, later, 0));
			printf("%u, %ld %ld\n", sum(&ex, sizeof ex), later[0], later[1]);
			put(&in, fd, pipes[0]);
			show("a pipe", selects(with, 140, &in, 0, 0, soon, 0));
			printf("%u\n", sum(&in, sizeof in));
			put(&in, fd, other);
			show("a file", selects(with, 140, &in, 0, 0, soon, 0));
			printf("%u\n", sum(&in, sizeof in));
			put(&in, fd, 99);
			show("what is closed", selects(with, 140, &in, 0, 0, soon, 0));
			printf("%u\n", sum(&in, sizeof in));
			put(&in, fd, copy);
			show("less", selects(with, fd + 1, &in, 0, 0, soon, 0));
			printf("%u\n", sum(&in, sizeof in));
			put(&in, fd, fd + 1);
			show("less of a word", selects(with, fd + 1, &in, 0, 0, soon, 0));
			printf("%u\n", sum(&in, sizeof in));
			put(&in, fd, copy);
			show("negative", selects(with, -1, &in, 0, 0, soon, 0));
			show("negative time", selects(with, 140, &in, 0, 0, bad, 0));
			show("negative fraction", selects(with, 140, &in, 0, 0, worse, 0));
			show("large", selects(with, 140, &in, 0, 0, large, 0));
			put(&in, fd, copy);
			show("huge", selects(with, 140, &in, 0, 0, huge, 0));
			printf("%u\n", sum(&in, sizeof in));
			show("no set", selects(with, 140, none + 4096, 0, 0, soon, 0));
			show("no second set", selects(with, 140, &in, none + 4096, 0, soon, 0));
			show("half a set", selects(with, 140, none + 4096 - 16, 0, 0, soon, 0));
			show("no time", selects(with, 140, &in, 0, 0, none + 4096, 0));
			show("half a time", selects(with, 140, &in, 0, 0, none + 4096 - 8, 0));
			show("bad time and bad set", selects(with, -1, none + 4096, 0, 0, bad, 0));
			// Where the answer can be read only.
			show("unwritable set", selects(with, 140, none + 8192, 0, 0, soon, 0));
			put(&in, fd, copy);
			show("unwritable second set", selects(with, 140, &in, none + 8192, 0, soon, 0));
			put(&in, fd, copy);
			show("unwritable time", selects(with, 140, &in, 0, 0, none + 8192 + 512, 0));
			printf("%u\n", sum(&in, sizeof in));
			if (with) {
				put(&in, fd, copy);
				show("a mask", selects(with, 140, &in, 0, 0, soon, &pack));
				show("a short mask", selects(with, 140, &in, 0, 0, soon, &short_pack));
				show("no mask", selects(with, 140, &in, 0, 0, soon, &no_mask));
				show("no size", selects(with, 140, &in, 0, 0, soon, &no_pack));
				show("no pack", selects(with, 140, &in, 0, 0, soon, none + 4096));
				put(&ex, fd, -1);
				show("a mask in vain", selects(with, 140, 0, 0, &ex, soon, &pack));
			}
		}
	}
	struct timeval t = {3, 0};
	put(&in, fd, copy);
	show("select", select(140, &in, 0, 0, &t));
	printf("%d %d\n", t.tv_sec == 2, t.tv_usec > 0);
	close(fd);
	put(&in, copy, fd);
	show("closed", select(140, &in, 0, 0, &t));
	put(&in, copy, -1);
	show("not closed", select(140, &in, 0, 0, &t));
	close(copy);
	close(other);
	close(pipes[0]);
	close(pipes[1]);
}

static void ppolls(void)
{
	int fd = open_it();
	unsigned s = 0;
	sigset_t mask;
	sigemptyset(&mask);
	for (int i = 0; i < 200; i++) {
		struct pollfd p[3] = {{fd, POLLIN | POLLPRI, 0}, {-1, -1, 5}, {fd, i % 2 ? POLLOUT : 0, 0}};
		struct timespec t = {i % 3, i % 2};
		long n = syscall(SYS_ppoll, p, 3, i % 7 ? &t : 0, i % 5 ? &mask : 0, 8);
		if (i % 7 && (i % 3 || i % 2) && (t.tv_sec * fractions[1] + t.tv_nsec >= i % 3 * fractions[1] + i % 2 || t.tv_sec < i % 3 - 1))
			printf("left: %ld %ld of %d %d\n", t.tv_sec, t.tv_nsec, i % 3, i % 2);
		s = s * 31 + n + sum(p, sizeof p);
	}
	printf("ppoll: %u\n", s);
	for (int i = 0; i < 2; i++) {
		struct pollfd p[1] = {{fd, POLLIN, 0}}, q[1] = {{fd, POLLPRI, 0}};
		struct timespec soon = {0, 0}, later = {0, 1000}, bad = {0, fractions[1]};
		show("nothing", syscall(SYS_ppoll, q, 1, &soon, 0, 0));
		show("nothing, with a mask", syscall(SYS_ppoll, q, 1, &soon, &mask, 8));
		show("later", syscall(SYS_ppoll, q, 1, &later, 0, 0));
		printf("%ld %ld\n", later.tv_sec, later.tv_nsec);
		show("bad time", syscall(SYS_ppoll, p, 1, &bad, 0, 0));
		show("no time", syscall(SYS_ppoll, p, 1, none + 4096, 0, 0));
		show("bad time and no list", syscall(SYS_ppoll, none + 4096, 1, &bad, 0, 0));
		show("no list", syscall(SYS_ppoll, none + 4096, 1, &soon, 0, 0));
		show("short mask", syscall(SYS_ppoll, p, 1, &soon, &mask, 7));
		show("no mask", syscall(SYS_ppoll, p, 1, &soon, none + 4096, 8));
		show("unwritable time", syscall(SYS_ppoll, p, 1, none + 8192 + 512, 0, 0));
		show("none", syscall(SYS_ppoll, 0, 0, &soon, 0, 0));
		p[0].fd = 99;
		show("closed", syscall(SYS_ppoll, p, 1, &soon, 0, 0));
		printf("%x\n", p[0].revents);
	}
	close(fd);
}

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) { alarms++; }

// Whatever interrupts them, the sets are whole, and so is the vector.
static void signals(void)
{
	int fd = open_it(), copy = dup2(fd, 130);
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval t = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};
	long wrong = 0;
	char a[64], b[64];
	CHECK(pread(fd, a, 64, 0));
	sigaction(SIGALRM, &sa, 0);
	setitimer(ITIMER_REAL, &t, 0);
	for (long i = 0; alarms < 300 || i < 1000; i++) {
		fd_set in, out, ex;
		struct timespec left = {2, 0};
		put(&in, fd, copy);
		put(&out, fd, copy);
		put(&ex, fd, copy);
		// It is not an interruption to find something at once.
		long n = syscall(SYS_pselect6, 140, &in, &out, &ex, &left, 0);
		if (n != 4 || !FD_ISSET(fd, &in) || !FD_ISSET(copy, &in) || !FD_ISSET(fd, &out) || !FD_ISSET(copy, &out) || FD_ISSET(fd, &ex) || FD_ISSET(copy, &ex) || left.tv_sec != 1)
			wrong++;
		struct iovec v[3] = {{b, 10}, {b + 10, 1}, {b + 11, 53}};
		if (preadv(fd, v, 3, 0) != 64 || memcmp(a, b, 64))
			wrong++;
		lseek(fd, 0, SEEK_SET);
		if (readv(fd, v, 3) != 64 || memcmp(a, b, 64) || lseek(fd, 0, SEEK_CUR) != 64)
			wrong++;
	}
	setitimer(ITIMER_REAL, &off, 0);
	printf("signals: %ld wrong\n", wrong);
	close(fd);
	close(copy);
}

// Threads that read into vectors at one position get each byte once.
static int shared_fd;
static void *reader(void *arg)
{
	unsigned char b[7];
	uint64_t *all = arg;
	struct iovec v[2] = {{b, 2}, {b + 2, 5}};
	for (long n; (n = readv(shared_fd, v, 2)) > 0;)
		for (long i = 0; i < n; i++)
			*all += b[i] + 1;
	return 0;
}

static void readers(void)
{
	pthread_t t[3];
	uint64_t part[3] = {0}, all = 0;
	shared_fd = open_it();
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, reader, &part[i]);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], 0);
		all += part[i];
	}
	printf("readers: %llu, at %ld\n", (unsigned long long)all, (long)lseek(shared_fd, 0, SEEK_CUR));
	close(shared_fd);
}

// Who selects a number that others close and open finds it closed or ready.
static volatile int stop;
static void *closer(void *arg)
{
	while (!stop) {
		CHECK(dup2(*(int *)arg, 140));
		close(140);
	}
	return 0;
}

static void closes(void)
{
	pthread_t t;
	int fd = open_it();
	long wrong = 0;
	pthread_create(&t, 0, closer, &fd);
	for (int i = 0; i < 5000; i++) {
		fd_set in;
		struct timeval soon = {0, 0};
		char b[8];
		struct iovec v = {b, 8};
		put(&in, fd, 140);
		long n = syscall(SYS_select, 141, &in, 0, 0, &soon);
		if (n < 0 ? errno != EBADF || !FD_ISSET(fd, &in) || !FD_ISSET(140, &in) : n != 2)
			wrong++;
		n = preadv(140, &v, 1, 0);
		// It may be what stands for the file in the kernel that it reaches (VIRTUAL.md), which is empty.
		if (n < 0 ? errno != EBADF : n ? n != 8 || b[0] != '#' : !getenv("K42TRACE_TEST"))
			wrong++;
	}
	stop = 1;
	pthread_join(t, 0);
	printf("closes: %ld wrong\n", wrong);
	close(fd);
}

int main(int argc, char **argv)
{
	path = argv[1];
	real = argv[2];
	none = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec five = {5, 0};
	for (int i = 3; i < 6; i++)
		FD_SET(i, (fd_set *)(none + 8192));
	memcpy(none + 8192 + 512, &five, sizeof five);
	CHECK(munmap(none + 4096, 4096));
	CHECK(mprotect(none + 8192, 4096, PROT_READ));
	vectors();
	attributes();
	ppolls();
	sets();
	signals();
	readers();
	closes();
	return 0;
}
