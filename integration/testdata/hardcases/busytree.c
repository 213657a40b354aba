/* A tree of processes in every state that a tracer can find them in. It never ends by itself. */
#include "say.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *calls(void *arg) { for (;;) syscall(SYS_getppid); return arg; }
static void *sleeps(void *arg) { for (;;) pause(); return arg; }
static void *spins(void *arg) { for (volatile long i = 0;; i++) ; return arg; }

static void start(void (*f)(void))
{
	if (must("fork", fork()) == 0) {
		f();
		_exit(1);
	}
}

static void threads(void)
{
	pthread_t t;
	for (int i = 0; i < 3; i++) {
		pthread_create(&t, 0, calls, 0);
		pthread_create(&t, 0, sleeps, 0);
	}
	calls(0);
}

static void forks(void)
{
	for (;;) {
		if (must("fork", fork()) == 0)
			_exit(0);
		wait(0);
	}
}

static void vforks(void)
{
	for (;;) {
		pid_t pid = vfork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)0);
			_exit(1);
		}
		waitpid(pid, 0, 0);
	}
}

static void in_vfork(void)
{
	if (vfork() == 0)
		for (;;)
			pause();
}

static void execs(void)
{
	execl("/proc/self/exe", "busytree", "exec", (char *)0);
}

static void stopped(void) { for (;;) raise(SIGSTOP); }
static void rests(void) { sleeps(0); }
static void works(void) { spins(0); }

static void daemons(void)
{
	setsid();
	if (must("fork", fork()) == 0)
		sleeps(0);
	_exit(0);
}

static void deaf(void)
{
	for (int s = 1; s < 65; s++)
		signal(s, SIG_IGN);
	calls(0);
}

static void on_segv(int s) { (void)s; }
static void faults(void)
{
	signal(SIGUSR1, on_segv);
	for (;;)
		raise(SIGUSR1);
}

static void zombie(void)
{
	if (must("fork", fork()) == 0)
		_exit(0);
	for (;;)
		pause();
}

static void stops_others(void)
{
	pid_t pid = must("fork", fork());
	if (pid == 0)
		calls(0);
	for (;;) {
		kill(pid, SIGSTOP);
		waitpid(pid, 0, WUNTRACED);
		kill(pid, SIGCONT);
		waitpid(pid, 0, WCONTINUED);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		execs();
		return 97;
	}
	static void (*const all[])(void) = {
		threads, forks, vforks, in_vfork, execs, stopped, rests, works, daemons, deaf, faults, zombie, stops_others,
	};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		start(all[i]);
	say("all started");
	forks();
}
