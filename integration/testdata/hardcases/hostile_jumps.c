// A program that jumps to every byte of what a tracer has put into it, and that makes by
// way of it calls that are forbidden. Without such memory it makes them as anybody does.
#include "hostile.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>

static sigjmp_buf out;
static void on_any(int s) { (void)s, siglongjmp(out, 1); }

static void catch_all(void)
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	must("sigaltstack", sigaltstack(&alternate, NULL));
	static const int all[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS, SIGALRM};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
		struct sigaction a = {.sa_handler = on_any, .sa_flags = SA_ONSTACK | SA_NODEFER};
		must("sigaction", sigaction(all[i], &a, NULL));
	}
}

/* jump goes there with a number, its first argument, and rcx. */
__attribute__((noinline)) static void jump(uint64_t to, uint64_t nr, uint64_t rdi, uint64_t rcx)
{
	struct itimerval soon = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
	setitimer(ITIMER_REAL, &soon, NULL);
	if (sigsetjmp(out, 1) == 0) {
		register uint64_t r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
		__asm__ volatile("sub $512, %%rsp\n\tcall *%[to]\n\tadd $512, %%rsp"
			: "+a"(nr), "+c"(rcx), "+D"(rdi), "+r"(r10), "+r"(r8), "+r"(r9)
			: [to] "r"(to), "S"(0ull), "d"(0ull)
			: "r11", "rbx", "r12", "memory", "cc");
	}
	setitimer(ITIMER_REAL, &never, NULL);
}

enum { BATCH = 100 };

/* jump_from jumps to one place after the other. Where that kills the child, another
 * goes on. What a child says of how far it got may be anything too. */
static void jump_from(uint64_t from, uint64_t to, int step, uint64_t nr, const char *rdi)
{
	volatile uint64_t *reached = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	while (from < to) {
		uint64_t end = from + BATCH * step < to ? from + BATCH * step : to;
		*reached = from;
		pid_t pid = child();
		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);
			dup2(null, 0), dup2(null, 1), dup2(null, 2); /* whatever it is led to say */
			catch_all();
			for (volatile uint64_t at = from; at < end; at += step) {
				*reached = at + step;
				jump(at, nr, (uint64_t)rdi, SITES + at % 3 * 8);
			}
			_exit(0);
		}
		end_of(pid, 500);
		uint64_t now = *reached;
		from = now > from && now <= end ? now : from + step;
	}
	munmap((void *)reached, 4096);
}

/* near finds memory for trampolines: of no file, and executable. */
static int near(uint64_t start[], int most)
{
	char line[512];
	int n = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	while (n < most && fgets(line, sizeof line, maps)) {
		uint64_t from, to, inode;
		if (sscanf(line, "%lx-%lx r-xp %*x %*s %lu", &from, &to, &inode) == 3 && inode == 0 && to - from == 0x10000)
			start[n++] = from;
	}
	fclose(maps);
	return n;
}

static void jumps(void)
{
	if (here(REGION)) {
		uint64_t end = CODE_END;
		while (*word(end - 8) == 0)
			end -= 8;
		jump_from(CODE, end, 1, SYS_getppid, NULL);
		jump_from(SETUP, SITES + 8 * SITE_SIZE, 1, SYS_getppid, NULL);
		jump_from(REGION, SETUP, 257, SYS_getppid, NULL);
		jump_from(SLOTS, SLOTS + 4 * SLOT_SIZE, 4096, SYS_getppid, NULL);
		uint64_t starts[8];
		for (int n = near(starts, 8); n-- > 0;)
			jump_from(starts[n], starts[n] + 512, 1, SYS_getppid, NULL);
	}
	say("done");
}

static void tell(const char *name)
{
	struct stat st;
	say("%s: %s", name, stat(name, &st) == 0 ? "is there" : strerror(errno));
}

/* A call that is forbidden, made by the instructions that a filter may exempt. */
static void evades(void)
{
	if (here(REGION))
		for (uint64_t at = CODE; at < SITES + 128 * SITE_SIZE; at++) {
			if (at == CODE_END)
				at = SETUP;
			const unsigned char *p = (const unsigned char *)at;
			if (p[0] == 0x0f && p[1] == 0x05)
				jump_from(at, at + 1, 1, SYS_mkdir, "evaded");
		}
	for (int i = 0; i < 20; i++)
		if (mkdir("evaded", 0755) == 0)
			rmdir("evaded");
	tell("evaded");
}

enum { MKDIR = 39 }; /* of i386; here it is getpid's */

static long mkdir_by_int80(const char *path)
{
	long result = MKDIR;
	__asm__ volatile("int $0x80" : "+a"(result) : "b"(path), "c"(0755), "d"(0), "S"(0), "D"(0) : "memory");
	return result;
}

static long mkdir_by_syscall(const char *path)
{
	long result = SYS_mkdir;
	__asm__ volatile("syscall" : "+a"(result) : "D"(path), "S"(0755) : "rcx", "r11", "memory");
	return result;
}

/* A call of which the tracer has been asked in another's name: getpid's. */
static void forge(long (*make)(const char *))
{
	char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	strcpy(path, "forged");
	pid_t pid = child();
	if (pid == 0) {
		for (int i = 0; i < 200; i++) {
			for (int warm = 0; warm < 20; warm++)
				syscall(SYS_getpid);
			uint64_t a = here(REGION) ? own_area() : 0;
			if (a) {
				uint64_t args[6] = {(uint64_t)path, 0755};
				memcpy(word(a + AREA_REQUEST) + 1, args, sizeof args);
				/* posted, the number, the site */
				uint64_t asked = 1 | MKDIR << 16 | (uint64_t)SITES << 32;
				__atomic_store_n(word(a + AREA_REQUEST), asked, __ATOMIC_SEQ_CST);
				for (int n = 0; n < 20000 && __atomic_load_n(word(a + AREA_REQUEST), __ATOMIC_SEQ_CST) == asked; n++)
					__asm__ volatile("pause");
			}
			long result = make(path);
			if (a)
				*word(a + AREA_REQUEST) = 0;
			if (result >= 0)
				_exit(result > 0);
		}
		_exit(0);
	}
	if (end_of(pid, 10000))
		say("mkdir has given what getpid gives");
	tell("forged");
}

static void forges(void) { forge(mkdir_by_int80); }
static void forges_here(void) { forge(mkdir_by_syscall); }

int main(int argc, char **argv)
{
	need_gs();
	struct one_case cases[] = {{"jumps", jumps}, {"evades", evades}, {"forges", forges}, {"forges_here", forges_here}};
	return RUN_CASE(argc, argv, cases);
}
