// Ids of processes in another pid namespace: TestProcessesOfOtherNamespaces.
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(int ready)
{
	setpgid(0, 0);
	getppid();
	getpgrp();
	kill(getppid(), 0);
	kill(1, 0);
	syscall(SYS_write, ready, "x", 1);
	pause();
}

static void first(void)
{
	int ready[2];
	char c;
	syscall(SYS_gettid);
	getpgid(0);
	setsid();
	getsid(1);
	if (pipe(ready))
		_exit(1);
	int id = fork();
	if (id == 0)
		child(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		_exit(1);
	getpgid(id);
	getpriority(PRIO_PROCESS, id);
	getpriority(PRIO_PGRP, id);
	getpriority(PRIO_USER, 0);
	kill(id, 0);
	kill(-id, 0);
	kill(999, 0);
	kill(0, 0);
	kill(-1, 0);
	syscall(SYS_tgkill, id, id, 0);
	struct sched_param p;
	sched_getparam(id, &p);
	syscall(SYS_prlimit64, id, RLIMIT_CORE, NULL, NULL);
	kill(id, SIGKILL);
	siginfo_t info;
	waitid(P_PID, id, &info, WEXITED | WNOWAIT);
	wait4(id, NULL, 0, NULL);
	_exit(0);
}

int main(void)
{
	if (unshare(CLONE_NEWPID)) {
		puts("not allowed");
		return 0;
	}
	int id = fork();
	if (id == 0)
		first();
	waitpid(id, NULL, 0);
	return 0;
}
