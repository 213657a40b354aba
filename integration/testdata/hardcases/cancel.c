/* pthread_cancel of a thread in a call: handlers run, joins see it, nothing leaks. */
#include "cases.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static int pipe_fd[2], full[2], listener, pair[2];
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pid_t child;
static volatile int tid;

static void in_read(void) { char c; (void)!read(pipe_fd[0], &c, 1); }
static void in_readv(void) { char c; struct iovec v = {&c, 1}; (void)!readv(pipe_fd[0], &v, 1); }
static void in_write(void) { static char b[1 << 20]; (void)!write(full[1], b, sizeof b); }
static void in_nanosleep(void) { struct timespec t = {1000, 0}; nanosleep(&t, 0); }
static void in_clock_nanosleep(void) { struct timespec t = {1000, 0}; clock_nanosleep(CLOCK_MONOTONIC, 0, &t, 0); }
static void in_pause(void) { pause(); }
static void in_poll(void) { struct pollfd p = {pipe_fd[0], POLLIN, 0}; poll(&p, 1, -1); }
static void in_ppoll(void) { struct pollfd p = {pipe_fd[0], POLLIN, 0}; ppoll(&p, 1, 0, 0); }
static void in_select(void) { fd_set s; FD_ZERO(&s); FD_SET(pipe_fd[0], &s); select(pipe_fd[0] + 1, &s, 0, 0, 0); }
static void in_epoll(void) { int e = epoll_create1(EPOLL_CLOEXEC); struct epoll_event v; epoll_wait(e, &v, 1, -1); }
static void in_accept(void) { accept(listener, 0, 0); }
static void in_recv(void) { char c; recv(pair[0], &c, 1, 0); }
static void in_recvmsg(void) { struct msghdr m = {0}; recvmsg(pair[0], &m, 0); }
static void in_wait(void) { int s; waitpid(child, &s, 0); }
static void in_waitid(void) { siginfo_t si; waitid(P_PID, child, &si, WEXITED); }
static void in_open(void) { (void)!open("fifo", O_RDONLY); }
static void in_sem(void) { sem_wait(&semaphore); }
static void unlock(void *m) { pthread_mutex_unlock(m); }
static void in_cond(void)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	for (;;)
		pthread_cond_wait(&condition, &mutex);
	pthread_cleanup_pop(1);
}
static void in_sigwait(void) { sigset_t s; int n; sigemptyset(&s); sigaddset(&s, SIGUSR2); sigwait(&s, &n); }
static void in_sigsuspend(void) { sigset_t s; sigemptyset(&s); sigsuspend(&s); }
static void in_fcntl(void) { struct flock l = {.l_type = F_WRLCK}; fcntl(open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600), F_SETLKW, &l); }
static int queue;
static void in_msgrcv(void) { struct { long t; char b; } m; msgrcv(queue, &m, 1, 0, 0); }

static int cleaned;
static void cleanup(void *arg) { cleaned += *(int *)arg; }

static void *run(void *arg)
{
	int one = 1;
	pthread_cleanup_push(cleanup, &one);
	tid = syscall(SYS_gettid);
	((void (*)(void))arg)();
	pthread_cleanup_pop(0);
	return 0;
}

/* asleep waits until the thread sits in a call that waits. */
static void asleep(void)
{
	char path[64], text[512];
	while (!tid)
		sched_yield();
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	for (int quiet = 0; quiet < 3;) {
		int fd = must("open", open(path, O_RDONLY));
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		char *state = strrchr(text, ')');
		quiet = state && state[2] == 'S' ? quiet + 1 : 0;
		usleep(200);
	}
}

static void cancel(const char *name, void (*f)(void))
{
	pthread_t t;
	void *result;
	tid = 0;
	cleaned = 0;
	int r = pthread_create(&t, 0, run, f);
	if (r) {
		say("pthread_create: %s", strerror(r));
		_exit(98);
	}
	asleep();
	pthread_cancel(t);
	pthread_join(t, &result);
	say("%s: %s, cleaned %d", name, result == PTHREAD_CANCELED ? "canceled" : "returned", cleaned);
}

