// A program that means harm to a tracer which has memory in it: it writes nonsense
// where that keeps its records, changes the mapping, and points the way there
// elsewhere. Without such memory it does nothing.
#include "hostile.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

// ---- nonsense in the threads' areas and rings ----

enum { THREADS = 3 };
static volatile uint64_t area[THREADS];
static volatile unsigned number;

static void *calls(void *unused)
{
	area[__sync_fetch_and_add(&number, 1)] = own_area();
	char c;
	for (int i = 0; i < 3000; i++) {
		(void)!read(-1, &c, 1);
		close(open("/nonexistent/file", O_RDONLY));
		syscall(SYS_getppid);
	}
	pause();
	return unused;
}

static void start_threads(void)
{
	pthread_t t;
	for (int i = 0; i < THREADS; i++)
		must("pthread_create", pthread_create(&t, NULL, calls, NULL) ? -1 : 0);
	while (number < THREADS)
		sched_yield();
}

static uint64_t nonsense(uint64_t at)
{
	uint64_t v = next_chance();
	switch (v % 3) {
	case 0: return v;
	case 1: return v & 0xffff;
	}
	return *word(at) ^ 1ull << v / 3 % 64; /* nearly what was there */
}

static void scribble(int seed)
{
	chance = seed * 0x9e3779b97f4a7c15ull + 1;
	start_threads();
	for (int i = 0; i < 10000; i++) {
		uint64_t at = area[next_chance() % THREADS];
		if (at < SLOTS)
			break; /* it has taken the base of GS for another */
		switch (seed % 4) {
		case 0: at += next_chance() % 0x40 * 8; break; /* what it needs to remember, and its request */
		case 1: at += AREA_HEAD; break;
		case 2: at += RING + next_chance() % RING_SIZE / 8 * 8; break;
		case 3: at += next_chance() % SLOT_SIZE / 8 * 8; break;
		}
		*word(at) = nonsense(at);
		if (i % 64 == 0)
			sched_yield();
	}
	_exit(0);
}

static void scribbles(void)
{
	int there = here(REGION);
	for (int seed = 0; seed < 24; seed++) {
		pid_t pid = child();
		if (pid == 0) {
			if (there)
				scribble(seed);
			_exit(0);
		}
		end_of(pid, 300);
	}
	say("done");
}

/* The slots of all threads of the tree are there, the parent's among them. What it makes
 * of that is not its tracer's affair; so the parent is a child too. */
static void everywhere(void)
{
	int there = here(REGION);
	for (int seed = 0; seed < 4; seed++) {
		pid_t pid = child();
		if (pid == 0) {
			alarm(1);
			pid_t writer = must("fork", fork());
			while (writer && waitpid(writer, NULL, WNOHANG) == 0)
				syscall(SYS_getppid);
			if (writer || !there)
				_exit(0);
			chance = seed + 1;
			/* From the second on: the first is of whoever waits for us. */
			for (uint64_t slot = 2; slot < 64; slot++)
				for (int i = 0; i < 400; i++) {
					uint64_t at = SLOTS + slot * SLOT_SIZE + next_chance() % (i % 2 ? SLOT_SIZE : 0x200) / 8 * 8;
					*word(at) = nonsense(at);
				}
			_exit(0);
		}
		end_of(pid, 1500);
	}
	say("done");
}

// ---- events without end ----

/* A thread whose records are never at an end, since they cost nothing to make. */
static void flood(void)
{
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	uint64_t a = own_area(), head = *word(a + AREA_HEAD);
	const uint64_t pair[] = {1 | SYS_getppid << 16 | SITES << 32, 0, 0, 0, 0, 0, 0, 0, 2 | 24ull << 32, 0, 1};
	for (;;)
		while (head <= __atomic_load_n(word(a + AREA_LIMIT), __ATOMIC_ACQUIRE)) {
			memcpy(word(a + RING + head % RING_SIZE), pair, 64);
			memcpy(word(a + RING + (head + 64) % RING_SIZE), pair + 8, 24);
			head += sizeof pair;
			__atomic_store_n(word(a + AREA_HEAD), head, __ATOMIC_RELEASE);
		}
}

static void floods(void)
{
	enum { FLOODS = 3 };
	int there = here(REGION);
	pid_t pid[FLOODS];
	for (int i = 0; i < FLOODS; i++)
		if ((pid[i] = child()) == 0) {
			if (there)
				flood();
			_exit(0);
		}
	/* The others are served meanwhile. */
	for (int i = 0; i < 20; i++) {
		pid_t other = must("fork", fork());
		if (other == 0)
			_exit(i);
		int status;
		must("waitpid", waitpid(other, &status, 0));
		if (!WIFEXITED(status) || WEXITSTATUS(status) != i)
			say("the %d-th: %#x", i, status);
	}
	for (int i = 0; i < FLOODS; i++)
		kill(pid[i], SIGKILL);
	end_of(pid[0], 1);
	say("done");
}

