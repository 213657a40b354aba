// int 0x80 from a 64-bit process: i386 numbers, i386 argument widths.
#include "observe.h"
#include <pthread.h>
#include <sys/stat.h>

static long int80(uint64_t nr, uint64_t b, uint64_t c, uint64_t d, uint64_t si, uint64_t di, uint64_t bp) {
	long result;
	register uint64_t r12 __asm__("r12") = bp;
	__asm__ volatile("add $-128, %%rsp\n\tpush %%rbp\n\tmov %%r12, %%rbp\n\tint $0x80\n\tpop %%rbp\n\tsub $-128, %%rsp"
		: "=a"(result) : "a"(nr), "b"(b), "c"(c), "d"(d), "S"(si), "D"(di), "r"(r12)
		: "memory", "r8", "r9", "r10", "r11", "cc");
	return result;
}
#define call(nr, ...) call_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define call_(nr, a, b, c, d, e, f, ...) int80(nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))

static const char *name(long r) {
	static char text[2][48];
	static int next;
	if (r >= 0 || r < -4095) {
		snprintf(text[++next & 1], 48, "%ld", r);
		return text[next & 1];
	}
	return errname(-r);
}

static char *low; // a page that 32-bit pointers reach
static volatile int handled;
static void count(int s, siginfo_t *i, void *u) { handled++; }

static void *by_syscall(void *unused) {
	long wrong = 0, me = getpid();
	for (int i = 0; i < 3000; i++) {
		long r;
		__asm__ volatile("syscall" : "=a"(r) : "a"(39) : "rcx", "r11", "memory");
		wrong += r != me;
	}
	return (void *)wrong;
}

static void *by_int80(void *unused) {
	long wrong = 0, me = getpid();
	for (int i = 0; i < 3000; i++)
		wrong += call(20) != me;
	return (void *)wrong;
}

static void numbers(void) {
	say("getpid is ours: %d", call(20) == getpid());
	// 39 is mkdir here and getpid there; 60 is umask here and exit there.
	say("mkdir(NULL): %s", name(call(39, 0)));
	umask(027);
	say("umask: %lo", call(60, 022));
	// 2 is fork here and open there; 1 is exit here and write there.
	long pid = call(2);
	if (pid == 0)
		call(1, 7);
	say("fork, exit(7): %s", status_of(wait_for(pid)));
	pid = fork();
	if (pid == 0)
		call(252, 9);
	say("exit_group(9): %s", status_of(wait_for(pid)));
	const uint64_t odd[] = {20 | 1ull << 32, 20 | 0xdeadbeefull << 32, -1, 0xffffffff, 0x40000000 | 20,
		0x7fffffff, 0x80000014, 500, 4096, 65536, 223, 222};
	for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
		long r = int80(odd[i], 0, 0, 0, 0, 0, 0);
		say("number %#llx: %s", (unsigned long long)odd[i], r == getpid() ? "own pid" : name(r));
	}
}

