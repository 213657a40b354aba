// Signals that come while a program makes calls as fast as it can, and while it
// waits in them: what handlers see of the place that they interrupt, and what
// becomes of the calls.
#include "observe.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <ucontext.h>

static int fds[2];

// ---- backtraces out of calls that block ----

static volatile int traced_frames;
static void *frames[64];
static volatile uintptr_t interrupted_at, rcx, r11, rax;

static void on_trace(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	interrupted_at = c->uc_mcontext.gregs[REG_RIP];
	rcx = c->uc_mcontext.gregs[REG_RCX], r11 = c->uc_mcontext.gregs[REG_R11], rax = c->uc_mcontext.gregs[REG_RAX];
	traced_frames = backtrace(frames, 64);
}

static int word;
static void in_read(void) { char c; check(read(fds[0], &c, 1) == -1 && errno == EINTR); }
static void in_poll(void) { struct pollfd p = {fds[0], POLLIN, 0}; check(poll(&p, 1, -1) == -1 && errno == EINTR); }
static void in_nanosleep(void) { struct timespec t = {1000, 0}; check(nanosleep(&t, NULL) == -1 && errno == EINTR); }
static void in_futex(void) { check(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno == EINTR); }
static void in_select(void) { fd_set set; FD_ZERO(&set); FD_SET(fds[0], &set); check(select(fds[0] + 1, &set, NULL, NULL, NULL) == -1 && errno == EINTR); }
static void in_epoll(void) { int e = epoll_create1(0); struct epoll_event v; check(epoll_wait(e, &v, 1, -1) == -1 && errno == EINTR); close(e); }
static void in_pause(void) { pause(); }
static pid_t lasting;
static void in_wait(void) { check(waitpid(lasting, NULL, 0) == -1 && errno == EINTR); }
static struct { const char *name; void (*enter)(void); } blocking[] = {
	{"read", in_read}, {"poll", in_poll}, {"nanosleep", in_nanosleep}, {"futex", in_futex}, {"select", in_select}, {"epoll_wait", in_epoll}, {"pause", in_pause}, {"waitpid", in_wait},
};

static void __attribute__((noinline)) third(int k) { blocking[k].enter(); }
static void __attribute__((noinline)) second(int k) { third(k); errno = 0; }
static void __attribute__((noinline)) outermost(int k) { second(k); errno = 0; }

// places says where addresses are: in which file, and how far from its beginning.
static void tell_frames(const char *name) {
	char line[1500];
	int n = snprintf(line, sizeof line, "%s: %d frames:", name, traced_frames);
	for (int i = 0; i < traced_frames && n < 1300; i++) {
		Dl_info d;
		if (!dladdr(frames[i], &d) || !d.dli_fname)
			n += snprintf(line + n, sizeof line - n, " NOWHERE");
		else
			n += snprintf(line + n, sizeof line - n, " %.6s%+ld", strrchr(d.dli_fname, '/') + 1, (long)((char *)frames[i] - (char *)d.dli_fbase));
	}
	say("%s", line);
	Dl_info d;
	int known = dladdr((void *)interrupted_at, &d) && d.dli_fbase;
	say("interrupted at %#lx, rcx there %d, rax %ld", known ? (long)(interrupted_at - (uintptr_t)d.dli_fbase) : -1, rcx == interrupted_at, (long)rax);
}

static void backtraces(void) {
	on_signal(SIGUSR1, on_trace, 0);
	must(pipe(fds));
	void *some[4];
	backtrace(some, 4); // it loads what it needs at its first time
	pid_t me = getpid();
	lasting = must(fork());
	if (lasting == 0)
		for (;;)
			pause();
	for (unsigned k = 0; k < sizeof blocking / sizeof *blocking; k++) {
		for (int often = 0; often < 6; often++) {
			pid_t sender = must(fork());
			if (sender == 0) {
				await_state(me, me, "S");
				// The first S may have been another: of a state that stays.
				for (int i = 0; i < 3; i++)
					pause_briefly(), await_state(me, me, "S");
				kill(me, SIGUSR1);
				_exit(0);
			}
			traced_frames = 0;
			outermost(k);
			check(traced_frames > 4);
			if (often == 0 || often == 5)
				tell_frames(blocking[k].name);
			wait_for(sender);
		}
	}
	kill(lasting, SIGKILL);
	wait_for(lasting);
}

// ---- signals at any moment ----

