// What a system call leaves alone: general registers, flags, the red zone,
// x87, SSE, AVX and AVX-512 registers; and what it sets: rax, rcx to the
// return address, r11 to the flags.
#include "observe.h"
#include <cpuid.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/utsname.h>

struct regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t flags;        // 120
	uint64_t red_zone[16]; // 128, read back after the call
	uint64_t int80;        // 256
	uint64_t fs, gs;       // 264, filled in C
};

// run_call(regs, xsave area to load, xsave area to fill, components)
void run_call(struct regs *, const void *, void *, uint64_t);
extern char after_syscall[];
__asm__(
	".text\n.globl run_call, after_syscall\n.type run_call, @function\nrun_call:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; pushfq\n"
	"push $0; push %rdi; push %rsi; push %rdx; push %rcx\n" // 32: spare, 24: regs, 16, 8, 0
	"mov %ecx, %eax; mov %rcx, %rdx; shr $32, %rdx; xrstor64 (%rsi)\n"
	"mov 24(%rsp), %r15; mov $0x1111111111111111, %r13\n"
	"testq $1, 256(%r15)\njnz 1f\n"
	// From the flags on only instructions that leave them alone; the red zone is
	// filled after they went over the stack.
	".macro load\n"
	"push 120(%r15); popfq\n"
	".set i, 0\n.rept 16\nlea i(%r13), %r12\nmov %r12, -128+8*i(%rsp)\n.set i, i+1\n.endr\n"
	"mov 0(%r15), %rax; mov 8(%r15), %rbx; mov 16(%r15), %rcx; mov 24(%r15), %rdx; mov 32(%r15), %rsi; mov 40(%r15), %rdi\n"
	"mov 48(%r15), %rbp; mov 56(%r15), %r8; mov 64(%r15), %r9; mov 72(%r15), %r10; mov 80(%r15), %r11; mov 88(%r15), %r12\n"
	"mov 96(%r15), %r13; mov 104(%r15), %r14; mov 112(%r15), %r15\n"
	".endm\n"
	"load\nsyscall\nafter_syscall:\njmp 2f\n"
	"1:\nload\nint $0x80\n"
	"2:\n"
	"mov %rax, 32(%rsp); mov 24(%rsp), %rax\n"
	"mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax); mov %rdi, 40(%rax); mov %rbp, 48(%rax)\n"
	"mov %r8, 56(%rax); mov %r9, 64(%rax); mov %r10, 72(%rax); mov %r11, 80(%rax); mov %r12, 88(%rax); mov %r13, 96(%rax)\n"
	"mov %r14, 104(%rax); mov %r15, 112(%rax)\n"
	"mov 32(%rsp), %rbx; mov %rbx, 0(%rax)\n"
	".set i, 0\n.rept 16\nmov -128+8*i(%rsp), %rbx\nmov %rbx, 128+8*i(%rax)\n.set i, i+1\n.endr\n"
	"pushfq; pop %rbx; mov %rbx, 120(%rax)\n"
	"mov 0(%rsp), %eax; mov 0(%rsp), %rdx; shr $32, %rdx; mov 8(%rsp), %rsi; xsave64 (%rsi)\n"
	"fninit; movl $0x1f80, -8(%rsp); ldmxcsr -8(%rsp)\n"
	"add $40, %rsp\n"
	"popfq; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"
	".size run_call, . - run_call\n");

#define AREA 16384
static uint64_t components;
static unsigned offset[64], length[64];

static void find_components(void) {
	unsigned a, b, c, d;
	__cpuid(1, a, b, c, d);
	check(c & (1 << 27)); // the system uses xsave
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	uint64_t enabled = a | (uint64_t)d << 32;
	components = enabled & 0xe7; // x87, SSE, AVX, AVX-512
	for (int i = 2; i < 8; i++)
		if (components >> i & 1)
			__cpuid_count(0xd, i, length[i], offset[i], c, d);
}

static void pattern(unsigned char *area, unsigned seed) {
	memset(area, 0, AREA);
	uint16_t control = 0x027f | (seed & 3) << 10; // precision double, some rounding
	memcpy(area, &control, 2);
	area[4] = 0xff; // all eight x87 registers in use
	uint32_t mxcsr = 0x1f80 | (seed & 3) << 13 | (seed & 0x3f);
	memcpy(area + 24, &mxcsr, 4);
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 10; j++)
			area[32 + 16 * i + j] = seed * 31 + i * 10 + j + 1;
	for (int i = 0; i < 256; i++)
		area[160 + i] = seed * 17 + i + 1;
	for (int i = 2; i < 8; i++)
		for (unsigned j = 0; components >> i & 1 && j < length[i]; j++)
			area[offset[i] + j] = seed * 13 + i * 7 + j + 1;
	memcpy(area + 512, &components, 8);
}

