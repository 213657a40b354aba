/* One thread sits in a call while the others run: nobody waits behind it. */
#include "cases.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

/* No waiter ends before the workers have: a tracer that waits behind one hangs. */
static int pipefd[2], release[2], lock_fd;
static int word;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *in_read(void *a) { char c; (void)!read(release[0], &c, 1); return a; }
static void *in_poll(void *a) { struct pollfd p = {release[0], POLLIN, 0}; poll(&p, 1, -1); return a; }
static void *in_futex(void *a) { while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST)) syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, 0, 0, 0); return a; }
static void *in_mutex(void *a) { pthread_mutex_lock(&mutex); pthread_mutex_unlock(&mutex); return a; }
static void *in_flock(void *a)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0600);
	flock(fd, LOCK_EX);
	close(fd);
	return a;
}
static void *in_fcntl_lock(void *a)
{
	/* Held by a child process that ends when released. */
	struct flock l = {.l_type = F_WRLCK};
	int fd = open("lock2", O_RDWR | O_CREAT, 0600);
	fcntl(fd, F_SETLKW, &l);
	close(fd);
	return a;
}
static void *in_open_fifo(void *a) { close(open("fifo", O_RDONLY)); return a; }
static void *in_accept(void *a) { close(accept(*(int *)a, 0, 0)); return a; }
static void *in_epoll(void *a)
{
	int e = epoll_create1(0);
	struct epoll_event ev = {EPOLLIN, {0}};
	epoll_ctl(e, EPOLL_CTL_ADD, release[0], &ev);
	epoll_wait(e, &ev, 1, -1);
	close(e);
	return a;
}
static void *in_wait(void *a)
{
	waitpid(*(pid_t *)a, 0, 0);
	return a;
}
static void *in_full_pipe(void *a)
{
	/* A SIGCHLD that nobody wants breaks off what a traced process writes, with what
	 * it has written, if this thread gets it: the kernel keeps it from others only. */
	static char block[65536 * 2];
	for (size_t done = 0; done < sizeof block;)
		done += must("write", write(pipefd[1], block + done, sizeof block - done));
	return a;
}
static void *in_vfork(void *a)
{
	pid_t pid = vfork();
	if (pid == 0) {
		char c;
		close(release[1]);
		(void)!read(release[0], &c, 1);
		_exit(0);
	}
	waitpid(pid, 0, 0);
	return a;
}
static void *in_sigwait(void *a)
{
	sigset_t s;
	int sig;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigwait(&s, &sig);
	return a;
}

static long done[2];

static void *worker(void *arg)
{
	long *n = arg;
	for (int i = 0; i < 3000; i++) {
		int fd = open("/dev/null", O_RDONLY);
		if (fd < 0 || close(fd))
			say("worker: %s", strerror(errno));
		++*n;
	}
	return 0;
}

static void all(void)
{
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s, 0);
	must("pipe", pipe(pipefd));
	must("pipe", pipe(release));
	must("mkfifo", mkfifo("fifo", 0600));
	lock_fd = must("open", open("lock", O_RDWR | O_CREAT, 0600));
	must("flock", flock(lock_fd, LOCK_EX));
	pthread_mutex_lock(&mutex);
	int ready[2];
	must("pipe", pipe(ready));
	pid_t holder = must("fork", fork());
	if (holder == 0) {
		struct flock l = {.l_type = F_WRLCK};
		close(release[1]);
		close(pipefd[0]);
		close(pipefd[1]);
		close(lock_fd);
		must("lock", fcntl(open("lock2", O_RDWR | O_CREAT, 0600), F_SETLK, &l));
		close(ready[0]);
		(void)!write(ready[1], "x", 1);
		char c;
		(void)!read(release[0], &c, 1);
		_exit(0);
	}
	char c;
	must("read", read(ready[0], &c, 1));
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un a = {AF_UNIX, "socket"};
	must("bind", bind(listener, (struct sockaddr *)&a, sizeof a));
	must("listen", listen(listener, 1));

	struct { void *(*f)(void *); void *arg; } waiters[] = {
		{in_read, 0}, {in_poll, 0}, {in_futex, 0}, {in_mutex, 0}, {in_flock, 0}, {in_fcntl_lock, 0}, {in_open_fifo, 0},
		{in_accept, &listener}, {in_epoll, 0}, {in_wait, &holder}, {in_full_pipe, 0}, {in_vfork, 0}, {in_sigwait, 0},
	};
	enum { N = sizeof waiters / sizeof *waiters };
	pthread_t w[N], t[2];
	for (int i = 0; i < N; i++)
		pthread_create(&w[i], 0, waiters[i].f, waiters[i].arg);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], 0, worker, &done[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], 0);
	say("workers: %ld %ld", done[0], done[1]);
	/* A process can be started, can execute and end meanwhile. */
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		execl("/bin/echo", "echo", "executed", (char *)0);
		_exit(97);
	}
	must("waitpid", waitpid(pid, 0, 0));
	/* Let each go; none may have been forgotten. */
	close(release[1]);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1, 0, 0, 0);
	pthread_mutex_unlock(&mutex);
	flock(lock_fd, LOCK_UN);
	close(open("fifo", O_WRONLY));
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	must("connect", connect(client, (struct sockaddr *)&a, sizeof a));
	pthread_kill(w[N - 1], SIGUSR1);
	static char sink[65536 * 2];
	for (size_t got = 0; got < sizeof sink;)
		got += must("read", read(pipefd[0], sink, sizeof sink));
	for (int i = 0; i < N; i++)
		pthread_join(w[i], 0);
	say("all released");
}

/* They are all still waiting when the process ends. */
static void exits(void)
{
	pthread_t t;
	must("pipe", pipe(release));
	for (int i = 0; i < 20; i++) {
		pthread_create(&t, 0, in_read, 0);
		pthread_create(&t, 0, in_futex, 0);
		pthread_create(&t, 0, in_epoll, 0);
	}
	say("leaving");
	exit(17);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"all", all}, {"exits", exits}};
	return RUN_CASE(argc, argv, cases);
}
