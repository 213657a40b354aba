// A process of two threads makes a call until that is rewritten, and forks.
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *sleeps(void *arg) {
	pause();
	return arg;
}

static void calls(void) {
	for (int i = 0; i < 100; i++)
		getppid();
}

int main(void) {
	pthread_t t;
	pthread_create(&t, 0, sleeps, 0);
	calls();
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		calls();
		_exit(7);
	}
	int status;
	waitpid(pid, &status, 0);
	printf("status %#x\n", status);
}
