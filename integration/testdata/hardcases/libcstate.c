/* What libc shares with the kernel by address: rseq, robust lists, clear_child_tid. */
#include "cases.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifdef __GLIBC__
#include <sys/rseq.h> /* since 2.35 */
static void rseq(void)
{
	say("size %u", __rseq_size);
	struct rseq *r = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	/* The kernel keeps cpu_id up to date: it agrees with getcpu sooner or later. */
	for (int i = 0; i < 1000; i++) {
		unsigned cpu;
		if (syscall(SYS_getcpu, &cpu, 0, 0))
			must("getcpu", -1);
		if (cpu == r->cpu_id) {
			say("cpu_id is kept");
			break;
		}
	}
	outcome("registered twice", syscall(SYS_rseq, r, 32, 0, 0x53053053));
	outcome("wrong signature", syscall(SYS_rseq, r, 32, 1, 1));
	outcome("unregister", syscall(SYS_rseq, r, __rseq_size < 32 ? 32 : __rseq_size, 1, 0x53053053));
	outcome("register", syscall(SYS_rseq, r, 32, 0, 0x53053053));
}

/* A critical section is aborted when the thread is preempted or gets a signal; a
 * call-free loop inside one must end at its abort handler, never go on. */
#ifdef __x86_64__
static volatile sig_atomic_t alarms;
static void on_alarm(int s) { (void)s; alarms++; }
#endif

static void section(void)
{
#ifdef __x86_64__
	struct rseq *r = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
	signal(SIGALRM, on_alarm);
	long aborted = 0;
	for (int i = 0; i < 3; i++) {
		ualarm(2000, 0);
		asm volatile(
			".pushsection __rseq_cs, \"aw\"\n\t.balign 32\n"
			"3:\t.long 0, 0\n\t.quad 1f, 2f - 1f, 4f\n\t.popsection\n\t"
			"leaq 3b(%%rip), %%rax\n\tmovq %%rax, %1\n"
			"1:\tjmp 1b\n"
			"2:\t.byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n"
			"4:\tincq %0\n"
			: "+r"(aborted), "+m"(r->rseq_cs) : : "rax", "memory");
		while (alarms <= i)
			;
	}
	say("aborted %ld times, signals %d", aborted, alarms);
#else
	say("not for this architecture");
#endif
}
#else
static void rseq(void) { errno = ENOSYS; skip("no rseq in this libc"); }
static void section(void) { rseq(); }
#endif

static pthread_mutex_t *robust_mutex;

static void robust(void)
{
	robust_mutex = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(robust_mutex, &a);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	static const int ways[] = {0, SIGKILL, SIGSEGV, -1};
	for (int i = 0; i < 4; i++) {
		pid_t pid = must("fork", fork());
		if (pid == 0) {
			if (pthread_mutex_lock(robust_mutex))
				_exit(1);
			if (ways[i] > 0)
				raise(ways[i]);
			if (ways[i] < 0)
				execl("/bin/true", "true", (char *)0);
			_exit(0);
		}
		must("waitpid", waitpid(pid, 0, 0));
		int r = pthread_mutex_lock(robust_mutex);
		say("way %d: %s", i, r == EOWNERDEAD ? "owner dead" : strerror(r));
		if (r == EOWNERDEAD)
			pthread_mutex_consistent(robust_mutex);
		pthread_mutex_unlock(robust_mutex);
	}
	void *head;
	size_t length;
	outcome("get_robust_list", syscall(SYS_get_robust_list, 0, &head, &length));
	say("length %zu", length);
}

static int cleared;
static char stack[65536] __attribute__((aligned(16)));
static int leave(void *arg) { (void)arg; syscall(SYS_exit, 0); return 0; }

static void tid(void)
{
	cleared = 12345;
	must("clone", clone(leave, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
		CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, 0, &cleared, 0, &cleared));
	int seen;
	while ((seen = *(volatile int *)&cleared) != 0)
		syscall(SYS_futex, &cleared, 0 /* FUTEX_WAIT */, seen, 0, 0, 0);
	say("cleared and woken");
	static int other = 777;
	say("set_tid_address gives the tid: %d", syscall(SYS_set_tid_address, &other) == getpid());
	int *where = 0;
	if (syscall(SYS_prctl, 40 /* PR_GET_TID_ADDRESS */, &where) == 0)
		say("and keeps it: %d", where == &other);
}

/* CLONE_SETTLS, PARENT_SETTID and CHILD_SETTID with a child of another address space. */
static void settid(void)
{
	static int parent_tid, child_tid;
	const unsigned long flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD;
#ifdef __x86_64__
	pid_t pid = syscall(SYS_clone, flags, 0, &parent_tid, &child_tid, 0);
#else
	pid_t pid = syscall(SYS_clone, flags, 0, &parent_tid, 0, &child_tid);
#endif
	must("clone", pid);
	if (pid == 0) {
		say("child: own copy %d", child_tid == getpid());
		_exit(0);
	}
	must("waitpid", waitpid(pid, 0, 0));
	say("parent: %d, the child's not here: %d", parent_tid == pid, child_tid);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"rseq", rseq}, {"section", section}, {"robust", robust}, {"tid", tid}, {"settid", settid}};
	return RUN_CASE(argc, argv, cases);
}
