/* A program for every way of linking: output, arguments, environment, time, a thread, a child, a handler. */
#include "say.h"
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t signals;
static void on_signal(int s) { signals += s; }
static void *thread(void *arg) { *(int *)arg += 1; return arg; }

int main(int argc, char **argv)
{
	printf("%d %s\n", argc, argc > 1 ? argv[1] : "-");
	printf("HARD=%s\n", getenv("HARD") ? getenv("HARD") : "-");
	struct timespec ts;
	printf("time %d\n", clock_gettime(CLOCK_REALTIME, &ts) == 0 && ts.tv_sec > 1000000000 && time(0) + 1 >= ts.tv_sec);
	struct stat st;
	int r = stat("/", &st);
	printf("stat %d %o\n", r, st.st_mode & S_IFMT);
	if (!fopen("/nonexistent", "r"))
		printf("errno %s\n", strerror(errno));
	int n = 41;
	pthread_t t;
	pthread_create(&t, 0, thread, &n);
	pthread_join(t, 0);
	printf("thread %d\n", n);
	struct sigaction sa = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &sa, 0);
	raise(SIGUSR1);
	printf("signals %d\n", signals);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	int status;
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	FILE *p = popen("echo from a pipe", "r");
	char line[100] = "";
	if (!fgets(line, sizeof line, p))
		strcpy(line, "nothing\n");
	printf("popen %s", line);
	printf("pclose %d\n", pclose(p));
	fprintf(stderr, "to stderr\n");
	return 42;
}
