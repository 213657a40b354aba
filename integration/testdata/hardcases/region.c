// A program that maps what it likes where a tracer might have something of its own,
// at 0x70000000: before that is there, over it, and near it. What the kernel
// refuses it because of that is not said; that the program goes on is.
#include "cases.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define REGION 0x70000000ul
#define CODE_END (REGION + 0x410000)
#define SLOTS (REGION + 0x1000000)
#define END (SLOTS + 512 * 0x20000ul)

static int pipe_fd[2];

/* work makes calls whose results are known, from two places. */
static void work(const char *when)
{
	int wrong = 0;
	char c;
	for (int i = 0; i < 300; i++) {
		wrong += getppid() <= 0 || syscall(SYS_getpid) != getpid();
		wrong += write(pipe_fd[1], "x", 1) != 1 || read(pipe_fd[0], &c, 1) != 1 || c != 'x';
		wrong += open("/nonexistent/file", O_RDONLY) != -1 || errno != ENOENT;
		wrong += read(-1, &c, 1) != -1 || errno != EBADF;
	}
	pid_t pid = must("fork", fork());
	if (pid == 0) {
		for (int i = 0; i < 50; i++)
			wrong += getppid() <= 0 || write(pipe_fd[1], "y", 1) != 1 || read(pipe_fd[0], &c, 1) != 1;
		_exit(wrong > 0);
	}
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	say("%s: %d wrong, the child's status %#x", when, wrong, status);
}

