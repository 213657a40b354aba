// siginfo and queues: 2,000 real-time signals with values, every way of
// sending, every field; none lost, none doubled, order kept.
#include "observe.h"
#include <mqueue.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>

#define N 2000
static volatile int n, order_errors, field_errors;
static volatile int got[4 * N], numbers[4 * N];
static volatile pid_t sender;
static siginfo_t last;
static volatile int depth;

static void collect(int sig, siginfo_t *i, void *u) {
	// In one instruction: the next signal may interrupt us anywhere.
	int at = __atomic_fetch_add(&n, 1, __ATOMIC_SEQ_CST);
	if (at < 4 * N) {
		got[at] = i->si_value.sival_int;
		numbers[at] = sig - SIGRTMIN;
	}
	if (i->si_signo != sig || i->si_code != SI_QUEUE || i->si_pid != sender || i->si_uid != getuid())
		field_errors++;
}

// A handler with calls of its own, which the next signals interrupt.
static void nested(int sig, siginfo_t *i, void *u) {
	__atomic_add_fetch(&depth, 1, __ATOMIC_SEQ_CST);
	collect(sig, i, u);
	if (syscall(SYS_getppid) != getppid())
		field_errors++;
	__atomic_sub_fetch(&depth, 1, __ATOMIC_SEQ_CST);
}

static void note(int sig, siginfo_t *i, void *u) { last = *i, n++; }

static void note_first(int sig, siginfo_t *i, void *u) {
	if (n++ == 0)
		last = *i;
}

static void block(int how, int first, int count) {
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < count; i++)
		sigaddset(&set, first + i);
	check(sigprocmask(how, &set, NULL) == 0);
}

static void verdict(const char *what, int want) {
	int wrong = 0;
	for (int i = 0; i < n && i < want; i++)
		wrong += got[i] != i;
	say("%s: %d of %d, wrong values %d, wrong fields %d", what, n, want, wrong, field_errors);
	n = field_errors = 0;
}

