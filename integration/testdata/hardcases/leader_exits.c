// The leader ends first and stays a zombie while another thread lives on.
#include "observe.h"
#include <pthread.h>
#include <sys/syscall.h>

static int *flags; // shared with the parent: 0 thread is alone, 1 go on, 2 handled
static const char *mode;

static void on_usr1(int s, siginfo_t *i, void *u) { flags[2]++; }
static void *other(void *unused) { return NULL; }

static void *survivor(void *unused) {
	pid_t leader = getpid();
	await_state(leader, leader, "Z");
	flags[0] = 1;
	await(flags[1]);
	if (!strcmp(mode, "exit_group")) {
		// A process without its leader does all that others do.
		pid_t pid = fork();
		if (pid == 0)
			_exit(getppid() == leader ? 0 : 1);
		check(wait_for(pid) == 0);
		pthread_t t;
		check(pthread_create(&t, NULL, other, NULL) == 0);
		pthread_join(t, NULL);
		syscall(SYS_exit_group, 7);
	}
	if (!strcmp(mode, "exit"))
		syscall(SYS_exit, 8); // the last one: the leader's code counts
	if (!strcmp(mode, "exec")) {
		char pid[16];
		snprintf(pid, sizeof pid, "%d", leader);
		execl("/proc/thread-self/exe", "leader_exits", "executed", pid, NULL);
	}
	if (!strcmp(mode, "exec-shell"))
		execl("/bin/sh", "sh", "-c", "echo a shell; exit 12", NULL);
	if (!strcmp(mode, "exec-fails")) {
		char *none[] = {NULL};
		execve("/nonexistent", none, none);
		check(errno == ENOENT);
		syscall(SYS_exit_group, 13);
	}
	if (!strcmp(mode, "killed"))
		kill(leader, SIGTERM);
	if (!strcmp(mode, "fault"))
		*(volatile int *)8 = 1;
	if (!strcmp(mode, "vfork")) {
		if (vfork() == 0)
			_exit(9);
		int status;
		must(wait(&status));
		syscall(SYS_exit_group, WEXITSTATUS(status));
	}
	if (!strcmp(mode, "stop")) {
		await(flags[2]); // the parent's signal after the stop
		syscall(SYS_exit_group, 14);
	}
	if (!strcmp(mode, "abandoned"))
		syscall(SYS_exit_group, 15);
	for (;;)
		pause();
}

static void run(const char *m) {
	mode = m;
	flags = shared(4096);
	on_signal(SIGUSR1, on_usr1, 0);
	pid_t pid = must(fork());
	if (pid == 0) {
		pthread_t t[3];
		pthread_create(&t[0], NULL, survivor, NULL);
		if (!strcmp(mode, "abandoned")) // with two more, that end before it
			for (int i = 1; i < 3; i++)
				pthread_create(&t[i], NULL, other, NULL);
		syscall(SYS_exit, 21);
	}
	await(flags[0]);
	// The leader is a zombie, and not to be waited for.
	check(task_state(pid, pid) == 'Z');
	int status;
	say("%s: while it lives on, waitpid: %s", mode, outcome_of(waitpid(pid, &status, WNOHANG)));
	if (!strcmp(mode, "stop")) {
		flags[1] = 1;
		for (int i = 0; i < 5; i++) {
			kill(pid, SIGSTOP);
			must(waitpid(pid, &status, WUNTRACED));
			say("stop: %s", status_of(status));
			kill(pid, SIGCONT);
			must(waitpid(pid, &status, WCONTINUED));
			say("stop: %s", status_of(status));
		}
		kill(pid, SIGUSR1);
	}
	if (!strcmp(mode, "from outside"))
		kill(pid, SIGKILL);
	flags[1] = 1;
	say("%s: %s", mode, status_of(wait_for(pid)));
	munmap(flags, 4096);
}

int main(int argc, char **argv) {
	if (argc > 2 && !strcmp(argv[1], "executed")) {
		check(getpid() == atoi(argv[2]) && tid_self() == getpid());
		await(count_tasks(getpid()) == 1);
		check(task_state(getpid(), getpid()) == 'R');
		return 11;
	}
	if (argc > 1) { // the whole program ends so, for the tracer's own status
		mode = argv[1];
		flags = shared(4096);
		flags[1] = 1;
		pthread_t t;
		pthread_create(&t, NULL, survivor, NULL);
		syscall(SYS_exit, 22);
	}
	for (int i = 0; i < 20; i++) {
		run("exit_group");
		run("exit");
		run("exec");
		run("exec-shell");
		run("exec-fails");
		run("killed");
		run("fault");
		run("vfork");
		run("stop");
		run("abandoned");
		run("from outside");
	}
	return 0;
}
