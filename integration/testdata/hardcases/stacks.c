// Calls with stacks that are known: recursion, a callback of the C library, a signal
// handler, code made at run time, a call from the C library's end.
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	getppid();
	return *(int *)a - *(int *)b;
}

__attribute__((noinline)) static int deep(int n)
{
	if (n == 0)
		return getpgid(0);
	int r = deep(n - 1);
	__asm__ volatile("" ::: "memory");
	return r + 1;
}

__attribute__((noinline)) static void handle(int sig)
{
	getpgid(sig == SIGUSR1 ? -1 : 1);
	__asm__ volatile("" ::: "memory");
}

// getsid(0), between a frame's begin and its end.
#ifdef __x86_64__
static unsigned char made[] = {0x55, 0x48, 0x89, 0xe5, 0x31, 0xff, 0xb8, 124, 0, 0, 0, 0x0f, 0x05, 0x5d, 0xc3};
#else
static unsigned char made[] = {0x55, 0x89, 0xe5, 0x53, 0x31, 0xdb, 0xb8, 0x93, 0, 0, 0, 0xcd, 0x80, 0x5b, 0x5d, 0xc3};
#endif

int main(void)
{
	int v[2] = {2, 1};
	deep(3);
	qsort(v, 2, sizeof *v, compare);
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(p, made, sizeof made);
	((int (*)(void))p)();
	syscall(SYS_getpgid, 1);
	return 0;
}
