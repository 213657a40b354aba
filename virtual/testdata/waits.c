// What a program sees of calls that wait, on a FIFO of the kernel's or a virtual one.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static int r, w;

static void check(int ok, const char *what) {
	if (!ok) {
		printf("%s: %s\n", what, strerror(errno));
		exit(1);
	}
}
#define CHECK(x) check((x), #x)

// fresh opens both ends anew.
static void fresh(void) {
	CHECK((r = open(path, O_RDONLY | O_NONBLOCK)) >= 0);
	CHECK((w = open(path, O_WRONLY)) >= 0);
	CHECK(fcntl(r, F_SETFL, 0) == 0);
}

static void done(void) {
	close(r);
	close(w);
}

// asleep waits until a thread waits in the kernel.
static void asleep(int tid) {
	char name[64], line[512], state;
	int times = 0;
	snprintf(name, sizeof name, "/proc/%d/stat", tid);
	while (times < 3) {
		FILE *f = fopen(name, "r");
		CHECK(f && fgets(line, sizeof line, f));
		fclose(f);
		state = strrchr(line, ')')[2];
		times = state == 'S' ? times + 1 : 0;
	}
}

static int handled;
static sigjmp_buf jump;
enum { NOTHING, FEED, DRAIN, JUMP };
static int task;
static char junk[1 << 20];

static void handler(int sig) {
	handled++;
	switch (task) {
	case FEED:
		CHECK(write(w, "x", 1) == 1);
		break;
	case DRAIN:
		CHECK(fcntl(r, F_SETFL, O_NONBLOCK) == 0);
		while (read(r, junk, sizeof junk) > 0)
			;
		CHECK(errno == EAGAIN);
		break;
	case JUMP:
		siglongjmp(jump, 1);
	}
}

static void install(int flags) {
	struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
	CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
}

// A pest sends signals to a thread whenever that waits.
struct pest { pthread_t whom; int tid, times; };

static void *pester(void *arg) {
	struct pest *p = arg;
	for (int i = 0; i < p->times; i++) {
		asleep(p->tid);
		pthread_kill(p->whom, SIGUSR1);
		while (__atomic_load_n(&handled, __ATOMIC_SEQ_CST) <= i)
			sched_yield();
	}
	return NULL;
}

static pthread_t pest(struct pest *p) {
	pthread_t t;
	p->whom = pthread_self();
	p->tid = gettid();
	handled = 0;
	CHECK(pthread_create(&t, NULL, pester, p) == 0);
	return t;
}

static void full(void) {
	CHECK(fcntl(w, F_SETFL, O_NONBLOCK) == 0);
	while (write(w, junk, sizeof junk) > 0)
		;
	CHECK(errno == EAGAIN);
	CHECK(fcntl(w, F_SETFL, 0) == 0);
}

static void reads(int flags, int what, int times) {
	char c = 0;
	fresh();
	install(flags);
	task = what;
	struct pest p = {.times = times};
	pthread_t t = pest(&p);
	errno = 0;
	ssize_t n = read(r, &c, 1);
	printf("read: %zd %d %c, handled %d\n", n, errno, c ? c : '-', handled);
	pthread_join(t, NULL);
	done();
}

static void writes(int flags, int what, size_t size, int fill) {
	fresh();
	install(flags);
	task = what;
	if (fill)
		full();
	struct pest p = {.times = 1};
	pthread_t t = pest(&p);
	errno = 0;
	ssize_t n = write(w, junk, size);
	printf("write: %zd %d, handled %d\n", n, errno, handled);
	pthread_join(t, NULL);
	done();
}

static void jumps(void) {
	volatile int i = 0;
	fresh();
	install(0);
	task = JUMP;
	for (i = 0; i < 200; i++) {
		struct pest p = {.times = 1};
		pthread_t t = pest(&p);
		char c;
		if (sigsetjmp(jump, 1) == 0) {
			read(r, &c, 1);
			printf("read returned\n");
		}
		pthread_join(t, NULL);
	}
	CHECK(write(w, "j", 1) == 1);
	char c;
	ssize_t n = read(r, &c, 1);
	printf("jumps: %d, then %zd %c\n", i, n, c);
	done();
}

