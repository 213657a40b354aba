// What the programs of this directory share: they print what they observe,
// name by name, and wait for a state of another thread by looking at /proc,
// never by sleeping and hoping.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

// say prints one line in one write, so that lines of several threads and
// processes never mix.
UNUSED static void say(const char *format, ...) {
	char line[2048];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line - 1, format, args);
	va_end(args);
	if (n > (int)sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	if (write(1, line, n) != n)
		_exit(98);
}

UNUSED static const char *errname(int e) {
	static __thread char other[32];
	switch (e) {
#define NAME(x) case x: return #x;
	NAME(EPERM) NAME(ENOENT) NAME(ESRCH) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(E2BIG) NAME(ENOEXEC)
	NAME(EBADF) NAME(ECHILD) NAME(EAGAIN) NAME(ENOMEM) NAME(EACCES) NAME(EFAULT) NAME(EBUSY)
	NAME(EEXIST) NAME(ENOTDIR) NAME(EISDIR) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOTTY)
	NAME(ETXTBSY) NAME(EFBIG) NAME(ENOSPC) NAME(ESPIPE) NAME(EROFS) NAME(EPIPE) NAME(ERANGE)
	NAME(EDEADLK) NAME(ENAMETOOLONG) NAME(ENOSYS) NAME(ELOOP) NAME(ENOMSG) NAME(EIDRM)
	NAME(EOVERFLOW) NAME(EILSEQ) NAME(ENOTSOCK) NAME(EDESTADDRREQ) NAME(EMSGSIZE) NAME(EOPNOTSUPP)
	NAME(EADDRINUSE) NAME(ECONNABORTED) NAME(ECONNRESET) NAME(ENOTCONN) NAME(ETIMEDOUT)
	NAME(ECONNREFUSED) NAME(EALREADY) NAME(EINPROGRESS) NAME(EOWNERDEAD) NAME(ENOTRECOVERABLE)
#undef NAME
	// What the kernel keeps to itself. A program that sees one has found a bug.
	case 512: return "ERESTARTSYS";
	case 513: return "ERESTARTNOINTR";
	case 514: return "ERESTARTNOHAND";
	case 516: return "ERESTART_RESTARTBLOCK";
	case 0: return "0";
	}
	snprintf(other, sizeof other, "errno %d", e);
	return other;
}

// outcome_of names the result of a libc-style call: its value, or its errno.
UNUSED static const char *outcome_of(long result) {
	static __thread char text[4][40];
	static __thread int next;
	char *t = text[next++ & 3];
	if (result == -1)
		snprintf(t, 40, "%s", errname(errno));
	else
		snprintf(t, 40, "%ld", result);
	return t;
}

UNUSED static const char *signame(int s) {
	static __thread char other[4][24];
	static __thread int next;
	switch (s) {
#define NAME(x) case x: return #x;
	NAME(SIGHUP) NAME(SIGINT) NAME(SIGQUIT) NAME(SIGILL) NAME(SIGTRAP) NAME(SIGABRT) NAME(SIGBUS)
	NAME(SIGFPE) NAME(SIGKILL) NAME(SIGUSR1) NAME(SIGSEGV) NAME(SIGUSR2) NAME(SIGPIPE) NAME(SIGALRM)
	NAME(SIGTERM) NAME(SIGSTKFLT) NAME(SIGCHLD) NAME(SIGCONT) NAME(SIGSTOP) NAME(SIGTSTP)
	NAME(SIGTTIN) NAME(SIGTTOU) NAME(SIGURG) NAME(SIGXCPU) NAME(SIGXFSZ) NAME(SIGVTALRM)
	NAME(SIGPROF) NAME(SIGWINCH) NAME(SIGIO) NAME(SIGPWR) NAME(SIGSYS)
#undef NAME
	}
	char *t = other[next++ & 3];
	snprintf(t, 24, "signal %d", s);
	return t;
}