// ---- the mapping ----

static uint64_t sum(uint64_t from, uint64_t to)
{
	uint64_t s = 0;
	for (; from < to; from += 8)
		s = s * 31 + *(volatile uint64_t *)from;
	return s;
}

static void each(uint64_t at, size_t size)
{
	void *p = (void *)at;
	munmap(p, size);
	(void)!mmap(p, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	(void)!mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, REGION - 0x1000000);
	(void)!mremap(p, size, size / 2, 0);
	(void)!mremap(p, 0, size, MREMAP_MAYMOVE);
	void *other = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)!mremap(other, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	munmap(other, size);
	static const int rights[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC};
	for (int i = 0; i < 4; i++)
		mprotect(p, size, rights[i]), syscall(SYS_pkey_mprotect, p, size, rights[i], -1);
	static const int advice[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT, MADV_DONTFORK, MADV_WIPEONFORK, MADV_DODUMP, 24 /* DONTNEED_LOCKED */};
	for (unsigned i = 0; i < sizeof advice / sizeof *advice; i++)
		madvise(p, size, advice[i]);
	syscall(SYS_remap_file_pages, p, size, 0, 3, 0);
	char bytes[64] = {(char)0xcc};
	struct iovec from = {bytes, sizeof bytes}, to = {p, sizeof bytes};
	(void)!syscall(SYS_process_vm_writev, getpid(), &from, 1, &to, 1, 0);
	(void)!read(open("/dev/zero", O_RDONLY), p, size);
}

static void files(uint64_t at, uint64_t end)
{
	char path[64], bytes[64] = {(char)0xcc};
	int fd = open("/proc/self/mem", O_RDWR);
	(void)!pwrite(fd, bytes, sizeof bytes, at);
	snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", at, end);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return; /* not everybody may */
	(void)!pwrite(fd, bytes, sizeof bytes, 0);
	(void)!ftruncate(fd, 0), (void)!ftruncate(fd, 1 << 30);
	(void)!fallocate(fd, 3 /* PUNCH_HOLE, KEEP_SIZE */, 0, 0x4000);
	void *p = mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		memset(p, 0xcc, 0x4000);
}

/* What may not be changed has not, and calls are made as ever. */
static void remaps(void)
{
	if (here(REGION)) {
		uint64_t before = sum(CODE, CODE_END);
		static const uint64_t places[] = {REGION, CODE, SITES, REGION + 0x40f000};
		for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
			each(places[i], 0x1000);
		each(REGION, 0x410000);
		files(REGION, REGION + 0x410000);
		if (sum(CODE, CODE_END) != before)
			say("the code has been changed");
		pid_t pid = child();
		if (pid == 0) { /* the own slot may be written */
			each(SLOTS, 0x1000), each(own_area(), SLOT_SIZE);
			files(SLOTS, SLOTS + 512 * SLOT_SIZE);
			_exit(0);
		}
		end_of(pid, 3000);
		if (!here(REGION) || !here(SLOTS))
			say("it is gone");
	}
	int wrong = 0;
	for (int i = 0; i < 200; i++)
		wrong += syscall(SYS_getpid) != getpid() || open("/nonexistent/file", O_RDONLY) != -1 || errno != ENOENT;
	say("done, %d wrong", wrong);
}

// ---- the way there ----

static unsigned char false_area[SLOT_SIZE] __attribute__((aligned(4096)));

static void go_by(uint64_t base, int instruction)
{
	if (instruction)
		__asm__ volatile("wrgsbase %0" ::"r"(base));
	else
		syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, base);
	char c;
	for (int i = 0; i < 300; i++) {
		syscall(SYS_getppid);
		(void)!read(-1, &c, 1);
		close(open("/nonexistent/file", O_RDONLY));
	}
	if (fork() == 0)
		_exit(syscall(SYS_getppid) == 0);
	wait(NULL);
	pthread_t t;
	pthread_create(&t, NULL, calls, NULL);
	while (!number)
		sched_yield();
}

static void bases(void)
{
	int there = here(REGION);
	for (int i = 0; i < 20; i++) {
		pid_t pid = child();
		if (pid == 0) {
			if (!there)
				_exit(0);
			if (i / 2 % 2) {
				start_threads();
				number = 0;
			}
			uint64_t own = own_area(), sibling = area[0] ? area[0] : own + SLOT_SIZE;
			memcpy(false_area, (void *)own, 0x8000);
			uint64_t to[] = {sibling, own + 0x100, SLOTS, (uint64_t)false_area, REGION};
			go_by(to[i / 4], i % 2);
			_exit(0);
		}
		end_of(pid, 500);
	}
	say("done");
}

int main(int argc, char **argv)
{
	need_gs();
	struct one_case cases[] = {{"scribbles", scribbles}, {"everywhere", everywhere}, {"floods", floods}, {"remaps", remaps}, {"bases", bases}};
	return RUN_CASE(argc, argv, cases);
}