static const char *vectors_differ(const unsigned char *a, const unsigned char *b) {
	if (memcmp(a, b, 5) || memcmp(a + 24, b + 24, 4))
		return "control words";
	for (int i = 0; i < 8; i++)
		if (memcmp(a + 32 + 16 * i, b + 32 + 16 * i, 10))
			return "x87";
	if (memcmp(a + 160, b + 160, 256))
		return "xmm";
	for (int i = 2; i < 8; i++)
		if (components >> i & 1 && memcmp(a + offset[i], b + offset[i], length[i]))
			return i == 2 ? "ymm" : "AVX-512";
	return NULL;
}

static volatile int handled;
static void trash(int s, siginfo_t *i, void *u) {
	handled++;
	// Whatever a handler does to registers is undone by sigreturn.
	static __attribute__((aligned(64))) __thread unsigned char area[AREA];
	pattern(area, 200 + handled);
	__asm__ volatile("xrstor64 (%0)" :: "r"(area), "a"((uint32_t)components), "d"(0) : "memory");
	__asm__ volatile("fninit");
	syscall(SYS_getppid);
}

#define CF 1
#define PF 4
#define AF 0x10
#define ZF 0x40
#define SF 0x80
#define DF 0x400
#define OF 0x800
#define NT 0x4000
#define AC 0x40000
#define ID 0x200000
#define SHOWN (CF | PF | AF | ZF | SF | DF | OF | NT | AC | ID)
static const uint64_t flag_sets[] = {0, CF | PF | AF | ZF | SF | OF, DF, ID | ZF, AC, CF | DF | ID | AC | OF, NT | CF};

static int complain(const char *name, const char *what, uint64_t want, uint64_t got) {
	say("%s: %s %#llx became %#llx", name, what, (unsigned long long)want, (unsigned long long)got);
	return 1;
}

static __thread unsigned char *in, *out;
// one makes a call and returns the number of things that it changed wrongly.
static int one(const char *name, struct regs *r, unsigned seed, int64_t *result) {
	if (!in) {
		in = aligned_alloc(64, AREA);
		out = aligned_alloc(64, AREA);
	}
	pattern(in, seed);
	memset(out, 0, AREA);
	r->rbx = r->int80 ? r->rbx : 0xb0b0b0b000000000 + seed;
	r->rbp = r->int80 ? r->rbp : 0xb1b1b1b100000000 + seed;
	r->r12 = 0x1212121200000000 + seed, r->r13 = 0x1313131300000000 + seed;
	r->r14 = 0x1414141400000000 + seed, r->r15 = 0x1515151500000000 + seed;
	r->r11 = 0x1111222200000000 + seed;
	if (!r->int80)
		r->rcx = 0xc0c0c0c000000000 + seed;
	else
		r->r8 = 0x808, r->r9 = 0x909, r->r10 = 0xa0a;
	struct regs before = *r;
	uint64_t fs, gs;
	syscall(SYS_arch_prctl, 0x1003, &fs), syscall(SYS_arch_prctl, 0x1004, &gs);
	run_call(r, in, out, components);
	*result = r->rax;
	int bad = 0;
#define same(f) if (r->f != before.f) bad += complain(name, #f, before.f, r->f)
	same(rbx); same(rdx); same(rsi); same(rdi); same(rbp); same(r8); same(r9); same(r10);
	same(r12); same(r13); same(r14); same(r15);
	if (r->int80) {
		same(rcx);
		same(r11);
	} else {
		if (r->rcx != (uint64_t)after_syscall)
			bad += complain(name, "rcx, the return address", (uint64_t)after_syscall, r->rcx);
		// Reserved bit 1 and the interrupt flag are always set.
		if ((r->r11 & SHOWN) != (before.flags & SHOWN) || (r->r11 & ~SHOWN) != 0x202)
			bad += complain(name, "r11, the flags", before.flags, r->r11);
	}
	if ((r->flags & SHOWN) != (before.flags & SHOWN))
		bad += complain(name, "flags", before.flags, r->flags);
	for (int i = 0; i < 16; i++)
		if (r->red_zone[i] != 0x1111111111111111 + i)
			bad += complain(name, "the red zone", 0x1111111111111111 + i, r->red_zone[i]);
	const char *v = vectors_differ(in, out);
	if (v) {
		say("%s: %s registers changed", name, v);
		bad++;
	}
	uint64_t fs2, gs2;
	syscall(SYS_arch_prctl, 0x1003, &fs2), syscall(SYS_arch_prctl, 0x1004, &gs2);
	return bad + (fs != fs2) + (gs != gs2);
}

static int64_t simple(const char *name, unsigned seed, uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, int *bad) {
	struct regs r = {.rax = nr, .rdi = a, .rsi = b, .rdx = c, .r10 = d, .r8 = 0x8888888800000000, .r9 = 0x9999999900000000};
	r.flags = flag_sets[seed % (sizeof flag_sets / sizeof *flag_sets)];
	int64_t result;
	*bad += one(name, &r, seed, &result);
	return result;
}

static int wrong_results;
static void expect(const char *name, int64_t got, int64_t want) {
	if (got != want) {
		say("%s: result %lld, want %lld", name, (long long)got, (long long)want);
		wrong_results++;
	}
}

