// Threads, processes and programs that come and go by the thousand, one after the
// other, each of which makes some calls.
//   lifetimes threads|forks|execs COUNT
#include "observe.h"
#include <pthread.h>

enum { CALLS = 60 };

static void *some_calls(void *unused) {
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return unused;
}

int main(int argc, char **argv) {
	check(argc > 2);
	int count = atoi(argv[2]);
	if (!strcmp(argv[1], "leaf"))
		some_calls(NULL);
	some_calls(NULL);
	for (int i = 0; i < count; i++) {
		if (!strcmp(argv[1], "threads")) {
			pthread_t t;
			check(pthread_create(&t, NULL, some_calls, NULL) == 0);
			pthread_join(t, NULL);
			continue;
		}
		pid_t pid = must(fork());
		if (pid == 0) {
			if (!strcmp(argv[1], "execs"))
				execl("/proc/self/exe", "lifetimes", "leaf", "0", NULL);
			some_calls(NULL);
			_exit(0);
		}
		check(wait_for(pid) == 0);
	}
	return 0;
}
