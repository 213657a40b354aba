// Included in front of a program (gcc -include warm.h): before main, it makes
// hundreds of harmless calls from the C library's own places, so that a tracer that
// rewrites system-call instructions has rewritten them when the program begins.
// With WARM_THREADED it then creates and joins a thread and makes them again: the C
// library has other instructions for programs with threads.
//
// It appends a line to the file that $K42TRACE_WARM names: how many places of the
// text differ from the files that it was mapped from.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void warm_memory(void) {
	char *p = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(p, 4096, PROT_READ);
	madvise(p, 4096, MADV_NORMAL);
	munmap(p, 8192);
}

static void warm_files(void) {
	char text[16];
	struct stat st;
	int fds[2], unread;
	struct iovec v = {text, 1};
	if (pipe(fds) < 0)
		return;
	if (write(fds[1], "ab", 2) != 2 || read(fds[0], text, 1) != 1 || readv(fds[0], &v, 1) != 1 || writev(fds[1], &v, 1) != 1)
		abort();
	fstat(fds[0], &st), fcntl(fds[0], F_GETFD), ioctl(fds[0], FIONREAD, &unread), lseek(-1, 0, SEEK_CUR);
	int copy = dup(0);
	if (copy >= 0)
		close(copy);
	close(fds[0]), close(fds[1]);
	for (int i = 0; i < 2; i++) {
		int fd = open(i ? "/dev/null" : "/nonexistent", O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		fd = openat(AT_FDCWD, i ? "/dev/null" : "/nonexistent", O_RDONLY);
		if (fd >= 0)
			close(fd);
	}
	stat("/", &st), lstat("/nonexistent", &st), access("/", F_OK);
	if (readlink("/nonexistent", text, sizeof text) >= 0 || pread(-1, text, 1, 0) >= 0 || pwrite(-1, text, 1, 0) >= 0)
		abort();
	flock(-1, LOCK_UN), unlink("/nonexistent");
}

static void warm_waits(void) {
	struct timespec zero = {0, 0};
	struct timeval zero_too = {0, 0};
	struct epoll_event event = {0, {0}};
	siginfo_t info;
	sigset_t none, mask;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, NULL, &mask); // kept: nothing that an exec has left pending is taken
	nanosleep(&zero, NULL), clock_nanosleep(CLOCK_MONOTONIC, 0, &zero, NULL);
	poll(NULL, 0, 0), ppoll(NULL, 0, &zero, NULL), ppoll(NULL, 0, &zero, &mask);
	select(0, NULL, NULL, NULL, &zero_too), pselect(0, NULL, NULL, NULL, &zero, &mask);
	epoll_wait(-1, &event, 1, 0), epoll_pwait(-1, &event, 1, 0, &mask), epoll_ctl(-1, EPOLL_CTL_ADD, -1, &event);
	sigtimedwait(&none, &info, &zero), sigpending(&none);
	// (Without children. With some, that an exec has left, nothing is taken.)
	waitid(P_PID, getpid(), &info, WEXITED | WNOHANG);
	waitpid(getpid(), NULL, WNOHANG), wait4(getpid(), NULL, WNOHANG, NULL);
	semop(-1, NULL, 0), msgrcv(-1, &event, 1, 0, 0), msgsnd(-1, &event, 1, 0);
	sched_yield();
}

static void warm_sockets(void) {
	char c;
	struct sockaddr address = {AF_UNIX, ""};
	struct iovec v = {&c, 1};
	struct msghdr m;
	memset(&m, 0, sizeof m);
	m.msg_iov = &v, m.msg_iovlen = 1;
	accept(-1, NULL, NULL), connect(-1, &address, sizeof address);
	send(-1, &c, 1, 0), recv(-1, &c, 1, 0), sendto(-1, &c, 1, 0, NULL, 0), recvfrom(-1, &c, 1, 0, NULL, NULL);
	sendmsg(-1, &m, 0), recvmsg(-1, &m, 0), shutdown(-1, SHUT_RD);
}