static void *many(void *arg) {
	unsigned seed = (uintptr_t)arg;
	int bad = 0;
	uint64_t zero[2] = {0, 0};
	struct utsname u;
	for (int i = 0; i < 300 && bad < 10; i++, seed += 7) {
		expect("getppid", simple("getppid", seed, SYS_getppid, 1, 2, 3, 4, &bad), getppid());
		expect("write", simple("write", seed, SYS_write, 1, (uint64_t)zero, 0, 4, &bad), 0);
		expect("read", simple("read", seed, SYS_read, -1, 0, 0, 4, &bad), -EBADF);
		expect("openat", simple("openat", seed, SYS_openat, AT_FDCWD, (uint64_t)"/nonexistent", 0, 0, &bad), -ENOENT);
		expect("nanosleep", simple("nanosleep", seed, SYS_nanosleep, (uint64_t)zero, 0, 0, 0, &bad), 0);
		expect("sched_yield", simple("sched_yield", seed, SYS_sched_yield, 9, 9, 9, 9, &bad), 0);
		expect("uname", simple("uname", seed, SYS_uname, (uint64_t)&u, 0, 0, 0, &bad), 0);
		expect("fstat", simple("fstat", seed, SYS_fstat, 5000, (uint64_t)&u, 0, 0, &bad), -EBADF);
		expect("number -1", simple("number -1", seed, -1, 0, 0, 0, 0, &bad), -ENOSYS);
		expect("number 1000", simple("number 1000", seed, 1000, 0, 0, 0, 0, &bad), -ENOSYS);
		expect("number 39 with upper half", simple("number 39 with upper half", seed, 39 | 5ull << 32, 0, 0, 0, 0, &bad), getpid());
		struct regs r = {.rax = 20 | 1ull << 40, .rbx = 0x1111, .rcx = 0x2222, .rdx = 0x3333, .rsi = 0x4444, .rdi = 0x5555, .rbp = 0x6666, .int80 = 1};
		r.flags = flag_sets[seed % (sizeof flag_sets / sizeof *flag_sets)];
		int64_t result;
		bad += one("getpid by int 0x80", &r, seed, &result);
		expect("getpid by int 0x80", result, getpid());
	}
	return (void *)(intptr_t)bad;
}

static int pipe_fds[2];
static volatile int entering, tid;
static void *blocks(void *arg) {
	char c[8];
	int bad = 0;
	tid = tid_self();
	entering = 1;
	int64_t got = simple("a blocked read", (uintptr_t)arg, SYS_read, pipe_fds[0], (uint64_t)c, 1, 0, &bad);
	expect("a blocked read", got, 1);
	entering = 0;
	return (void *)(intptr_t)bad;
}

int main(void) {
	find_components();
	int bad = 0;
	bad += (int)(intptr_t)many((void *)1);
	say("main thread: %d changed", bad);
	pthread_t t[2];
	void *r1, *r2;
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, many, (void *)(1000 * (i + 1)));
	pthread_join(t[0], &r1), pthread_join(t[1], &r2);
	say("two threads: %ld changed", (long)r1 + (long)r2);

	// A handler runs on the way out of the call.
	on_signal(SIGUSR1, trash, SA_RESTART);
	bad = 0;
	for (unsigned i = 0; i < 200; i++)
		expect("kill", simple("kill with a handler", i, SYS_kill, getpid(), SIGUSR1, 0, 0, &bad), 0);
	say("calls with a handler: %d changed, %d handled", bad, handled);

	// In a call that is interrupted and restarted, and stopped and restarted.
	must(pipe(pipe_fds));
	bad = handled = 0;
	for (unsigned i = 0; i < 30; i++) {
		void *result;
		pthread_create(&t[0], NULL, blocks, (void *)(uintptr_t)(3000 + i));
		await(entering);
		await_state(getpid(), tid, "S");
		for (int j = 1; j <= 3; j++) {
			syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
			await(handled == (int)i * 3 + j);
			await_state(getpid(), tid, "S");
		}
		if (i % 3 == 0) { // stop all of us, by a child's hand
			pid_t me = getpid(), pid = must(fork());
			if (pid == 0) {
				// (t of a traced thread may be any stop: then it is a shorter one.)
				kill(me, SIGSTOP);
				await_state(me, me, "T");
				await_state(me, tid, "T");
				kill(me, SIGCONT);
				_exit(0);
			}
			wait_for(pid);
		}
		check(write(pipe_fds[1], "x", 1) == 1);
		pthread_join(t[0], &result);
		bad += (int)(intptr_t)result;
	}
	say("blocked calls: %d changed, %d handled", bad, handled);

	// Two returns from one call.
	bad = 0;
	for (unsigned i = 0; i < 50; i++) {
		int64_t pid = simple("fork", i, i & 1 ? SYS_fork : SYS_clone, SIGCHLD, 0, 0, 0, &bad);
		if (pid == 0)
			_exit(bad ? 1 : 0);
		check(pid > 0);
		if (wait_for(pid) != 0)
			bad++;
	}
	say("forks: %d changed", bad);
	say("wrong results: %d", wrong_results);
	return 0;
}