// Where a program can be interrupted: its own text and that of its libraries.
static struct { uintptr_t from, to; } text[64];
static int texts;
static void find_text(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], rights[8], path[256];
	while (fgets(line, sizeof line, maps) && texts < 64) {
		path[0] = 0;
		sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &text[texts].from, &text[texts].to, rights, path);
		if (rights[2] == 'x' && (path[0] == '/' || path[0] == '[') && !strstr(line, "(deleted)"))
			texts++;
	}
	fclose(maps);
}
static int is_text(uintptr_t a) {
	for (int i = 0; i < texts; i++)
		if (a >= text[i].from && a < text[i].to)
			return 1;
	return 0;
}

static volatile int handled, depth, strange, shallow, bad_return, wrong_inside;
static void on_any(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	int saved = errno;
	if (depth > 3)
		return;
	depth++;
	uintptr_t ip = c->uc_mcontext.gregs[REG_RIP];
	handled++;
	if (!is_text(ip))
		strange++;
	// Behind a system-call instruction, rcx is where it returned to.
	else if (((unsigned char *)ip)[-2] == 0x0f && ((unsigned char *)ip)[-1] == 0x05 && (uintptr_t)c->uc_mcontext.gregs[REG_RCX] != ip)
		bad_return++;
	if (handled % 16 == 0) {
		void *f[256];
		int n = backtrace(f, 256), reached = 0;
		extern int main(int, char **);
		for (int k = 0; k < n; k++)
			reached += (uintptr_t)f[k] >= (uintptr_t)main && (uintptr_t)f[k] < (uintptr_t)main + 400;
		shallow += !reached;
	}
	char ch; // calls of its own, from the same places
	wrong_inside += getppid() <= 0 || read(-1, &ch, 1) != -1 || errno != EBADF;
	depth--;
	errno = saved;
}

static volatile int enough;
static pthread_t target;

// The sender waits for the target to get on: with signals sent faster than handlers
// end, nested ones fill any stack. So at most at_once of them come between two steps
// of the program, at any moment between these.
static volatile unsigned steps;
static int at_once;
static void *sender(void *unused) {
	unsigned seen = steps, chance = 1;
	while (!enough) {
		if (steps == seen) {
			sched_yield();
			continue;
		}
		seen = steps;
		for (int i = 0; i < at_once; i++) {
			chance = chance * 1103515245 + 12345;
			for (volatile unsigned k = chance >> 16 & 1023; k > 0; k--)
				;
			pthread_kill(target, SIGUSR1);
		}
	}
	return unused;
}

static int calls(int rounds) {
	int wrong = 0;
	pid_t parent = getppid(), me = getpid();
	char c[8];
	for (int i = 0; i < rounds; i++) {
		steps++;
		wrong += getppid() != parent || syscall(SYS_getpid) != me;
		wrong += read(-1, c, 1) != -1 || errno != EBADF;
		steps++;
		wrong += write(fds[1], "abc", 3) != 3 || read(fds[0], c, 3) != 3 || memcmp(c, "abc", 3);
		steps++;
		int fd = open("/nonexistent/path", O_RDONLY);
		wrong += fd != -1 || errno != ENOENT;
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		wrong += fd < 0 || write(fd, "abc", 3) != 3 || close(fd) != 0;
		steps++;
		wrong += lseek(-1, 0, SEEK_SET) != -1 || errno != EBADF;
		struct timespec none = {0, 0};
		int r = clock_nanosleep(CLOCK_MONOTONIC, 0, &none, NULL);
		wrong += r != 0 && r != EINTR;
		wrong += poll(NULL, 0, 0) == -1 && errno != EINTR;
	}
	return wrong;
}

static void storm_with(int flags, const char *name) {
	pthread_t t;
	handled = strange = shallow = bad_return = wrong_inside = enough = 0;
	on_signal(SIGUSR1, on_any, flags);
	target = pthread_self();
	at_once = flags & SA_NODEFER ? 3 : 1;
	check(pthread_create(&t, NULL, sender, NULL) == 0);
	int wrong = 0, rounds = 0;
	while (handled < 3000 || rounds < 20)
		wrong += calls(20), rounds++;
	enough = 1;
	pthread_join(t, NULL);
	if (flags & SA_NODEFER)
		shallow = 0; // of a signal in the unwinder they are so natively
	say("%s: %d wrong results, %d in handlers; of the signals, %d at strange places, %d with wrong return addresses, %d backtraces without main", name, wrong, wrong_inside, strange, bad_return, shallow);
}

