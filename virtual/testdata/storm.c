// Selects under signals, while another thread writes nonsense where it is noted what is still
// to be stored: addresses of what nobody may write among it.
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static volatile int stop, alarms;
static uint64_t *area, seed;

static void on_alarm(int sig) { alarms++; }

// Who stores what nonsense says where nonsense says may be hurt by it: this program, and it goes on.
static sigjmp_buf unhurt;
static void on_fault(int sig) { siglongjmp(unhurt, 1); }

// The region, and where a thread's area has what it stores (execso/layout.go).
#define CODE ((const unsigned char *)0x70002000)
enum { ARGS = 0xc0, TIME_AT = 0x210, TIME_LEFT = 0x218, SETS_SIZE = 0x228, EVENTS = 0x230, SETS = 0x240, END = 0x3c0 };

// Where it may be stored: nothing else of ours is in the memory behind it, and then there is none.
enum { ROOM = 1 << 16 };
static char *room;

static void *scribbler(void *arg)
{
	while (!stop) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		uint64_t v = seed >> 20, at = SETS + (seed >> 8) % (END - SETS);
		switch (seed >> 61) {
		case 0: at = TIME_AT, v = 0x70000000 + v % 0x400000; break; // the code
		case 1: at = TIME_AT, v = 0x76000000 + v % 0x100000; break; // the files
		case 2: at = TIME_AT, v = (uint64_t)room + v % ROOM; break;
		case 3: at = SETS_SIZE, v %= 1000; break;
		case 4: at = SETS_SIZE, v = -v; break;
		case 5: at = ARGS + 8 * (1 + v % 3), v = 0x70000000 + v % 0x400000; break;
		case 6: at = ARGS + 8 * (1 + v % 3), v = (uint64_t)room + v % ROOM; break;
		}
		area[at / 8] = v;
	}
	return 0;
}

static unsigned sum(void)
{
	unsigned s = 0;
	for (int i = 0; i < 0x4000; i++)
		s = s * 31 + CODE[i];
	return s;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval t = {{0, 100}, {0, 100}}, off = {{0, 0}, {0, 0}};
	pthread_t other;
	int fd = open(argv[1], O_RDONLY);
	long got = 0;
	seed = strtoull(argv[2], 0, 0);
	room = mmap(0, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED || mprotect(room + ROOM, 4096, PROT_NONE))
		return 1;
	fd_set *in = (fd_set *)room;
	struct timespec *time = (struct timespec *)(in + 1);
	for (int i = 0; i < 300; i++) {
		FD_SET(fd, in);
		*time = (struct timespec){2, 0};
		got += syscall(SYS_pselect6, fd + 1, in, 0, 0, time, 0);
	}
	asm("mov %%gs:0x18, %0" : "=r"(area));
	if ((uintptr_t)area >> 24 < 0x71 || (uintptr_t)area >> 24 > 0x75) {
		printf("no area\n");
		return 0;
	}
	unsigned before = sum();
	printf("selected %ld\n", got);
	fflush(stdout);
	sigaction(SIGALRM, &sa, 0);
	sa.sa_handler = on_fault;
	sigaction(SIGSEGV, &sa, 0);
	sigaction(SIGBUS, &sa, 0);
	pthread_create(&other, 0, scribbler, 0);
	setitimer(ITIMER_REAL, &t, 0);
	sigsetjmp(unhurt, 1);
	while (alarms < 2000) {
		FD_ZERO(in);
		FD_SET(fd, in);
		*time = (struct timespec){0, 1000};
		syscall(SYS_pselect6, fd + 1, in, 0, 0, time, 0);
	}
	setitimer(ITIMER_REAL, &off, 0);
	stop = 1;
	pthread_join(other, 0);
	printf("code %s\n", before == sum() ? "unchanged" : "changed");
	return 0;
}