static void arguments(void) {
	strcpy(low, "written by int 0x80\n");
	say("write: %s", name(call(4, 1, low, 20)));
	// The upper halves of all arguments are not the kernel's business.
	say("write, upper halves set: %s", name(call(4, 1 | 7ull << 32, (uint64_t)low | 5ull << 40, 20 | 1ull << 63)));
	strcpy(low, "/dev/zero");
	long fd = call(5, low, O_RDONLY);
	say("open: %ld", fd);
	memset(low, 'x', 100);
	say("read: %s, %d", name(call(3, fd, low, 50)), memcmp(low, low + 50, 1) != 0);
	say("close: %s", name(call(6, fd)));
	say("close again: %s", name(call(6, fd)));
	// Nothing is ever mapped where its lower half points to.
	char *high = mmap((void *)0x1000002000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (high == (void *)0x1000002000)
		strcpy(high, "/dev/zero");
	say("open above 4 GiB: %s", name(call(5, (uint64_t)high, O_RDONLY)));
	// socketcall(SOCKETPAIR, args), with 32-bit words.
	uint32_t *args = (uint32_t *)low;
	args[0] = 1, args[1] = 1, args[2] = 0, args[3] = (uint32_t)(uintptr_t)(low + 64);
	say("socketcall: %s", name(call(102, 8, low)));
	int *ends = (int *)(low + 64);
	check(write(ends[0], "abc", 3) == 3);
	say("through the pair: %zd", read(ends[1], low, 3));
	close(ends[0]), close(ends[1]);
	// mmap with its arguments in memory (90), and mmap2 with six in registers.
	args = (uint32_t *)low;
	args[0] = 0, args[1] = 4096, args[2] = 3, args[3] = MAP_PRIVATE | MAP_ANONYMOUS, args[4] = -1, args[5] = 0;
	long where = call(90, low);
	say("old mmap: %s", where < 0 && where > -4096 ? name(where) : "mapped");
	int fdz = open("/proc/self/exe", O_RDONLY);
	where = call(192, 0, 4096, PROT_READ, MAP_PRIVATE, fdz, 0);
	say("mmap2 of our ELF header: %s", where < 0 && where > -4096 ? name(where) : memcmp((void *)(where & 0xffffffff), "\177ELF", 4) ? "other" : "mapped");
	close(fdz);
	// An execve whose argv is an array of 32-bit pointers.
	long pid = call(2);
	if (pid == 0) {
		strcpy(low, "/bin/sh");
		strcpy(low + 16, "-c");
		strcpy(low + 32, "echo executed by int 0x80; exit 5");
		uint32_t *argv = (uint32_t *)(low + 128);
		argv[0] = (uintptr_t)low, argv[1] = (uintptr_t)(low + 16), argv[2] = (uintptr_t)(low + 32), argv[3] = 0;
		call(11, low, argv, 0);
		_exit(99);
	}
	say("execve: %s", status_of(wait_for(pid)));
	// clone with CLONE_UNTRACED, which must not lose the child either.
	pid = call(120, SIGCHLD | 0x00800000);
	if (pid == 0) {
		call(64);
		call(1, 11);
	}
	say("clone: %s", status_of(wait_for(pid)));
}

static void interrupted(int flags, const char *what) {
	int fds[2];
	must(pipe(fds));
	int *sharedHandled = shared(4096);
	pid_t pid = must(fork());
	if (pid == 0) {
		on_signal(SIGUSR1, count, flags);
		sharedHandled[1] = 1;
		long r = call(3, fds[0], low, 1);
		sharedHandled[0] = 1;
		say("read, %s: %s, %d handled", what, name(r), handled);
		_exit(0);
	}
	await(sharedHandled[1]);
	await_state(pid, pid, "S");
	kill(pid, SIGUSR1);
	await_state(pid, pid, "SZ");
	// Restarted or over, one byte does no harm.
	check(write(fds[1], "x", 1) == 1);
	wait_for(pid);
	close(fds[0]), close(fds[1]);
}

// A sleep of 100 s is stopped, continued and interrupted: it comes back by
// restart_syscall, whose number differs between the two ABIs.
static void stopped_sleep(void) {
	int *ready = shared(4096);
	pid_t pid = must(fork());
	if (pid == 0) {
		on_signal(SIGUSR1, count, 0);
		int32_t *t = (int32_t *)low;
		t[0] = 100, t[1] = 0, t[2] = -1, t[3] = -1;
		*ready = 1;
		long r = call(162, t, t + 2);
		say("nanosleep over a stop: %s, less remains: %d", name(r), t[2] >= 0 && t[2] < 100);
		_exit(0);
	}
	await(*ready);
	await_state(pid, pid, "S");
	int status;
	for (int i = 0; i < 5; i++) {
		kill(pid, SIGSTOP);
		must(waitpid(pid, &status, WUNTRACED));
		check(WIFSTOPPED(status));
		kill(pid, SIGCONT);
		await_state(pid, pid, "SZ");
	}
	kill(pid, SIGUSR1);
	say("sleeper: %s", status_of(wait_for(pid)));
}

int main(int argc, char **argv) {
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(low != MAP_FAILED);
	if (argc > 1) { // for the trace: nothing but a few calls
		for (int i = 0; i < 3; i++)
			call(20);
		call(4, -1, low, 0);
		return 0;
	}
	numbers();
	arguments();
	interrupted(SA_RESTART, "SA_RESTART");
	interrupted(0, "no SA_RESTART");
	stopped_sleep();
	pthread_t a, b;
	void *wrong_a, *wrong_b;
	pthread_create(&a, NULL, by_syscall, NULL);
	pthread_create(&b, NULL, by_int80, NULL);
	pthread_join(a, &wrong_a);
	pthread_join(b, &wrong_b);
	say("both ABIs at once, wrong answers: %ld %ld", (long)wrong_a, (long)wrong_b);
	return 0;
}