// status_of names a wait status.
UNUSED static const char *status_of(int status) {
	static __thread char text[4][64];
	static __thread int next;
	char *t = text[next++ & 3];
	if (WIFEXITED(status))
		snprintf(t, 64, "exited with %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(t, 64, "killed by %s", signame(WTERMSIG(status)));
	else if (WIFSTOPPED(status) && status >> 16)
		snprintf(t, 64, "stopped by %s with event %d", signame(WSTOPSIG(status)), status >> 16);
	else if (WIFSTOPPED(status))
		snprintf(t, 64, "stopped by %s", signame(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		snprintf(t, 64, "continued");
	else
		snprintf(t, 64, "status %#x", status);
	return t;
}

// must ends the program, loudly, when something fails that never should.
#define must(x) ({ \
	__typeof__(x) must_value = (x); \
	if (must_value == (__typeof__(x))-1) { \
		say("%s:%d: %s: %s", __FILE__, __LINE__, #x, errname(errno)); \
		_exit(99); \
	} \
	must_value; })
#define check(x) do { \
	if (!(x)) { \
		say("%s:%d: not so: %s (errno %s)", __FILE__, __LINE__, #x, errname(errno)); \
		_exit(99); \
	} } while (0)

// pause_briefly is for loops that look at a state again and again.
UNUSED static void pause_briefly(void) {
	struct timespec ms = {0, 500 * 1000};
	nanosleep(&ms, NULL);
}

#define PATIENCE 40000 // looks, about 20 s or more

// await repeats a condition until it holds, and gives up loudly in the end.
#define await(condition) do { \
	int await_left = PATIENCE; \
	while (!(condition)) { \
		if (--await_left == 0) { \
			say("%s:%d: never came: %s", __FILE__, __LINE__, #condition); \
			_exit(97); \
		} \
		pause_briefly(); \
	} } while (0)

// slurp reads a small file whole; -1 when it is gone.
UNUSED static int slurp(const char *path, char *buffer, int size) {
	int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0, r;
	if (fd < 0)
		return -1;
	while (n < size - 1 && (r = read(fd, buffer + n, size - 1 - n)) > 0)
		n += r;
	close(fd);
	buffer[n] = 0;
	return n;
}

// task_state is the letter of proc(5), 0 when the task is gone. Both of T
// (stopped) and t (stopped, and traced) are T here: a traced thread in a
// group-stop is in state t by the kernel's own rules, whoever traces it. But it
// is in other stops too: that a group-stop is reached only wait(2) can tell.
UNUSED static char task_state(pid_t pid, pid_t tid) {
	char path[64], stat[512], *end;
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
	if (slurp(path, stat, sizeof stat) <= 0 || !(end = strrchr(stat, ')')))
		return 0;
	return end[2] == 't' ? 'T' : end[2];
}

// await_state waits until the task is in one of the states. S right after the
// task said that it is about to block means that it has.
UNUSED static char await_state(pid_t pid, pid_t tid, const char *states) {
	char s = 0;
	await((s = task_state(pid, tid)) && strchr(states, s));
	return s;
}

UNUSED static int count_tasks(pid_t pid) {
	char path[64], status[4096], *line;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	if (slurp(path, status, sizeof status) <= 0 || !(line = strstr(status, "\nThreads:")))
		return -1;
	return atoi(line + 9);
}

UNUSED static pid_t tid_self(void) { return syscall(SYS_gettid); }

UNUSED static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// shared returns zeroed memory that children share with their parent.
UNUSED static void *shared(size_t size) {
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(p != MAP_FAILED);
	return p;
}

UNUSED static void on_signal(int sig, void (*handler)(int, siginfo_t *, void *), int flags) {
	struct sigaction a;
	memset(&a, 0, sizeof a);
	a.sa_sigaction = handler;
	a.sa_flags = SA_SIGINFO | flags;
	must(sigaction(sig, &a, NULL));
}

// wait_for returns the status of a child that ends.
UNUSED static int wait_for(pid_t pid) {
	int status;
	pid_t r;
	do
		r = waitpid(pid, &status, __WALL);
	while (r == -1 && errno == EINTR);
	check(r == pid);
	return status;
}