/* What the program has there from its beginning stays its own. */
static void before(void)
{
	unsigned char *p = mmap((void *)REGION, 0x20000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	must("pipe", pipe(pipe_fd));
	say("mapped: %d", p == (void *)REGION);
	for (int i = 0; i < 0x20000; i++)
		p[i] = i * 7;
	work("with the own mapping there");
	int changed = 0;
	for (int i = 0; i < 0x20000; i++)
		changed += p[i] != (unsigned char)(i * 7);
	say("changed: %d", changed);
	must("munmap", munmap(p, 0x20000));
	work("after it is gone");
}

/* Only a part of what the tracer would want. */
static void overlap(void)
{
	char *p = mmap((void *)(END - 0x1000), 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	must("pipe", pipe(pipe_fd));
	say("mapped: %d", p == (void *)(END - 0x1000));
	memset(p, 'o', 0x2000);
	work("with a page in its end");
	say("kept: %d", p[0] == 'o' && p[0x1fff] == 'o');
}

/* All address space below the libraries, reserved as sanitizers and managed
 * runtimes do. */
static void reserved(void)
{
	size_t size = 0x40000000;
	char *p = mmap((void *)0x50000000, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	must("pipe", pipe(pipe_fd));
	say("reserved: %d", p == (void *)0x50000000);
	work("with all around it reserved");
	say("used: %ld", must("mprotect", mprotect((void *)REGION, 0x2000000, PROT_READ | PROT_WRITE)));
	memset((void *)REGION, 1, 0x2000000);
	work("and used");
}

static const unsigned long places[] = {REGION, REGION + 0x2000, REGION + 0x4000, REGION + 0x10000, CODE_END - 0x1000, SLOTS, SLOTS + 0x20000, SLOTS + 0x30000, END - 0x1000};
enum { PLACES = sizeof places / sizeof *places };

static void each_place(const char *what, void (*act)(char *place))
{
	for (int i = 0; i < PLACES; i++) {
		/* In a process of its own: natively there is nothing, and nothing stays. */
		pid_t pid = must("fork", fork());
		if (pid == 0) {
			act((char *)places[i]);
			work(what);
			_exit(0);
		}
		int status;
		must("waitpid", waitpid(pid, &status, 0));
		say("%s at place %d: status %#x", what, i, status);
	}
	work("in the parent");
}

static void act_map(char *p) { (void)!mmap(p, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); }
static void act_map_all(char *p) { (void)p, (void)!mmap((void *)(REGION - 0x1000), END - REGION + 0x2000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0); }
static void act_shared(char *p) { (void)!mmap(p, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0); }
static void act_hint(char *p)
{
	char *q = mmap(p, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q == MAP_FAILED)
		say("a hint is no demand");
	else
		*q = 1;
}
static void act_unmap(char *p) { munmap(p, 0x1000); }
static void act_unmap_all(char *p) { (void)p, munmap((void *)(REGION - 0x10000), END - REGION + 0x20000); }
static void act_none(char *p) { mprotect(p, 0x1000, PROT_NONE); }
static void act_writable(char *p) { mprotect(p, 0x1000, PROT_READ | PROT_WRITE); }
static void act_readonly(char *p) { mprotect(p, 0x1000, PROT_READ); }
static void act_exec(char *p) { mprotect(p, 0x1000, PROT_READ | PROT_EXEC); }
static void act_move(char *p) { mremap(p, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x60000000); }
static void act_grow(char *p) { mremap(p, 0x1000, 0x100000, MREMAP_MAYMOVE); }
static void act_move_over(char *p)
{
	void *q = mmap(NULL, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mremap(q, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, p);
}
static void act_dontneed(char *p) { madvise(p, 0x1000, MADV_DONTNEED); }
static void act_remove(char *p) { madvise(p, 0x1000, MADV_REMOVE); }
static void act_dontfork(char *p) { madvise(p, 0x1000, MADV_DONTFORK); }
static void act_wipeonfork(char *p) { madvise(p, 0x1000, MADV_WIPEONFORK); }
static void act_lock(char *p) { mlock(p, 0x1000), munlock(p, 0x1000); }
static void act_pkey(char *p)
{
	int key = syscall(SYS_pkey_alloc, 0, 3);
	syscall(SYS_pkey_mprotect, p, 0x1000, PROT_READ, key);
}

static void over(void)
{
	must("pipe", pipe(pipe_fd));
	work("at first");
	each_place("mmap", act_map), each_place("mmap shared", act_shared), each_place("hint", act_hint), each_place("munmap", act_unmap);
	each_place("PROT_NONE", act_none), each_place("writable", act_writable), each_place("read-only", act_readonly), each_place("executable", act_exec);
	each_place("mremap", act_move), each_place("mremap larger", act_grow), each_place("mremap over it", act_move_over);
	each_place("MADV_DONTNEED", act_dontneed), each_place("MADV_REMOVE", act_remove), each_place("MADV_DONTFORK", act_dontfork), each_place("MADV_WIPEONFORK", act_wipeonfork);
	each_place("mlock", act_lock), each_place("pkey", act_pkey);
}

static void over_all(void)
{
	must("pipe", pipe(pipe_fd));
	work("at first");
	each_place("munmap of all", act_unmap_all), each_place("mmap of all", act_map_all);
}

/* The same with threads, and while they make calls. */
static void near(void)
{
	must("pipe", pipe(pipe_fd));
	work("at first");
	int refused = 0;
	for (unsigned long p = REGION - 0x100000; p < REGION; p += 0x1000)
		refused += mmap((void *)p, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)p;
	for (unsigned long p = END; p < END + 0x100000; p += 0x1000)
		refused += mmap((void *)p, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)p;
	memset((void *)(REGION - 0x100000), 1, 0x100000), memset((void *)END, 1, 0x100000);
	say("refused beside it: %d", refused);
	work("with neighbours");
}

/* The heap of a program that is not position-independent grows towards it. */
static void heap(void)
{
	must("pipe", pipe(pipe_fd));
	work("at first");
	char *start = sbrk(0);
	int grown = 0;
	if ((unsigned long)start > REGION) {
		say("the heap is elsewhere");
		return;
	}
	while (sbrk(0x1000000) != (void *)-1 && (unsigned long)sbrk(0) < 0x80000000ul)
		grown++;
	char *end = sbrk(0);
	for (char *p = start; p < end; p += 0x100000)
		*p = 1;
	/* It begins somewhere in the first GiB. */
	say("grown, as far as it went: %d", grown > 40);
	work("with a large heap");
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"before", before}, {"overlap", overlap}, {"reserved", reserved}, {"over", over}, {"over_all", over_all}, {"near", near}, {"heap", heap}};
	return RUN_CASE(argc, argv, cases);
}
