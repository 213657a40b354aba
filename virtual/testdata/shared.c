// Who else has a descriptor, and what becomes of it: threads and processes that share, copy,
// inherit, send, close and replace one while others read it. It prints what it has seen, which
// must not depend on who answers.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path, *real;
static char **args;
extern char **environ;

#define CHECK(x) do { if ((x) < 0) { printf("%s: %s\n", #x, strerror(errno)); exit(1); } } while (0)

static int open_it(int flags)
{
	int fd = open(path, O_RDONLY | flags);
	CHECK(fd);
	return fd;
}

// First letters: '#' of the file, 'a' of the real one, '!' if it cannot be read, '?' of nothing.
static char first(int fd)
{
	char b[8];
	long n = pread(fd, b, 8, 0);
	return n < 0 ? '!' : n == 0 ? '?' : b[0];
}

static char selected(int fd)
{
	fd_set in;
	FD_ZERO(&in);
	FD_SET(fd, &in);
	struct timespec now = {0, 0};
	long n = syscall(SYS_pselect6, fd + 1, &in, 0, 0, &now, 0);
	return n < 0 ? '!' : '0' + n;
}

static int ended(pid_t pid)
{
	int status;
	CHECK(pid);
	CHECK(waitpid(pid, &status, 0));
	return status;
}

// What is closed by exec is closed, and its number is another's, also for who spawns.
static void executed(void)
{
	for (int i = 0; i < 4; i++) {
		int kept = open_it(0), closed = open_it(O_CLOEXEC);
		char a[16], b[16];
		snprintf(a, sizeof a, "%d", kept);
		snprintf(b, sizeof b, "%d", closed);
		for (int j = 0; j < 20; j++)
			if (first(kept) != '#' || first(closed) != '#' || selected(closed) != '1')
				printf("not readable\n");
		lseek(kept, 10 * i, SEEK_SET);
		fflush(stdout);
		char *argv[] = {args[0], (char *)path, (char *)real, a, b, 0};
		pid_t pid;
		if (i % 2) {
			posix_spawn_file_actions_t actions;
			posix_spawn_file_actions_init(&actions);
			CHECK(-posix_spawn(&pid, args[0], &actions, 0, argv, environ));
			posix_spawn_file_actions_destroy(&actions);
		} else if (!(pid = vfork())) {
			execv(args[0], argv);
			_exit(9);
		}
		printf("exec: %x", ended(pid));
		printf(", at %ld\n", (long)lseek(kept, 0, SEEK_CUR));
		close(kept);
		close(closed);
	}
}

static int run(int kept, int closed)
{
	char b[4];
	long n = 0;
	for (int i = 0; i < 30; i++) {
		if (first(closed) != '!' || selected(closed) != '!')
			return 2;
		if (first(kept) != '#' || selected(kept) != '1' || (n += read(kept, b, 1)) != i + 1)
			return 3;
	}
	int now = open(real, O_RDONLY);
	while (now < closed)
		now = dup(now);
	for (int i = 0; i < 30; i++)
		if (first(closed) != 'a' || selected(closed) != '1' || lseek(closed, 3, SEEK_SET) != 3)
			return 4;
	return 5;
}

// A vfork child has its creator's memory, and descriptors of its own.
static void vforked(void)
{
	int fd = open_it(0), other = open(real, O_RDONLY);
	volatile long wrong = 0;
	CHECK(other);
	for (int i = 0; i < 20; i++) {
		wrong += first(fd) != '#';
		pid_t pid = vfork();
		if (!pid) {
			for (int j = 0; j < 5; j++)
				wrong += first(fd) != '#';
			dup2(other, fd);
			for (int j = 0; j < 5; j++)
				wrong += first(fd) != 'a' || selected(fd) != '1';
			close(fd);
			for (int j = 0; j < 5; j++)
				wrong += first(fd) != '!' || selected(fd) != '!';
			_exit(0);
		}
		wrong += ended(pid) != 0;
		wrong += first(fd) != '#' || first(other) != 'a';
	}
	printf("vfork: %ld wrong\n", wrong);
	close(fd);
	close(other);
}

// A process that is no thread, but shares descriptors, with memory of its own.
static void cloned(void)
{
	int fd = open_it(0), other = open(real, O_RDONLY), up[2], down[2];
	long wrong = 0;
	char c;
	CHECK(pipe(up));
	CHECK(pipe(down));
	for (int j = 0; j < 10; j++)
		wrong += first(fd) != '#';
	pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		for (int i = 0; i < 60; i++) {
			if (i % 3 == 0)
				close(200);
			else
				dup2(i % 3 == 1 ? fd : other, 200);
			for (int j = 0; j < 3; j++)
				if (first(200) != "!#a"[i % 3])
					_exit(1);
			write(up[1], "x", 1);
			read(down[0], &c, 1);
			// Now it is what the other has made of it.
			for (int j = 0; j < 3; j++)
				if (first(200) != "a!#"[i % 3])
					_exit(2);
		}
		_exit(0);
	}
	for (int i = 0; i < 60; i++) {
		read(up[0], &c, 1);
		for (int j = 0; j < 3; j++)
			wrong += first(200) != "!#a"[i % 3];
		if (i % 3 == 1)
			close(200);
		else
			dup2(i % 3 == 2 ? fd : other, 200);
		for (int j = 0; j < 3; j++)
			wrong += first(200) != "a!#"[i % 3];
		write(down[1], "x", 1);
	}
	printf("clone: %x, %ld wrong\n", ended(pid), wrong);
	close(200);
	close(fd);
	close(other);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