static void warm_process(void) {
	struct utsname name;
	struct rlimit limit;
	struct rusage usage;
	struct sigaction action;
	stack_t stack;
	cpu_set_t cpus;
	sigset_t mask;
	getppid(), getpid(), getuid(), geteuid(), getgid(), getegid(), getpgid(0), getsid(0);
	kill(getpid(), 0), uname(&name), getrlimit(RLIMIT_NOFILE, &limit), getrusage(RUSAGE_SELF, &usage);
	sched_getaffinity(0, sizeof cpus, &cpus), sigaltstack(NULL, &stack);
	sigaction(SIGUSR1, NULL, &action), sigprocmask(SIG_BLOCK, NULL, &mask), pthread_sigmask(SIG_BLOCK, NULL, &mask);
	// The place from which syscall(2) makes all its calls.
	syscall(SYS_getppid), syscall(SYS_gettid), syscall(-1L);
	syscall(SYS_futex, &limit, 1 /* FUTEX_WAKE */, 0, NULL, NULL, 0);
}

static void warm_locks(void) {
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct timespec past = {1, 0};
	sem_t sem;
	sem_init(&sem, 0, 0);
	sem_timedwait(&sem, &past);
	pthread_mutex_lock(&mutex);
	pthread_mutex_timedlock(&mutex, &past);
	pthread_cond_timedwait(&cond, &mutex, &past);
	pthread_mutex_unlock(&mutex);
}

#define WARM_ROUNDS 5

static void warm_rounds(void) {
	for (int i = 0; i < 60; i++)
		getppid();
	for (int i = 0; i < WARM_ROUNDS; i++)
		warm_memory(), warm_files(), warm_waits(), warm_sockets(), warm_process(), warm_locks();
}

// warm_changed counts the places of [from, to) that differ from the file. They are
// at least five bytes apart.
static int warm_changed(const char *path, unsigned long from, unsigned long to, unsigned long offset) {
	int n = 0, fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	const unsigned char *file = (const unsigned char *)mmap(NULL, to - from, PROT_READ, MAP_PRIVATE, fd, offset);
	struct stat st;
	fstat(fd, &st);
	close(fd);
	if (file == MAP_FAILED)
		return 0;
	const volatile unsigned char *text = (const volatile unsigned char *)from;
	for (unsigned long i = 0; i < to - from && offset + i < (unsigned long)st.st_size; i++)
		if (text[i] != file[i])
			n++, i += 4;
	munmap((void *)file, to - from);
	return n;
}

static void warm_report(void) {
	const char *to = getenv("K42TRACE_WARM");
	FILE *maps;
	char line[4500], path[4200], rights[8];
	unsigned long from, end, offset;
	int sites = 0, region = 0;
	if (!to || !(maps = fopen("/proc/self/maps", "re")))
		return;
	while (fgets(line, sizeof line, maps)) {
		path[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4199s", &from, &end, rights, &offset, path) < 4)
			continue;
		region |= from == 0x70000000;
		if (rights[2] == 'x' && rights[0] == 'r' && path[0] == '/' && !strstr(line, "(deleted)"))
			sites += warm_changed(path, from, end, offset);
	}
	fclose(maps);
	int fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int n = snprintf(line, sizeof line, "region %d, rewritten %d\n", region, sites);
	if (fd < 0 || write(fd, line, n) != n)
		return; // another identity than it was started with
	close(fd);
}

#ifdef WARM_THREADED
static void *warm_thread(void *unused) { return unused; }
#endif

__attribute__((constructor)) static void warm_up(void) {
	int saved = errno;
	warm_rounds();
#ifdef WARM_THREADED
	pthread_t t;
	if (pthread_create(&t, NULL, warm_thread, NULL) == 0)
		pthread_join(t, NULL);
	warm_rounds();
#endif
	warm_report();
	errno = saved;
}
