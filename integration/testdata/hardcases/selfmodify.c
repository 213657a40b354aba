/* Code written and rewritten while the program runs, system calls among it. */
#include "cases.h"
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
typedef long (*code)(void);

static unsigned char *page;

/* emit writes mov eax, nr; syscall; ret at p. */
static unsigned char *emit(unsigned char *p, int nr)
{
	*p++ = 0xb8;
	memcpy(p, &nr, 4);
	p += 4;
	memcpy(p, "\x0f\x05\xc3", 3);
	return p + 3;
}

static void rewrite(void)
{
	page = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static const int nrs[] = {SYS_getpid, SYS_getppid, SYS_getpgrp, 9999};
	long want[] = {getpid(), getppid(), getpgrp(), -ENOSYS};
	long wrong = 0;
	for (int i = 0; i < 2000; i++) {
		emit(page, nrs[i % 4]);
		if (((code)page)() != want[i % 4])
			wrong++;
	}
	say("one site, four numbers: %ld wrong", wrong);
	/* The instruction over the edge of a page. */
	emit(page + 4096 - 6, SYS_getpid);
	say("over the edge: %d", ((code)(page + 4096 - 6))() == getpid());
	/* The last instruction of a mapping: what follows is not there. */
	must("munmap", munmap(page + 4096, 4096));
	page[4096 - 2] = 0x0f, page[4096 - 1] = 0x05;
	say("still maps: %d", page[4094] == 0x0f);
	/* The bytes 0f 05 as data and inside another instruction are no calls. */
	static const unsigned char inside[] = {0xb8, 0x0f, 0x05, 0x0f, 0x05, 0xc3}; /* mov eax, 0x050f050f; ret */
	memcpy(page, inside, sizeof inside);
	say("inside an operand: %#lx", ((code)page)() & 0xffffffff);
	say("and unchanged: %d", !memcmp(page, inside, sizeof inside));
	/* A jump into the middle of it makes it one. */
	static const unsigned char middle[] = {0xb8, 39, 0, 0, 0, 0xeb, 0x01, 0xb9, 0x0f, 0x05, 0xc3};
	memcpy(page, middle, sizeof middle);
	say("jumped into: %d", ((code)page)() == getpid());
}

/* Two mappings of one file, one to write, one to execute. */
static void twins(void)
{
	int fd = must("memfd", memfd_create("code", 0));
	must("ftruncate", ftruncate(fd, 4096));
	unsigned char *w = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	code x = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	long wrong = 0;
	for (int i = 0; i < 500; i++) {
		emit(w, i & 1 ? SYS_getpid : SYS_getppid);
		if (x() != (i & 1 ? getpid() : getppid()))
			wrong++;
	}
	say("twins: %ld wrong", wrong);
}

/* W^X by mprotect, and unmapping of code that has made calls. */
static void flips(void)
{
	long wrong = 0;
	for (int i = 0; i < 300; i++) {
		unsigned char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		emit(p, i % 3 ? SYS_getpid : SYS_getppid);
		must("mprotect", mprotect(p, 4096, PROT_READ | PROT_EXEC));
		for (int j = 0; j < 3; j++)
			if (((code)p)() != (i % 3 ? getpid() : getppid()))
				wrong++;
		if (i & 1)
			must("mprotect", mprotect(p, 4096, PROT_EXEC));
		if (((code)p)() != (i % 3 ? getpid() : getppid()))
			wrong++;
		must("munmap", munmap(p, 4096));
	}
	say("flips: %ld wrong", wrong);
}
#else
static void rewrite(void) { errno = ENOSYS; skip("not for this architecture"); }
static void twins(void) { rewrite(); }
static void flips(void) { rewrite(); }
#endif

/* The program's own text, read as data, is what the linker put there. */
static void text_sum(void)
{
	extern char __executable_start[], etext[];
	unsigned long sum = 0, again = 0;
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	for (volatile char *p = __executable_start; p < etext; p++)
		sum = sum * 31 + *p;
	FILE *f = fopen("/proc/self/exe", "r");
	for (long n = etext - __executable_start; n > 0; n--)
		again = again * 31 + (char)fgetc(f);
	say("text in memory is the file's: %d", sum == again);
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"rewrite", rewrite}, {"twins", twins}, {"flips", flips}, {"text", text_sum}};
	return RUN_CASE(argc, argv, cases);
}
