// A 32-bit program that switches to 64-bit mode by a far jump and makes
// x86-64 calls there. The architecture belongs to the call, not the process.
#include "observe.h"

#if !defined(__i386__)
#error "this program is for -m32, not position independent"
#endif

static uint32_t call64(uint32_t nr, uint32_t a, uint32_t b, uint32_t c) {
	uint32_t result;
	__asm__ volatile(
		"ljmp $0x33, $1f\n\t"
		".code64\n"
		"1:\tmov %%esp, %%esp\n\t"
		"mov %%eax, %%eax\n\tmov %%edi, %%edi\n\tmov %%esi, %%esi\n\tmov %%edx, %%edx\n\t"
		"syscall\n\t"
		"sub $8, %%rsp\n\tmovl $0x23, 4(%%rsp)\n\tmovl $2f, (%%rsp)\n\tlretl\n\t"
		".code32\n"
		"2:\n"
		: "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c) : "ecx", "memory", "cc");
	return result;
}

static volatile int handled;
static void count(int s, siginfo_t *i, void *u) { handled++; }

int main(int argc, char **argv) {
	if (argc > 1) {
		call64(110, 0, 0, 0);        // getppid there, iopl here
		call64(110, 0, 0, 0);
		syscall(SYS_getpgid, 0);     // 132 here, utime there
		return 0;
	}
	int wrong = 0;
	for (int i = 0; i < 1000; i++) {
		wrong += call64(39, 0, 0, 0) != getpid();
		wrong += syscall(SYS_getppid) != getppid();
		wrong += call64(110, 0, 0, 0) != getppid();
	}
	say("wrong answers: %d", wrong);
	static char text[] = "written in 64-bit mode\n";
	say("write: %u", call64(1, 1, (uintptr_t)text, sizeof text - 1));
	say("bad number: %s", errname(-(int)call64(500, 0, 0, 0)));
	on_signal(SIGUSR1, count, 0);
	say("kill: %u", call64(62, getpid(), SIGUSR1, 0));
	say("handled: %d", handled);
	pid_t pid = call64(57, 0, 0, 0); // fork
	if (pid == 0)
		call64(231, 8, 0, 0);    // exit_group
	say("fork in 64-bit mode: %s", status_of(wait_for(pid)));
	return 0;
}
