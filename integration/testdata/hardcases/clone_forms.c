// clone3 in its forms, pidfds, other parents, other cgroups, namespaces.
#include "observe.h"
#include <poll.h>
#include <sys/stat.h>

struct args { // clone3's, whole
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
} __attribute__((aligned(8)));

#define F_PIDFD 0x1000
#define F_INTO_CGROUP 0x200000000ull
#define F_CLEAR_SIGHAND 0x100000000ull
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static long clone3(struct args *a, size_t size) { return syscall(435, a, size); }
static int pidfd_open(pid_t pid) { return syscall(434, pid, 0); }
static int pidfd_send_signal(int fd, int sig) { return syscall(424, fd, sig, NULL, 0); }
static uint64_t ptr(const volatile void *p) { return (uintptr_t)p; }

static volatile int usr1_pid, usr1_code;
static void on_usr1(int s, siginfo_t *i, void *u) { usr1_pid = i->si_pid, usr1_code = i->si_code; }

static const char *waitid_of(int type, int id, int options) {
	static char text[100];
	siginfo_t i;
	memset(&i, 0, sizeof i);
	int r = waitid(type, id, &i, options);
	if (r == -1)
		return errname(errno);
	snprintf(text, sizeof text, "code %d status %d pid %d", i.si_code, i.si_status, i.si_pid != 0);
	return text;
}

static void pidfds(void) {
	int fd = -1;
	struct args a = {.flags = F_PIDFD, .pidfd = ptr(&fd), .exit_signal = SIGCHLD};
	int gate[2];
	must(pipe(gate));
	pid_t pid = must(clone3(&a, sizeof a));
	if (pid == 0) {
		char c;
		close(gate[1]);
		read(gate[0], &c, 1);
		_exit(23);
	}
	struct pollfd p = {fd, POLLIN};
	say("pidfd before the end: %d", poll(&p, 1, 0));
	say("waitid WNOHANG: %s", waitid_of(P_PIDFD, fd, WEXITED | WNOHANG));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	say("waitid nonblocking: %s", waitid_of(P_PIDFD, fd, WEXITED));
	fcntl(fd, F_SETFL, 0);
	close(gate[1]);
	check(poll(&p, 1, -1) == 1);
	say("pidfd at the end: %d", p.revents & POLLIN);
	say("waitid WNOWAIT: %s", waitid_of(P_PIDFD, fd, WEXITED | WNOWAIT));
	say("waitid: %s", waitid_of(P_PIDFD, fd, WEXITED));
	say("waitid again: %s", waitid_of(P_PIDFD, fd, WEXITED));
	say("signal to the dead: %s", outcome_of(pidfd_send_signal(fd, 0)));
	close(fd);
	close(gate[0]);

	// By the older call, which puts the pidfd where the parent's tid goes.
	fd = -1;
	pid = must(syscall(SYS_clone, F_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL));
	if (pid == 0)
		for (;;)
			pause();
	say("pidfd by clone: %d", fd > 2);
	say("signal: %s", outcome_of(pidfd_send_signal(fd, SIGTERM)));
	say("waitid: %s", waitid_of(P_PIDFD, fd, WEXITED));
	close(fd);
	say("clone with both: %s", outcome_of(syscall(SYS_clone, F_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, NULL)));

	pid = must(fork());
	if (pid == 0)
		for (;;)
			syscall(SYS_getppid);
	fd = must(pidfd_open(pid));
	must(pidfd_send_signal(fd, SIGSTOP));
	say("stop: %s", waitid_of(P_PIDFD, fd, WSTOPPED));
	must(pidfd_send_signal(fd, SIGCONT));
	say("continue: %s", waitid_of(P_PIDFD, fd, WCONTINUED));
	must(pidfd_send_signal(fd, SIGKILL));
	say("kill: %s", waitid_of(P_PIDFD, fd, WEXITED));
	close(fd);
}

static void other_parent(void) {
	int ids[2];
	must(pipe(ids));
	pid_t me = getpid();
	pid_t middle = must(fork());
	if (middle == 0) {
		struct args a = {.flags = CLONE_PARENT};
		pid_t pid = must(clone3(&a, sizeof a));
		if (pid == 0)
			_exit(getppid() == me ? 31 : 32);
		check(write(ids[1], &pid, sizeof pid) == sizeof pid);
		// It is nobody's child here.
		_exit(waitpid(pid, NULL, 0) == -1 && errno == ECHILD ? 33 : 34);
	}
	pid_t pid;
	check(read(ids[0], &pid, sizeof pid) == sizeof pid);
	say("the one between: %s", status_of(wait_for(middle)));
	say("CLONE_PARENT's child: %s", status_of(wait_for(pid)));
	middle = must(fork());
	if (middle == 0) {
		pid = must(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL));
		if (pid == 0)
			_exit(getppid() == me ? 35 : 36);
		check(write(ids[1], &pid, sizeof pid) == sizeof pid);
		_exit(0);
	}
	check(read(ids[0], &pid, sizeof pid) == sizeof pid);
	wait_for(middle);
	say("CLONE_PARENT's child by clone: %s", status_of(wait_for(pid)));
	struct args a = {.flags = CLONE_PARENT, .exit_signal = SIGCHLD};
	say("CLONE_PARENT with a signal: %s", outcome_of(clone3(&a, sizeof a)));
}

