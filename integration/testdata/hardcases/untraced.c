// CLONE_UNTRACED: the kernel would not attach the tracer to the child. Each
// child makes calls that the trace must show: five of getppid.
//   untraced FORM    clone, clone-high, clone3, clone3-readonly, clone3-edge,
//                    vfork, thread
#include "observe.h"
#include <pthread.h>

#define UNTRACED 0x00800000ull
struct args { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; };

static volatile int sum;

static int in_child(void *code) {
	for (int i = 0; i < 5; i++)
		syscall(SYS_getppid);
	sum = 15;
	return (int)(intptr_t)code;
}

int main(int argc, char **argv) {
	const char *form = argc > 1 ? argv[1] : "clone";
	static char stack[65536] __attribute__((aligned(16)));
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page + 4096, 4096, PROT_NONE);
	struct args *a = (struct args *)page;
	pid_t pid;
	if (!strcmp(form, "clone"))
		pid = must(syscall(SYS_clone, UNTRACED | SIGCHLD, NULL, NULL, NULL, NULL));
	else if (!strcmp(form, "clone-high")) // clone reads the lower half of its flags
		pid = must(syscall(SYS_clone, (long)(UNTRACED | SIGCHLD | (sizeof(long) == 8 ? 0xdeadull << 32 : 0)), NULL, NULL, NULL, NULL));
	else if (!strncmp(form, "clone3", 6)) {
		if (!strcmp(form, "clone3-edge"))
			a = (struct args *)(page + 4096 - sizeof *a);
		a->flags = UNTRACED, a->exit_signal = SIGCHLD;
		if (!strcmp(form, "clone3-readonly"))
			mprotect(page, 4096, PROT_READ);
		pid = must(syscall(435, a, sizeof *a));
		// The program's own memory is as it was, on both sides.
		check(a->flags == UNTRACED && a->exit_signal == SIGCHLD);
	} else if (!strcmp(form, "vfork")) {
		pid = must(clone(in_child, stack + sizeof stack, UNTRACED | CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)9));
		check(sum == 15);
	} else if (!strcmp(form, "thread")) {
		int tid = 1;
		must(clone(in_child, stack + sizeof stack, UNTRACED | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, (void *)0, &tid, NULL, &tid));
		await(__atomic_load_n(&tid, __ATOMIC_SEQ_CST) == 0);
		say("thread: %d", sum);
		return 9;
	} else
		return 98;
	if (pid == 0)
		_exit(in_child((void *)9));
	int status = wait_for(pid);
	say("%s: %s", form, status_of(status));
	say("errors: %s", outcome_of(syscall(SYS_clone, UNTRACED | CLONE_THREAD, NULL, NULL, NULL, NULL)));
	a = (struct args *)page;
	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	*a = (struct args){.flags = UNTRACED | CLONE_THREAD};
	say("errors: %s", outcome_of(syscall(435, a, sizeof *a)));
	say("errors: %s", outcome_of(syscall(435, page + 4096 - 8, sizeof *a)));
	return WEXITSTATUS(status);
}
