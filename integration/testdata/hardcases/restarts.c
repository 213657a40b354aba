// What a signal does to a call that blocks, call by call.
//   restarts MODE [threaded]
//     restart   a handler with SA_RESTART, five signals in a row
//     handler   a handler without it
//     stop      SIGSTOP and SIGCONT, no handler, three times
//     ignored   signals that are ignored, by default or by SIG_IGN, and calls
//               that the kernel can restart
//     ignored-final   the same, and calls that it cannot
//   restarts time   a stop that lasts beyond a call's timeout
// One process enters the call, its parent signals and looks.
#include "observe.h"
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

static struct {
	volatile int ready, done, handled, tid, leave;
	volatile long result, remaining_ms;
	volatile int word; // for futexes
} *s;

static int in[2], out[2], pair[2], listener, fd, id;
static char directory[64], fifo[80], lockfile[80];
static struct sockaddr_un address;
static char big[1 << 20];
static sigset_t none;
#define LONG 1000 // seconds that no run lasts

// ---- the calls: set-up before the fork, the call itself, and its completion ----

static void made_pipes(void) { must(pipe(in)), must(pipe(out)); }
static void made_pair(void) { must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); }
static void put(void) { check(write(in[1], "xyz", 3) == 3); }
static void put_pair(void) { check(write(pair[1], "xyz", 3) == 3); }
static void interrupt(void) { kill(s->tid, SIGUSR2); } // for what cannot be completed

static long c_read(void) { char b[2]; return read(in[0], b, 2); }
static long c_readv(void) { char b[3]; struct iovec v[2] = {{b, 1}, {b + 1, 2}}; return readv(in[0], v, 2); }
static void full_pipe(void) {
	made_pipes();
	fcntl(out[1], F_SETFL, O_NONBLOCK);
	while (write(out[1], big, 4096) > 0)
		;
	fcntl(out[1], F_SETFL, 0);
}
static void drain(void) {
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	while (!s->done) {
		while (read(out[0], big, sizeof big) > 0)
			;
		pause_briefly();
	}
}

static long c_write(void) { return write(out[1], big, 200); }
static long c_write_big(void) { return write(out[1], big, sizeof big); }
static long c_splice(void) { return splice(in[0], NULL, out[1], NULL, 100, 0); }
static long c_tee(void) { return tee(in[0], out[1], 100, 0); }

static pid_t grandchild;
static void with_child(void) {
	grandchild = must(fork());
	if (grandchild == 0) {
		char c;
		close(in[1]);
		_exit(read(in[0], &c, 1) == 1 ? 5 : 6);
	}
}
static long c_wait4(void) { with_child(); s->ready = 1; int w; return wait4(-1, &w, 0, NULL) == grandchild ? w : -1; }
static long c_waitid(void) { with_child(); s->ready = 1; siginfo_t i; return waitid(P_ALL, 0, &i, WEXITED) == 0 ? i.si_status : -1; }

static long futex(int op, const void *t) { return syscall(SYS_futex, &s->word, op, 0, t, NULL, -1); }
static void wake(void) { await(s->done || syscall(SYS_futex, &s->word, FUTEX_WAKE, 1, NULL, NULL, 0) == 1); }
static long c_futex(void) { return futex(FUTEX_WAIT, NULL); }
static long c_futex_timeout(void) { long t[2] = {LONG, 0}; return futex(FUTEX_WAIT, t); }
static long c_futex_bitset(void) {
	long t[2] = {now_ns() / 1000000000 + LONG, 0};
	return futex(FUTEX_WAIT_BITSET, t);
}
static void pi_setup(void) { s->word = getpid(); }
static void pi_unlock(void) { must(syscall(SYS_futex, &s->word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0)); }
static long c_futex_pi(void) { return futex(FUTEX_LOCK_PI, NULL); }

static void remains(const long *t) { s->remaining_ms = t[0] * 1000 + t[1] / 1000000; }
static long c_nanosleep(void) {
	long t[2] = {LONG, 0}, left[2] = {0, 0};
	long r = syscall(SYS_nanosleep, t, left);
	int e = errno;
	remains(left);
	errno = e;
	return r;
}
static long c_clock_nanosleep(void) {
	long t[2] = {LONG, 0}, left[2] = {0, 0};
	long r = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, t, left);
	int e = errno;
	remains(left);
	errno = e;
	return r;
}
static long c_clock_nanosleep_abs(void) {
	long t[2] = {now_ns() / 1000000000 + LONG, 0};
	return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL);
}