static void into_cgroup(void) {
	const char *roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char dir[128], path[160], text[1024];
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/cgroup.procs", roots[i]);
		snprintf(dir, sizeof dir, "%s/k42-test-%d", roots[i], getpid());
		if (access(path, W_OK) != 0 || mkdir(dir, 0755) != 0)
			continue;
		int fd = must(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		struct args a = {.flags = F_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = fd};
		pid_t pid = clone3(&a, sizeof a);
		if (pid == 0) {
			slurp("/proc/self/cgroup", text, sizeof text);
			_exit(strstr(text, strrchr(dir, '/')) ? 41 : 42);
		}
		if (pid < 0)
			say("CLONE_INTO_CGROUP: %s", errname(errno));
		else
			say("CLONE_INTO_CGROUP: %s", status_of(wait_for(pid)));
		close(fd);
		await(rmdir(dir) == 0);
		return;
	}
	say("CLONE_INTO_CGROUP: no cgroup to write to");
}

static void bad_arguments(void) {
	struct { struct args a; char tail[64]; } big = {.a = {.exit_signal = SIGCHLD}};
	struct args a = {.exit_signal = SIGCHLD};
	say("size 0: %s", outcome_of(clone3(&a, 0)));
	say("size 63: %s", outcome_of(clone3(&a, 63)));
	say("size 5000: %s", outcome_of(clone3(&a, 5000)));
	say("NULL: %s", outcome_of(clone3(NULL, sizeof a)));
	say("not mapped: %s", outcome_of(clone3((void *)4096, 64)));
	a.flags = CLONE_THREAD;
	say("CLONE_THREAD alone: %s", outcome_of(clone3(&a, sizeof a)));
	a.flags = CLONE_SIGHAND;
	say("CLONE_SIGHAND alone: %s", outcome_of(clone3(&a, sizeof a)));
	a.flags = 1ull << 40;
	say("unknown flag: %s", outcome_of(clone3(&a, sizeof a)));
	a.flags = CLONE_DETACHED;
	say("CLONE_DETACHED: %s", outcome_of(clone3(&a, sizeof a)));
	a.flags = SIGCHLD;
	say("signal in the flags: %s", outcome_of(clone3(&a, sizeof a)));
	a.flags = 0, a.exit_signal = 200;
	say("signal 200: %s", outcome_of(clone3(&a, sizeof a)));
	a.exit_signal = SIGCHLD, a.stack = 4096;
	say("stack without a size: %s", outcome_of(clone3(&a, sizeof a)));
	big.tail[63] = 1;
	say("a tail of the future: %s", outcome_of(clone3(&big.a, sizeof big)));
	big.tail[63] = 0;
	pid_t pid = must(clone3(&big.a, sizeof big));
	if (pid == 0)
		_exit(51);
	say("a tail of zeros: %s", status_of(wait_for(pid)));
	// The smallest version, at the very end of what is mapped.
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + 4096, 4096, PROT_NONE);
	struct args *edge = (struct args *)(pages + 4096 - 64);
	edge->exit_signal = SIGCHLD;
	pid = must(clone3(edge, 64));
	if (pid == 0)
		_exit(52);
	say("at the end of a page: %s", status_of(wait_for(pid)));
	say("over the end of a page: %s", outcome_of(clone3(edge, 72)));
	int bad = syscall(SYS_clone, CLONE_THREAD, NULL, NULL, NULL, NULL);
	say("clone(CLONE_THREAD): %s", outcome_of(bad));
}

