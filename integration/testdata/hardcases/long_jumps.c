// Handlers that never return: out of faults on an alternate stack and out of
// blocked calls, 10,000 times each. Nothing may pile up, nothing be left over.
#include "observe.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>

#define N 10000
static __thread sigjmp_buf out, outer;
static volatile int n, wrong_place, not_on_stack;
static volatile uintptr_t expected;
static char alternate[65536] __attribute__((aligned(16)));

static int on_alternate(void) {
	char here;
	return &here >= alternate && &here < alternate + sizeof alternate;
}

static void on_fault(int s, siginfo_t *i, void *u) {
	n++;
	wrong_place += (uintptr_t)i->si_addr != expected;
	not_on_stack += !on_alternate();
	siglongjmp(out, 1);
}

static void on_usr1(int s, siginfo_t *i, void *u) {
	n++;
	siglongjmp(out, 1);
}

// calls_work makes a few calls whose results are known.
static int calls_work(void) {
	return syscall(SYS_getppid) == getppid() && close(-1) == -1 && errno == EBADF && syscall(-1l) == -1 && errno == ENOSYS;
}

static void faults(void) {
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
	must(sigaltstack(&stack, NULL));
	on_signal(SIGSEGV, on_fault, SA_ONSTACK);
	volatile int broken = 0;
	for (volatile int k = 0; k < N; k++) {
		expected = 0x1000 + k * 8;
		if (sigsetjmp(out, 1) == 0) {
			*(volatile char *)expected = 1;
			broken++;
		}
		if (k % 50 == 0)
			broken += !calls_work();
	}
	sigaltstack(NULL, &stack);
	say("faults: %d, broken %d, wrong address %d, off the stack %d, stack flags %d", n, broken, wrong_place, not_on_stack, stack.ss_flags);
	// Out of a real overflow of the stack too.
	n = 0;
}

static volatile int sink;
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static int __attribute__((noinline)) endless(int depth) {
	char page[4096];
	memset(page, depth, sizeof page);
	sink += page[depth & 4095];
	return endless(depth + 1) + page[7];
}

static void on_overflow(int s, siginfo_t *i, void *u) {
	n++;
	siglongjmp(out, 1);
}

static void overflows(void) {
	on_signal(SIGSEGV, on_overflow, SA_ONSTACK);
	for (volatile int k = 0; k < 20; k++)
		if (sigsetjmp(out, 1) == 0)
			sink = endless(0);
	say("stack overflows: %d", n);
	n = 0;
	signal(SIGSEGV, SIG_DFL);
}

// The signal is pending and blocked; the call opens the mask and is interrupted
// at once, every time.
static void masked_calls(void) {
	sigset_t usr1, none, old;
	sigemptyset(&none), sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	on_signal(SIGUSR1, on_usr1, 0);
	sigprocmask(SIG_BLOCK, &usr1, &old);
	volatile int broken = 0;
	for (volatile int k = 0; k < N; k++) {
		raise(SIGUSR1);
		if (sigsetjmp(out, 1) == 0) {
			if (k & 1)
				sigsuspend(&none);
			else
				ppoll(NULL, 0, NULL, &none);
			broken++;
		}
		if (k % 50 == 0)
			broken += !calls_work();
	}
	sigset_t now;
	sigprocmask(SIG_SETMASK, NULL, &now);
	say("out of calls with a mask: %d, broken %d, blocked as before %d", n, broken, sigismember(&now, SIGUSR1));
	sigprocmask(SIG_SETMASK, &old, NULL);
	n = 0;
}

// A thread in a call that really blocks, jumped out of by another's tgkill.
static int fds[2], word;
static volatile int tid, about, rounds, stop, thread_broken;
static void *jumps(void *unused) {
	tid = tid_self();
	for (rounds = 0; rounds < N; ) {
		if (sigsetjmp(out, 1) == 0) {
			about = rounds + 1;
			char c;
			switch (rounds % 5) {
			case 0: (void)!read(fds[0], &c, 1); break;
			case 1: syscall(SYS_futex, &word, 128 /* FUTEX_WAIT_PRIVATE */, 0, NULL, NULL, 0); break;
			case 2: poll(NULL, 0, -1); break;
			case 3: nanosleep(&(struct timespec){1000, 0}, NULL); break;
			case 4: pause(); break;
			}
			thread_broken++;
		}
		if (rounds % 50 == 0)
			thread_broken += !calls_work();
		rounds++;
	}
	stop = 1;
	return NULL;
}

static void blocked_calls(void) {
	must(pipe(fds));
	pthread_t t;
	pthread_create(&t, NULL, jumps, NULL);
	// One signal for each round, once the thread is about to block or blocks: a
	// tenth of them is awaited to be asleep, the rest meets it anywhere on its
	// way into the call.
	for (int k = 1; k <= N; k++) {
		while (about != k)
			sched_yield();
		if (k % 10 == 0)
			await_state(getpid(), tid, "S");
		syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
	}
	pthread_join(t, NULL);
	say("out of blocked calls: %d, broken %d", n, thread_broken);
	n = 0;
}

// Out of two handlers at once, the inner one on top of the outer one's call.
static volatile int level;
static void on_outer(int s, siginfo_t *i, void *u) {
	level = 1;
	sigset_t none;
	sigemptyset(&none);
	raise(SIGUSR2);
	sigsuspend(&none); // SIGUSR2 comes here
	thread_broken++;
}
static void on_inner(int s, siginfo_t *i, void *u) {
	n++;
	check(level == 1);
	siglongjmp(outer, 1);
}

static void two_levels(void) {
	sigset_t set, none;
	sigemptyset(&none), sigemptyset(&set);
	sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2);
	struct sigaction a = {.sa_sigaction = on_outer, .sa_flags = SA_SIGINFO, .sa_mask = set};
	sigaction(SIGUSR1, &a, NULL);
	on_signal(SIGUSR2, on_inner, 0);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (volatile int k = 0; k < N / 5; k++) {
		level = 0;
		if (sigsetjmp(outer, 1) == 0) {
			raise(SIGUSR1);
			sigset_t only2 = none;
			sigaddset(&only2, SIGUSR2);
			sigsuspend(&only2);
			thread_broken++;
		}
	}
	say("out of two handlers: %d, broken %d, calls work %d", n, thread_broken, calls_work());
}

int main(void) {
	faults();
	overflows();
	masked_calls();
	blocked_calls();
	two_levels();
	// For the trace: whoever lost step shows here.
	for (int i = 0; i < 7; i++)
		syscall(SYS_getpgid, 0);
	return 0;
}