static void stops(int flags) {
	fresh();
	install(flags);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char c;
		ssize_t n = read(r, &c, 1);
		_exit(n == 1 ? c : 1);
	}
	int status;
	for (int i = 0; i < 10; i++) {
		asleep(pid);
		CHECK(kill(pid, SIGSTOP) == 0);
		CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		CHECK(kill(pid, SIGCONT) == 0);
		CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	}
	asleep(pid);
	CHECK(write(w, "\7", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("stopped and continued: status %#x\n", status);
	done();
}

static void killed(void) {
	fresh();
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char c;
		read(r, &c, 1);
		_exit(1);
	}
	int status;
	asleep(pid);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("killed: status %#x\n", status);
	CHECK(write(w, "k", 1) == 1);
	char c;
	printf("read after that: %zd\n", read(r, &c, 1));
	done();
}

static int reader_tid;
static void *reader(void *arg) {
	char c = 0;
	__atomic_store_n(&reader_tid, gettid(), __ATOMIC_SEQ_CST);
	ssize_t n = read(r, &c, 1);
	return (void *)(long)(n == 1 ? c : n == 0 ? -100 : -errno);
}

static pthread_t start_reader(void) {
	pthread_t t;
	reader_tid = 0;
	CHECK(pthread_create(&t, NULL, reader, NULL) == 0);
	while (!__atomic_load_n(&reader_tid, __ATOMIC_SEQ_CST))
		sched_yield();
	asleep(reader_tid);
	return t;
}

static void canceled(void) {
	fresh();
	pthread_t t = start_reader();
	void *result;
	CHECK(pthread_cancel(t) == 0);
	CHECK(pthread_join(t, &result) == 0);
	printf("canceled: %d\n", result == PTHREAD_CANCELED);
	done();
}

// closed: the descriptor goes away under the reader, who keeps the file.
static void closed(int replace) {
	fresh();
	pthread_t t = start_reader();
	void *result;
	if (replace) {
		int null = open("/dev/null", O_RDONLY);
		CHECK(dup2(null, r) == r);
		close(null);
	} else {
		close(r);
	}
	asleep(reader_tid);
	CHECK(write(w, "c", 1) == 1);
	CHECK(pthread_join(t, &result) == 0);
	printf("closed meanwhile: %ld\n", (long)result);
	done();
}

static void ended(void) {
	fresh();
	pthread_t t = start_reader();
	void *result;
	close(w);
	CHECK(pthread_join(t, &result) == 0);
	printf("writer gone: %ld\n", (long)result);
	close(r);

	fresh();
	struct sigaction a = {.sa_handler = SIG_IGN};
	CHECK(sigaction(SIGPIPE, &a, NULL) == 0);
	close(r);
	ssize_t n = write(w, "x", 1);
	printf("reader gone: %zd %d\n", n, errno);
	close(w);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		fresh();
		close(r);
		write(w, "x", 1);
		_exit(1);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("reader gone: status %#x\n", status);
}

static void polls(int flags) {
	fresh();
	install(flags);
	task = FEED;
	struct pest p = {.times = 1};
	pthread_t t = pest(&p);
	struct pollfd f = {.fd = r, .events = POLLIN};
	errno = 0;
	int n = poll(&f, 1, -1);
	printf("poll: %d %d\n", n, errno);
	pthread_join(t, NULL);
	n = poll(&f, 1, -1);
	printf("poll: %d %#x\n", n, f.revents);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(r, &set);
	n = select(r + 1, &set, NULL, NULL, NULL);
	printf("select: %d %d\n", n, !!FD_ISSET(r, &set));
	char c;
	CHECK(read(r, &c, 1) == 1);
	n = poll(&f, 1, 0);
	printf("poll: %d %#x\n", n, f.revents);
	struct timeval tv = {0, 1000};
	FD_SET(r, &set);
	n = select(r + 1, &set, NULL, NULL, &tv);
	printf("select: %d %d\n", n, !!FD_ISSET(r, &set));
	struct pollfd g = {.fd = w, .events = POLLOUT};
	n = poll(&g, 1, 0);
	printf("poll to write: %d %#x\n", n, g.revents);
	full();
	n = poll(&g, 1, 0);
	printf("poll to write when full: %d\n", n);
	done();
}

int main(int argc, char **argv) {
	path = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	reads(0, NOTHING, 1);
	reads(SA_RESTART, FEED, 1);
	writes(0, NOTHING, 1, 1);
	writes(SA_RESTART, DRAIN, 1, 1);
	writes(0, NOTHING, 100000, 0);
	writes(SA_RESTART, NOTHING, 100000, 0);
	jumps();
	stops(0);
	stops(SA_RESTART);
	killed();
	canceled();
	closed(0);
	closed(1);
	ended();
	polls(0);
	polls(SA_RESTART);
	return 0;
}