static long c_poll(void) { struct pollfd p = {in[0], POLLIN}; return poll(&p, 1, -1); }
static long c_poll_timeout(void) { struct pollfd p = {in[0], POLLIN}; return poll(&p, 1, LONG * 1000); }
static long c_poll_nothing(void) { return poll(NULL, 0, LONG * 1000); }
static long c_ppoll(void) {
	struct pollfd p = {in[0], POLLIN};
	long t[2] = {LONG, 0};
	return syscall(SYS_ppoll, &p, 1, t, NULL, 8);
}
static long c_ppoll_mask(void) { struct pollfd p = {in[0], POLLIN}; return ppoll(&p, 1, NULL, &none); }
static long c_select(void) { fd_set f; FD_ZERO(&f); FD_SET(in[0], &f); return select(in[0] + 1, &f, NULL, NULL, NULL); }
static long c_pselect_timeout(void) {
	fd_set f;
	FD_ZERO(&f);
	FD_SET(in[0], &f);
	long t[2] = {LONG, 0};
	return syscall(SYS_pselect6, in[0] + 1, &f, NULL, NULL, t, NULL);
}
static long c_pselect_mask(void) { fd_set f; FD_ZERO(&f); FD_SET(in[0], &f); return pselect(in[0] + 1, &f, NULL, NULL, NULL, &none); }
static void epoll_setup(void) {
	made_pipes();
	fd = must(epoll_create1(0));
	struct epoll_event e = {.events = EPOLLIN};
	must(epoll_ctl(fd, EPOLL_CTL_ADD, in[0], &e));
}
static long c_epoll(void) { struct epoll_event e; return epoll_wait(fd, &e, 1, -1); }
static long c_epoll_timeout(void) { struct epoll_event e; return epoll_wait(fd, &e, 1, LONG * 1000); }
static long c_epoll_pwait(void) { struct epoll_event e; return epoll_pwait(fd, &e, 1, -1, &none); }

