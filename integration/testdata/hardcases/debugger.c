/* A debugger inside the traced tree. A thread has one tracer: it is told EPERM. */
#include "cases.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static void traceme(void)
{
	outcome("TRACEME", ptrace(PTRACE_TRACEME, 0, 0, 0));
	outcome("TRACEME again", ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGWINCH);
	say("not stopped");
}

static pid_t sleeper(void)
{
	pid_t pid = must("fork", fork());
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void reap(pid_t pid)
{
	int status;
	kill(pid, SIGKILL);
	must("waitpid", waitpid(pid, &status, 0));
	say("reaped: signal %d", WTERMSIG(status));
}

static void attach(void)
{
	pid_t pid = sleeper();
	outcome("ATTACH", ptrace(PTRACE_ATTACH, pid, 0, 0));
	outcome("SEIZE", ptrace(PTRACE_SEIZE, pid, 0, 0));
	outcome("SEIZE with EXITKILL", ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL));
	reap(pid);
}

/* Requests to somebody that is not ours to trace, and nonsense. */
static void strangers(void)
{
	pid_t pid = sleeper();
	long data;
	outcome("PEEKDATA", ptrace(PTRACE_PEEKDATA, pid, &data, 0));
	outcome("CONT", ptrace(PTRACE_CONT, pid, 0, 0));
	outcome("DETACH", ptrace(PTRACE_DETACH, pid, 0, 0));
	outcome("KILL", ptrace(PTRACE_KILL, pid, 0, 0));
	outcome("INTERRUPT", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	outcome("LISTEN", ptrace(PTRACE_LISTEN, pid, 0, 0));
	outcome("request 12345", ptrace(12345, pid, 0, 0));
	outcome("ATTACH self", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
	outcome("ATTACH none", ptrace(PTRACE_ATTACH, 0, 0, 0));
	outcome("ATTACH beyond", ptrace(PTRACE_ATTACH, 0x3fffffff, 0, 0));
	outcome("SEIZE bad options", ptrace(PTRACE_SEIZE, 0x3fffffff, 0, -1L));
	reap(pid);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"traceme", traceme}, {"attach", attach}, {"strangers", strangers}};
	return RUN_CASE(argc, argv, cases);
}
