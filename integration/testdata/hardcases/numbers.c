// System-call numbers that no table has, and what the kernel makes of the
// upper half of rax. Every argument is zero.
#include "observe.h"
#include <pthread.h>

static long raw(uint64_t nr) {
	long result;
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;
	__asm__ volatile("syscall" : "=a"(result)
		: "a"(nr), "D"(0l), "S"(0l), "d"(0l), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return result;
}

static const uint64_t numbers[] = {
	-1, -2, -39, -512, -514, -516, -4095, -4096, 0xffffffff, 0xfffffffe, 0x7fffffff, 0x7ffffffe, 0x80000000,
	0x80000027, 0x8000000000000000, 0x7fffffffffffffff,
	39 | 1ull << 32, 39 | 0xffffffffull << 32, 39 | 1ull << 63, 39 | 0x40000000ull << 32,
	0x00000001ffffffff, 0x1fffffffe,
	// x32: the bit alone, calls both tables share, x32's own, beyond its end.
	0x40000000 | 39, 0x40000000 | 512, 0x40000000 | 520, 0x40000000 | 547, 0x40000000 | 548, 0x40000000 | 4000,
	0x7fffffff & ~0x3fffffffull, 0xc0000000 | 39, 0x40000027 | 1ull << 32, 0x60000027,
	// Holes and ends of the x86-64 table.
	340, 387, 400, 423, 512, 520, 547, 548, 600, 1000, 1023, 1024, 4095, 4096, 65535, 65536, 1 << 20, 1 << 24,
	// Calls that were removed, and those that never were.
	134, 156, 174, 177, 178, 180, 181, 182, 183, 184, 185, 205, 211, 214, 215, 236,
};

static void all(const char *where) {
	long me = getpid();
	for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		long r = raw(numbers[i]);
		if (r == me)
			say("%s %#llx: own pid", where, (unsigned long long)numbers[i]);
		else if (r < 0 && r >= -4095)
			say("%s %#llx: %s", where, (unsigned long long)numbers[i], errname(-r));
		else
			say("%s %#llx: %ld", where, (unsigned long long)numbers[i], r);
	}
}

static void *in_thread(void *unused) {
	all("thread");
	return NULL;
}

int main(void) {
	all("main");
	pthread_t t;
	pthread_create(&t, NULL, in_thread, NULL);
	pthread_join(t, NULL);
	// 335 and 336 are a uprobe's ways back; called by anybody else they kill.
	for (int nr = 335; nr <= 336; nr++) {
		pid_t pid = must(fork());
		if (pid == 0) {
			long r = raw(nr);
			say("child %d: %s", nr, errname(-r));
			_exit(0);
		}
		say("%d: %s", nr, status_of(wait_for(pid)));
	}
	int wrong = 0;
	for (int i = 0; i < 3000; i++)
		wrong += raw(-1) != -ENOSYS, wrong += raw(39 | (uint64_t)i << 32) != getpid();
	say("wrong answers in 3000 rounds: %d", wrong);
	return 0;
}
