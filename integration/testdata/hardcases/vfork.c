// vfork: the parent's thread stands still until the child executes or ends,
// and the two share their memory; the parent's other threads go on.
#include "observe.h"
#include <pthread.h>
#include <spawn.h>

#ifndef CLONE_VFORK
#include <linux/sched.h>
#endif

static volatile int written, order, handled_at = -1, progress, stop_progress;
static volatile pid_t child_pid;
static pid_t parent;

static void on_usr1(int s, siginfo_t *i, void *u) { handled_at = order; }

// In the child, on the parent's memory. It has no stack of its own to return on.
static void look_at_parent(void) {
	// An uninterruptible wait it is not, but D is what /proc shows.
	await_state(parent, parent, "DS");
	for (int i = 0; i < 50; i++)
		syscall(SYS_getppid);
	written = 42;
	order++;
}

static void *spins(void *unused) {
	while (!stop_progress)
		progress++, syscall(SYS_getppid);
	return NULL;
}

static void *signals_parent(void *unused) {
	await(child_pid);
	await_state(parent, parent, "DS");
	syscall(SYS_tgkill, parent, parent, SIGUSR1);
	order = 1;
	return NULL;
}

static void *kills_child(void *unused) {
	await(child_pid);
	await_state(parent, parent, "DS");
	kill(child_pid, SIGKILL);
	return NULL;
}

static void *stops_child(void *unused) {
	await(child_pid);
	int status;
	must(waitpid(child_pid, &status, WUNTRACED));
	check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	check(strchr("DS", await_state(parent, parent, "DS")));
	kill(child_pid, SIGCONT);
	return NULL;
}

static int in_clone(void *arg) {
	written = (int)(intptr_t)arg;
	_exit(13);
}

int main(int argc, char **argv) {
	pid_t pid;
	pthread_t t;
	parent = getpid();
	if (argc > 1)
		return atoi(argv[1]);

	for (int i = 0; i < 20; i++) {
		written = 0;
		pid = must(vfork());
		if (pid == 0) {
			look_at_parent();
			_exit(3);
		}
		check(written == 42);
		check(wait_for(pid) == 3 << 8);
	}
	say("vfork and _exit: memory shared, parent waited");

	for (int i = 0; i < 20; i++) {
		written = 0;
		pid = must(vfork());
		if (pid == 0) {
			look_at_parent();
			execl("/proc/self/exe", "vfork", "4", NULL);
			_exit(127);
		}
		check(written == 42);
		check(wait_for(pid) == 4 << 8);
	}
	say("vfork and exec");

	pid = must(vfork());
	if (pid == 0) {
		char *none[] = {NULL};
		execve("/nonexistent", none, none);
		written = errno;
		_exit(127);
	}
	say("exec fails: %s, %s", errname(written), status_of(wait_for(pid)));

	// A child of a child.
	pid = must(vfork());
	if (pid == 0) {
		pid_t grandchild = vfork();
		if (grandchild == 0) {
			written = 77;
			_exit(6);
		}
		int status;
		waitpid(grandchild, &status, 0);
		_exit(WEXITSTATUS(status) + (written == 77));
	}
	say("vfork in vfork: %s", status_of(wait_for(pid)));

	// Another thread runs meanwhile.
	pthread_create(&t, NULL, spins, NULL);
	pid = must(vfork());
	if (pid == 0) {
		int before = progress;
		await(progress > before + 20);
		_exit(0);
	}
	stop_progress = 1;
	pthread_join(t, NULL);
	say("another thread runs meanwhile: %s", status_of(wait_for(pid)));

	// A signal to the waiting parent is handled when the wait is over.
	on_signal(SIGUSR1, on_usr1, 0);
	order = 0, child_pid = 0;
	pthread_create(&t, NULL, signals_parent, NULL);
	pid = must(vfork());
	if (pid == 0) {
		child_pid = getpid();
		await(order == 1);
		for (int i = 0; i < 20; i++)
			syscall(SYS_getppid);
		check(handled_at == -1);
		order = 2;
		_exit(0);
	}
	pthread_join(t, NULL);
	wait_for(pid);
	say("a signal meanwhile is handled after: %d", handled_at == 2);

	child_pid = 0;
	pthread_create(&t, NULL, kills_child, NULL);
	pid = must(vfork());
	if (pid == 0) {
		child_pid = getpid();
		for (;;)
			syscall(SYS_getppid);
	}
	pthread_join(t, NULL);
	say("the child is killed: %s", status_of(wait_for(pid)));

	child_pid = 0;
	pthread_create(&t, NULL, stops_child, NULL);
	pid = must(vfork());
	if (pid == 0) {
		child_pid = getpid();
		syscall(SYS_kill, child_pid, SIGSTOP);
		_exit(8);
	}
	pthread_join(t, NULL);
	say("the child stops and goes on: %s", status_of(wait_for(pid)));

	static char stack[65536] __attribute__((aligned(16)));
	pid = must(clone(in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)55));
	check(written == 55);
	say("clone(CLONE_VM|CLONE_VFORK): %s", status_of(wait_for(pid)));
	pid = must(clone(in_clone, stack + sizeof stack, CLONE_VFORK | SIGCHLD, (void *)66));
	check(written == 55);
	say("clone(CLONE_VFORK): %s", status_of(wait_for(pid)));
	pid = must(clone(in_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)67));
	say("clone(CLONE_VM): %s", status_of(wait_for(pid)));
	check(written == 67);
	pid = must(clone(in_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_SIGHAND, (void *)68));
	check(written == 68);
	say("clone without a signal: %s", status_of(wait_for(pid)));

	char *args[] = {"sh", "-c", "echo spawned; exit 9", NULL};
	check(posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ) == 0);
	say("posix_spawn: %s", status_of(wait_for(pid)));
	say("posix_spawn of nothing: %s", errname(posix_spawn(&pid, "/nonexistent", NULL, NULL, args, environ)));
	say("system: %s", status_of(system("echo by system; kill -TERM $$")));
	FILE *f = popen("echo by popen", "r");
	char line[64];
	check(fgets(line, sizeof line, f) != NULL);
	say("popen: %s", strtok(line, "\n"));
	say("pclose: %s", status_of(pclose(f)));
	say("more: %s", outcome_of(waitpid(-1, NULL, __WALL | WNOHANG)));
	return 0;
}
