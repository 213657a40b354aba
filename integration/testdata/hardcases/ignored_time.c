// Calls with a timeout that signals interrupt, again and again, which the program
// ignores: they wait as long as they are to, and no longer.
//   ignored_time
//   ignored_time waits    only epoll_wait, most of whose waits end with an event
#include "observe.h"
#include <linux/aio_abi.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TIMEOUT_MS = 300 };
static struct timespec timeout = {0, TIMEOUT_MS * 1000000};
static int pipes[2], pair[2], listener, poller, semaphore;
static aio_context_t aio;
static struct epoll_event event;

static volatile struct {
	int done;    // the process that signals may stop
	int signals; // that it has sent
} *s;

static long c_epoll_wait(void) { return epoll_wait(poller, &event, 1, TIMEOUT_MS); }
static long c_epoll_pwait(void) { return epoll_pwait(poller, &event, 1, TIMEOUT_MS, &(sigset_t){0}); }
static long c_epoll_pwait2(void) { return syscall(441, poller, &event, 1, (int64_t[]){0, TIMEOUT_MS * 1000000}, NULL, 8); }
static long c_semtimedop(void) { return semtimedop(semaphore, &(struct sembuf){0, -1, 0}, 1, &timeout); }
static long c_sigtimedwait(void) {
	sigset_t w;
	sigemptyset(&w), sigaddset(&w, SIGRTMIN + 5);
	sigprocmask(SIG_BLOCK, &w, NULL);
	return sigtimedwait(&w, NULL, &timeout);
}
static long c_io_getevents(void) { struct io_event e; return syscall(SYS_io_getevents, aio, 1, 1, &e, &timeout); }
static long c_recv(void) { char c; return recv(pair[0], &c, 1, 0); }
static long c_read(void) { char c; return read(pair[0], &c, 1); }
static long c_accept(void) { return accept(listener, NULL, NULL); }

static struct {
	const char *name;
	long (*wait)(void);
} calls[] = {
	{"epoll_wait", c_epoll_wait}, {"epoll_pwait", c_epoll_pwait}, {"epoll_pwait2", c_epoll_pwait2},
	{"semtimedop", c_semtimedop}, {"sigtimedwait", c_sigtimedwait}, {"io_getevents", c_io_getevents},
	{"recv", c_recv}, {"read", c_read}, {"accept", c_accept},
};

// signaller sends the process ignored signals, more often than any wait ends.
static pid_t signaller(pid_t to) {
	const int ignored[] = {SIGUSR1, SIGCHLD, SIGWINCH, SIGURG, SIGCONT};
	pid_t pid = must(fork());
	if (pid == 0) {
		while (!s->done) {
			kill(to, ignored[s->signals++ % 5]);
			nanosleep(&(struct timespec){0, 20000000}, NULL);
		}
		_exit(0);
	}
	return pid;
}

static void timed_out(const char *name, long (*wait)(void)) {
	int64_t from = now_ns();
	errno = 0;
	const char *what = outcome_of(wait());
	int early = now_ns() - from < TIMEOUT_MS * 1000000;
	say("%s: %s%s", name, what, early ? ", too early" : "");
}

// Events come after some signals each; no deadline of one wait is another's.
static void waits(void) {
	for (int i = 0; i < 8; i++) {
		char c = 'x';
		pid_t writer = must(fork());
		if (writer == 0) {
			int until = s->signals + 4;
			while (s->signals < until)
				nanosleep(&(struct timespec){0, 5000000}, NULL);
			_exit(write(pipes[1], &c, 1) != 1);
		}
		long n = epoll_wait(poller, &event, 1, 20 * TIMEOUT_MS);
		say("with an event: %s", outcome_of(n));
		check(read(pipes[0], &c, 1) == 1);
		must(waitpid(writer, NULL, 0));
	}
	for (int i = 0; i < 2; i++)
		timed_out("without one", c_epoll_wait);
}

int main(int argc, char **argv) {
	s = (void *)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(pipe(pipes));
	poller = must(epoll_create1(0));
	event.events = EPOLLIN;
	must(epoll_ctl(poller, EPOLL_CTL_ADD, pipes[0], &event));
	semaphore = must(semget(IPC_PRIVATE, 1, 0600));
	must(syscall(SYS_io_setup, 1, &aio));
	struct timeval t = {0, TIMEOUT_MS * 1000};
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	listener = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must(bind(listener, (void *)&(struct sockaddr_un){.sun_family = AF_UNIX}, sizeof(sa_family_t)));
	must(listen(listener, 1));
	must(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
	signal(SIGUSR1, SIG_IGN);
	pid_t pid = signaller(getpid());
	if (argc > 1)
		waits();
	else
		for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
			timed_out(calls[i].name, calls[i].wait);
	s->done = 1;
	must(waitpid(pid, NULL, 0));
	must(semctl(semaphore, 0, IPC_RMID));
	return 0;
}
