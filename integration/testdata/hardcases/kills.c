// SIGKILL at busy thread groups, and in every kind of stop and wait. The
// moment is chosen by what the victim reports, not by a clock; in between it
// is as random as the scheduler.
#include "observe.h"
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

struct state { volatile int up, beat, pid, other; };
static struct state *st;
static char *self[] = {"kills", "exec", NULL};

__attribute__((noreturn)) static void *calls(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		syscall(SYS_getppid), st->beat++;
}
__attribute__((noreturn)) static void *computes(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		st->beat++;
}
__attribute__((noreturn)) static void *blocks(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		poll(NULL, 0, -1);
}
static void *forks(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		st->beat++;
	}
}
static void *nothing(void *unused) { return NULL; }
__attribute__((noreturn)) static void *makes_threads(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		pthread_t t;
		if (pthread_create(&t, NULL, nothing, NULL) == 0)
			pthread_join(t, NULL);
		st->beat++;
	}
}
static void *vforks(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		pid_t pid = vfork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		st->beat++;
	}
}
__attribute__((noreturn)) static void *raises(void *unused) {
	__atomic_add_fetch(&st->up, 1, __ATOMIC_SEQ_CST);
	for (;;)
		syscall(SYS_tgkill, getpid(), tid_self(), SIGUSR1), st->beat++;
}
static void handler(int s, siginfo_t *i, void *u) { }

static void *(*const bodies[])(void *) = {calls, computes, blocks, forks, makes_threads, vforks, raises, calls};
#define BODIES (int)(sizeof bodies / sizeof *bodies)

static void busy_group(void) {
	on_signal(SIGUSR1, handler, 0);
	for (int i = 0; i < BODIES; i++) {
		pthread_t t;
		check(pthread_create(&t, NULL, bodies[i], NULL) == 0);
	}
}

static void reset(void) { memset((void *)st, 0, sizeof *st); }

// reap waits for its end, and takes in whatever it
// left behind: we are a subreaper.
static void reap(pid_t pid, int signal) {
	int status = wait_for(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == signal);
	check(kill(pid, 0) == -1 && errno == ESRCH);
	while (waitpid(-1, &status, __WALL) > 0)
		;
	check(errno == ECHILD);
}

static void busy(void) {
	for (int round = 0; round < 50; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			busy_group();
			calls(NULL);
		}
		if (round & 1) { // in full swing, or while it begins
			await(st->up == BODIES + 1);
			int beat = st->beat;
			await(st->beat > beat + round);
		} else
			await(st->up > round % 8);
		must(kill(pid, SIGKILL));
		reap(pid, SIGKILL);
	}
	say("50 busy groups killed");
	for (int round = 0; round < 30; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			busy_group();
			await(st->up == BODIES);
			if (round % 3 == 0)
				kill(getpid(), SIGKILL);
			if (round % 3 == 1)
				raise(SIGKILL);
			if (round % 3 == 2)
				*(volatile int *)8 = 1;
			_exit(99);
		}
		reap(pid, round % 3 == 2 ? SIGSEGV : SIGKILL);
	}
	say("30 busy groups ended themselves");
	for (int round = 0; round < 30; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			busy_group();
			await(st->up == BODIES);
			_exit(7);
		}
		int status = wait_for(pid);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		while (waitpid(-1, &status, __WALL) > 0)
			;
	}
	say("30 busy groups exited");
}

static void in_exec(void) {
	for (int round = 0; round < 60; round++) {
		reset();
		int beats[2];
		must(pipe(beats));
		pid_t pid = must(fork());
		if (pid == 0) {
			dup2(beats[1], 100);
			close(beats[0]), close(beats[1]);
			execv("/proc/self/exe", self);
			_exit(99);
		}
		close(beats[1]);
		char c;
		for (int i = 0; i <= round / 4; i++)
			check(read(beats[0], &c, 1) == 1);
		if (round & 1) // and stopped at that
			must(kill(pid, SIGSTOP));
		must(kill(pid, SIGKILL));
		reap(pid, SIGKILL);
		while (read(beats[0], &c, 1) == 1)
			;
		close(beats[0]);
	}
	say("60 killed between execs of threads");
}

static void *execs(void *unused) {
	execv("/proc/self/exe", self);
	_exit(99);
}

