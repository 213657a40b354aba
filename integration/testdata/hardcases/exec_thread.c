// exec from a thread that is not the leader, while its siblings sit in calls
// of every kind: they go without a trace, the thread takes the leader's id.
//   exec_thread [ROUNDS]    siblings as below, then exec of itself
//   exec_thread race        two threads exec at once
//   exec_thread fails       an exec that fails costs nobody his life
#include "observe.h"
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>

static char **arguments;
static volatile int tids[32], n_tids;
static int word;

#define KINDS 12
static void *sibling(void *arg) {
	long kind = (long)arg;
	int fds[2], e;
	tids[kind] = tid_self();
	__atomic_add_fetch(&n_tids, 1, __ATOMIC_SEQ_CST);
	char c;
	switch (kind) {
	case 0: pipe(fds); read(fds[0], &c, 1); break;
	case 1: syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); break;
	case 2: poll(NULL, 0, -1); break;
	case 3: sleep(1000); break;
	case 4: pause(); break;
	case 5: for (;;) syscall(SYS_getppid);
	case 6: for (;;) word = word;
	case 7: // a parent in vfork, whose child ends when the exec closes the pipe
		check(pipe2(fds, O_CLOEXEC) == 0);
		if (vfork() == 0) {
			close(fds[1]);
			_exit(read(fds[0], &c, 1));
		}
		break;
	case 8: e = epoll_create1(0); epoll_wait(e, (struct epoll_event[1]){}, 1, -1); break;
	case 9: for (;;) sched_yield();
	case 10: // ends and begins threads all the time
		for (;;) {
			pthread_t t;
			if (pthread_create(&t, NULL, (void *(*)(void *))tid_self, NULL) == 0)
				pthread_join(t, NULL);
		}
	case 11: // forks all the time
		for (;;) {
			pid_t pid = fork();
			if (pid == 0)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
	}
	return NULL;
}

static void *executor(void *arg) {
	await(n_tids == KINDS);
	for (int i = 0; i < 5; i++)
		await_state(getpid(), tids[i], "S");
	check(tid_self() != getpid());
	// With NEXT in the environment, two builds (of 64 and of 32 bits, say)
	// execute each other by turns.
	char *next = getenv("NEXT"), self[PATH_MAX] = "";
	if (next) {
		next = strdup(next);
		must(readlink("/proc/self/exe", self, sizeof self - 1));
		setenv("NEXT", self, 1);
	}
	execve(next ? next : "/proc/self/exe", arguments, environ);
	say("exec: %s", errname(errno));
	_exit(99);
}

static void *at_once(void *barrier) {
	pthread_barrier_wait(barrier);
	execve("/proc/self/exe", arguments, environ);
	_exit(99);
}

static void *failing(void *arg) {
	char *none[] = {NULL};
	for (int i = 0; i < 50; i++)
		execve("/nonexistent", none, environ);
	say("exec of nothing: %s", errname(errno));
	execve("/", none, environ);
	say("exec of a directory: %s", errname(errno));
	execve((char *)1, none, environ);
	say("exec of no pointer: %s", errname(errno));
	return NULL;
}

int main(int argc, char **argv) {
	char pid_text[16], rounds_text[16];
	int rounds = argc > 1 ? atoi(argv[1]) : 30;
	const char *mode = argc > 1 ? argv[1] : "";
	snprintf(pid_text, sizeof pid_text, "%d", getpid());

	if (!strcmp(mode, "fails")) {
		pthread_t t;
		for (long i = 0; i < 5; i++)
			pthread_create(&t, NULL, sibling, (void *)i);
		await(n_tids == 5);
		pthread_create(&t, NULL, failing, NULL);
		pthread_join(t, NULL);
		await(count_tasks(getpid()) == 6);
		say("all siblings live");
		return 4;
	}
	if (!strcmp(mode, "race")) {
		int left = argc > 2 ? atoi(argv[2]) : 100;
		if (argc > 3)
			check(getpid() == atoi(argv[3]) && count_tasks(getpid()) == 1 && tid_self() == getpid());
		if (left == 0) {
			say("the race is over");
			return 5;
		}
		snprintf(rounds_text, sizeof rounds_text, "%d", left - 1);
		char *next[] = {argv[0], "race", rounds_text, pid_text, NULL};
		arguments = next;
		pthread_barrier_t b;
		pthread_barrier_init(&b, NULL, 3);
		// Three at once, the leader among them.
		pthread_t t;
		pthread_create(&t, NULL, at_once, &b);
		pthread_create(&t, NULL, at_once, &b);
		at_once(&b);
	}
	if (argc > 2) { // executed by ourselves
		check(getpid() == atoi(argv[2]));
		check(tid_self() == getpid());
		check(count_tasks(getpid()) == 1);
		int status;
		pid_t r;
		// Children of the old image's threads are ours still.
		while ((r = waitpid(-1, &status, __WALL)) > 0)
			check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		check(errno == ECHILD);
	}
	if (rounds == 0) {
		say("the last exec kept the pid and left one thread");
		return 3;
	}
	snprintf(rounds_text, sizeof rounds_text, "%d", rounds - 1);
	char *next[] = {argv[0], rounds_text, pid_text, NULL};
	arguments = next;
	pthread_t t;
	for (long i = 0; i < KINDS; i++)
		check(pthread_create(&t, NULL, sibling, (void *)i) == 0);
	pthread_create(&t, NULL, executor, NULL);
	if (rounds & 1)
		pthread_join(t, NULL); // the leader waits in a futex
	for (;;)
		syscall(SYS_getppid);   // or is busy
}
