/* A daemon: setsid, double fork; it works on after everybody who started it has ended. */
#include "say.h"
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	int gone[2];
	must("pipe", pipe(gone)); /* EOF on gone[0]: both ancestors have ended */
	pid_t first = must("fork", fork());
	if (first == 0) {
		must("setsid", setsid());
		pid_t middle = getpid();
		if (must("fork", fork()) != 0)
			_exit(3);
		close(gone[1]);
		char c;
		outcome("daemon: ancestors gone", read(gone[0], &c, 1));
		/* The pipe's end is closed a moment before the parent has been replaced. */
		while (getppid() == middle)
			usleep(1000);
		say("daemon: own session %d", getsid(0) != getpid() && getsid(0) == middle);
		/* A child of the daemon, and a program executed by it. */
		pid_t worker = must("fork", fork());
		if (worker == 0) {
			execl("/bin/sh", "sh", "-c", "echo worker; exit 5", (char *)0);
			_exit(97);
		}
		int status;
		must("waitpid", waitpid(worker, &status, 0));
		say("daemon: worker %d", WEXITSTATUS(status));
		outcome("daemon: last", mkdir("/nonexistent/the-daemon-ends", 0700));
		_exit(9);
	}
	int status;
	must("waitpid", waitpid(first, &status, 0));
	say("parent: middle %d", WEXITSTATUS(status));
	return 4;
}
