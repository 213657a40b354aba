// An edge-triggered epoll server that echoes: argv[2] connections are opened as
// argv[1] followed by their number, as many more are sockets to a client of its own.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct conn {
	int fd, ended;
	size_t have, sent;
	char buf[1024];
};

static void check(int ok, const char *what) {
	if (!ok) {
		printf("%s: %s\n", what, strerror(errno));
		fflush(stdout);
		_exit(1);
	}
}
#define CHECK(x) check((x), #x)

// client sends rounds messages on each socket, the next when the last has come back.
static void client(int *fds, int n, int rounds) {
	struct pollfd *p = calloc(n, sizeof *p);
	int *round = calloc(n, sizeof *round), *got = calloc(n, sizeof *got), left = n;
	char message[100];
	for (int i = 0; i < n; i++) {
		p[i].fd = fds[i];
		p[i].events = POLLIN;
		memset(message, i, sizeof message);
		CHECK(write(fds[i], message, sizeof message) == sizeof message);
	}
	while (left > 0) {
		CHECK(poll(p, n, -1) > 0);
		for (int i = 0; i < n; i++) {
			if (!(p[i].revents & POLLIN))
				continue;
			int k = read(fds[i], message, sizeof message - got[i]);
			CHECK(k > 0 && message[0] == (char)(i + round[i]) && message[k - 1] == message[0]);
			got[i] += k;
			if (got[i] < (int)sizeof message)
				continue;
			got[i] = 0;
			if (++round[i] == rounds) {
				close(fds[i]);
				p[i].fd = -1;
				left--;
				continue;
			}
			memset(message, i + round[i], sizeof message);
			CHECK(write(fds[i], message, sizeof message) == sizeof message);
		}
	}
}

// serve does all that a connection is ready for.
static void serve(struct conn *c) {
	for (;;) {
		while (c->sent < c->have) {
			ssize_t n = write(c->fd, c->buf + c->sent, c->have - c->sent);
			if (n < 0 && errno == EAGAIN)
				return;
			CHECK(n > 0);
			c->sent += n;
		}
		ssize_t n = read(c->fd, c->buf, sizeof c->buf);
		if (n < 0 && errno == EAGAIN)
			return;
		CHECK(n >= 0);
		if (n == 0) {
			c->ended = 1;
			return;
		}
		c->have = n;
		c->sent = 0;
	}
}

int main(int argc, char **argv) {
	int half = atoi(argv[2]), rounds = atoi(argv[3]), n = 2 * half, left = n;
	struct rlimit l;
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	struct conn *conns = calloc(n, sizeof *conns);
	int *ends = calloc(half, sizeof *ends), ep;
	CHECK((ep = epoll_create1(EPOLL_CLOEXEC)) >= 0);
	for (int i = 0; i < half; i++) {
		int p[2];
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
		CHECK(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0);
		conns[2 * i].fd = p[0];
		ends[i] = p[1];
	}
	fflush(stdout);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < half; i++)
			close(conns[2 * i].fd);
		client(ends, half, rounds);
		_exit(0);
	}
	for (int i = 0; i < half; i++) {
		char path[256];
		close(ends[i]);
		snprintf(path, sizeof path, "%s%d", argv[1], i);
		CHECK((conns[2 * i + 1].fd = open(path, O_RDWR | O_NONBLOCK)) >= 0);
	}
	for (int i = 0; i < n; i++) {
		struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &conns[i]};
		CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, conns[i].fd, &e) == 0);
	}
	long events = 0;
	while (left > 0) {
		struct epoll_event e[64];
		int k = epoll_wait(ep, e, 64, -1);
		CHECK(k > 0);
		events += k;
		for (int i = 0; i < k; i++) {
			struct conn *c = e[i].data.ptr;
			serve(c);
			if (c->ended) {
				close(c->fd);
				left--;
			}
		}
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	fprintf(stderr, "%ld events\n", events);
	printf("served %d\n", n);
	return 0;
}
