// SIGTRAP is the program's too: int3, raise, single-steps of its own making.
#include "observe.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile int n;
static siginfo_t last;
static volatile uintptr_t rips[256];
static volatile long results[256];

static void on_trap(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	last = *i;
	if (n < 256)
#ifdef __x86_64__
		rips[n] = c->uc_mcontext.gregs[REG_RIP];
#else
		rips[n] = c->uc_mcontext.gregs[REG_EIP];
#endif
	n++;
}

// A step's handler notes where it was, and with which result register.
static void on_step(int s, siginfo_t *i, void *u) {
	ucontext_t *c = u;
	last = *i;
	if (n < 256) {
#ifdef __x86_64__
		rips[n] = c->uc_mcontext.gregs[REG_RIP];
		results[n] = c->uc_mcontext.gregs[REG_RAX];
#else
		rips[n] = c->uc_mcontext.gregs[REG_EIP];
		results[n] = c->uc_mcontext.gregs[REG_EAX];
#endif
	}
	n++;
}

static void show(const char *what) {
	say("%s: %d times, code %d, own pid %d, value %d", what, n, last.si_code, last.si_code <= 0 && last.si_pid == getpid(), last.si_code == SI_QUEUE ? last.si_value.sival_int : 0);
	n = 0;
}

static void show_steps(const char *what, const char *begin) {
	char line[1500];
	int length = 0;
	for (int i = 0; i < n && i < 256 && length < 1400; i++)
		length += snprintf(line + length, sizeof line - length, " %ld", (long)(rips[i] - (uintptr_t)begin));
	say("%s: %d steps, code %d, at%s", what, n, last.si_code, line);
	n = 0;
}

static void dies(const char *what, int way) {
	pid_t pid = must(fork());
	if (pid == 0) {
		sigset_t set;
		sigemptyset(&set), sigaddset(&set, SIGTRAP);
		switch (way) {
		case 0: signal(SIGTRAP, SIG_DFL); __asm__ volatile("int3"); break;
		case 1: signal(SIGTRAP, SIG_DFL); raise(SIGTRAP); break;
		case 2: signal(SIGTRAP, SIG_IGN); __asm__ volatile("int3"); break;
		case 3: signal(SIGTRAP, SIG_IGN); raise(SIGTRAP); break;
		case 4: sigprocmask(SIG_BLOCK, &set, NULL); __asm__ volatile("int3"); break;
		case 5: sigprocmask(SIG_BLOCK, &set, NULL); raise(SIGTRAP); break;
		}
		_exit(9);
	}
	say("%s: %s", what, status_of(wait_for(pid)));
}

// Steps over a range of instructions, calls among them. TF is set by popf and
// cleared by popf, as a program does that has no debugger.
#ifdef __x86_64__
#define STEPS(name, body) \
	extern char name##_begin[]; \
	void name(void); \
	__asm__(".text\n" #name ":\n\tpush %rbx\n\tpush %rbp\n\tpushfq\n\tpushfq\n\torq $0x100, (%rsp)\n\tpopfq\n" #name "_begin:\n" \
		body "\n\tpushfq\n\tandq $~0x100, (%rsp)\n\tpopfq\n\tpopfq\n\tpop %rbp\n\tpop %rbx\n\tret\n")
#define GETPPID "mov $110, %eax\n\tsyscall\n\t"
STEPS(fork_steps, "nop\n\tmov $57, %eax\n\tsyscall\n\tnop\n\ttest %eax, %eax\n\tjnz 1f\n\tnop\n\tmov $0, %edi\n\tmov $231, %eax\n\tsyscall\n1:\tnop");
STEPS(bad_steps, "nop\n\tmov $-1, %rax\n\tsyscall\n\tnop\n\tmov $1000, %eax\n\tsyscall\n\tnop\n\tnop");
STEPS(int80_steps, "nop\n\tmov $64, %eax\n\tint $0x80\n\tnop\n\tmov $64, %eax\n\tint $0x80\n\tnop\n\tnop");
#else
#define STEPS(name, body) \
	extern char name##_begin[]; \
	void name(void); \
	__asm__(".text\n" #name ":\n\tpush %ebx\n\tpush %ebp\n\tpushf\n\tpushf\n\torl $0x100, (%esp)\n\tpopf\n" #name "_begin:\n" \
		body "\n\tpushf\n\tandl $~0x100, (%esp)\n\tpopf\n\tpopf\n\tpop %ebp\n\tpop %ebx\n\tret\n")
