/* Many short processes, in ten batches: after each it waits for a line, so that the tracer can be looked at. */
#include "say.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;
static void *nothing(void *arg) { return arg; }

int main(int argc, char **argv)
{
	if (argc < 2)
		return 0; /* one of the many */
	int count = atoi(argv[1]) / 10, status;
	char *none[] = {"manyshort", 0};
	for (int batch = 0; batch < 10; batch++) {
		for (int i = 0; i < count; i++) {
			pid_t pid;
			if (i % 4 == 0) {
				pid = must("fork", fork());
				if (pid == 0) {
					pthread_t t;
					if (i % 8 == 0 && pthread_create(&t, 0, nothing, 0) == 0)
						pthread_join(t, 0);
					if (i % 16 == 0)
						raise(9);
					_exit(i % 16 ? 0 : 1);
				}
			} else if (posix_spawn(&pid, "/proc/self/exe", 0, 0, none, environ)) {
				must("posix_spawn", -1);
			}
			must("waitpid", waitpid(pid, &status, 0));
		}
		say("batch %d", batch);
		char c;
		must("read", read(0, &c, 1));
	}
	return 0;
}
