// What poll says of a pipe, again and again, as it is written, filled, emptied and closed.
// It prints what it has seen, which must not depend on who answers.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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
		if (poll(p, 1, -1) != 1 || p[0].revents != POLLIN || read(in, &c, 1) != 1)
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
