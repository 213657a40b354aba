/*
 * Makes system calls with arguments of all kinds, good and bad, that never reach
 * the kernel: a seccomp filter answers those made at the three places below with
 * 0, with EINVAL, or with a positive number that another thread supplies. So any
 * call can be made, reboot(2) too, and what a tracer prints of it depends on the
 * arguments and the memory behind them alone, which are the same in each run with
 * the same seed.
 *
 *	calls ABI SEED FROM TO COUNT	COUNT calls each of the numbers FROM..TO of
 *					ABI, 64, 32 or x32, with random arguments
 *	calls ABI sweep FROM TO		each argument takes many values in turn
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef uint64_t u64;
typedef uint32_t u32;

extern char answer_zero[], answer_error[], answer_more[], answer_zero32[], answer_error32[], answer_more32[];

__asm__(
	".macro place name, insn\n"
	"	.globl \\name, do_\\name\n"
	"do_\\name:\n" /* (nr, args) */
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rdi, %rax; mov %rsi, %r12\n"
	"	.if \\insn\n"
	"	mov (%r12), %rbx; mov 8(%r12), %rcx; mov 16(%r12), %rdx; mov 24(%r12), %rsi; mov 32(%r12), %rdi; mov 40(%r12), %rbp\n"
	"	int $0x80\n"
	"	.else\n"
	"	mov (%r12), %rdi; mov 8(%r12), %rsi; mov 16(%r12), %rdx; mov 24(%r12), %r10; mov 32(%r12), %r8; mov 40(%r12), %r9\n"
	"	syscall\n"
	"	.endif\n"
	"\\name:\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	".endm\n"
	"place answer_zero, 0\nplace answer_error, 0\nplace answer_more, 0\n"
	"place answer_zero32, 1\nplace answer_error32, 1\nplace answer_more32, 1\n");
long do_answer_zero(long, u64 *), do_answer_error(long, u64 *), do_answer_more(long, u64 *);
long do_answer_zero32(long, u64 *), do_answer_error32(long, u64 *), do_answer_more32(long, u64 *);

static long (*const places[2][3])(long, u64 *) = {
	{do_answer_zero, do_answer_error, do_answer_more},
	{do_answer_zero32, do_answer_error32, do_answer_more32},
};

static volatile u64 more; /* the positive answer */
static int listener;