static void waits(void)
{
	must("pipe", pipe(pipe_fd));
	must("pipe", pipe(full));
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must("mkfifo", mkfifo("fifo", 0600));
	listener = must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr a = {AF_UNIX, ""};
	must("bind", bind(listener, &a, 2));
	must("listen", listen(listener, 1));
	sem_init(&semaphore, 0, 0);
	queue = must("msgget", msgget(IPC_PRIVATE, 0600));
	int ready[2];
	must("pipe", pipe(ready));
	child = must("fork", fork());
	if (child == 0) {
		struct flock l = {.l_type = F_WRLCK};
		must("lock", fcntl(open("lock", O_RDWR | O_CREAT, 0600), F_SETLK, &l));
		must("write", write(ready[1], "x", 1));
		for (;;)
			pause();
	}
	char c;
	must("read", read(ready[0], &c, 1));
	struct { const char *name; void (*f)(void); } all[] = {
		{"read", in_read}, {"readv", in_readv}, {"write", in_write}, {"nanosleep", in_nanosleep},
		{"clock_nanosleep", in_clock_nanosleep}, {"pause", in_pause}, {"poll", in_poll}, {"ppoll", in_ppoll}, {"select", in_select},
		{"epoll_wait", in_epoll}, {"accept", in_accept}, {"recv", in_recv}, {"recvmsg", in_recvmsg}, {"waitpid", in_wait},
		{"waitid", in_waitid}, {"open", in_open}, {"sem_wait", in_sem}, {"pthread_cond_wait", in_cond}, {"sigwait", in_sigwait},
		{"sigsuspend", in_sigsuspend}, {"fcntl", in_fcntl}, {"msgrcv", in_msgrcv},
	};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		cancel(all[i].name, all[i].f);
	must("msgctl", msgctl(queue, IPC_RMID, 0));
	must("kill", kill(child, SIGKILL));
	must("waitpid", waitpid(child, 0, 0));
	say("nothing was read: %ld", (long)recv(pair[1], &c, 1, MSG_DONTWAIT));
}

/* Cancelled again and again: a cancellation at the wrong moment loses a descriptor. */
static void *reads(void *arg)
{
	char c;
	for (;;)
		if (read(pipe_fd[0], &c, 1) != 1)
			return 0;
	return arg;
}

static void often(void)
{
	must("pipe", pipe(pipe_fd));
	int canceled = 0;
	for (int i = 0; i < 300; i++) {
		pthread_t t;
		void *result;
		pthread_create(&t, 0, reads, 0);
		if (i % 3 == 1)
			must("write", write(pipe_fd[1], "x", 1));
		if (i % 3 == 2)
			sched_yield();
		pthread_cancel(t);
		pthread_join(t, &result);
		canceled += result == PTHREAD_CANCELED;
	}
	say("canceled %d of 300", canceled);
}

/* Asynchronous cancellation, between the calls and in them. */
static void *spins(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, 0);
	for (;;)
		syscall(SYS_getppid);
	return arg;
}

static void asynchronous(void)
{
	int canceled = 0;
	for (int i = 0; i < 100; i++) {
		pthread_t t;
		void *result;
		pthread_create(&t, 0, spins, 0);
		if (i & 1)
			sched_yield();
		pthread_cancel(t);
		pthread_join(t, &result);
		canceled += result == PTHREAD_CANCELED;
	}
	say("canceled %d of 100", canceled);
}

/* Cancellation that is held back until the thread allows it. */
static void *held(void *arg)
{
	char c;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, 0);
	tid = syscall(SYS_gettid);
	ssize_t n = read(pipe_fd[0], &c, 1);
	say("disabled: read %zd", n);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, 0);
	pthread_testcancel();
	say("not reached");
	return arg;
}

static void disabled(void)
{
	pthread_t t;
	void *result;
	must("pipe", pipe(pipe_fd));
	tid = 0;
	pthread_create(&t, 0, held, 0);
	asleep();
	pthread_cancel(t);
	must("write", write(pipe_fd[1], "x", 1));
	pthread_join(t, &result);
	say("%s", result == PTHREAD_CANCELED ? "canceled" : "returned");
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"waits", waits}, {"often", often}, {"asynchronous", asynchronous}, {"disabled", disabled}};
	return RUN_CASE(argc, argv, cases);
}
