// Signals that come while calls are handled.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KINDS = 3 };

static struct shared {
	volatile int standard; // handled
	volatile int done;
} *shared;

static pid_t sender;
static int next[KINDS], standard, wrong;

static void storm_handler(int sig, siginfo_t *info, void *context) {
	if (sig == SIGUSR1 || sig == SIGUSR2) {
		wrong += info->si_code != SI_USER || info->si_pid != sender || info->si_signo != sig;
		standard++;
		shared->standard++;
		return;
	}
	int kind = sig - SIGRTMIN;
	wrong += info->si_code != SI_QUEUE || info->si_pid != sender || info->si_value.sival_int != next[kind];
	next[kind]++;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *)) {
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigfillset(&a.sa_mask);
	sigaction(sig, &a, NULL);
}

// feed gives the reader something to read, if it has read all that there was.
static void feed(int fd) {
	int left = 0;
	ioctl(fd, FIONREAD, &left);
	if (left)
		sched_yield();
	else
		write(fd, "r", 1);
}

// storm reads a pipe while another process sends it n signals.
static int storm(int n) {
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int p[2];
	pipe(p);
	install(SIGUSR1, storm_handler);
	install(SIGUSR2, storm_handler);
	for (int i = 0; i < KINDS; i++)
		install(SIGRTMIN + i, storm_handler);
	pid_t main = getpid();
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old); // until sender is known
	sender = fork();
	if (sender == 0) {
		int value[KINDS] = {0}, sent = 0;
		for (int i = 0; i < n; i++) {
			if (i % 10 == 0) { // one of a standard signal at a time
				kill(main, i % 20 ? SIGUSR1 : SIGUSR2);
				sent++;
				while (shared->standard < sent)
					feed(p[1]);
				continue;
			}
			int kind = i % KINDS;
			union sigval v = {.sival_int = value[kind]++};
			while (sigqueue(main, SIGRTMIN + kind, v) != 0)
				sched_yield();
			if (i % 7 == 0)
				feed(p[1]);
		}
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(p[1]);
	char c;
	long reads = 0, got;
	while ((got = read(p[0], &c, 1)) != 0)
		if (got == 1)
			reads++;
		else if (errno != EINTR)
			return 1;
	waitpid(sender, NULL, 0);
	int sum = standard;
	for (int i = 0; i < KINDS; i++)
		sum += next[i];
	printf("%d signals, %d standard, %d wrong\n", sum, standard, wrong);
	return reads == 0;
}

// What follows is about one call, getppid or another, whose handler writes to BEGUN and
// reads from AWAIT, which is when the other thread has sent its signals.
enum { AWAIT = 100, SENT, START, BEGUN };
static pthread_t first;

static void show_handler(int sig, siginfo_t *info, void *context) {
	char line[100];
	int n = snprintf(line, sizeof line, "signal %d code %d from me %d value %d\n",
		sig < SIGRTMIN ? sig : sig - SIGRTMIN + 100, info->si_code, info->si_pid == getpid(),
		sig < SIGRTMIN ? 0 : info->si_value.sival_int);
	write(1, line, n);
}

static void *send_all(void *arg) {
	union sigval v;
	char c;
	read(START, &c, 1);
	for (int i = 0; i < 3; i++) {
		v.sival_int = 10 + i;
		pthread_sigqueue(first, SIGRTMIN + 3, v);
	}
	v.sival_int = 7;
	pthread_sigqueue(first, SIGRTMIN + 2, v);
	kill(getpid(), SIGUSR2);
	pthread_kill(first, SIGUSR1);
	pthread_kill(first, SIGUSR1);
	if (arg)
		kill(getpid(), SIGKILL);
	write(SENT, "g", 1);
	return NULL;
}

static void wait_for(int sig, sigset_t *set) {
	siginfo_t info;
	int got = sigwaitinfo(set, &info);
	show_handler(got, &info, NULL);
}

static int deferred(const char *mode, char **argv) {
	sigset_t set, old;
	pthread_t t;
	int p[2];
	pipe(p);
	dup2(p[0], AWAIT);
	dup2(p[1], SENT);
	pipe(p);
	dup2(p[0], START);
	dup2(p[1], BEGUN);
	first = pthread_self();
	for (int i = 0; i < 4; i++)
		install(i < 2 ? (i ? SIGUSR2 : SIGUSR1) : SIGRTMIN + i, show_handler);
	sigset_t other;
	sigfillset(&other);
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, i < 2 ? (i ? SIGUSR2 : SIGUSR1) : SIGRTMIN + i);
	// The other thread takes none of them.
	sigprocmask(SIG_BLOCK, &set, &old);
	pthread_create(&t, NULL, send_all, !strcmp(mode, "killed") ? &set : NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!strcmp(mode, "plain") || !strcmp(mode, "killed")) {
		long r = getppid();
		printf("call %d\n", r > 0);
		fflush(stdout);
	} else if (!strcmp(mode, "masked")) {
		// The handler first waits, then lets the call run.
		sigprocmask(SIG_BLOCK, &set, NULL);
		sigset_t pending;
		sigpending(&pending);
		printf("pending %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 3));
		fflush(stdout);
		for (int i = 0; i < 6; i++)
			wait_for(0, &set);
	} else {
		sigprocmask(SIG_BLOCK, &set, NULL);
		execl(argv[0], argv[0], "execed", NULL);
	}
	pthread_join(t, NULL);
	return 0;
}

// execed takes the signals that were sent while the call was under way that has
// executed this program.
static int execed(void) {
	sigset_t set, mask;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, i < 2 ? (i ? SIGUSR2 : SIGUSR1) : SIGRTMIN + i);
	printf("blocked %d\n", sigismember(&mask, SIGUSR1));
	fflush(stdout);
	for (int i = 0; i < 6; i++)
		wait_for(0, &set);
	return 0;
}

int main(int argc, char **argv) {
	if (!strcmp(argv[1], "storm"))
		return storm(atoi(argv[2]));
	if (!strcmp(argv[1], "execed"))
		return execed();
	return deferred(argv[1], argv);
}
