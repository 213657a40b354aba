// System-call instructions of every shape, and what can become of the text around
// them after they have been executed often: moved, mapped over, copied, changed,
// unloaded; first executed by many threads at once.
#include "cases.h"
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define OFTEN 12

// ---- shapes: what stands before the instruction ----

// Each function makes getppid (110) or something whose result is known, with
// known rdi, rsi, rdx, and gives back what is in registers after it.
struct after {
	uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, flags, stack[4];
};
// The red zone is filled before and read after it, the flags are set by a cmp.
#define SHAPE(name, before, behind) \
	void shape_##name(struct after *); \
	extern char name##_return[]; \
	__asm__(".text\n.globl shape_" #name "\n.type shape_" #name ", @function\nshape_" #name ":\n.cfi_startproc\n" \
		"push %rbx\n.cfi_adjust_cfa_offset 8\npush %r12\n.cfi_adjust_cfa_offset 8\nmov %rdi, %rbx\n" \
		"movq $0x11, -8(%rsp)\nmovq $0x22, -16(%rsp)\nmovq $0x33, -64(%rsp)\nmovq $0x44, -128(%rsp)\n" \
		"mov $0x2222, %esi\nmov $0x3333, %edx\nmov $0x8888, %r8d\nmov $0x9999, %r9d\nmov $0xaaaa, %r10d\nmov $0x1111, %edi\n" \
		"mov $110, %r12d\nmov $0x7fffffff, %eax\nadd $1, %eax\n" /* OF, SF, AF, PF */ \
		before "\nsyscall\n" #name "_return:\n" behind \
		"\nmov %rax, 0(%rbx)\nmov %rcx, 8(%rbx)\nmov %rdx, 16(%rbx)\nmov %rsi, 24(%rbx)\nmov %rdi, 32(%rbx)\n" \
		"mov %r8, 40(%rbx)\nmov %r9, 48(%rbx)\nmov %r10, 56(%rbx)\nmov %r11, 64(%rbx)\n" \
		"mov -8(%rsp), %rcx\nmov %rcx, 80(%rbx)\nmov -16(%rsp), %rcx\nmov %rcx, 88(%rbx)\nmov -64(%rsp), %rcx\nmov %rcx, 96(%rbx)\nmov -128(%rsp), %rcx\nmov %rcx, 104(%rbx)\n" \
		"pushfq\npop %rcx\nmov %rcx, 72(%rbx)\n" \
		"pop %r12\n.cfi_adjust_cfa_offset -8\npop %rbx\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n.size shape_" #name ", . - shape_" #name "\n");

__asm__(".data\nthe_number: .quad 110\n.text\n");
SHAPE(immediate, "mov $110, %eax", "")
SHAPE(immediate64, "mov $110, %rax", "")
SHAPE(long_immediate, "movabs $110, %rax", "")
SHAPE(by_register, "mov %r12, %rax", "")
SHAPE(by_register_and_nops, "mov %r12d, %eax\nnop\nnop\nnop", "")
SHAPE(zeroed, "xor %eax, %eax\nmov $-1, %edi", "") // read(-1)
SHAPE(long_nop, "mov %r12d, %eax\n.byte 0x0f, 0x1f, 0x44, 0, 0", "")
SHAPE(from_memory, "mov the_number(%rip), %rax", "")
SHAPE(address, "lea 110, %eax", "")
SHAPE(relative_address, "mov %r12d, %eax\nlea the_number(%rip), %rdi", "")
SHAPE(from_stack, "push %r12\nmov (%rsp), %rax\nlea 8(%rsp), %rsp", "")
SHAPE(pushed, "mov $110, %eax\npush %rax\npop %rax", "")
SHAPE(sets_rcx, "mov $110, %eax\nmov $0x77777777, %ecx", "") // which the call takes
SHAPE(sets_r11, "mov %r12d, %eax\nmov $0x12345678, %r11d", "")
SHAPE(flags, "mov $110, %eax\nstc\nstd", "cld")
SHAPE(compares, "mov %r12d, %eax\ncmp $0x7fffffff, %r12d", "")
SHAPE(upper_half, "movabs $0x50000006e, %rax", "") // the kernel takes the lower
SHAPE(negative, "mov $-1, %rax", "")
SHAPE(beyond, "mov $1000, %eax", "")
SHAPE(x32, "mov $0x4000006e, %eax", "")
SHAPE(jumped_to, "test %r12, %r12\njnz 1f\nud2\n1: mov %r12d, %eax", "") // a branch to what stands before
SHAPE(loop, "mov $3, %r8d\n2: mov %r12d, %eax\nxchg %ax, %ax\n3:", "dec %r8d\njz 4f\nmov %r12d, %eax\njmp 3b\n4:") // a branch to the instruction
SHAPE(after_call, "mov $110, %eax\nsyscall\nmov $110, %eax", "")
SHAPE(back_to_back, "mov $110, %eax\nsyscall\nmov %r12d, %eax\nsyscall\nxor %edi, %edi\nmov %r12d, %eax", "")
SHAPE(behind, "mov $110, %eax", "cmp $-4095, %rax\njae 9f\nnop\n9:")
SHAPE(prefixed, "mov $110, %eax\n.byte 0x2e", "") // cs syscall: a prefix, which it ignores
SHAPE(rep, "mov $110, %eax\nrep", "")
SHAPE(sse, "movd %r12d, %xmm0\nmovd %xmm0, %eax", "")
SHAPE(cmov, "mov $110, %ecx\ncmp %eax, %eax\ncmove %ecx, %eax", "")
// Over the edges of a cache line and of a page.
SHAPE(line_edge, ".p2align 6\n.skip 58, 0x90\nmov $110, %eax", "")
SHAPE(line_inside, ".p2align 6\n.skip 56, 0x90\nmov $110, %eax", "")
SHAPE(page_edge, "jmp 5f\n.p2align 12\n.skip 4092, 0x90\n5: mov $110, %eax", "")
SHAPE(call_at_page_edge, "jmp 6f\n.p2align 12\n.skip 4090, 0x90\n6: mov $110, %eax", "")
SHAPE(split_call, "jmp 7f\n.p2align 12\n.skip 4090, 0x90\n7: mov $110, %eax", "")

static int shown(const char *name, void (*f)(struct after *), uint64_t back, int often)
{
	struct after a, first;
	int wrong = 0;
	for (int i = 0; i < often; i++) {
		memset(&a, 0, sizeof a);
		f(&a);
		wrong += a.rcx != back || ((a.r11 ^ a.flags) & 0x8d5 & ~0x400 && strcmp(name, "behind") && strcmp(name, "loop"));
		if ((int64_t)a.rax == getppid())
			a.rax = 110; // the same for all runs
		if (!strcmp(name, "behind"))
			a.flags = 0; // of a comparison of it
		a.rcx = 0;
		if (i == 0)
			first = a;
		else if (memcmp(&a, &first, sizeof a))
			wrong++;
	}
	say("%s: %d wrong; %#lx, rdi %#x rsi %#lx rdx %#lx r8 %#lx r9 %#lx r10 %#lx, r11 %#lx, flags %#lx, red zone %#lx %#lx %#lx %#lx", name, wrong, a.rax,
		(unsigned)a.rdi & 0xfff, a.rsi, a.rdx, a.r8, a.r9, a.r10, a.r11, a.flags, a.stack[0], a.stack[1], a.stack[2], a.stack[3]);
	return wrong;
}

static void shapes(void)
{
	for (int round = 0; round < 2; round++) {
#define SHOW(name) shown(#name, shape_##name, (uint64_t)name##_return, OFTEN);
		SHOW(immediate) SHOW(immediate64) SHOW(long_immediate) SHOW(by_register) SHOW(by_register_and_nops) SHOW(zeroed) SHOW(long_nop) SHOW(from_memory)
		SHOW(address) SHOW(relative_address) SHOW(from_stack) SHOW(pushed) SHOW(sets_rcx) SHOW(sets_r11) SHOW(flags) SHOW(compares) SHOW(upper_half)
		SHOW(negative) SHOW(beyond) SHOW(x32) SHOW(jumped_to) SHOW(loop) SHOW(after_call) SHOW(back_to_back) SHOW(behind) SHOW(prefixed) SHOW(rep) SHOW(sse)
		SHOW(cmov) SHOW(line_edge) SHOW(line_inside) SHOW(page_edge) SHOW(call_at_page_edge) SHOW(split_call)
	}
}

// ---- text that changes ----

// A page of text with one function in it: getppid, and a second after some room.
__asm__(".section .text.moving, \"ax\", @progbits\n.p2align 12\n.globl moving\n.type moving, @function\nmoving:\n.cfi_startproc\n\tmov $110, %eax\n\tsyscall\n\tret\n.cfi_endproc\n.size moving, . - moving\n"
	".p2align 6\n.globl moving2\n.type moving2, @function\nmoving2:\n.cfi_startproc\n\tmov $39, %eax\n\tsyscall\n\tret\n.cfi_endproc\n.size moving2, . - moving2\n.p2align 12\n.text\n");
long moving(void), moving2(void);
typedef long (*code)(void);

static int called(code f, long want)
{
	int wrong = 0;
	for (int i = 0; i < OFTEN; i++)
		wrong += f() != want;
	return wrong;
}

static void show_calls(const char *when)
{
	say("%s: %d and %d wrong", when, called(moving, getppid()), called(moving2, getpid()));
}

/* mremap takes the text elsewhere. */
static void moved(void)
{
	show_calls("in place");
	char *to = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *r = mremap(moving, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	say("moved: %d", r == (void *)to);
	code f = (code)to, g = (code)(to + ((char *)moving2 - (char *)moving));
	say("elsewhere: %d and %d wrong", called(f, getppid()), called(g, getpid()));
	r = mremap(to, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, moving);
	say("moved back: %d", r == (void *)moving);
	show_calls("back again");
}

/* Text that grows must go elsewhere, and may leave its place mapped. */
static void grown(void)
{
	show_calls("in place");
	char *to = mremap(moving, 4096, 8192, MREMAP_MAYMOVE);
	say("it has moved: %d", to != MAP_FAILED && to != (char *)moving);
	code f = (code)to, g = (code)(to + ((char *)moving2 - (char *)moving));
	say("elsewhere: %d and %d wrong", called(f, getppid()), called(g, getpid()));
	void *r = mremap(to, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, moving);
	say("moved back: %d", r == (void *)moving);
	show_calls("back again");
#ifdef MREMAP_DONTUNMAP
	to = mremap(moving, 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (to != MAP_FAILED) {
		f = (code)to, g = (code)(to + ((char *)moving2 - (char *)moving));
		say("copied: %d and %d wrong", called(f, getppid()), called(g, getpid()));
	}
	show_calls("still there");
#endif
}

/* Copies of the text, as data and to be executed. */
static void copied(void)
{
	static const unsigned char text[] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3};
	show_calls("in place");
	char *to = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(to, moving, 4096);
	say("the copy is the text: %d", !memcmp(to, text, sizeof text));
	say("the copy: %d wrong", called((code)to, getppid()));
}

/* The bytes come back from the file. */
static void dropped(void)
{
	show_calls("in place");
	for (int i = 0; i < 5; i++) {
		must("madvise", madvise(moving, 4096, MADV_DONTNEED));
		show_calls("after MADV_DONTNEED");
	}
	/* All text of the program and of the C library. */
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long from[64], to[64];
	int n = 0;
	while (fgets(line, sizeof line, maps) && n < 64) {
		char rights[8], path[256] = "";
		sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from[n], &to[n], rights, path);
		if (!strcmp(rights, "r-xp") && path[0] == '/' && !strstr(line, "deleted"))
			n++;
	}
	fclose(maps);
	/* The same by process_madvise, if the kernel does that for oneself. */
	int self = must("pidfd_open", syscall(434, getpid(), 0));
	struct iovec v = {moving, 4096};
	long dropped = syscall(440, self, &v, 1, MADV_DONTNEED, 0);
	say("process_madvise: %ld", dropped < 0 ? -errno : dropped);
	show_calls("after process_madvise");
	close(self);
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < n; i++)
			must("madvise of all text", madvise((void *)from[i], to[i] - from[i], MADV_DONTNEED));
		show_calls("all text dropped");
	}
}