static void listening(void) {
	listener = must(socket(AF_UNIX, SOCK_STREAM, 0));
	address.sun_family = AF_UNIX;
	memset(address.sun_path, 0, sizeof address.sun_path);
	snprintf(address.sun_path + 1, 80, "k42-restarts-%d", getpid());
	must(bind(listener, (void *)&address, sizeof address));
	must(listen(listener, 0));
}
static long c_accept(void) { return accept(listener, NULL, NULL) > 0 ? 1 : -1; }
static void connects(void) { fd = must(socket(AF_UNIX, SOCK_STREAM, 0)); must(connect(fd, (void *)&address, sizeof address)); }
static void full_backlog(void) { listening(); connects(); }
static long c_connect(void) { int c = socket(AF_UNIX, SOCK_STREAM, 0); return connect(c, (void *)&address, sizeof address); }
static void accepts(void) { must(accept(listener, NULL, NULL)); }
static long c_recv(void) { char b[2]; return recv(pair[0], b, 2, 0); }
static long c_recv_waitall(void) { char b[3]; return recv(pair[0], b, 3, MSG_WAITALL); }
static void pair_with_one(void) { made_pair(); check(write(pair[1], "a", 1) == 1); }
static void pair_with_timeout(void) {
	made_pair();
	struct timeval t = {LONG, 0};
	must(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
}
static long c_recvmmsg(void) {
	char b[2];
	struct iovec v = {b, 2};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
	return recvmmsg(pair[0], &m, 1, 0, NULL);
}
static void full_pair(void) {
	made_pair();
	while (send(pair[0], big, 4096, MSG_DONTWAIT) > 0)
		;
}
static long c_send(void) { return send(pair[0], big, 100, 0); }
static void drain_pair(void) {
	while (!s->done) {
		while (recv(pair[1], big, sizeof big, MSG_DONTWAIT) > 0)
			;
		pause_briefly();
	}
}

static void locked(void) {
	fd = must(open(lockfile, O_RDWR | O_CREAT, 0600));
	must(flock(fd, LOCK_EX));
	struct flock l = {.l_type = F_WRLCK};
	must(fcntl(fd, F_SETLK, &l));
}
static void unlock(void) {
	struct flock l = {.l_type = F_UNLCK};
	must(flock(fd, LOCK_UN)), must(fcntl(fd, F_SETLK, &l));
	close(fd);
}
static long c_flock(void) { return flock(open(lockfile, O_RDWR), LOCK_EX); }
static long c_setlkw(void) { struct flock l = {.l_type = F_WRLCK}; return fcntl(open(lockfile, O_RDWR), F_SETLKW, &l); }
static long c_ofd_setlkw(void) { struct flock l = {.l_type = F_WRLCK}; return fcntl(open(lockfile, O_RDWR), F_OFD_SETLKW, &l); }
static void made_fifo(void) { must(mkfifo(fifo, 0600)); }
static long c_open(void) { return open(fifo, O_RDONLY) > 0 ? 1 : -1; }
static void open_other(void) {
	await(s->done || (fd = open(fifo, O_WRONLY | O_NONBLOCK)) >= 0);
}

static void made_sem(void) { id = must(semget(IPC_PRIVATE, 1, 0600)); }
static long c_semop(void) { struct sembuf b = {0, -1, 0}; return semop(id, &b, 1); }
static long c_semtimedop(void) { struct sembuf b = {0, -1, 0}; struct timespec t = {LONG, 0}; return semtimedop(id, &b, 1, &t); }
static void up(void) { struct sembuf b = {0, 1, 0}; must(semop(id, &b, 1)); }
static void no_sem(void) { semctl(id, 0, IPC_RMID); }
static void made_msg(void) { id = must(msgget(IPC_PRIVATE, 0600)); }
static struct { long type; char text[8192]; } message = {1, ""};
static long c_msgrcv(void) { return msgrcv(id, &message, 10, 0, 0); }
static void sends(void) { must(msgsnd(id, &message, 7, 0)); }
static void full_msg(void) { made_msg(); while (msgsnd(id, &message, 8192, IPC_NOWAIT) == 0) ; }
static long c_msgsnd(void) { return msgsnd(id, &message, 8192, 0); }
static void receives(void) { must(msgrcv(id, &message, 8192, 0, 0)); }
static void no_msg(void) { msgctl(id, IPC_RMID, NULL); }

static void made_mq(void) {
	struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 16};
	char name[32];
	snprintf(name, sizeof name, "/k42-%d", getpid());
	fd = mq_open(name, O_CREAT | O_RDWR, 0600, &a);
	mq_unlink(name);
}
static long c_mq_receive(void) { char b[16]; return mq_receive(fd, b, 16, NULL); }
static void mq_put(void) { mq_send(fd, "ab", 2, 0); }

static long c_pause(void) { return pause(); }
static long c_sigsuspend(void) { return sigsuspend(&none); }
static long c_sigwait(void) { sigset_t w; sigemptyset(&w); sigaddset(&w, SIGRTMIN + 5); sigprocmask(SIG_BLOCK, &w, NULL); return sigwaitinfo(&w, NULL) == SIGRTMIN + 5 ? 1 : -1; }
static long c_sigtimedwait(void) { sigset_t w; sigemptyset(&w); sigaddset(&w, SIGRTMIN + 5); sigprocmask(SIG_BLOCK, &w, NULL); struct timespec t = {LONG, 0}; return sigtimedwait(&w, NULL, &t) == SIGRTMIN + 5 ? 1 : -1; }
static void send_rt(void) { kill(s->tid, SIGRTMIN + 5); }