static void one_number(void) {
	on_signal(SIGRTMIN, collect, 0);
	sender = getpid();
	block(SIG_BLOCK, SIGRTMIN, 1);
	for (int i = 0; i < N; i++)
		must(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
	block(SIG_UNBLOCK, SIGRTMIN, 1);
	verdict("to itself, blocked", N);
	for (int i = 0; i < N; i++)
		must(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
	verdict("to itself, open", N);

	block(SIG_BLOCK, SIGRTMIN, 1);
	pid_t me = getpid();
	pid_t pid = must(fork());
	if (pid == 0) {
		for (int i = 0; i < N; i++)
			must(sigqueue(me, SIGRTMIN, (union sigval){.sival_int = i}));
		_exit(0);
	}
	sender = pid;
	wait_for(pid);
	block(SIG_UNBLOCK, SIGRTMIN, 1);
	verdict("from a child, blocked", N);

	// Both run, the receiver in calls all the time.
	int *up = shared(4096);
	pid = must(fork());
	if (pid == 0) {
		await(*up);
		for (int i = 0; i < N; i++)
			must(sigqueue(me, SIGRTMIN, (union sigval){.sival_int = i}));
		_exit(0);
	}
	sender = pid;
	*up = 1;
	while (n < N) {
		check(syscall(SYS_getppid) == getppid());
		struct timespec t = {0, 1000};
		nanosleep(&t, NULL);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
	}
	await(n >= N);
	verdict("from a child, open", N);

	// The same with calls inside the handler and nothing masked. A signal that
	// interrupts the handler before it counts would be counted first: order is
	// not asked for here.
	on_signal(SIGRTMIN, nested, SA_NODEFER);
	*up = 0;
	pid = must(fork());
	if (pid == 0) {
		await(*up);
		for (int i = 0; i < N; i++)
			must(sigqueue(me, SIGRTMIN, (union sigval){.sival_int = i}));
		_exit(0);
	}
	sender = pid;
	*up = 1;
	check(wait_for(pid) == 0);
	await(n >= N && depth == 0);
	say("nested handlers: %d of %d, wrong fields %d", n, N, field_errors);
	n = field_errors = 0;
}

static void many_numbers(void) {
	// The lowest number first, each in its order.
	for (int i = 0; i < 5; i++) {
		struct sigaction a = {.sa_sigaction = collect, .sa_flags = SA_SIGINFO};
		sigfillset(&a.sa_mask);
		must(sigaction(SIGRTMIN + i, &a, NULL));
	}
	sender = getpid();
	block(SIG_BLOCK, SIGRTMIN, 5);
	for (int i = 0; i < N; i++)
		must(sigqueue(getpid(), SIGRTMIN + (i * 3) % 5, (union sigval){.sival_int = i}));
	block(SIG_UNBLOCK, SIGRTMIN, 5);
	int wrong = 0;
	for (int i = 1; i < n; i++)
		wrong += numbers[i] < numbers[i - 1] || (numbers[i] == numbers[i - 1] && got[i] <= got[i - 1]);
	say("five numbers: %d of %d, out of order %d, wrong fields %d", n, N, wrong, field_errors);
	n = field_errors = 0;

	// Those of the thread go before those of the process.
	block(SIG_BLOCK, SIGRTMIN, 1);
	for (int i = 0; i < 50; i++) {
		must(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 50 + i}));
		check(pthread_sigqueue(pthread_self(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
	}
	block(SIG_UNBLOCK, SIGRTMIN, 1);
	verdict("thread before process", 100);

	// Without a mask each handler is entered before the former one runs: the
	// kernel sets up all frames first, so the order of running is reversed.
	for (int i = 0; i < 5; i++)
		on_signal(SIGRTMIN + i, collect, SA_NODEFER);
	block(SIG_BLOCK, SIGRTMIN, 5);
	for (int i = 0; i < 20; i++)
		must(sigqueue(getpid(), SIGRTMIN + i % 5, (union sigval){.sival_int = i}));
	block(SIG_UNBLOCK, SIGRTMIN, 5);
	char text[200];
	int length = 0;
	for (int i = 0; i < n; i++)
		length += snprintf(text + length, sizeof text - length, " %d/%d", numbers[i], got[i]);
	say("frames on frames:%s", text);
	n = field_errors = 0;
}

static void show(const char *what) {
	say("%s: %d times, %s, code %d, errno %d, pid %s, value %d", what, n, signame(last.si_signo), last.si_code, last.si_errno,
		last.si_pid == getpid() ? "own" : last.si_pid == sender ? "sender's" : last.si_pid ? "other" : "0", last.si_value.sival_int);
	n = 0;
}

static void every_way(void) {
	on_signal(SIGUSR1, note, 0);
	on_signal(SIGRTMIN, note, 0);
	memset(&last, 0, sizeof last);
	kill(getpid(), SIGUSR1);
	show("kill");
	raise(SIGUSR1);
	show("tgkill");
	syscall(SYS_tkill, tid_self(), SIGUSR1);
	show("tkill");
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1234});
	show("sigqueue");
	pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){.sival_int = 4321});
	show("pthread_sigqueue");

	sender = must(fork());
	if (sender == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	wait_for(sender);
	await(n == 1);
	show("kill by a child");

	// Standard signals do not queue: the first one stays.
	block(SIG_BLOCK, SIGUSR1, 1);
	for (int i = 0; i < 100; i++)
		sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 7 + i});
	block(SIG_UNBLOCK, SIGUSR1, 1);
	show("100 times, blocked");

	// Raw siginfo: any negative code, all bytes of the payload. To ourselves any
	// code at all, even one that looks like an event of ptrace.
	const int codes[] = {SI_QUEUE, -60, -100, -0x7fffffff, 0, 1, 5, 0x80, 0x85, 5 | 7 << 8, 5 | 1 << 8, 5 | 4 << 8, 19 | 128 << 8, 0x7fffffff};
	for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
		for (int k = 0; k < 3; k++) {
			const int sigs[] = {SIGRTMIN, SIGUSR1, SIGTRAP};
			union { siginfo_t i; unsigned char b[128]; } out, in;
			on_signal(sigs[k], note, 0);
			// Beyond the fields that the kernel knows only zeros are allowed.
			for (int j = 0; j < 128; j++)
				out.b[j] = j < (sizeof(long) == 8 ? 48 : 32) ? j * 7 + i + 1 : 0;
			out.i.si_signo = sigs[k], out.i.si_errno = 77, out.i.si_code = codes[i];
			memset(&last, 0xee, sizeof last);
			n = 0;
			int r = syscall(SYS_rt_sigqueueinfo, getpid(), sigs[k], &out);
			in.i = last;
			int same = 0;
			while (same < 128 && in.b[same] == out.b[same])
				same++;
			say("rt_sigqueueinfo %s code %#x: %s, %d times, same bytes %d", sigs[k] == SIGRTMIN ? "SIGRTMIN" : signame(sigs[k]),
				codes[i], outcome_of(r), n, same);
		}
	n = 0;
	signal(SIGTRAP, SIG_DFL);
	on_signal(SIGRTMIN, note, 0);

	timer_t timer;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 99};
	must(timer_create(CLOCK_MONOTONIC, &e, &timer));
	timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1000}, NULL);
	await(n == 1);
	say("timer: code %d, value %d, overrun %d", last.si_code, last.si_value.sival_int, last.si_overrun);
	n = 0;
	timer_delete(timer);
	// A timer that runs on while its signal is blocked: one signal, and overruns.
	must(timer_create(CLOCK_MONOTONIC, &e, &timer));
	block(SIG_BLOCK, SIGRTMIN, 1);
	timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 100000, .it_interval.tv_nsec = 100000}, NULL);
	for (int i = 0; i < 20; i++)
		pause_briefly();
	n = 0;
	on_signal(SIGRTMIN, note_first, 0);
	block(SIG_UNBLOCK, SIGRTMIN, 1);
	await(n > 0);
	say("timer, blocked: overrun %d", last.si_overrun > 0);
	timer_settime(timer, 0, &(struct itimerspec){}, NULL);
	on_signal(SIGRTMIN, note, 0);
	n = 0;
	timer_delete(timer);

	on_signal(SIGALRM, note, 0);
	setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 1000}, NULL);
	await(n == 1);
	show("setitimer");

	on_signal(SIGIO, note, 0);
	on_signal(SIGRTMIN + 1, note, 0);
	int fds[2];
	must(pipe(fds));
	fcntl(fds[0], F_SETOWN, getpid());
	fcntl(fds[0], F_SETSIG, SIGRTMIN + 1);
	fcntl(fds[0], F_SETFL, O_ASYNC);
	check(write(fds[1], "x", 1) == 1);
	await(n == 1);
	say("F_SETSIG: code %d, band %ld, fd %d", last.si_code, (long)last.si_band, last.si_fd == fds[0]);
	n = 0;

	char name[32];
	snprintf(name, sizeof name, "/k42-q-%d", getpid());
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	mqd_t q = must(mq_open(name, O_CREAT | O_RDWR, 0600, &attributes));
	mq_unlink(name);
	e.sigev_value.sival_int = 66;
	must(mq_notify(q, &e));
	must(mq_send(q, "a", 1, 0));
	await(n == 1);
	show("mq_notify");

	// The end of a child in each way.
	on_signal(SIGCHLD, note, 0);
	for (int way = 0; way < 2; way++) {
		sender = must(fork());
		if (sender == 0) {
			if (way)
				raise(SIGKILL);
			_exit(55);
		}
		pid_t child = sender;
		await(n == 1);
		say("SIGCHLD: code %d, status %d, pid %d", last.si_code, last.si_status, last.si_pid == child);
		n = 0;
		wait_for(child);
	}
	signal(SIGCHLD, SIG_DFL);
}

