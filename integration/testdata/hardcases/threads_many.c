// 800 threads alive at once, three times; what the kernel does at a thread's
// end (clear_child_tid, robust list) arrives.
#include "observe.h"
#include <linux/futex.h>
#include <pthread.h>

#define N 800
static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust;
static long total;
static __thread long local;

static void *body(void *arg) {
	long i = (long)arg;
	local = i;
	pthread_barrier_wait(&barrier);
	check(syscall(SYS_getppid) == getppid());
	check(local == i);
	pthread_mutex_lock(&mutex);
	total += local;
	pthread_mutex_unlock(&mutex);
	return (void *)(i * 2 + 1);
}

static void *dies_with_mutex(void *unused) {
	pthread_mutex_lock(&robust);
	return NULL;
}

static volatile int tid_word, started;
static int bare_thread(void *unused) {
	started = 1;
	syscall(SYS_exit, 0);
	return 0;
}

int main(void) {
	pthread_t t[N];
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int round = 0; round < 3; round++) {
		pthread_barrier_init(&barrier, NULL, N);
		total = 0;
		for (long i = 0; i < N; i++)
			check(pthread_create(&t[i], &small, body, (void *)i) == 0);
		long wrong = 0;
		for (long i = 0; i < N; i++) {
			void *r;
			pthread_join(t[i], &r);
			wrong += r != (void *)(i * 2 + 1);
		}
		await(count_tasks(getpid()) == 1);
		say("round %d: %ld, wrong %ld", round, total, wrong);
	}

	// Many that come and go.
	for (long i = 0; i < N; i++) {
		pthread_barrier_init(&barrier, NULL, 1);
		check(pthread_create(&t[0], &small, body, (void *)i) == 0);
		pthread_join(t[0], NULL);
	}
	say("in a row: %ld", total);

	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	for (int i = 0; i < 100; i++) {
		pthread_mutex_init(&robust, &attributes);
		pthread_create(&t[0], &small, dies_with_mutex, NULL);
		pthread_join(t[0], NULL);
		check(pthread_mutex_lock(&robust) == EOWNERDEAD);
		pthread_mutex_consistent(&robust);
		pthread_mutex_unlock(&robust);
	}
	say("robust mutex: its owner was dead, 100 times");
	// In shared memory, and the owner is killed.
	pthread_mutex_t *between = shared(4096);
	int *held = (int *)(between + 1);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < 20; i++) {
		pthread_mutex_init(between, &attributes);
		*held = 0;
		pid_t pid = must(fork());
		if (pid == 0) {
			pthread_mutex_lock(between);
			*held = 1;
			for (;;)
				syscall(SYS_getppid);
		}
		await(*held);
		kill(pid, SIGKILL);
		check(pthread_mutex_lock(between) == EOWNERDEAD);
		wait_for(pid);
	}
	say("robust mutex between processes: its owner was killed, 20 times");

	void *head = NULL;
	size_t length = 0;
	say("get_robust_list: %s", outcome_of(syscall(SYS_get_robust_list, 0, &head, &length)));
	say("head %d, length %zu", head != NULL, length / sizeof(long));

	// The kernel's own wake-up at CLONE_CHILD_CLEARTID, waited for bare.
	static char stack[65536] __attribute__((aligned(16)));
	for (int i = 0; i < 200; i++) {
		tid_word = -1, started = 0;
		int tid = must(clone(bare_thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID, NULL, &tid_word, NULL, &tid_word));
		int seen;
		while ((seen = tid_word) != 0) {
			check(seen == tid);
			syscall(SYS_futex, &tid_word, FUTEX_WAIT, seen, NULL, NULL, 0);
		}
		check(started);
		// The stack is free when the thread is gone from its group.
		await(task_state(getpid(), tid) == 0);
	}
	say("200 bare threads cleared their word");
	return 0;
}