static void tids_and_signals(void) {
	int *ids = shared(4096);
	struct args a = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, .parent_tid = ptr(&ids[0]), .child_tid = ptr(&ids[1]), .exit_signal = SIGCHLD};
	pid_t pid = must(clone3(&a, sizeof a));
	if (pid == 0)
		_exit(ids[1] == getpid() ? 61 : 62);
	check(ids[0] == pid);
	say("SETTID: %s", status_of(wait_for(pid)));

	// An end that signals nothing, and one that signals SIGUSR1.
	a = (struct args){0};
	pid = must(clone3(&a, sizeof a));
	if (pid == 0)
		_exit(63);
	say("no signal, plain wait: %s", outcome_of(waitpid(pid, NULL, 0)));
	int status;
	check(waitpid(pid, &status, __WCLONE) == pid);
	say("no signal, __WCLONE: %s", status_of(status));
	on_signal(SIGUSR1, on_usr1, SA_RESTART);
	a.exit_signal = SIGUSR1;
	pid = must(clone3(&a, sizeof a));
	if (pid == 0)
		_exit(64);
	say("SIGUSR1 at the end: %s", status_of(wait_for(pid)));
	await(usr1_pid);
	say("its siginfo: pid %d, code %d", usr1_pid == pid, usr1_code);

	a = (struct args){.flags = F_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid = must(clone3(&a, sizeof a));
	if (pid == 0) {
		raise(SIGUSR1);
		_exit(65);
	}
	say("CLONE_CLEAR_SIGHAND: %s", status_of(wait_for(pid)));

	// A child on a stack of its own, by clone3 and a hand-made entry.
	a = (struct args){.flags = CLONE_FS | CLONE_FILES, .exit_signal = SIGCHLD};
	pid = must(clone3(&a, sizeof a));
	if (pid == 0) {
		check(chdir("/proc") == 0);
		check(dup2(1, 100) == 100);
		_exit(66);
	}
	say("CLONE_FS|CLONE_FILES: %s", status_of(wait_for(pid)));
	char cwd[64];
	check(getcwd(cwd, sizeof cwd));
	say("cwd %s, fd 100: %s", cwd, outcome_of(fcntl(100, F_GETFD)));
	close(100);
}

static void namespaces(void) {
	struct args a = {.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	pid_t pid = clone3(&a, sizeof a);
	if (pid == 0) {
		// Pid 1 of its own world, with children and threads there.
		check(getpid() == 1 && getppid() == 0);
		for (int i = 0; i < 20; i++) {
			pid_t child = must(fork());
			if (child == 0) {
				pid_t grandchild = must(vfork());
				if (grandchild == 0)
					_exit(2);
				_exit(grandchild == getpid() + 1 && wait_for(grandchild) == 2 << 8 ? 71 : 72);
			}
			check(child == 2 + 2 * i);
			check(wait_for(child) == 71 << 8);
		}
		pid_t orphan = must(fork());
		if (orphan == 0) {
			pid_t last = fork();
			if (last == 0) {
				await(getppid() == 1);
				_exit(74);
			}
			_exit(0);
		}
		wait_for(orphan);
		int status;
		must(wait(&status));
		_exit(WEXITSTATUS(status));
	}
	if (pid < 0) {
		say("CLONE_NEWPID: %s", errname(errno));
		return;
	}
	say("CLONE_NEWPID: %s", status_of(wait_for(pid)));
	// Its init dies, and all of it.
	int up[2];
	must(pipe(up));
	pid = must(clone3(&a, sizeof a));
	if (pid == 0) {
		for (int i = 0; i < 20; i++)
			if (fork() == 0) {
				check(write(up[1], "x", 1) == 1);
				for (;;)
					syscall(SYS_getppid);
			}
		for (;;)
			pause();
	}
	close(up[1]);
	char c;
	for (int i = 0; i < 20; i++)
		check(read(up[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	say("a namespace's init is killed: %s", status_of(wait_for(pid)));
	say("nobody holds its pipe: %zd", read(up[0], &c, 1));
	close(up[0]);
	// A pid of choice.
	int32_t wish = 777;
	a = (struct args){.flags = CLONE_NEWPID, .exit_signal = SIGCHLD};
	pid = must(clone3(&a, sizeof a));
	if (pid == 0) {
		struct args b = {.exit_signal = SIGCHLD, .set_tid = ptr(&wish), .set_tid_size = 1};
		pid_t child = must(clone3(&b, sizeof b));
		if (child == 0)
			_exit(getpid() == 777 ? 75 : 76);
		_exit(WEXITSTATUS(wait_for(child)));
	}
	say("set_tid: %s", status_of(wait_for(pid)));
	pid = must(fork());
	if (pid == 0) {
		must(unshare(CLONE_NEWPID));
		pid_t child = must(fork());
		if (child == 0)
			_exit(getpid() == 1 ? 77 : 78);
		_exit(WEXITSTATUS(wait_for(child)));
	}
	say("unshare(CLONE_NEWPID): %s", status_of(wait_for(pid)));
	a.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID;
	pid = clone3(&a, sizeof a);
	if (pid == 0) {
		check(getpid() == 1);
		execl("/bin/sh", "sh", "-c", "echo pid $$ in new namespaces; exit 79", NULL);
		_exit(99);
	}
	say("all namespaces: %s", pid < 0 ? errname(errno) : status_of(wait_for(pid)));
}

int main(void) {
	pidfds();
	other_parent();
	into_cgroup();
	bad_arguments();
	tids_and_signals();
	namespaces();
	say("more: %s", outcome_of(waitpid(-1, NULL, __WALL | WNOHANG)));
	return 0;
}