/* The same file, or other code, is mapped over it. */
static void mapped_over(void)
{
	show_calls("in place");
	int fd = must("memfd", memfd_create("text", 0));
	char page[4096];
	memset(page, 0x90, sizeof page);
	memcpy(page, "\xb8\x27\0\0\0\x0f\x05\xc3", 8); /* getpid at the beginning now */
	memcpy(page + ((char *)moving2 - (char *)moving), "\xb8\x6e\0\0\0\x0f\x05\xc3", 8);
	must("write", write(fd, page, sizeof page));
	for (int i = 0; i < 5; i++) {
		if (mmap(moving, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != (void *)moving)
			say("mmap: %s", strerror(errno));
		say("other code: %d and %d wrong", called(moving, getpid()), called(moving2, getppid()));
	}
	if (mmap(moving, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) != (void *)moving)
		say("mmap: %s", strerror(errno));
	say("the same, shared: %d and %d wrong", called(moving, getpid()), called(moving2, getppid()));
	page[1] = 110;
	must("pwrite", pwrite(fd, page, sizeof page, 0));
	say("changed by its file: %d and %d wrong", called(moving, getppid()), called(moving2, getppid()));
}

/* Other code again: its function is longer than the one that was there, and from behind
 * that one's end it jumps to between the instructions before the call. */
static void mapped_longer(void)
{
	show_calls("in place");
	int fd = must("memfd", memfd_create("text", 0));
	char page[4096];
	memset(page, 0x90, sizeof page);
	memcpy(page, "\x89\xf8\x89\xc0\x90\x0f\x05\xc3", 8); /* mov %edi,%eax; mov %eax,%eax; nop; syscall; ret */
	memcpy(page + 16, "\xb8\x6e\0\0\0\xeb\xeb", 7); /* mov $110,%eax; jmp to the second mov */
	must("write", write(fd, page, sizeof page));
	if (mmap(moving, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != (void *)moving)
		say("mmap: %s", strerror(errno));
	long (*numbered)(int) = (long (*)(int))(void *)moving;
	code entered = (code)((char *)moving + 16);
	int wrong = 0;
	for (int i = 0; i < 3 * OFTEN; i++) {
		wrong += numbered(SYS_getpid) != getpid();
		wrong += entered() != getppid();
	}
	say("a longer function: %d wrong", wrong);
}

/* The program changes its own text: the number that the call is made with. */
static void changed(void)
{
	show_calls("in place");
	must("mprotect", mprotect(moving, 1, PROT_READ | PROT_WRITE | PROT_EXEC)); /* all of the page */
	volatile unsigned char *number2 = (unsigned char *)moving2 + 1;
	*number2 = 110;
	say("the other one: %d wrong", called(moving2, getppid()));
	*number2 = 39;
	say("as it was: %d wrong", called(moving2, getpid()));
	volatile unsigned char *number = (unsigned char *)moving + 1;
	int wrong = 0;
	for (int i = 0; i < 100; i++) {
		long want = i & 1 ? getppid() : getpid();
		*number = i & 1 ? 110 : 39;
		wrong += called(moving, want);
	}
	say("changed while it is executable: %d wrong", wrong);
	must("mprotect", mprotect(moving, 4096, PROT_READ | PROT_EXEC));
	say("then: %d wrong", called(moving, getppid()));
	wrong = 0;
	for (int i = 0; i < 30; i++) {
		must("mprotect", mprotect(moving, 4096, PROT_READ | PROT_WRITE));
		*number = i & 1 ? 110 : 39;
		must("mprotect", mprotect(moving, 4096, PROT_READ | PROT_EXEC));
		wrong += called(moving, i & 1 ? getppid() : getpid());
	}
	say("changed while it is not: %d wrong", wrong);
}

/* By the kernel's hand, as debuggers of oneself do. */
static void changed_as_memory(void)
{
	show_calls("in place");
	volatile unsigned char *number = (unsigned char *)moving + 1;
	int fd = must("open", open("/proc/self/mem", O_RDWR | O_CLOEXEC));
	int wrong = 0;
	for (int i = 0; i < 30; i++) {
		unsigned char nr = i & 1 ? 110 : 39;
		must("pwrite", pwrite(fd, &nr, 1, (long)number));
		wrong += called(moving, i & 1 ? getppid() : getpid());
	}
	say("changed through /proc/self/mem: %d wrong", wrong);
}

/* Libraries with a call in them come, go and follow one another. */
static void loaded(void)
{
	const char *path = getenv("LIBRARY");
	int wrong = 0, same = 0;
	void *last = NULL;
	for (int i = 0; i < 60; i++) {
		void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (!h) {
			say("dlopen: %s", dlerror());
			return;
		}
		code f = (code)dlsym(h, i & 1 ? "library_getpid" : "library_getppid");
		wrong += called(f, i & 1 ? getpid() : getppid());
		wrong += called((code)dlsym(h, "library_waits"), 0);
		void *waits = dlsym(h, "library_waits");
		same += waits == last;
		last = waits;
		dlclose(h);
	}
	say("sixty times loaded, at the same place again: %d; %d wrong", same > 0, wrong);
}

// ---- the first time, by many ----

enum { FUNCTIONS = 200, THREADS = 4 };
__asm__(".text\n.p2align 6\n.globl many_functions\nmany_functions:\n"
	".set n, 0\n.rept 200\n.p2align 5\n.cfi_startproc\n.skip n & 7, 0x90\nmov $110, %eax\nsyscall\nret\n.cfi_endproc\n.set n, n + 1\n.endr\n");
extern char many_functions[];
static pthread_barrier_t barrier;
static volatile int first_wrong, stop;
static pid_t parent;

static void *first(void *arg)
{
	int wrong = 0;
	for (int i = 0; i < FUNCTIONS; i++) {
		pthread_barrier_wait(&barrier);
		code f = (code)(many_functions + 32 * i);
		for (int k = 0; k < 20; k++)
			wrong += f() != parent;
		(void)arg;
	}
	__sync_fetch_and_add(&first_wrong, wrong);
	return NULL;
}

/* Four threads come to each of two hundred places at the same moment. */
static void first_time(void)
{
	pthread_t t[THREADS];
	parent = getppid();
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, first, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	say("four threads: %d wrong", first_wrong);
}

static void *calls(void *unused)
{
	int wrong = 0;
	for (int i = 0; !stop; i++) {
		code f = (code)(many_functions + 32 * (i / 8 % FUNCTIONS));
		wrong += f() != parent;
	}
	__sync_fetch_and_add(&first_wrong, wrong);
	return unused;
}

/* And forks between: each child comes to them as well, to those that its parent
 * has been at and to others. */
static void forks_between(void)
{
	pthread_t t[3];
	parent = getppid();
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, calls, NULL);
	int bad = 0;
	for (int k = 0; k < 60; k++) {
		pid_t me = getpid(), pid = must("fork", fork());
		if (pid == 0) {
			int wrong = 0;
			for (int i = 0; i < FUNCTIONS; i++)
				wrong += called((code)(many_functions + 32 * ((i + 3 * k) % FUNCTIONS)), me);
			pid_t own = getpid(), grandchild = fork();
			if (grandchild == 0) {
				for (int i = 0; i < FUNCTIONS; i += 5)
					wrong += called((code)(many_functions + 32 * i), own);
				_exit(wrong > 0);
			}
			int status;
			waitpid(grandchild, &status, 0);
			_exit(wrong > 0 || status);
		}
		int status;
		must("waitpid", waitpid(pid, &status, 0));
		if (status)
			say("child %d: status %#x", k, status);
		bad += status != 0;
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	say("60 children with a child each: %d bad; %d wrong in the threads", bad, first_wrong);
}

/* A server that forks for each request, and goes on itself. */
static void fork_server(void)
{
	int to[2], from[2], bad = 0;
	must("pipe", pipe(to)), must("pipe", pipe(from));
	for (int k = 0; k < 400; k++) {
		pid_t me = getpid(), pid = must("fork", fork());
		if (pid == 0) {
			char c;
			int ok = read(to[0], &c, 1) == 1 && called(moving, me) == 0 && called(moving2, getpid()) == 0;
			c += ok;
			_exit(write(from[1], &c, 1) != 1);
		}
		char c = k % 100, answer;
		must("write", write(to[1], &c, 1)), must("read", read(from[0], &answer, 1));
		int status;
		must("waitpid", waitpid(pid, &status, 0));
		bad += answer != c + 1 || status || called(moving2, me);
	}
	say("400 requests: %d bad", bad);
}

// ---- memory and registers that are shared, and taken ----

static char stacks[2][65536] __attribute__((aligned(16)));
static int share_bad[2];
static int sharing(void *arg)
{
	long n = (long)arg;
	pid_t p = syscall(SYS_getppid), me = syscall(SYS_getpid);
	for (int i = 0; i < 5000; i++)
		share_bad[n] += moving() != p || moving2() != me || syscall(SYS_read, -1, 0, 0) != -1;
	return 0;
}

/* Processes that share their memory and are no threads of each other. */
static void shared_memory(void)
{
	int status;
	called(moving, 0), called(moving2, 0);
	pid_t a = must("clone", clone(sharing, stacks[0] + sizeof stacks[0], CLONE_VM | SIGCHLD, (void *)0));
	pid_t b = must("clone", clone(sharing, stacks[1] + sizeof stacks[1], CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, (void *)1));
	int wrong = 0;
	pid_t parent = getppid(), me = getpid();
	for (int i = 0; i < 5000; i++)
		wrong += moving() != parent || moving2() != me;
	must("waitpid", waitpid(a, &status, 0));
	say("a: %#x, %d wrong", status, share_bad[0]);
	must("waitpid", waitpid(b, &status, 0));
	say("b: %#x, %d wrong; here: %d", status, share_bad[1], wrong);
	pid_t v = vfork();
	if (v == 0) {
		for (int i = 0; i < 100; i++)
			if (moving() != me)
				_exit(1);
		_exit(0);
	}
	must("waitpid", waitpid(v, &status, 0));
	say("vfork: %#x, here %d and %d wrong", status, called(moving, parent), called(moving2, me));
}

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif
static uint64_t own_data[2][16];
static uint64_t gs_at(int i)
{
	uint64_t v;
	__asm__ volatile("mov %%gs:(%1), %0" : "=r"(v) : "r"((uint64_t)i * 8));
	return v;
}
static int gs_wrong(int which)
{
	uint64_t base = 0;
	int wrong = syscall(SYS_arch_prctl, 0x1004, &base) != 0 || base != (uint64_t)own_data[which];
	for (int i = 0; i < 16; i++)
		wrong += gs_at(i) != own_data[which][i];
	return wrong;
}
static void *gs_thread(void *unused)
{
	/* A thread begins with its creator's. */
	int wrong = gs_wrong(0);
	syscall(SYS_arch_prctl, 0x1001, own_data[1]);
	wrong += gs_wrong(1) + called(moving, getppid()) + called(moving2, getpid()) + gs_wrong(1);
	return (void *)(intptr_t)(wrong + (unused != NULL));
}

/* The program uses the GS register for something of its own. */
static void own_gs(void)
{
	uint64_t base = 1;
	for (int i = 0; i < 32; i++)
		own_data[i / 16][i % 16] = 0x1000000 + i;
	show_calls("at first");
	syscall(SYS_arch_prctl, 0x1004, &base);
	say("GS: %#lx", base);
	say("arch_prctl(ARCH_SET_GS): %ld", syscall(SYS_arch_prctl, 0x1001, own_data[0]));
	say("as set: %d wrong", gs_wrong(0));
	show_calls("with it");
	say("still as set: %d wrong", gs_wrong(0));
	int status;
	pid_t pid = must("fork", fork());
	if (pid == 0)
		_exit(gs_wrong(0) + called(moving2, getpid()) + gs_wrong(0));
	must("waitpid", waitpid(pid, &status, 0));
	say("in a child: %#x", status);
	pthread_t t;
	void *r;
	pthread_create(&t, NULL, gs_thread, NULL);
	pthread_join(t, &r);
	say("in a thread: %ld wrong, here %d", (long)r, gs_wrong(0));
	say("to 0: %ld", syscall(SYS_arch_prctl, 0x1001, 0));
	syscall(SYS_arch_prctl, 0x1004, &base);
	say("GS: %#lx", base);
	show_calls("without it");
}

__attribute__((target("fsgsbase"))) static void set_gs(void *p) { __builtin_ia32_wrgsbase64((uint64_t)p); }

/* The same by the instruction, which nobody else sees. */
static void own_wrgsbase(void)
{
	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
		errno = ENOSYS;
		skip("no FSGSBASE");
	}
	for (int i = 0; i < 32; i++)
		own_data[i / 16][i % 16] = 0x1000000 + i;
	show_calls("at first");
	for (int k = 0; k < 50; k++) {
		set_gs(own_data[k & 1]);
		int wrong = gs_wrong(k & 1) + called(moving, getppid()) + called(moving2, getpid()) + gs_wrong(k & 1);
		if (wrong)
			say("round %d: %d wrong", k, wrong);
	}
	/* It points to nowhere, and to memory that cannot be read. */
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	set_gs(none);
	show_calls("at a page that is none");
	set_gs((void *)0x123456789000);
	show_calls("at nothing");
	set_gs((void *)0xffff800000000000);
	show_calls("at the kernel");
	set_gs((void *)0x123456789000);
	int status;
	pid_t pid = must("fork", fork());
	if (pid == 0)
		_exit(called(moving2, getpid()));
	must("waitpid", waitpid(pid, &status, 0));
	say("in a child: %#x", status);
	set_gs(own_data[0]);
	say("at the end: %d wrong", gs_wrong(0));
}

// ---- single steps over calls that have been made often ----

static volatile int steps;
static long places[400];
static volatile long step_base;
static void on_step(int s, siginfo_t *i, void *u)
{
	ucontext_t *c = u;
	if (steps < 400)
		places[steps++] = c->uc_mcontext.gregs[REG_RIP] - step_base;
	(void)s, (void)i;
}

#define STEPPED(name, body) \
	void name(long step); extern char name##_begin[]; \
	__asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\npush %rbx\n.cfi_adjust_cfa_offset 8\n" \
		"pushfq\n.cfi_adjust_cfa_offset 8\npushfq\n.cfi_adjust_cfa_offset 8\nor %rdi, (%rsp)\npopfq\n.cfi_adjust_cfa_offset -8\n" #name "_begin:\n" body \
		"\npushfq\n.cfi_adjust_cfa_offset 8\nandq $~0x100, (%rsp)\npopfq\n.cfi_adjust_cfa_offset -8\npopfq\n.cfi_adjust_cfa_offset -8\npop %rbx\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n.size " #name ", . - " #name "\n");
STEPPED(step_getppid, "nop\nmov $110, %eax\nsyscall\nnop\nmov $39, %eax\nsyscall\nnop")
STEPPED(step_read, "nop\nmov $-1, %edi\nxor %eax, %eax\nsyscall\nnop\nnop")
static void step(const char *name, void (*f)(long), char *begin)
{
	for (int i = 0; i < OFTEN; i++)
		f(0); // without steps
	for (int k = 0; k < 3; k++) {
		steps = 0;
		step_base = (long)begin;
		f(0x100);
		char line[1000];
		int n = snprintf(line, sizeof line, "%s: %d steps, at", name, steps);
		for (int i = 0; i < steps && n < 900; i++)
			n += snprintf(line + n, sizeof line - n, " %ld", places[i]);
		say("%s", line);
	}
	for (int i = 0; i < OFTEN; i++)
		f(0);
}

static void stepped(void)
{
	struct sigaction a = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	sigaction(SIGTRAP, &a, NULL);
	step("getppid, getpid", step_getppid, step_getppid_begin);
	step("read", step_read, step_read_begin);
	show_calls("after it");
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {
		{"shapes", shapes}, {"moved", moved}, {"copied", copied}, {"dropped", dropped}, {"grown", grown}, {"mapped_over", mapped_over}, {"mapped_longer", mapped_longer}, {"changed", changed}, {"changed_as_memory", changed_as_memory},
		{"loaded", loaded}, {"first_time", first_time}, {"forks_between", forks_between}, {"fork_server", fork_server}, {"shared_memory", shared_memory},
		{"own_gs", own_gs}, {"own_wrgsbase", own_wrgsbase}, {"stepped", stepped},
	};
	return RUN_CASE(argc, argv, cases);
}
