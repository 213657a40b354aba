/* Children get copies of a working directory and a file mode creation mask that another
 * thread changes all the time. Each makes a call that a tracer knows. So does the thread that
 * creates them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK = 7777, CHILDREN = 300 };

static atomic_int done;

static void *change(void *arg)
{
	(void)arg;
	for (int i = 0; !atomic_load(&done); i++) {
		if (chdir(i % 2 ? "/" : "/tmp"))
			exit(3);
		umask(i % 2 ? 022 : 077);
	}
	return NULL;
}

int main(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, change, NULL))
		return 2;
	for (int i = 0; i < CHILDREN; i++) {
		syscall(SYS_getppid);
		pid_t child = fork();
		if (child < 0)
			return 4;
		if (child == 0) {
			syscall(SYS_getpriority, MARK, 0);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	atomic_store(&done, 1);
	return pthread_join(t, NULL);
}
