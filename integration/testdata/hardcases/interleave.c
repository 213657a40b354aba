/* Two threads and a child write marked lines, each in one call; a trace may share the pipe. */
#include "say.h"
#include <pthread.h>
#include <sys/wait.h>

/* By turns, so that the order is always the same. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t next = PTHREAD_COND_INITIALIZER;
static int line;

static void *writes(void *arg)
{
	int odd = arg != 0;
	pthread_mutex_lock(&turn);
	while (line < 400) {
		if ((line & 1) == odd) {
			say("<%s thread, line %d>", odd ? "second" : "first", line++);
			pthread_cond_signal(&next);
		} else {
			pthread_cond_wait(&next, &turn);
		}
	}
	pthread_cond_signal(&next);
	pthread_mutex_unlock(&turn);
	return 0;
}

int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, writes, 0);
	pthread_create(&b, 0, writes, "");
	pthread_join(a, 0);
	pthread_join(b, 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = must("fork", fork());
		if (pid == 0) {
			say("<child %d>", i);
			_exit(0);
		}
		must("waitpid", waitpid(pid, 0, 0));
	}
	return 3;
}