static void *answerer(void *unused)
{
	struct seccomp_notif n;
	for (;;) {
		memset(&n, 0, sizeof n);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
			continue;
		struct seccomp_notif_resp r = {.id = n.id, .val = more};
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
	return unused;
}

static void filter(void)
{
#define AT(label, action)                                                        \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)(uintptr_t)(label), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, (action))
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
		AT(answer_zero, SECCOMP_RET_ERRNO), AT(answer_zero32, SECCOMP_RET_ERRNO),
		AT(answer_error, SECCOMP_RET_ERRNO | EINVAL), AT(answer_error32, SECCOMP_RET_ERRNO | EINVAL),
		AT(answer_more, SECCOMP_RET_USER_NOTIF), AT(answer_more32, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = {sizeof f / sizeof *f, f};
	pthread_t t;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		exit(3);
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
	if (listener < 0 || pthread_create(&t, 0, answerer, 0))
		exit(3);
}

static int abi32;

/* Numbers that depend on the seed alone. */
static u64 state;
static u64 next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1d >> 16;
}
static u64 below(u64 n) { return next() % n; }

/*
 * Memory: six areas of two pages, one for each argument, each in front of a page that
 * is not there, and one with what structs point to.
 */
#define PAGE 4096
#define AREA (3 * PAGE)
static char *const mem = (char *)0x20000000;
static char *area(int i) { return mem + i * AREA; }
static char *area_end(int i) { return area(i) + 2 * PAGE; }
enum { shared = 6, areas = 7 };

static const char *const words[] = {"", "/dev/full", "a", "with \"quotes\"\n\t\\", "\1\2\0033\377", "user", "key:desc",
	"a string that is longer than thirty-two bytes are", "tcp", "/a/\360\237\230\200"};

static char *word(void) /* a string at the end of shared memory, or within */
{
	const char *w = words[below(sizeof words / sizeof *words)];
	size_t n = strlen(w) + 1;
	char *at = below(2) ? area_end(shared) - n : area(shared) + 64 * below(40);
	return memcpy(at, w, n);
}

static u64 pointer(void)
{
	switch (below(8)) {
	case 0: return 0;
	case 1: return (u64)area_end(shared);
	case 2: return (u64)area_end(shared) - below(64);
	case 3: return 0xfacefeed;
	case 4: case 5: return (u64)word();
	default: return (u64)area(shared) + 8 * below(300);
	}
}

static u64 number(void)
{
	switch (below(12)) {
	case 0: case 1: case 2: return below(5);
	case 3: return below(50);
	case 4: return (u64)-1 - below(3);
	case 5: return 1ull << below(64);
	case 6: return next() & next() & 0xffff;
	case 7: return next() & next() & next();
	case 8: return 0xffffffff;
	case 9: return below(300) << 8;
	case 10: return 0xdeadbeef00000000ull | below(16);
	default: return next() << 16;
	}
}

static void fill(char *p, size_t n) /* with a struct's members */
{
	int style = below(6), narrow = below(2);
	while (n) {
		u64 v;
		size_t k = narrow ? 4 : 8;
		switch (style) {
		case 0: v = 0; break;
		case 1: v = below(3) ? below(4) : number(); break;
		case 2: v = next() << 16 ^ next(); break;
		case 3: v = below(2) ? pointer() : below(20); break;
		case 4: v = below(3) ? pointer() : number(); break;
		default: v = below(2) ? below(16) | below(16) << 32 : 0x6463626164636261 + 0x0101010101010101 * below(20);
		}
		if (k > n)
			k = n;
		memcpy(p, &v, k);
		p += k, n -= k;
	}
}

static u64 argument_pointer(int i)
{
	size_t n;
	switch (below(10)) {
	case 0: return 0;
	case 1: return (u64)area_end(i);
	case 2: return ~0ull - below(16);
	case 3: {
		const char *w = words[below(sizeof words / sizeof *words)];
		n = strlen(w) + !!below(4);
		return (u64)memcpy(area_end(i) - n, w, n);
	}
	case 4: case 5: case 6: /* up to the end */
		n = below(3) ? 4 * below(80) : below(300);
		break;
	default:
		n = 1000 + 8 * below(64);
	}
	fill(area_end(i) - n, n);
	return (u64)area_end(i) - n;
}

/* Numbers that make calls mean different things: ioctl's requests and the like. */
#define LIST(...) (const u64[]){__VA_ARGS__}, sizeof((u64[]){__VA_ARGS__}) / 8
static u64 among(const u64 *list, size_t n) { return list[below(n)]; }

static u64 argument(int nr, int i);

static u64 any(int i)
{
	return below(2) ? argument_pointer(i) : number();
}

#include "hints.h"

static u64 argument(int nr, int i)
{
	const struct hint *h = hint(nr, i);
	if (!h || !below(12))
		return any(i);
	u64 v = h->list ? among(h->list, h->n) : h->from + below(h->n);
	return below(30) ? v : v | 1ull << 32;
}

/* An address of a socket begins with its family. */
static void address_family(int nr, u64 *a)
{
	int i = nr == SYS_bind || nr == SYS_connect || nr == SYS_accept || nr == SYS_getsockname ? 1 : nr == SYS_sendto ? 4 : -1;
	if (i >= 0 && !abi32 && a[i] >= (u64)area(i) && a[i] <= (u64)area_end(i) - 2) {
		((char *)a[i])[0] = below(46);
		((char *)a[i])[1] = 0;
	}
}

static long number_bits;

/* Calls that return how many bytes they have moved: no more than there is room for. */
static int moves(int nr)
{
	static const short calls[2][16] = {
		{SYS_read, SYS_write, SYS_readlink, SYS_getdents, SYS_pread64, SYS_pwrite64, SYS_getcwd, SYS_sendfile, SYS_getdents64,
		SYS_readlinkat, SYS_getrandom, SYS_sendto, SYS_recvfrom, -1},
		{3, 4, 85, 141, 180, 181, 183, 187, 220, 239, 305, 355, 369, 371, -1},
	};
	for (int i = 0; calls[abi32][i] >= 0; i++)
		if (calls[abi32][i] == nr)
			return 1;
	return 0;
}

static void call(int nr, u64 *a)
{
	int how = below(4);
	if (how == 3 || how == 2 && moves(nr))
		how = 0;
	if (how == 2)
		more = below(3) ? below(64) : below(4096 * 4);
	if (!how && (nr == number_execve || nr == number_execveat))
		how = 1;
	if (how == 2 && (nr == number_execve || nr == number_execveat))
		how = 1;
	places[abi32][how](nr | number_bits, a);
}

static void setup(int nr, u64 seed)
{
	state = (seed * 1000003 + nr) * 0x9e3779b97f4a7c15 + 1;
	next(), next();
	for (int i = 0; i < 5; i++)
		next();
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	abi32 = !strcmp(argv[1], "32");
	if (!strcmp(argv[1], "x32"))
		number_bits = 0x40000000;
	set_hints(abi32);
	int from = atoi(argv[3]), to = atoi(argv[4]);
	for (int i = 0; i < areas; i++)
		if (mmap(area(i), 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			return 3;
	filter();
	if (!strcmp(argv[2], "sweep")) {
		for (int nr = from; nr <= to; nr++)
			for (int i = 0; i < 6; i++)
				for (int v = 0; v < 64 + 300; v++) {
					u64 a[6] = {0};
					a[i] = v < 300 ? v : 1ull << (v - 300);
					if (abi32)
						a[i] = (u32)a[i];
					places[abi32][1](nr | number_bits, a);
				}
		_exit(0);
	}
	for (int nr = from; nr <= to; nr++)
		for (int n = 0; n < atoi(argv[5]); n++) {
			u64 a[6];
			setup(nr, atol(argv[2]) * 100000 + n);
			fill(area(shared) + PAGE, PAGE);
			for (int i = 0; i < 6; i++) {
				a[i] = argument(nr, i);
				if (abi32) /* a 32-bit program has no more */
					a[i] = (u32)a[i];
			}
			address_family(nr, a);
			call(nr, a);
		}
	_exit(0);
}