static void give(int to, int fd)
{
	char b[1] = {0};
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c = {{CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec v = {b, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof fd);
	CHECK(sendmsg(to, &m, 0));
}

static int take(int from)
{
	char b[1];
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec v = {b, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c};
	int fd = -1;
	if (recvmsg(from, &m, 0) == 1)
		memcpy(&fd, CMSG_DATA(&c.h), sizeof fd);
	return fd;
}

// Sent to another process, while nobody else has it, and back. Always the same numbers mean one
// file or the other.
static void sent(void)
{
	int pair[2];
	long wrong = 0;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid_t pid = fork();
	if (!pid) {
		close(pair[0]);
		for (int i = 0; i < 40; i++) {
			int fd = take(pair[1]);
			for (int j = 0; j < 4; j++)
				if (first(fd) != "#a"[i % 2] || selected(fd) != '1')
					_exit(1);
			lseek(fd, i, SEEK_SET);
			give(pair[1], fd);
			close(fd);
			if (first(fd) != '!')
				_exit(2);
		}
		_exit(0);
	}
	close(pair[1]);
	for (int i = 0; i < 40; i++) {
		int fd = i % 2 ? open(real, O_RDONLY) : open_it(0);
		CHECK(fd);
		for (int j = 0; j < 4; j++)
			wrong += first(fd) != "#a"[i % 2];
		give(pair[0], fd);
		close(fd);
		wrong += first(fd) != '!';
		fd = take(pair[0]);
		for (int j = 0; j < 4; j++)
			wrong += first(fd) != "#a"[i % 2] || selected(fd) != '1';
		wrong += lseek(fd, 0, SEEK_CUR) != i;
		close(fd);
	}
	printf("sent: %x, %ld wrong\n", ended(pid), wrong);
	close(pair[0]);
}

// Children are made while others read; each byte is read once by anybody.
static int shared_fd;
static uint64_t *total;
static void *reader(void *arg)
{
	unsigned char b[3];
	uint64_t all = 0;
	struct iovec v[2] = {{b, 1}, {b + 1, 2}};
	for (long n; (n = arg ? read(shared_fd, b, 3) : readv(shared_fd, v, 2)) > 0;)
		for (long i = 0; i < n; i++)
			all += b[i] + 1;
	__atomic_fetch_add(total, all, __ATOMIC_RELAXED);
	return 0;
}

static void forked(void)
{
	pthread_t t[2];
	int status = 0, pipes[2];
	uint64_t sum = 0, part;
	total = &sum;
	CHECK(pipe(pipes));
	shared_fd = open_it(0);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], 0, reader, i ? &sum : 0);
	for (int i = 0; i < 6; i++) {
		pid_t pid = fork();
		if (!pid) {
			uint64_t own = 0;
			total = &own;
			reader(i % 2 ? &own : 0);
			write(pipes[1], &own, sizeof own);
			_exit(0);
		}
		CHECK(pid);
	}
	for (int i = 0; i < 6; i++) {
		int one;
		CHECK(wait(&one));
		status |= one;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
	for (int i = 0; i < 6; i++) {
		CHECK(read(pipes[0], &part, sizeof part));
		sum += part;
	}
	printf("forked: %x, %llu, at %ld\n", status, (unsigned long long)sum, (long)lseek(shared_fd, 0, SEEK_CUR));
	close(shared_fd);
	close(pipes[0]);
	close(pipes[1]);
}

// Files come and go in the same numbers, while others read these: of a file or of nothing.
static volatile int stop;
static void *opener(void *arg)
{
	for (int i = 0; i < 300; i++) {
		int fd = open_it(0);
		dup2(fd, 220 + i % 4);
		close(fd);
		if (i % 3 == 0)
			close(220 + i / 3 % 4);
	}
	stop = 1;
	return 0;
}

static void opened(void)
{
	pthread_t t;
	long wrong = 0;
	pthread_create(&t, 0, opener, 0);
	for (int i = 0; !stop; i++) {
		int fd = 220 + i % 4;
		char b[8];
		struct stat st;
		long n = pread(fd, b, 8, 16);
		if (n < 0 ? errno != EBADF : n ? n != 8 || memcmp(b, "0123456789", 1) : !getenv("K42TRACE_TEST"))
			wrong++;
		if (fstat(fd, &st) < 0 ? errno != EBADF : st.st_size < 1000 && !getenv("K42TRACE_TEST"))
			wrong++;
	}
	pthread_join(t, 0);
	printf("opened: %ld wrong\n", wrong);
	for (int i = 0; i < 4; i++)
		close(220 + i);
}

int main(int argc, char **argv)
{
	path = argv[1];
	real = argv[2];
	args = argv;
	if (argc > 4)
		return run(atoi(argv[3]), atoi(argv[4]));
	executed();
	vforked();
	cloned();
	sent();
	forked();
	opened();
	return 0;
}
