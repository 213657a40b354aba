// Twenty processes make calls without end; the oldest one, and then the
// youngest, has a little work to do among them.
#include "observe.h"

static int work(void) {
	int wrong = 0;
	for (int i = 0; i < 2000; i++)
		wrong += syscall(SYS_getppid) != getppid();
	return wrong;
}

int main(void) {
	enum { N = 20 };
	pid_t crowd[N];
	volatile long *beats = shared(4096);
	for (int i = 0; i < N; i++)
		if ((crowd[i] = must(fork())) == 0)
			for (;;) {
				syscall(SYS_getppid);
				beats[i]++;
			}
	for (int i = 0; i < N; i++)
		await(beats[i] > 0);
	say("the oldest has worked, %d wrong", work());
	pid_t youngest = must(fork());
	if (youngest == 0)
		_exit(work());
	say("the youngest has worked, %s", status_of(wait_for(youngest)));
	// And nobody of the crowd stands still.
	long before[N];
	for (int i = 0; i < N; i++)
		before[i] = beats[i];
	for (int i = 0; i < N; i++)
		await(beats[i] > before[i] + 5);
	for (int i = 0; i < N; i++)
		must(kill(crowd[i], SIGKILL));
	for (int i = 0; i < N; i++)
		check(WIFSIGNALED(wait_for(crowd[i])));
	say("all of the crowd went on, and are dead");
	return 0;
}
