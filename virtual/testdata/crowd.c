// Many threads wait, each on a FIFO of its own, until the main one has looked.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *prefix;
static int tids[10000];

static int open_one(long i, int flags) {
	char path[256];
	snprintf(path, sizeof path, "%s%ld", prefix, i);
	int fd = open(path, flags);
	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static void *reader(void *arg) {
	long i = (long)arg;
	int fd = open_one(i, O_RDONLY);
	__atomic_store_n(&tids[i], gettid(), __ATOMIC_SEQ_CST);
	unsigned char c;
	if (read(fd, &c, 1) != 1)
		return (void *)-1L;
	return (void *)(long)c;
}

static void asleep(int tid) {
	char name[64], line[512];
	for (;;) {
		snprintf(name, sizeof name, "/proc/self/task/%d/stat", tid);
		FILE *f = fopen(name, "r");
		char state = fgets(line, sizeof line, f) ? strrchr(line, ')')[2] : 0;
		fclose(f);
		if (state == 'S')
			return;
	}
}

int main(int argc, char **argv) {
	int n = atoi(argv[2]);
	prefix = argv[1];
	struct rlimit l;
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 64 << 10);
	pthread_t *t = calloc(n, sizeof *t);
	for (long i = 0; i < n; i++)
		if (pthread_create(&t[i], &a, reader, (void *)i) != 0)
			return 1;
	for (int i = 0; i < n; i++) {
		while (!__atomic_load_n(&tids[i], __ATOMIC_SEQ_CST))
			usleep(1000);
		asleep(tids[i]);
	}
	close(open_one(-1, O_RDONLY));
	long sum = 0;
	for (int i = 0; i < n; i++) {
		unsigned char c = i % 100;
		int fd = open_one(i, O_WRONLY);
		if (write(fd, &c, 1) != 1)
			return 1;
		close(fd);
	}
	for (int i = 0; i < n; i++) {
		void *r;
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	printf("%ld\n", sum);
	return 0;
}