static void made_eventfd(void) { fd = must(eventfd(0, 0)); }
static long c_read_fd(void) { char b[512]; return read(fd, b, 8); }
static void put_eventfd(void) { uint64_t one = 1; check(write(fd, &one, 8) == 8); }
static void made_timerfd(void) { fd = must(timerfd_create(CLOCK_MONOTONIC, 0)); }
static void fire(void) { must(timerfd_settime(fd, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, NULL)); }
static void made_inotify(void) { fd = must(inotify_init()); must(inotify_add_watch(fd, directory, IN_CREATE)); }
static void creates(void) { close(must(open(lockfile, O_RDWR | O_CREAT, 0600))); unlink(lockfile); }
static long c_inotify(void) { return read(fd, big, 4096) > 0 ? 1 : -1; }
static long c_signalfd(void) {
	sigset_t w;
	sigemptyset(&w), sigaddset(&w, SIGRTMIN + 5);
	sigprocmask(SIG_BLOCK, &w, NULL);
	return read(signalfd(-1, &w, 0), big, 512) > 0 ? 1 : -1;
}
static void made_pty(void) {
	fd = must(posix_openpt(O_RDWR | O_NOCTTY));
	must(grantpt(fd)), must(unlockpt(fd));
	id = must(open(ptsname(fd), O_RDWR | O_NOCTTY));
}
static long c_tty(void) { char b[8]; return read(id, b, 8); }
static void close_tty(void) { close(id); }
static void types(void) { check(write(fd, "hi\n", 3) == 3); }

enum {
	READY_LATE = 1, // the call says itself when it is ready
	SHORT = 4,      // of those, one that has taken something by then: it cannot be made to start again
	FINAL = 2,      // a wake-up ends it with EINTR or less than asked for, handler or not
};

static struct call {
	const char *name;
	void (*setup)(void);
	long (*enter)(void);
	void (*complete)(void);
	void (*teardown)(void);
	int flags;
} calls[] = {
	{"read", made_pipes, c_read, put},
	{"readv", made_pipes, c_readv, put},
	{"write", full_pipe, c_write, drain},
	{"write, partly done", full_pipe, c_write_big, drain},
	{"splice", made_pipes, c_splice, put},
	{"tee", made_pipes, c_tee, put},
	{"wait4", made_pipes, c_wait4, put, NULL, READY_LATE},
	{"waitid", made_pipes, c_waitid, put, NULL, READY_LATE},
	{"futex", NULL, c_futex, wake},
	{"futex with timeout", NULL, c_futex_timeout, wake},
	{"futex bitset", NULL, c_futex_bitset, wake},
	{"futex pi", pi_setup, c_futex_pi, pi_unlock},
	{"nanosleep", NULL, c_nanosleep, interrupt},
	{"clock_nanosleep", NULL, c_clock_nanosleep, interrupt},
	{"clock_nanosleep absolute", NULL, c_clock_nanosleep_abs, interrupt},
	{"poll", made_pipes, c_poll, put},
	{"poll with timeout", made_pipes, c_poll_timeout, put},
	{"poll of nothing", NULL, c_poll_nothing, interrupt},
	{"ppoll", made_pipes, c_ppoll, put},
	{"ppoll with mask", made_pipes, c_ppoll_mask, put},
	{"select", made_pipes, c_select, put},
	{"pselect", made_pipes, c_pselect_timeout, put},
	{"pselect with mask", made_pipes, c_pselect_mask, put},
	{"epoll_wait", epoll_setup, c_epoll, put, NULL, FINAL},
	{"epoll_wait with timeout", epoll_setup, c_epoll_timeout, put, NULL, FINAL},
	{"epoll_pwait", epoll_setup, c_epoll_pwait, put, NULL, FINAL},
	{"accept", listening, c_accept, connects},
	{"connect", full_backlog, c_connect, accepts},
	{"recv", made_pair, c_recv, put_pair},
	{"recv WAITALL", pair_with_one, c_recv_waitall, put_pair, NULL, FINAL | SHORT},
	{"recv with timeout", pair_with_timeout, c_recv, put_pair, NULL, FINAL},
	{"recvmmsg", made_pair, c_recvmmsg, put_pair},
	{"send", full_pair, c_send, drain_pair},
	{"flock", locked, c_flock, unlock},
	{"F_SETLKW", locked, c_setlkw, unlock},
	{"F_OFD_SETLKW", locked, c_ofd_setlkw, unlock},
	{"open of a FIFO", made_fifo, c_open, open_other},
	{"semop", made_sem, c_semop, up, no_sem, FINAL},
	{"semtimedop", made_sem, c_semtimedop, up, no_sem, FINAL},
	{"msgrcv", made_msg, c_msgrcv, sends, no_msg},
	{"msgsnd", full_msg, c_msgsnd, receives, no_msg},
	{"mq_receive", made_mq, c_mq_receive, mq_put},
	{"pause", NULL, c_pause, interrupt},
	{"sigsuspend", NULL, c_sigsuspend, interrupt},
	{"sigwaitinfo", NULL, c_sigwait, send_rt, NULL, FINAL},
	{"sigtimedwait", NULL, c_sigtimedwait, send_rt, NULL, FINAL},
	{"read of an eventfd", made_eventfd, c_read_fd, put_eventfd},
	{"read of a timerfd", made_timerfd, c_read_fd, fire},
	{"read of an inotify", made_inotify, c_inotify, creates},
	{"read of a signalfd", NULL, c_signalfd, send_rt},
	{"read of a terminal", made_pty, c_tty, types, close_tty},
};

