/* seccomp's strict mode in a child: read, write, _exit and sigreturn, death for the rest. */
#include "cases.h"
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void in_strict(long (*enter)(void), void (*then)(void))
{
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		if (enter()) {
			outcome("strict mode", -1);
			_exit(1);
		}
		then();
		syscall(SYS_exit, 5);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		say("killed by %d", WTERMSIG(status));
	else
		say("exit %d", WEXITSTATUS(status));
}

static long by_seccomp(void) { return syscall(SYS_seccomp, 0 /* SECCOMP_SET_MODE_STRICT */, 0, 0); }
static long by_prctl(void) { return prctl(PR_SET_SECCOMP, 1, 0, 0, 0); }
static void writes(void) { (void)!write(1, "may write\n", 10); }
static void asks(void) { writes(); syscall(SYS_getpid); (void)!write(1, "not reached\n", 12); }

/* A bad way to ask is refused, and changes nothing. */
static void bad_ways(void)
{
	outcome("with flags", syscall(SYS_seccomp, 0, 1, 0));
	outcome("with arguments", syscall(SYS_seccomp, 0, 0, "x"));
	outcome("mode 7", prctl(PR_SET_SECCOMP, 7, 0, 0, 0));
	outcome("getppid", syscall(SYS_getppid) > 0);
}

/* exit_group is not exit. */
static void ends_all(void) { writes(); syscall(SYS_exit_group, 3); }

static void handler(int sig) { (void)sig; (void)!write(1, "handler\n", 8); }

/* Handlers run and return; a read that one interrupts goes on. */
static void returns(void)
{
	int go[2], line[2];
	must("pipe", pipe(go));
	must("pipe", pipe(line));
	must("sigaction", sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, 0));
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		char c;
		must("strict mode", prctl(PR_SET_SECCOMP, 1, 0, 0, 0));
		(void)!write(go[1], "x", 1);
		if (read(line[0], &c, 1) == 1)
			writes();
		syscall(SYS_exit, 6);
	}
	char c;
	must("read", read(go[0], &c, 1));
	must("kill", kill(pid, SIGUSR1));
	must("write", write(line[1], "x", 1));
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("status %#x", status);
}

/* The clock register is out of reach. */
#if defined(__x86_64__) || defined(__i386__)
static void reads_clock(void) { writes(); __asm__ volatile("rdtsc" ::: "eax", "edx"); (void)!write(1, "not reached\n", 12); }
#else
static void reads_clock(void) { writes(); }
#endif
static void clock_register(void) { in_strict(by_prctl, reads_clock); }

/* Only the thread that breaks the rules dies. */
static int tell[2];
static void *breaks(void *arg)
{
	(void)arg;
	must("strict mode", by_prctl());
	(void)!write(tell[1], "x", 1);
	syscall(SYS_getpid);
	(void)!write(1, "not reached\n", 12);
	return 0;
}
static void one_thread(void)
{
	pthread_t thread;
	char c;
	must("pipe", pipe(tell));
	if (pthread_create(&thread, 0, breaks, 0))
		say("no thread");
	must("read", read(tell[0], &c, 1));
	pthread_join(thread, 0); /* the kernel tells of its end however it comes */
	say("we live");
}

static void allowed(void) { in_strict(by_seccomp, writes); }
static void forbidden(void) { in_strict(by_seccomp, asks); }
static void by_the_old_call(void) { in_strict(by_prctl, writes); in_strict(by_prctl, asks); }

static void exits(void) { in_strict(by_seccomp, ends_all); }

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"allowed", allowed}, {"forbidden", forbidden}, {"prctl", by_the_old_call},
		{"bad_ways", bad_ways}, {"exit_group", exits}, {"returns", returns}, {"clock", clock_register}, {"thread", one_thread}};
	return RUN_CASE(argc, argv, cases);
}
