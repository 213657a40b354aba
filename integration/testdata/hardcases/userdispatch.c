/* The program's own Syscall User Dispatch: SIGSYS for calls from outside a range. */
#include "cases.h"
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define OFF 0
#define ON 1
#define ALLOW 0
#define BLOCK 1

static volatile char selector = ALLOW;
static volatile int caught;
static siginfo_t info;
static unsigned long pc;
static long number;

static void on_sigsys(int s, siginfo_t *si, void *uc)
{
	selector = ALLOW; /* sigreturn must pass */
	caught++;
	info = *si;
	greg_t *regs = ((ucontext_t *)uc)->uc_mcontext.gregs;
	pc = regs[REG_RIP];
	number = regs[REG_RAX];
	regs[REG_RAX] = 5150;
	(void)s;
}

static void arm(unsigned long start, unsigned long length)
{
	struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	must("sigaction", sigaction(SIGSYS, &sa, 0));
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, start, length, &selector))
		skip("no syscall user dispatch");
}

static long raw(long nr, long a, long b, long c)
{
	long r;
	asm volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static long blocked(long nr, long a, long b, long c)
{
	long r;
	selector = BLOCK;
	r = raw(nr, a, b, c);
	selector = ALLOW;
	return r;
}

static void dispatch(void)
{
	arm(0, 0);
	long r = blocked(SYS_getppid, 1, 2, 3);
	say("getppid: %ld caught %d", r, caught);
	say("signo %d code %d errno %d arch %#x", info.si_signo, info.si_code, info.si_errno, info.si_arch);
	say("si_syscall right %d, saved number right %d, si_call_addr is pc %d", info.si_syscall == SYS_getppid,
	    number == SYS_getppid, (unsigned long)info.si_call_addr == pc);
	r = blocked(99999, 0, 0, 0);
	say("beyond the table: %ld si_syscall %d", r, info.si_syscall);
	r = blocked(-1, 0, 0, 0);
	say("-1: %ld si_syscall %d", r, info.si_syscall);
	r = blocked(SYS_openat, -100, 8, 0);
	say("bad pointer: %ld caught %d", r, caught);
	r = raw(SYS_close, 999, 0, 0);
	say("allowed: %ld", r);
	for (int i = 0; i < 2000; i++)
		if (blocked(SYS_getppid, 0, 0, 0) != 5150)
			say("lost one");
	say("caught %d", caught);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 0, 0, 0))
		say("cannot disarm");
	selector = BLOCK;
	say("off: %ld", raw(SYS_close, 999, 0, 0));
}

static void errors(void)
{
	outcome("bad mode", prctl(PR_SET_SYSCALL_USER_DISPATCH, 9, 0, 0, 0));
	outcome("off with range", prctl(PR_SET_SYSCALL_USER_DISPATCH, OFF, 1, 2, 0));
	outcome("wrapping range", prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, -1L, 2L, &selector));
	outcome("bad selector", prctl(PR_SET_SYSCALL_USER_DISPATCH, ON, 0, 0, -1L));
}

/* All of libc may call; only our own instruction is dispatched. */
static void range(void)
{
	extern char etext[], __executable_start[];
	unsigned long start = (unsigned long)__executable_start, length = (unsigned long)etext - start;
	/* The range that stays native is the program's own text, so libc is dispatched. */
	arm(start, length);
	selector = BLOCK;
	long own = raw(SYS_close, 999, 0, 0);
	selector = BLOCK;
	long libc = syscall(SYS_getppid);
	selector = ALLOW;
	say("own text %ld, libc %ld, caught %d", own, libc, caught);
}

/* fork and exec take it away; a thread starts without it. While the selector blocks,
 * the first thread makes no calls, for which it still counts. */
static volatile int its_turn;
static void *thread(void *arg)
{
	while (its_turn != 1)
		;
	selector = BLOCK;
	long r = raw(SYS_close, 999, 0, 0);
	selector = ALLOW;
	*(long *)arg = r;
	its_turn = 2;
	return 0;
}

static void inherited(void)
{
	arm(0, 0);
	pthread_t t;
	long r = 0;
	pthread_create(&t, 0, thread, &r);
	its_turn = 1;
	while (its_turn != 2)
		;
	pthread_join(t, 0);
	say("thread %ld", r);
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		selector = BLOCK;
		r = raw(SYS_close, 999, 0, 0);
		selector = ALLOW;
		say("child %ld", r);
		execl("/bin/echo", "echo", "executed", (char *)0);
		_exit(97);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("echo %d, caught %d", WEXITSTATUS(status), caught);
}

/* A selector that is neither value, or unmapped, is fatal. */
static void bad_selector(void)
{
	arm(0, 0);
	selector = 7;
	raw(SYS_getppid, 0, 0, 0);
	for (;;)
		;
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"dispatch", dispatch}, {"errors", errors}, {"range", range}, {"inherited", inherited},
		{"bad_selector", bad_selector},
	};
	return RUN_CASE(argc, argv, cases);
}