// ---- one run ----

static void on_usr1(int sig, siginfo_t *i, void *u) { s->handled++; }
static void on_usr2(int sig, siginfo_t *i, void *u) { }

static const char *mode;
static int threaded;
static struct call *current;

static void *enter(void *unused) {
	s->tid = tid_self();
	if (threaded) {
		sigset_t empty;
		sigemptyset(&empty);
		pthread_sigmask(SIG_SETMASK, &empty, NULL);
	}
	if (!(current->flags & READY_LATE))
		s->ready = 1;
	errno = 0;
	long r = current->enter();
	s->result = r == -1 ? -errno : r;
	s->done = 1;
	return NULL;
}

static pid_t start(struct call *c) {
	current = c;
	memset((void *)s, 0, sizeof *s);
	s->remaining_ms = -1;
	memset(in, -1, sizeof in), memset(out, -1, sizeof out), memset(pair, -1, sizeof pair);
	unlink(fifo), unlink(lockfile);
	listener = fd = id = -1;
	if (c->setup)
		c->setup();
	pid_t pid = must(fork());
	if (pid == 0) {
		on_signal(SIGUSR1, on_usr1, !strcmp(mode, "restart") ? SA_RESTART : 0);
		on_signal(SIGUSR2, on_usr2, 0);
		if (!strncmp(mode, "ignored", 7))
			signal(SIGUSR1, SIG_IGN);
		if (threaded) {
			sigset_t all;
			sigfillset(&all);
			sigprocmask(SIG_SETMASK, &all, NULL);
			pthread_t t;
			check(pthread_create(&t, NULL, enter, NULL) == 0);
			pthread_join(t, NULL);
		} else
			enter(NULL);
		await(s->leave); // an end now would take the place of WCONTINUED
		_exit(0);
	}
	await(s->ready);
	return pid;
}

// settled waits until the call blocks (0) or is over (1).
static int settled(pid_t pid) {
	int left = PATIENCE;
	while (--left) {
		char state = task_state(pid, s->tid);
		if (s->done)
			return 1;
		if (state == 'S')
			return 0;
		pause_briefly();
	}
	say("%s: never settled", current->name);
	_exit(97);
}

static void run(struct call *c) {
	pid_t pid = start(c);
	int status, over = settled(pid);
	int64_t blocked_since = now_ns(), interrupted = blocked_since;
	for (int i = 0; i < 5 && !over; i++) {
		interrupted = now_ns();
		if (!strcmp(mode, "stop")) {
			must(kill(pid, SIGSTOP));
			check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
			must(kill(pid, SIGCONT));
			must(waitpid(pid, &status, WCONTINUED));
		} else if (!strncmp(mode, "ignored", 7)) {
			const int ignored[] = {SIGUSR1, SIGCHLD, SIGWINCH, SIGURG, SIGCONT};
			must(kill(pid, ignored[i]));
			for (int j = 0; j < 3; j++)
				pause_briefly();
		} else {
			must(kill(pid, SIGUSR1));
			await(s->handled == i + 1);
		}
		over = settled(pid);
	}
	const char *then = over ? "over" : "in the call";
	if (!over) {
		interrupted = now_ns();
		c->complete();
	}
	await(s->done);
	s->leave = 1;
	check(wait_for(pid) == 0);
	if (c->teardown)
		c->teardown();
	char result[32];
	snprintf(result, sizeof result, "%ld", s->result);
	say("%s: handled %d, %s, result %s", c->name, s->handled, then, s->result < 0 ? errname(-s->result) : result);
	// However often it came back to the sleep, no time was given twice. (select
	// and ppoll do not count the time in a stop, natively.)
	if (s->remaining_ms > 0)
		check(s->remaining_ms <= LONG * 1000 - (interrupted - blocked_since) / 1000000);
	const int fds[] = {in[0], in[1], out[0], out[1], pair[0], pair[1], listener, fd};
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] > 2)
			close(fds[i]);
}

