/* Who waits for whom: subreapers, WNOWAIT, ECHILD and the ways to have no zombies. */
#include "cases.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static pid_t exits(int code)
{
	pid_t pid = must("fork", fork());
	if (pid == 0)
		_exit(code);
	return pid;
}

static void show(const char *what, int r, const siginfo_t *si)
{
	if (r == -1)
		say("%s: %s", what, strerror(errno));
	else
		say("%s: signo %d code %d status %d pid %s uid %d", what, si->si_signo, si->si_code,
		    si->si_status, si->si_pid ? "set" : "0", (int)si->si_uid);
}

/* Orphans of any depth become ours; each is waited for once. */
static void subreaper(void)
{
	must("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	int on = 0;
	must("get", prctl(PR_GET_CHILD_SUBREAPER, &on));
	say("subreaper %d", on);
	int ready[2];
	must("pipe", pipe(ready));
	pid_t self = getpid();
	pid_t child = must("fork", fork());
	if (child == 0) {
		int inherited = -1;
		prctl(PR_GET_CHILD_SUBREAPER, &inherited);
		say("inherited %d", inherited);
		for (int i = 0; i < 5; i++) {
			if (fork() == 0) {
				char c;
				close(ready[1]);
				(void)!read(ready[0], &c, 1);
				while (getppid() != self)
					usleep(1000);
				_exit(20 + i);
			}
		}
		_exit(1);
	}
	close(ready[1]);
	int seen[64] = {0}, status;
	for (int i = 0; i < 6; i++) {
		must("wait", wait(&status));
		seen[WEXITSTATUS(status)]++;
	}
	for (int i = 0; i < 64; i++)
		if (seen[i])
			say("code %d: %d times", i, seen[i]);
	outcome("then", wait(&status));
}

/* The subreaper dies: its orphans go to the one above. */
static void chain(void)
{
	must("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	int gone[2];
	must("pipe", pipe(gone));
	pid_t top = getpid();
	if (must("fork", fork()) == 0) {
		must("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
		if (must("fork", fork()) == 0) {
			if (must("fork", fork()) == 0) {
				char c;
				close(gone[1]);
				(void)!read(gone[0], &c, 1);
				while (getppid() != top)
					usleep(1000);
				_exit(33);
			}
			_exit(32);
		}
		int status;
		must("wait", wait(&status));
		say("lower subreaper: %d", WEXITSTATUS(status));
		_exit(31);
	}
	close(gone[1]);
	int status;
	must("wait", wait(&status));
	say("upper: %d", WEXITSTATUS(status));
	must("wait", wait(&status));
	say("upper: %d", WEXITSTATUS(status));
	outcome("upper: then", wait(&status));
}

static void wnowait(void)
{
	siginfo_t si;
	pid_t pid = exits(7);
	for (int i = 0; i < 3; i++) {
		memset(&si, 0, sizeof si);
		show("leave it", waitid(P_PID, pid, &si, WEXITED | WNOWAIT), &si);
	}
	memset(&si, 0, sizeof si);
	show("leave it, any", waitid(P_ALL, 0, &si, WEXITED | WNOWAIT | WNOHANG), &si);
	struct rusage ru;
	memset(&si, 0, sizeof si);
	show("take it", syscall(SYS_waitid, P_PID, pid, &si, WEXITED, &ru), &si);
	memset(&si, 0, sizeof si);
	show("gone", waitid(P_PID, pid, &si, WEXITED | WNOWAIT), &si);

	pid = must("fork", fork());
	if (pid == 0)
		for (;;)
			pause();
	memset(&si, 0, sizeof si);
	show("nothing yet", waitid(P_PID, pid, &si, WEXITED | WNOHANG), &si);
	kill(pid, SIGSTOP);
	memset(&si, 0, sizeof si);
	show("stop, leave", waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT), &si);
	memset(&si, 0, sizeof si);
	show("stop, take", waitid(P_PID, pid, &si, WSTOPPED), &si);
	memset(&si, 0, sizeof si);
	show("stop, taken", waitid(P_PID, pid, &si, WSTOPPED | WNOHANG), &si);
	kill(pid, SIGCONT);
	memset(&si, 0, sizeof si);
	show("cont, leave", waitid(P_PID, pid, &si, WCONTINUED | WNOWAIT), &si);
	memset(&si, 0, sizeof si);
	show("cont, take", waitid(P_PID, pid, &si, WCONTINUED), &si);
	kill(pid, SIGTERM);
	memset(&si, 0, sizeof si);
	show("killed", waitid(P_PID, pid, &si, WEXITED), &si);
}

static void echild(void)
{
	int status;
	siginfo_t si;
	outcome("wait", wait(&status));
	outcome("waitpid of init", waitpid(1, &status, 0));
	outcome("waitpid of self", waitpid(getpid(), &status, WNOHANG));
	outcome("waitpid of parent", waitpid(getppid(), &status, WNOHANG));
	outcome("own group", waitpid(0, &status, WNOHANG));
	outcome("other group", waitpid(-1234567, &status, WNOHANG));
	outcome("bad options", waitpid(-1, &status, 0x40));
	outcome("INT_MIN", waitpid(-2147483647 - 1, &status, 0));
	outcome("waitid nothing asked", waitid(P_ALL, 0, &si, 0));
	outcome("waitid bad type", waitid(99, 0, &si, WEXITED));
	outcome("waitid pidfd bad", waitid(3, 12345, &si, WEXITED));
	pid_t pid = exits(6);
	outcome("status to nowhere", waitpid(pid, (int *)8, 0));
	outcome("and gone all the same", waitpid(pid, &status, 0));
	pid = exits(6);
	outcome("siginfo to nowhere", waitid(P_PID, pid, (siginfo_t *)8, WEXITED));
	outcome("and gone all the same", waitpid(pid, &status, 0));
}

static volatile sig_atomic_t children;
static void on_child(int s) { (void)s; children++; }

/* Ignored SIGCHLD and SA_NOCLDWAIT: no zombies, wait blocks until all have ended. */
static void nozombie(void)
{
	int status;
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 10; i++)
		exits(i);
	outcome("ignored", wait(&status));
	struct sigaction sa = {.sa_handler = on_child, .sa_flags = SA_NOCLDWAIT | SA_RESTART};
	sigaction(SIGCHLD, &sa, 0);
	exits(1);
	outcome("nocldwait", wait(&status));
	say("signal %s", children ? "came" : "did not come");
	signal(SIGCHLD, SIG_DFL);
	pid_t pid = exits(12);
	must("waitpid", waitpid(pid, &status, 0));
	say("default again %d", WEXITSTATUS(status));
}

static int thread_like(void *arg) { _exit((int)(long)arg); }

/* Children whose exit signal is not SIGCHLD need __WALL or __WCLONE. */
static void wclone(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status;
	signal(SIGUSR2, on_child);
	must("clone", clone(thread_like, stack + sizeof stack, SIGUSR2, (void *)41));
	siginfo_t si;
	must("waitid", waitid(P_ALL, 0, &si, WEXITED | WNOWAIT | __WALL));
	say("exit signal came: %d", children);
	outcome("plain wait", waitpid(-1, &status, WNOHANG));
	must("__WCLONE", waitpid(-1, &status, __WCLONE));
	say("__WCLONE %d", WEXITSTATUS(status));
	must("clone", clone(thread_like, stack + sizeof stack, 0, (void *)42));
	must("__WALL", waitpid(-1, &status, __WALL));
	say("__WALL, no signal: %d", WEXITSTATUS(status));
	exits(43);
	outcome("__WCLONE does not see a plain child", waitpid(-1, &status, __WCLONE | WNOHANG));
	must("__WNOTHREAD", waitpid(-1, &status, __WNOTHREAD));
	say("__WNOTHREAD %d", WEXITSTATUS(status));
	outcome("then", waitpid(-1, &status, __WALL));
}

static void groups(void)
{
	int status;
	int hold[2];
	must("pipe", pipe(hold));
	pid_t a = must("fork", fork());
	if (a == 0) {
		char c;
		close(hold[1]);
		(void)!read(hold[0], &c, 1);
		_exit(51);
	}
	must("setpgid", setpgid(a, a));
	pid_t b = exits(52);
	must("own group", waitpid(0, &status, 0));
	say("own group %d", WEXITSTATUS(status));
	(void)b;
	outcome("own group then", waitpid(0, &status, 0));
	outcome("other group, running", waitpid(-a, &status, WNOHANG));
	close(hold[1]);
	siginfo_t si;
	must("P_PGID", waitid(P_PGID, a, &si, WEXITED));
	say("other group %d, same pid %d", si.si_status, si.si_pid == a);
}

/* The parent's end is a signal to the child that asked for it. */
static void pdeathsig(void)
{
	int tell[2];
	must("pipe", pipe(tell));
	pid_t middle = must("fork", fork());
	if (middle == 0) {
		int ready[2];
		must("pipe", pipe(ready));
		if (must("fork", fork()) == 0) {
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, 0);
			must("pdeathsig", prctl(PR_SET_PDEATHSIG, SIGUSR1));
			(void)!write(ready[1], "x", 1);
			siginfo_t si;
			int got = sigwaitinfo(&set, &si);
			dprintf(tell[1], "signal %d code %d from parent %d", got == SIGUSR1, si.si_code, si.si_pid != 0);
			_exit(0);
		}
		char c;
		must("read", read(ready[0], &c, 1));
		_exit(0);
	}
	close(tell[1]);
	char text[200];
	ssize_t n, all = 0;
	while ((n = read(tell[0], text + all, sizeof text - 1 - all)) > 0)
		all += n;
	text[all] = 0;
	say("%s", text);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"subreaper", subreaper}, {"chain", chain}, {"wnowait", wnowait}, {"echild", echild},
		{"nozombie", nozombie}, {"wclone", wclone}, {"groups", groups}, {"pdeathsig", pdeathsig},
	};
	return RUN_CASE(argc, argv, cases);
}
