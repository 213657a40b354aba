// What a program creates, one way each: for traces that show its first thread only.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_signal(int sig) { (void)sig; }

static void calls(const char *whose) {
	char line[256], text[64];
	int tracer = -1;
	FILE *f = fopen("/proc/thread-self/status", "r");
	while (f && fgets(line, sizeof line, f))
		sscanf(line, "TracerPid: %d", &tracer);
	fclose(f);
	for (int i = 0; i < 100; i++)
		getppid();
	int n = snprintf(text, sizeof text, "%s: %s, access %d\n", whose, tracer ? "traced" : "not traced", access("/", F_OK) ? errno : 0);
	write(1, text, n);
	raise(SIGUSR1);
}

static void *thread(void *arg) {
	calls(arg);
	return NULL;
}

static volatile int first_thread = 1;

static void *last_thread(void *arg) {
	while (first_thread)
		sched_yield();
	calls(arg);
	_exit(6);
}

static void *execing_thread(void *arg) {
	execl("/bin/echo", "echo", "executed by a thread", NULL);
	return arg;
}

static int untraced_child(void *arg) {
	calls(arg);
	return 5;
}

static void reap(void) {
	int status;
	while (wait(&status) > 0)
		printf("status %x\n", status);
	fflush(stdout);
}

int main(int argc, char **argv) {
	const char *mode = argc > 1 ? argv[1] : "";
	signal(SIGUSR1, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(mode, "fork")) {
		for (int i = 0; i < 3; i++) {
			if (fork() == 0) {
				calls("child");
				if (i == 2)
					raise(SIGKILL);
				_exit(i);
			}
			reap();
		}
	} else if (!strcmp(mode, "vfork")) {
		if (vfork() == 0) {
			execl("/bin/echo", "echo", "executed by a child", NULL);
			_exit(1);
		}
		reap();
	} else if (!strcmp(mode, "untraced")) {
		static char stack[65536];
		int pid = clone(untraced_child, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, "clone");
		waitpid(pid, NULL, 0);
	} else if (!strcmp(mode, "threads")) {
		pthread_t t;
		pthread_create(&t, NULL, thread, "thread");
		pthread_join(t, NULL);
	} else if (!strcmp(mode, "exec")) { // one that nobody looks at takes the first thread's id
		pthread_t t;
		pthread_create(&t, NULL, execing_thread, NULL);
		pause();
	} else if (!strcmp(mode, "last")) { // the first thread ends first
		pthread_t t;
		pthread_create(&t, NULL, last_thread, "last thread");
		syscall(SYS_set_tid_address, &first_thread); // is 0 when it has ended
		syscall(SYS_exit, 0);
	} else if (!strcmp(mode, "debugger")) { // a child that is traced by its parent
		int pid = fork();
		if (pid == 0) {
			printf("PTRACE_TRACEME: %ld\n", ptrace(PTRACE_TRACEME, 0, 0, 0));
			raise(SIGSTOP);
			_exit(4);
		}
		int status;
		waitpid(pid, &status, WUNTRACED);
		printf("stopped: %x\n", status);
		ptrace(PTRACE_CONT, pid, 0, 0);
		reap();
	} else if (!strcmp(mode, "daemon")) { // outlives all that is looked at, until its input ends
		if (fork() == 0) {
			char c;
			close(1);
			close(2);
			read(0, &c, 1);
			_exit(0);
		}
	} else if (!strcmp(mode, "attached")) { // for -p: a line of input is the word to begin
		char c;
		puts("ready");
		read(0, &c, 1);
		pthread_t t;
		pthread_create(&t, NULL, thread, "thread");
		pthread_join(t, NULL);
		if (fork() == 0) {
			calls("child");
			_exit(0);
		}
		reap();
	}
	if (strcmp(mode, "debugger"))
		printf("first: access %d\n", access("/", F_OK) ? errno : 0);
	return 0;
}