#define GETPPID "mov $64, %eax\n\tint $0x80\n\t"
STEPS(fork_steps, "nop\n\tmov $2, %eax\n\tint $0x80\n\tnop\n\ttest %eax, %eax\n\tjnz 1f\n\tnop\n\tmov $0, %ebx\n\tmov $252, %eax\n\tint $0x80\n1:\tnop");
STEPS(bad_steps, "nop\n\tmov $-1, %eax\n\tint $0x80\n\tnop\n\tmov $1000, %eax\n\tint $0x80\n\tnop\n\tnop");
#endif
STEPS(plain_steps, "nop\n\tnop\n\tnop\n\tnop");
STEPS(call_steps, "nop\n\t" GETPPID "nop\n\t" GETPPID GETPPID "nop\n\tnop");

static sigjmp_buf out;
static void leave(int s, siginfo_t *i, void *u) { n++; siglongjmp(out, 1); }

int main(void) {
	on_signal(SIGTRAP, on_trap, 0);
	__asm__ volatile("int3");
	show("int3");
	__asm__ volatile(".byte 0xcd, 3");
	show("int 3 in two bytes");
	__asm__ volatile(".byte 0xf1");
	show("int1");
	raise(SIGTRAP);
	show("raise");
	kill(getpid(), SIGTRAP);
	show("kill");
	sigqueue(getpid(), SIGTRAP, (union sigval){.sival_int = 4242});
	show("sigqueue");
	pid_t me = getpid(), pid = must(fork());
	if (pid == 0) {
		kill(me, SIGTRAP);
		_exit(0);
	}
	wait_for(pid);
	await(n == 1);
	say("from a child: code %d, its pid %d", last.si_code, last.si_pid == pid);
	n = 0;
	for (int i = 0; i < 2000; i++)
		__asm__ volatile("int3");
	show("2000 times int3");
	for (int i = 0; i < 2000; i++) {
		__asm__ volatile("int3");
		check(syscall(SYS_getppid) == getppid());
	}
	show("2000 times int3 and a call");
	say("kill with SIGTRAP|0x80: %s", outcome_of(kill(getpid(), SIGTRAP | 0x80)));

	// Taken without a handler.
	sigset_t set, old;
	sigemptyset(&set), sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGTRAP);
	siginfo_t i;
	struct timespec none = {0, 0};
	int taken = sigtimedwait(&set, &i, &none);
	say("sigtimedwait: %s", signame(taken));
	raise(SIGTRAP);
	sigset_t pending;
	sigpending(&pending);
	say("pending: %d", sigismember(&pending, SIGTRAP));
	sigprocmask(SIG_SETMASK, &old, NULL);
	show("unblocked");

	// A handler jumps out.
	on_signal(SIGTRAP, leave, SA_NODEFER);
	for (volatile int j = 0; j < 1000; j++)
		if (sigsetjmp(out, 1) == 0)
			__asm__ volatile("int3");
	say("jumps out: %d", n);
	n = 0;

	on_signal(SIGTRAP, on_step, 0);
	plain_steps();
	show_steps("nops", plain_steps_begin);
	call_steps();
	int wrong = 0;
	for (int k = 0; k < n; k++)
		wrong += results[k] == -ENOSYS || results[k] == -4;
	show_steps("calls", call_steps_begin);
	say("half-done results: %d", wrong);
	bad_steps();
	show_steps("bad calls", bad_steps_begin);
#ifdef __x86_64__
	int80_steps();
	show_steps("int 0x80", int80_steps_begin);
#endif
	fork_steps();
	show_steps("fork", fork_steps_begin);
	int status;
	must(wait(&status));
	say("fork's child: %s", status_of(status));
	for (int k = 0; k < 300; k++) {
		n = 0;
		call_steps();
		check(n > 8 && last.si_code == TRAP_TRACE);
	}
	say("300 times more");
	n = 0;

	dies("int3, default", 0);
	dies("raise, default", 1);
	dies("int3, ignored", 2);
	dies("raise, ignored", 3);
	dies("int3, blocked", 4);
	dies("raise, blocked", 5);
	return 0;
}