// exec_for_ever reports each exec by a byte, and executes from a thread again.
static int exec_for_ever(void) {
	st = shared(4096);
	if (write(100, "x", 1) != 1)
		return 1;
	pthread_t t;
	pthread_create(&t, NULL, calls, NULL);
	pthread_create(&t, NULL, execs, NULL);
	for (;;)
		pause();
}

static void in_vfork(void) {
	for (int round = 0; round < 30; round++) {
		// The parent is killed, the child lives, is ours, and goes on.
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			pid_t child = vfork();
			if (child == 0) {
				st->pid = syscall(SYS_getpid);
				await(st->other);
				for (int i = 0; i < 20; i++)
					syscall(SYS_getppid);
				_exit(11);
			}
			_exit(99);
		}
		await(st->pid);
		pid_t child = st->pid;
		if (round & 1)
			await_state(pid, pid, "DS");
		must(kill(pid, SIGKILL));
		int status = wait_for(pid);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		st->other = 1;
		status = wait_for(child);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 11);
		// The child is killed, the parent goes on.
		reset();
		pid = must(fork());
		if (pid == 0) {
			child = vfork();
			if (child == 0) {
				st->pid = syscall(SYS_getpid);
				for (;;)
					syscall(SYS_getppid);
			}
			status = wait_for(child);
			_exit(WIFSIGNALED(status) ? 12 : 13);
		}
		await(st->pid);
		must(kill(st->pid, SIGKILL));
		check(wait_for(pid) == 12 << 8);
	}
	say("30 killed in vfork, on either side");
}

static void in_stops(void) {
	int status;
	for (int round = 0; round < 40; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			if (round & 1)
				busy_group();
			else
				st->up = BODIES;
			calls(NULL);
		}
		await(st->up == BODIES + 1);
		must(kill(pid, SIGSTOP));
		switch (round / 2 % 4) {
		case 0: // in the group-stop, surely
			must(waitpid(pid, &status, WUNTRACED));
			check(WIFSTOPPED(status));
			break;
		case 1: // on the way to it
			break;
		case 2: // on the way out of it
			must(waitpid(pid, &status, WUNTRACED));
			must(kill(pid, SIGCONT));
			break;
		case 3: // with more signals pending
			must(waitpid(pid, &status, WUNTRACED));
			for (int s = 1; s < 31; s++)
				if (s != SIGKILL && s != SIGCONT)
					kill(pid, s);
		}
		must(kill(pid, SIGKILL));
		reap(pid, SIGKILL);
	}
	say("40 killed around a stop");
	for (int round = 0; round < 200; round++) {
		pid_t pid = must(fork());
		if (pid == 0)
			for (;;)
				syscall(SYS_getppid);
		if (round & 1)
			must(kill(pid, SIGSTOP));
		must(kill(pid, SIGKILL));
		reap(pid, SIGKILL);
	}
	say("200 killed at birth");
}

static void groups(void) {
	for (int round = 0; round < 10; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			setpgid(0, 0);
			for (int i = 0; i < 10; i++)
				if (fork() == 0)
					calls(NULL);
			calls(NULL);
		}
		await(st->up == 11);
		if (round & 1)
			must(kill(-pid, SIGKILL));
		else // the same, by its own hand
			must(kill(-pid, SIGTERM));
		reap(pid, round & 1 ? SIGKILL : SIGTERM);
	}
	say("10 process groups killed");
	// The parent's death kills the child, when it asked for that.
	for (int round = 0; round < 20; round++) {
		reset();
		pid_t pid = must(fork());
		if (pid == 0) {
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				st->pid = getpid();
				for (;;)
					syscall(SYS_getppid);
			}
			for (;;)
				pause();
		}
		await(st->pid);
		pid_t child = st->pid;
		must(kill(pid, SIGKILL));
		wait_for(pid);
		int status = wait_for(child);
		check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	say("20 parent-death signals");
}

int main(int argc, char **argv) {
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return exec_for_ever();
	st = shared(4096);
	if (argc > 1 && !strcmp(argv[1], "whole")) { // the whole program ends so
		busy_group();
		await(st->up == BODIES);
		kill(getpid(), SIGKILL);
	}
	must(prctl(PR_SET_CHILD_SUBREAPER, 1));
	busy();
	in_exec();
	in_vfork();
	in_stops();
	groups();
	say("more: %s", outcome_of(waitpid(-1, NULL, __WALL | WNOHANG)));
	return 0;
}
