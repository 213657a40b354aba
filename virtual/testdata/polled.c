// What poll says of a pipe, again and again, as it is written, filled, emptied and closed.
// It prints what it has seen, which must not depend on who answers.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int in, out;
static unsigned long sum;
static const short all = POLLIN | POLLOUT | POLLPRI | POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLRDHUP;

static void look(const char *what, int verbose)
{
	struct pollfd p[3] = {{in, all, 0}, {out, all, 0}, {-1, all, 0}};
	int n = poll(p, 3, 0);
	struct pollfd q[1] = {{in, POLLIN, 0}};
	int m = poll(q, 1, 0);
	fd_set sets[3];
	struct timespec now = {0, 0}, later = {1000, 0};
	memset(sets, 0, sizeof sets);
	for (int i = 0; i < 3; i++) {
		FD_SET(in, &sets[i]);
		FD_SET(out, &sets[i]);
	}
	int s = syscall(SYS_select, 64, &sets[0], &sets[1], &sets[2], &now);
	sum = sum * 31 + s * 7 + *(long *)&sets[0] + 3 * *(long *)&sets[1] + 5 * *(long *)&sets[2];
	if (verbose)
		printf("%s: %d, %lx %lx %lx\n", what, s, *(long *)&sets[0], *(long *)&sets[1], *(long *)&sets[2]);
	// One of the two is always ready for something, once it is open.
	s = syscall(SYS_ppoll, p, 3, s ? &later : &now, 0, 0);
	sum = sum * 31 + s * 7 + p[0].revents + 3 * p[1].revents + later.tv_sec;
	if (verbose)
		printf("%s: %d, %x %x; %d\n", what, s, p[0].revents, p[1].revents, (int)later.tv_sec);
	sum = sum * 31 + n * 7 + p[0].revents + 3 * p[1].revents + 5 * m + q[0].revents;
	if (verbose)
		printf("%s: %d, %x %x; %d, %x\n", what, n, p[0].revents, p[1].revents, m, q[0].revents);
}

static void *waiter(void *arg)
{
	struct pollfd p[1] = {{in, POLLIN, 0}};
	char c;
	long got = 0;
	for (int i = 0; i < 50; i++) {
		fd_set set;
		FD_ZERO(&set);
		FD_SET(in, &set);
		if (i % 2 ? poll(p, 1, -1) != 1 || p[0].revents != POLLIN : select(in + 1, &set, 0, 0, 0) != 1 || !FD_ISSET(in, &set))
			break;
		if (read(in, &c, 1) != 1)
			break;
		got++;
		if (write(*(int *)arg, &c, 1) != 1)
			break;
	}
	return (void *)got;
}

int main(int argc, char **argv)
{
	static char buf[8192];
	int back[2], status;
	void *got;
	pthread_t t;
	in = open(argv[1], O_RDONLY | O_NONBLOCK);
	out = open(argv[1], O_WRONLY | O_NONBLOCK);
	if (in < 0 || out < 0 || pipe(back) < 0)
		return 1;
	for (int i = 0; i < 150; i++) {
		int verbose = i % 50 == 0;
		look("empty", verbose);
		write(out, buf, 10);
		look("written", verbose);
		read(in, buf, 3);
		look("read in part", verbose);
		read(in, buf, 10);
		look("read", verbose);
		if (i % 10 == 0) {
			long n = 0;
			while (write(out, buf, sizeof buf) > 0)
				n++;
			look("full", verbose);
			while (read(in, buf, sizeof buf) > 0)
				n--;
			look("emptied", verbose);
		}
	}
	printf("sum %lx\n", sum);
	// Who waits is woken.
	pthread_create(&t, 0, waiter, &back[1]);
	for (int i = 0; i < 50; i++) {
		char c;
		if (write(out, "x", 1) != 1 || read(back[0], &c, 1) != 1)
			break;
	}
	pthread_join(t, &got);
	printf("woken %ld\n", (long)got);
	fflush(stdout);
	// In another process, which only polls.
	pid_t pid = fork();
	if (!pid) {
		sum = 0;
		for (int i = 0; i < 60; i++)
			look("inherited", 0);
		printf("inherited %lx\n", sum);
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	close(out);
	struct pollfd p[1] = {{in, POLLIN, 0}};
	poll(p, 1, -1); // until it is known
	for (int i = 0; i < 3; i++)
		look("hung up", 1);
	close(in);
	look("closed", 1);
	return 0;
}