// Signals at a program that makes calls that return at once.
static void storm(void) {
	static char stack[1 << 17];
	must(pipe(fds));
	void *some[4];
	backtrace(some, 4); // loads a library
	find_text();
	storm_with(0, "a handler");
	storm_with(SA_RESTART | SA_NODEFER, "nested");
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	must(sigaltstack(&alternate, NULL));
	storm_with(SA_ONSTACK, "on an alternate stack");
	// By a timer, which comes wherever the program is.
	handled = strange = shallow = bad_return = wrong_inside = 0;
	on_signal(SIGALRM, on_any, SA_RESTART);
	struct itimerval every = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	setitimer(ITIMER_REAL, &every, NULL);
	int wrong = 0;
	while (handled < 1000)
		wrong += calls(10);
	setitimer(ITIMER_REAL, &never, NULL);
	say("a timer: %d wrong results, %d in handlers, %d strange places, %d wrong return addresses, %d without main", wrong, wrong_inside, strange, bad_return, shallow);
}

// ---- signals at calls that block ----

static volatile long eintr;
static volatile int ends;
static void on_count(int s, siginfo_t *i, void *u) { handled++; }

// Two threads pass bytes to and fro through blocking pipes, while a third sends
// signals to both.
static int to[2], fro[2];
static int restarts;
static volatile unsigned transfers;
static long transfer(int fd, char *c, int writes) {
	long r;
	while ((r = writes ? write(fd, c, 1) : read(fd, c, 1)) == -1 && errno == EINTR)
		__sync_fetch_and_add(&eintr, 1);
	transfers++;
	return r;
}
static void *echoes(void *unused) {
	char c;
	while (transfer(fro[0], &c, 0) == 1 && transfer(to[1], &c, 1) == 1)
		;
	return unused;
}
static pthread_t both[2];
static void *sends(void *unused) {
	unsigned seen = transfers;
	while (!ends) {
		if (seen == transfers) { // else handlers may be all that ever runs
			sched_yield();
			continue;
		}
		seen = transfers;
		pthread_kill(both[0], SIGUSR1), pthread_kill(both[1], SIGUSR1);
	}
	return unused;
}
static void pingpong_with(int flags, const char *name) {
	pthread_t t, s;
	handled = eintr = ends = 0;
	restarts = flags & SA_RESTART;
	on_signal(SIGUSR1, on_count, flags);
	must(pipe(to)), must(pipe(fro));
	check(pthread_create(&t, NULL, echoes, NULL) == 0);
	both[0] = pthread_self(), both[1] = t;
	check(pthread_create(&s, NULL, sends, NULL) == 0);
	int wrong = 0;
	for (int i = 0; i < 3000 || handled < 2000; i++) {
		char c = i, back = ~c;
		wrong += transfer(fro[1], &c, 1) != 1 || transfer(to[0], &back, 0) != 1 || back != (char)i;
	}
	ends = 1;
	pthread_join(s, NULL);
	close(fro[1]);
	pthread_join(t, NULL);
	close(fro[0]), close(to[0]), close(to[1]);
	say("%s: %d wrong, calls ended by signals: %s", name, wrong, restarts ? (eintr ? "some" : "none") : "any number");
}

static void pingpong(void) {
	pingpong_with(SA_RESTART, "restarted");
	pingpong_with(0, "not restarted");
}

// Sleeps and futexes that are interrupted all the time last as long as they should,
// and say what remains. The next signal comes some time after the last has been
// handled: a sleep gets on only while it sleeps.
static void *sends_sleep(void *unused) {
	struct timespec little = {0, 100000};
	while (!ends) {
		int before = handled;
		pthread_kill(target, SIGUSR1);
		while (handled == before && !ends)
			sched_yield();
		nanosleep(&little, NULL);
	}
	return unused;
}
static void sleeps(void) {
	pthread_t s;
	target = pthread_self();
	on_signal(SIGUSR1, on_count, 0);
	check(pthread_create(&s, NULL, sends_sleep, NULL) == 0);
	int early = 0, interruptions = 0, wrong = 0;
	for (int i = 0; i < 5; i++) {
		struct timespec t = {0, 30000000};
		int64_t begin = now_ns();
		while (nanosleep(&t, &t) == -1 && errno == EINTR)
			interruptions++;
		early += now_ns() - begin < 30000000;
		begin = now_ns();
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (until.tv_nsec + 30000000) / 1000000000, until.tv_nsec = (until.tv_nsec + 30000000) % 1000000000;
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			interruptions++;
		early += now_ns() - begin < 30000000;
		begin = now_ns();
		long r;
		while ((r = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &until, NULL, -1)) == -1 && errno == EINTR)
			interruptions++;
		wrong += r != -1 || errno != ETIMEDOUT;
		struct pollfd nothing = {-1, 0, 0};
		for (int k = 0; k < 5; k++)
			wrong += poll(&nothing, 1, 1) == -1 && errno != EINTR;
	}
	ends = 1;
	pthread_join(s, NULL);
	say("early %d, wrong %d, interrupted: %d", early, wrong, interruptions > 5);
}

