/* seccomp's strict mode in a child: read, write, _exit and sigreturn, death for the rest. */
#include "cases.h"
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

static void allowed(void) { in_strict(by_seccomp, writes); }
static void forbidden(void) { in_strict(by_seccomp, asks); }
static void by_the_old_call(void) { in_strict(by_prctl, writes); in_strict(by_prctl, asks); }

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"allowed", allowed}, {"forbidden", forbidden}, {"prctl", by_the_old_call}};
	return RUN_CASE(argc, argv, cases);
}