static sigjmp_buf out;
static void jump(int sig, siginfo_t *i, void *u) {
	last = *i;
	siglongjmp(out, 1);
}

static void faults(void) {
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	for (int i = 0; i < 4; i++)
		on_signal(sigs[i], jump, SA_NODEFER);
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = must(memfd_create("empty", 0));
	char *file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	volatile int zero = 0;
	for (int i = 0; i < 5; i++) {
		volatile uintptr_t where = 0;
		if (sigsetjmp(out, 1) == 0)
			switch (i) {
			case 0: where = 0x123000; *(volatile char *)0x123000 = 1; break;
			case 1: where = (uintptr_t)page + 100; page[100] = 1; break;
			case 2: where = (uintptr_t)file + 8; zero = file[8]; break;
			case 3: zero = 1000 / zero; break;
			case 4: __builtin_trap();
			}
		else
			say("fault %d: %s, code %d, address %s", i, signame(last.si_signo), last.si_code,
				i > 2 ? (last.si_addr != NULL ? "of the instruction" : "0") : (uintptr_t)last.si_addr == where ? "as expected" : "other");
	}
}

static void taken(void) {
	sigset_t set;
	sigemptyset(&set);
	for (int i = 0; i < 3; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < N; i++)
		must(sigqueue(getpid(), SIGRTMIN + i % 3, (union sigval){.sival_int = i}));
	struct timespec none = {0, 0};
	siginfo_t info;
	int wrong = 0, count = 0;
	for (; count < N / 2; count++) {
		int r = must(sigtimedwait(&set, &info, &none));
		wrong += info.si_signo != r || info.si_code != SI_QUEUE || info.si_pid != getpid();
	}
	int fd = must(signalfd(-1, &set, SFD_NONBLOCK));
	struct signalfd_siginfo f[64];
	ssize_t r;
	int before = -1, number = 0;
	while ((r = read(fd, f, sizeof f)) > 0)
		for (unsigned i = 0; i < r / sizeof *f; i++, count++) {
			if ((int)f[i].ssi_signo != number)
				number = f[i].ssi_signo, before = -1;
			wrong += f[i].ssi_code != SI_QUEUE || (int)f[i].ssi_pid != getpid() || f[i].ssi_int <= before;
			before = f[i].ssi_int;
		}
	say("taken by sigtimedwait and signalfd: %d of %d, wrong %d, then %s", count, N, wrong, errname(errno));
	say("then: %s", outcome_of(sigtimedwait(&set, &info, &none)));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static volatile int limited, codes_user;
static void count_limited(int sig, siginfo_t *i, void *u) { limited++, codes_user += i->si_code == SI_USER; }

static void limit(void) {
	// With the queue full by the limit, sigqueue fails, kill comes without siginfo.
	on_signal(SIGRTMIN, count_limited, 0);
	block(SIG_BLOCK, SIGRTMIN, 1);
	pid_t pid = must(fork());
	if (pid == 0) {
		char status[4096];
		slurp("/proc/self/status", status, sizeof status);
		int used = atoi(strstr(status, "\nSigQ:") + 7);
		struct rlimit l = {used + 64, used + 64};
		must(setrlimit(RLIMIT_SIGPENDING, &l));
		int sent = 0;
		while (sent < 1000 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = sent}) == 0)
			sent++;
		int e = errno;
		// Others of our user may queue and take signals meanwhile.
		sent += raise(SIGRTMIN) == 0;
		block(SIG_UNBLOCK, SIGRTMIN, 1);
		say("limit of 64: about so many sent %d, then %s, all handled %d", sent > 48 && sent < 80, errname(e), limited == sent);
		_exit(0);
	}
	wait_for(pid);
	block(SIG_UNBLOCK, SIGRTMIN, 1);
}

int main(void) {
	one_number();
	many_numbers();
	every_way();
	faults();
	taken();
	limit();
	return 0;
}