// Out of calls that block, and of any others, by siglongjmp.
static sigjmp_buf out;
static volatile sig_atomic_t may_jump;
static void on_jump(int s, siginfo_t *i, void *u) {
	handled++;
	if (may_jump)
		siglongjmp(out, 1);
}
static void jumps(void) {
	pthread_t s;
	must(pipe(fds));
	target = pthread_self();
	on_signal(SIGUSR1, on_jump, 0);
	check(pthread_create(&s, NULL, sends_sleep, NULL) == 0);
	volatile int jumped = 0, wrong = 0;
	pid_t parent = getppid();
	while (jumped < 1200) {
		if (sigsetjmp(out, 1) == 0) {
			may_jump = 1;
			for (;;) {
				char c;
				switch (jumped % 4) {
				case 0: (void)!read(fds[0], &c, 1); break;
				case 1: while (getppid() == parent) ; wrong++; break;
				case 2: while (read(-1, &c, 1) == -1) ; wrong++; break;
				case 3: poll(NULL, 0, 10); break;
				}
			}
		}
		may_jump = 0;
		jumped++;
		if (jumped % 100 == 0)
			wrong += getppid() != parent || syscall(SYS_getpid) != getpid() || close(-1) != -1 || errno != EBADF;
	}
	ends = 1;
	pthread_join(s, NULL);
	say("jumped %d times, wrong %d", jumped, wrong);
}

// ---- the resources of a process, and its end ----

enum { ALIVE = 700 };
static pthread_barrier_t together;
static volatile int thread_wrong;
static void *one_of_many(void *arg) {
	int wrong = 0;
	pthread_barrier_wait(&together);
	for (int i = 0; i < 20; i++) {
		char c[2];
		wrong += syscall(SYS_gettid) != tid_self() || read(-1, c, 1) != -1 || errno != EBADF;
		wrong += write(fds[1], "z", 1) != 1 || read(fds[0], c, 1) != 1;
	}
	pthread_barrier_wait(&together);
	__sync_fetch_and_add(&thread_wrong, wrong);
	return arg;
}

// More threads at a time than there may be places for.
static void many_alive(void) {
	static pthread_t t[ALIVE];
	must(pipe(fds));
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int round = 0; round < 2; round++) {
		pthread_barrier_init(&together, NULL, ALIVE);
		for (long i = 0; i < ALIVE; i++)
			check(pthread_create(&t[i], &small, one_of_many, (void *)i) == 0);
		for (int i = 0; i < ALIVE; i++)
			pthread_join(t[i], NULL);
	}
	say("700 threads at a time, twice: %d wrong", thread_wrong);
}