// ---- a stop that lasts beyond the timeout ----

#define SHORT_MS 1200
static long t_nanosleep(void) { return usleep(SHORT_MS * 1000); }
static long t_poll(void) { return poll(NULL, 0, SHORT_MS); }
static long t_ppoll(void) { struct timespec t = {1, 200000000}; return ppoll(NULL, 0, &t, NULL); }
static long t_select(void) { struct timeval t = {1, 200000}; return select(0, NULL, NULL, NULL, &t); }
static long t_futex(void) { long t[2] = {1, 200000000}; return futex(FUTEX_WAIT, t); }
static long t_sigtimedwait(void) { sigset_t w; sigemptyset(&w); sigaddset(&w, SIGRTMIN); struct timespec t = {1, 200000000}; return sigtimedwait(&w, NULL, &t); }

static void beyond_the_timeout(void) {
	static struct call timed[] = {
		{"nanosleep", NULL, t_nanosleep}, {"poll", NULL, t_poll}, {"ppoll", NULL, t_ppoll},
		{"select", NULL, t_select}, {"futex", NULL, t_futex}, {"sigtimedwait", NULL, t_sigtimedwait},
	};
	enum { N = sizeof timed / sizeof *timed };
	pid_t pids[N];
	__typeof__(s) states[N];
	int status;
	for (int i = 0; i < N; i++) {
		s = states[i] = shared(4096);
		pids[i] = start(&timed[i]);
	}
	int64_t last = now_ns();
	for (int i = 0; i < N; i++) {
		s = states[i], current = &timed[i];
		check(settled(pids[i]) == 0);
		must(kill(pids[i], SIGSTOP));
		check(waitpid(pids[i], &status, WUNTRACED) == pids[i] && WIFSTOPPED(status));
	}
	// Let their time pass while they stand still.
	while (now_ns() < last + SHORT_MS * 1000000ll)
		pause_briefly();
	// (select and ppoll restart with what remained when they stopped.)
	int goes_on[N];
	for (int i = 0; i < N; i++) {
		check(!states[i]->done);
		goes_on[i] = !strcmp(timed[i].name, "select") || !strcmp(timed[i].name, "ppoll");
		if (goes_on[i])
			must(kill(pids[i], SIGCONT));
	}
	for (int i = 0; i < N; i++) {
		s = states[i];
		int64_t resumed = now_ns();
		if (!goes_on[i])
			must(kill(pids[i], SIGCONT));
		await(s->done);
		s->leave = 1;
		check(wait_for(pids[i]) == 0);
		// Its time is up: whoever waits for it once more restarted wrongly.
		int at_once = now_ns() - resumed < SHORT_MS * 1000000ll - 200000000;
		say("%s: result %s, in time %d", timed[i].name, s->result < 0 ? errname(-s->result) : "0", at_once || goes_on[i]);
	}
}

int main(int argc, char **argv) {
	mode = argc > 1 ? argv[1] : "restart";
	threaded = argc > 2 && !strcmp(argv[2], "threaded");
	const char *only = argc > 2 && !threaded ? argv[2] : argc > 3 ? argv[3] : NULL;
	strcpy(directory, "/tmp/k42-restarts-XXXXXX");
	check(mkdtemp(directory));
	snprintf(fifo, sizeof fifo, "%s/fifo", directory);
	snprintf(lockfile, sizeof lockfile, "%s/lock", directory);
	s = shared(4096);
	// Before any call was interrupted, there is nothing to restart.
	say("restart_syscall by hand: %s", outcome_of(syscall(SYS_restart_syscall)));
	if (!strcmp(mode, "time")) {
		beyond_the_timeout();
		rmdir(directory);
		return 0;
	}
	int ignored = !strncmp(mode, "ignored", 7), final = !strcmp(mode, "ignored-final");
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
		if (only ? !strcmp(only, calls[i].name) : !ignored || (!(calls[i].flags & FINAL) == !final && !(calls[i].flags & SHORT)))
			run(&calls[i]);
	unlink(fifo), unlink(lockfile), rmdir(directory);
	return 0;
}
