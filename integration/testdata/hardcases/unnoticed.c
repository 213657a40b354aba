// A program that looks whether anybody disturbs it: in each mode it does one thing
// over and over and checks what it gets. It prints "ready", and at SIGTERM "ok" and
// exits with 0; at the first thing that is wrong, what that was, and exits with 1.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t done;
static void onTerm(int sig) { done = 1; }

static void fail(const char *what, long r)
{
	printf("%s: %ld, errno %d (%s)\n", what, r, errno, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// Sleeps must not end early, nor with EINTR.
static void sleeps(int i)
{
	struct timespec t = {0, 2000000 + i * 10000};
	int64_t from = now();
	int r = nanosleep(&t, NULL);
	if (r != 0 && !done)
		fail("nanosleep", r);
	if (now() - from < t.tv_nsec && !done)
		fail("nanosleep was short by", t.tv_nsec - (now() - from));
	from = now();
	r = poll(NULL, 0, 2);
	if (r != 0 && !done)
		fail("poll", r);
	if (now() - from < 2000000 && !done)
		fail("poll was short", now() - from);
	struct timeval v = {0, 2000};
	r = select(0, NULL, NULL, NULL, &v);
	if (r != 0 && !done)
		fail("select", r);
}

static void *server(void *arg)
{
	int *fds = arg, ep = epoll_create1(0);
	sigset_t all; // SIGTERM is for the other thread
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	struct epoll_event e = {.events = EPOLLIN}, got;
	epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e);
	for (unsigned n = 0;; n++) {
		int r = epoll_wait(ep, &got, 1, -1);
		if (r != 1)
			fail("epoll_wait", r);
		unsigned v;
		r = read(fds[0], &v, sizeof v);
		if (r != sizeof v || v != n)
			fail("read", r);
		if (write(fds[3], &v, sizeof v) != sizeof v)
			fail("write", 0);
	}
	return NULL;
}

static pthread_barrier_t started;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counted;

static void *worker(void *arg)
{
	for (long n = 0; !done; n++) {
		pthread_mutex_lock(&lock);
		counted++;
		pthread_mutex_unlock(&lock);
		__atomic_fetch_add((long *)arg, 1, __ATOMIC_SEQ_CST);
		if (getppid() <= 0)
			fail("getppid", 0);
		sleeps(n % 7);
		if (n == 0)
			pthread_barrier_wait(&started);
	}
	return NULL;
}

static volatile uint32_t queued[32], last[32];
static void onRealtime(int sig, siginfo_t *info, void *context)
{
	int i = sig - SIGRTMIN;
	uint32_t v = (uint32_t)info->si_value.sival_int;
	if (info->si_code != SI_QUEUE || info->si_pid != getpid() || v != last[i])
		fail("a real-time signal's value", (long)v - (long)last[i]);
	last[i] = v + 1;
}

static uint32_t mix(uint32_t x)
{
	for (int i = 0; i < 100000; i++)
		x = x * 1664525 + 1013904223;
	return x;
}

int main(int argc, char **argv)
{
	const char *mode = argv[1];
	struct sigaction sa = {.sa_handler = onTerm};
	sigaction(SIGTERM, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	int fds[4];
	long sum = 0;
	pthread_t threads[64];
	if (!strcmp(mode, "busy")) {
		uint32_t want = mix(1);
		puts("ready");
		while (!done)
			if (mix(1) != want)
				fail("a sum", 0);
	} else if (!strcmp(mode, "sleeping")) {
		puts("ready");
		while (!done)
			sleeps(1);
	} else if (!strcmp(mode, "server")) {
		if (pipe(fds) || pipe(fds + 2))
			fail("pipe", 0);
		pthread_create(threads, NULL, server, fds);
		for (unsigned n = 0; !done; n++) {
			unsigned v;
			if (n == 1)
				puts("ready");
			sleeps(1);
			if (write(fds[1], &n, sizeof n) != sizeof n)
				fail("write", 0);
			if (read(fds[2], &v, sizeof v) != sizeof v || v != n)
				fail("an answer", v);
		}
	} else if (!strcmp(mode, "threads")) {
		pthread_barrier_init(&started, NULL, 51);
		for (int i = 0; i < 50; i++)
			if (pthread_create(&threads[i], NULL, worker, &sum))
				fail("pthread_create", i);
		pthread_barrier_wait(&started);
		puts("ready");
		for (int i = 0; i < 50; i++)
			pthread_join(threads[i], NULL);
		if (counted != sum)
			fail("a count", counted);
	} else if (!strcmp(mode, "vfork")) {
		puts("ready");
		while (!done) {
			int pid = vfork();
			if (pid == 0) {
				struct timespec t = {0, 30000000};
				_exit(syscall(SYS_nanosleep, &t, NULL) == 0 ? 7 : 8);
			}
			int status, r = waitpid(pid, &status, 0);
			if (r != pid || status != 7 << 8)
				if (!done)
					fail("a child's status", status);
		}
	} else if (!strcmp(mode, "forks")) {
		puts("ready");
		while (!done) {
			int pid = fork();
			if (pid == 0)
				execl("/bin/true", "true", (char *)NULL);
			int status = 0, r;
			while ((r = waitpid(pid, &status, 0)) < 0 && errno == EINTR && done)
				;
			if (r != pid || status != 0)
				fail("a child's status", status);
		}
	} else if (!strcmp(mode, "signals")) {
		struct sigaction rt = {.sa_sigaction = onRealtime, .sa_flags = SA_SIGINFO | SA_RESTART};
		sigfillset(&rt.sa_mask);
		for (int i = 0; i < 8; i++)
			sigaction(SIGRTMIN + i, &rt, NULL);
		puts("ready");
		while (!done)
			for (int i = 0; i < 8; i++) {
				union sigval v = {.sival_int = queued[i]++};
				if (sigqueue(getpid(), SIGRTMIN + i, v))
					fail("sigqueue", i);
				if (last[i] != queued[i])
					fail("signals missing", queued[i] - last[i]);
			}
	}
	puts("ok");
	return 0;
}