static int allocated(size_t step) {
	int n = 0;
	void *p;
	while (n < 10000 && (p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED)
		*(char *)p = 1, n++;
	return n;
}

// A limit on the address space leaves as much as it leaves natively.
static void address_space(void) {
	must(pipe(fds));
	struct rlimit l = {256 << 20, 256 << 20};
	must(setrlimit(RLIMIT_AS, &l));
	int wrong = calls(20);
	int n = allocated(1 << 20);
	// (Of 256 MiB; what the program and its libraries take differs by less.)
	say("calls %d wrong; room for %s", wrong, n >= 200 ? "200 MiB or more" : outcome_of(n));
	say("with no room left: %d wrong", calls(20));
}

// No descriptor is left, before the program has made many calls.
static void no_descriptors(void) {
	struct rlimit l = {3, 3};
	must(setrlimit(RLIMIT_NOFILE, &l));
	int wrong = 0;
	for (int i = 0; i < 500; i++)
		wrong += open("/dev/null", O_RDONLY) != -1 || errno != EMFILE || write(1, "", 0) != 0;
	say("calls without descriptors: %d wrong", wrong);
}

// A root without /proc, before the program has made many calls.
static void early_root(void) {
	must(mkdir("root", 0755));
	if (chroot("root") == -1) {
		say("SKIP chroot: %s", errname(errno));
		exit(77);
	}
	must(chdir("/"));
	must(pipe(fds));
	int wrong = 0;
	char c;
	for (int i = 0; i < 500; i++)
		wrong += open("/proc/self/maps", O_RDONLY) != -1 || errno != ENOENT || write(fds[1], "x", 1) != 1 || read(fds[0], &c, 1) != 1;
	pid_t pid = must(fork());
	if (pid == 0)
		_exit(write(fds[1], "x", 1) != 1);
	say("calls in a bare root: %d wrong, a child: %s", wrong, status_of(wait_for(pid)));
}

// most_resident says how much memory the process has had at most, in kB.
static long most_resident(void) {
	char text[8192];
	int fd = must(open("/proc/self/status", O_RDONLY));
	long n = must(read(fd, text, sizeof text - 1));
	close(fd);
	text[n] = 0;
	const char *line = strstr(text, "VmHWM:");
	return line ? atol(line + 6) : -1;
}

// What is locked is all that is mapped: a few MiB, before many calls and after them.
static void locked(void) {
	must(pipe(fds));
	for (int i = 0; i < 2; i++) {
		must(mlockall(MCL_CURRENT | MCL_FUTURE));
		int wrong = calls(50);
		pid_t pid = must(fork());
		if (pid == 0) {
			wrong = calls(10);
			must(mlockall(MCL_CURRENT));
			_exit(wrong || most_resident() > 16 << 10);
		}
		say("all memory locked: %d wrong, a child: %s", wrong, status_of(wait_for(pid)));
		long most = most_resident();
		say("of memory there is %s", most > 0 && most < 16 << 10 ? "little" : "much");
		must(munlockall());
	}
}

// Other identities, after many calls.
static void identities(void) {
	must(pipe(fds));
	int wrong = calls(20);
	if (getuid() != 0) {
		say("SKIP not root");
		exit(77);
	}
	must(setgid(65534)), must(setuid(65534));
	wrong += calls(50);
	say("as nobody: %d wrong, uid %d", wrong, getuid());
	pid_t pid = must(fork());
	if (pid == 0)
		_exit(calls(50));
	say("a child: %s", status_of(wait_for(pid)));
	pid = must(fork());
	if (pid == 0) {
		char *const argv[] = {"sh", "-c", "i=0; while test $i -lt 100; do i=$((i+1)); test -e /nonexistent; done; id -u", NULL};
		execv("/bin/sh", argv);
		_exit(1);
	}
	say("a shell: %s", status_of(wait_for(pid)));
}

// A process is killed in the middle of a storm of calls of many threads.
static void *storms(void *unused) {
	for (;;)
		calls(1);
	return unused;
}
static void killed(void) {
	must(pipe(fds));
	for (int i = 0; i < 30; i++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			pthread_t t[4];
			pipe(fds);
			for (int k = 0; k < 4; k++)
				pthread_create(&t[k], NULL, storms, NULL);
			storms(NULL);
		}
		await(count_tasks(pid) == 5);
		for (int k = 0; k < i % 5; k++)
			pause_briefly();
		kill(pid, SIGKILL);
		int status = wait_for(pid);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	say("30 killed");
}

// Threads that end, are cancelled, end the process, while others make calls.
static void *ends_soon(void *arg) {
	for (long i = 0; i < (long)arg; i++)
		calls(1);
	return NULL;
}
static void thread_ends(void) {
	must(pipe(fds));
	for (int i = 0; i < 40; i++) {
		pthread_t t[6];
		for (long k = 0; k < 6; k++)
			check(pthread_create(&t[k], NULL, k & 1 ? storms : ends_soon, (void *)k) == 0);
		for (int k = 1; k < 6; k += 2)
			pthread_cancel(t[k]);
		for (int k = 0; k < 6; k++)
			pthread_join(t[k], NULL);
	}
	char c;
	must(fcntl(fds[0], F_SETFL, O_NONBLOCK));
	while (read(fds[0], &c, 1) == 1)
		;
	say("240 threads ended, then %d wrong", calls(10));
	fflush(NULL);
	pthread_t t[4];
	for (int k = 0; k < 4; k++)
		pthread_create(&t[k], NULL, storms, NULL);
	_exit(23);
}

int main(int argc, char **argv) {
	static const struct { const char *name; void (*run)(void); } cases[] = {
		{"backtraces", backtraces}, {"storm", storm}, {"pingpong", pingpong}, {"sleeps", sleeps}, {"jumps", jumps}, {"many_alive", many_alive},
		{"address_space", address_space}, {"no_descriptors", no_descriptors}, {"early_root", early_root}, {"locked", locked}, {"identities", identities},
		{"killed", killed}, {"thread_ends", thread_ends},
	};
	for (unsigned i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++)
		if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			return 0;
		}
	return 96;
}
