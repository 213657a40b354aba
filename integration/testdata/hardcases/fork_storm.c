// Children by the hundred: whichever comes first, a child's first stop or its
// parent's event, nobody is lost and nobody stays stopped.
#include "observe.h"
#include <pthread.h>

static long reap(int n) {
	long sum = 0;
	for (int i = 0; i < n; i++) {
		int status;
		pid_t pid;
		while ((pid = waitpid(-1, &status, 0)) == -1 && errno == EINTR)
			;
		must(pid);
		sum += WIFEXITED(status) ? WEXITSTATUS(status) : 1000 * WTERMSIG(status);
	}
	return sum;
}

static void *forks75(void *arg) {
	long sum = 0, base = (long)arg;
	for (int i = 0; i < 75; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit((base + i) % 251);
		int status;
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	return (void *)sum;
}

static void *ends(void *arg) { return arg; }

int main(void) {
	int n = 600, gate[2];
	// All alive at once: each reports, then all wait for the gate.
	int up[2];
	must(pipe(gate)), must(pipe(up));
	for (int i = 0; i < n; i++)
		if (must(fork()) == 0) {
			char c = 0;
			close(gate[1]);
			check(write(up[1], &c, 1) == 1);
			check(read(gate[0], &c, 1) == 0);
			_exit(i % 251);
		}
	for (int i = 0; i < n; i++) {
		char c;
		check(read(up[0], &c, 1) == 1);
	}
	close(gate[1]);
	say("600 alive at once: %ld", reap(n));

	for (int i = 0; i < n; i++)
		if (must(fork()) == 0)
			syscall(SYS_exit_group, i % 251);
	say("600 that end at once: %ld", reap(n));

	for (int i = 0; i < n; i++) {
		pid_t pid = must(vfork());
		if (pid == 0)
			_exit(i % 251);
	}
	say("600 by vfork: %ld", reap(n));

	for (int i = 0; i < n; i++) {
		pid_t pid = must(fork());
		if (pid == 0)
			for (;;)
				syscall(SYS_getppid);
		must(kill(pid, SIGKILL));
	}
	say("600 killed in the cradle: %ld", reap(n));

	for (int i = 0; i < 24; i++)
		if (must(fork()) == 0) {
			for (int j = 0; j < 24; j++)
				if (must(fork()) == 0)
					_exit(j);
			_exit(reap(24) == 276 ? 1 : 0);
		}
	say("24 with 24 each: %ld", reap(24));

	pthread_t t[8];
	long sum = 0;
	for (long i = 0; i < 8; i++)
		check(pthread_create(&t[i], NULL, forks75, (void *)(i * 75)) == 0);
	for (int i = 0; i < 8; i++) {
		void *r;
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	say("8 threads, 75 each: %ld", sum);

	for (int i = 0; i < 40; i++)
		if (must(fork()) == 0) {
			pthread_t t;
			for (int j = 0; j < 10; j++)
				check(pthread_create(&t, NULL, ends, NULL) == 0);
			_exit(2); // over whoever still begins
		}
	say("40 that end over their new threads: %ld", reap(40));

	// A chain: each one forks the next and ends after it.
	pid_t pid = must(fork());
	if (pid == 0) {
		int depth = 0;
		while (depth < 100 && (pid = fork()) == 0)
			depth++;
		if (depth == 100)
			_exit(0);
		_exit(WEXITSTATUS(wait_for(pid)) + 1);
	}
	say("a chain of 100: %s", status_of(wait_for(pid)));

	// Children that stop themselves first of all, and that are stopped first of all.
	for (int i = 0; i < 100; i++) {
		int status;
		pid = must(fork());
		if (pid == 0) {
			if (i & 1)
				raise(SIGSTOP);
			else
				for (;;)
					syscall(SYS_getppid);
			_exit(5);
		}
		if (!(i & 1))
			kill(pid, SIGSTOP);
		must(waitpid(pid, &status, WUNTRACED));
		check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP && status >> 16 == 0);
		check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
		kill(pid, i & 1 ? SIGCONT : SIGKILL);
		status = wait_for(pid);
		check(i & 1 ? WEXITSTATUS(status) == 5 : WTERMSIG(status) == SIGKILL);
	}
	say("100 stopped at birth");
	say("more: %s", outcome_of(waitpid(-1, NULL, WNOHANG)));
	return 0;
}
