// The vsyscall page: three calls at fixed addresses, which the kernel
// emulates from a page fault. seccomp sees them, but no exit stop follows.
#include "observe.h"
#include <setjmp.h>
#include <sys/time.h>

typedef int (*gettimeofday_fn)(struct timeval *, struct timezone *);
typedef time_t (*time_fn)(time_t *);
typedef int (*getcpu_fn)(unsigned *, unsigned *, void *);
static gettimeofday_fn v_gettimeofday = (gettimeofday_fn)0xffffffffff600000;
static time_fn v_time = (time_fn)0xffffffffff600400;
static getcpu_fn v_getcpu = (getcpu_fn)0xffffffffff600800;

static sigjmp_buf out;
static siginfo_t info;
static void caught(int s, siginfo_t *i, void *u) {
	info = *i;
	siglongjmp(out, 1);
}

#define faults(what, expression) do { \
	if (sigsetjmp(out, 1) == 0) { \
		long r = (long)(expression); \
		say("%s: %ld", what, r); \
	} else { \
		say("%s: %s, code %d, address %p", what, signame(info.si_signo), info.si_code, info.si_addr); \
	} } while (0)

int main(int argc, char **argv) {
	if (argc > 1) { // for the trace: a pattern of calls, three of them at the page
		for (int i = 0; i < 20; i++) {
			v_time(NULL);
			syscall(SYS_getppid);
			syscall(SYS_getpgid, 0);
		}
		return 0;
	}
	struct timeval tv = {0}, tv2 = {0};
	struct timezone tz = {77, 77};
	long early = 0;
	for (int i = 0; i < 2000; i++) {
		time_t before = time(NULL), got;
		time_t r = v_time(&got);
		time_t after = time(NULL);
		early += !(r == got && r >= before - 1 && r <= after + 1);
		early += syscall(SYS_getppid) != getppid();
		early += v_gettimeofday(&tv, &tz) != 0;
		early += !(tv.tv_sec >= before - 1 && tv.tv_sec <= time(NULL) + 1 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
		early += syscall(SYS_close, -1) != -1 || errno != EBADF;
		unsigned cpu = -1, node = -1;
		early += v_getcpu(&cpu, &node, NULL) != 0;
		early += !(cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF)) || node > 1000;
	}
	say("insane answers: %ld", early);
	say("gettimeofday(NULL, NULL): %d", v_gettimeofday(NULL, NULL));
	say("gettimeofday(tv, NULL): %d", v_gettimeofday(&tv2, NULL));
	say("forward: %d", tv2.tv_sec >= tv.tv_sec);
	say("getcpu(NULLs): %d", v_getcpu(NULL, NULL, NULL));
	on_signal(SIGSEGV, caught, SA_NODEFER);
	faults("gettimeofday(1)", v_gettimeofday((void *)1, NULL));
	faults("time(-1)", v_time((void *)-1l));
	faults("getcpu(kernel)", v_getcpu((void *)0xffff888000000000, NULL, NULL));
	faults("call inside an entry", ((time_fn)0xffffffffff600401)(NULL));
	faults("call at the fourth entry", ((time_fn)0xffffffffff600c00)(NULL));
	faults("call below the page", ((time_fn)0xffffffffff5ffff8)(NULL));
	faults("read the page", *(volatile char *)0xffffffffff600000);
	faults("time after all that", v_time(NULL) > 0);
	return 0;
}
