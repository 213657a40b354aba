// New namespaces, and what they are called: TestNewNamespaces.
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *what)
{
	char path[64], name[64] = "";
	snprintf(path, sizeof path, "/proc/self/ns/%s", what);
	if (readlink(path, name, sizeof name - 1) > 0)
		printf("%s\n", name);
	fflush(stdout);
}

static int done[2];

static void child(const char *what)
{
	char c;
	tell(what);
	close(done[1]);
	_exit(read(done[0], &c, 1)); // until the parent has seen its call return
}

static void parent(long id)
{
	if (id < 0) {
		puts("not allowed");
		exit(0);
	}
	close(done[1]);
	waitpid(id, NULL, 0);
	close(done[0]);
}

int main(void)
{
	if (pipe(done))
		return 1;
	long id = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, NULL, NULL, NULL, 0);
	if (id == 0)
		child("uts");
	parent(id);
	if (pipe(done))
		return 1;
	struct clone_args args = {.flags = CLONE_NEWIPC, .exit_signal = SIGCHLD};
	id = syscall(SYS_clone3, &args, sizeof args);
	if (id == 0)
		child("ipc");
	parent(id);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return 1;
	tell("mnt");
	tell("net");
	unshare(CLONE_FILES);
	unshare(-1);
	return 0;
}
