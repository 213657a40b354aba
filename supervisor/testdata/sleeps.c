// Calls that wait, and what signals and stops make of them.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ep;

static void asleep(int tid) {
	char name[64], line[512];
	snprintf(name, sizeof name, "/proc/%d/stat", tid);
	for (int times = 0; times < 3;) {
		FILE *f = fopen(name, "r");
		if (!f || !fgets(line, sizeof line, f))
			exit(2);
		fclose(f);
		char state = strrchr(line, ')')[2];
		if (state == 'Z')
			return;
		times = state == 'S' ? times + 1 : 0;
	}
}

static void nothing(int sig) {}

static long call(const char *name) {
	struct timespec t = {.tv_sec = 3};
	struct epoll_event e;
	if (!strcmp(name, "nanosleep"))
		return syscall(SYS_nanosleep, &t, NULL);
	if (!strcmp(name, "epoll_wait"))
		return syscall(SYS_epoll_wait, ep, &e, 1, -1);
	return syscall(SYS_pause);
}

// interrupt sends SIGUSR1, then, times times, stops and continues a child that makes
// the call, then SIGUSR2, which has a handler, or without: waits for its end.
static void interrupt(const char *name, int flags, int stops, int handled, int twice) {
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction a = {.sa_handler = nothing, .sa_flags = flags};
		sigaction(SIGUSR2, &a, NULL);
		signal(SIGUSR1, SIG_IGN);
		long n = 0;
		for (int i = 0; i < 1 + twice; i++) {
			errno = 0;
			n = call(name);
			printf("%s: %ld %s\n", name, n, strerror(errno));
		}
		fflush(stdout);
		_exit(0);
	}
	int status;
	for (int i = 0; i < stops; i++) {
		asleep(pid);
		// With a stop at the same moment, epoll_wait may or may not be interrupted.
		if (strcmp(name, "epoll_wait"))
			kill(pid, SIGUSR1);
		kill(pid, SIGSTOP);
		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			break;
		kill(pid, SIGCONT);
		if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
			break;
	}
	if (handled) {
		asleep(pid);
		kill(pid, SIGUSR2);
	}
	waitpid(pid, &status, 0);
	printf("%s, flags %#x, %d stops: status %#x\n", name, flags, stops, status);
	fflush(stdout);
}

int main(int argc, char **argv) {
	int p[2];
	pipe(p);
	ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN};
	epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
	if (argc > 1) { // what only an emulation can be asked
		long sum = 0;
		for (int i = 0; i < 300; i++)
			sum += getppid();
		printf("canceled %ld\n", sum);
		interrupt("nanosleep", 0, 5, 0, 0);
		interrupt("nanosleep", 0, 5, 1, 1);
		return 0;
	}
	for (int flags = 0;; flags = SA_RESTART) {
		interrupt("nanosleep", flags, 0, 1, 0);
		interrupt("nanosleep", flags, 3, 1, 0);
		interrupt("pause", flags, 0, 1, 0);
		interrupt("pause", flags, 3, 1, 0);
		interrupt("epoll_wait", flags, 0, 1, 0);
		interrupt("epoll_wait", flags, 1, 0, 0);
		if (flags)
			break;
	}
	write(p[1], "x", 1);
	printf("epoll_wait: %ld\n", call("epoll_wait"));
	return 0;
}
