// Descriptors that are dup'ed, inherited, passed over sockets and kept over exec: of
// FIFOs and regular files, the kernel's or virtual ones.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *fifo, *file;

static void check(int ok, const char *what) {
	if (!ok) {
		printf("%s: %s\n", what, strerror(errno));
		fflush(stdout);
		_exit(1);
	}
}
#define CHECK(x) check((x), #x)

static void send_fd(int s, int fd) {
	char c = 'f', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	CHECK(sendmsg(s, &m, 0) == 1);
}

static int receive_fd(int s) {
	char c, control[CMSG_SPACE(sizeof(int))];
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	int fd;
	CHECK(recvmsg(s, &m, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	return fd;
}

static void show(const char *what, int fd, int n) {
	char buf[64] = "";
	ssize_t got = read(fd, buf, n);
	printf("%s: %zd %.*s %s\n", what, got, got > 0 ? (int)got : 0, buf, got < 0 ? strerror(errno) : "");
	fflush(stdout);
}

static void finish(pid_t pid) {
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status)
		printf("status %#x\n", status);
}

#define IN_CHILD(code) do { fflush(stdout); pid_t pid = fork(); CHECK(pid >= 0); if (pid == 0) { code; fflush(stdout); _exit(0); } finish(pid); } while (0)

int main(int argc, char **argv) {
	fifo = argv[1], file = argv[2];

	// One description, many descriptors.
	int a = open(file, O_RDONLY), b, c, s[2];
	CHECK(a >= 0);
	CHECK((b = dup(a)) >= 0);
	CHECK((c = fcntl(a, F_DUPFD_CLOEXEC, 50)) == 50);
	show("first", a, 3);
	show("dup", b, 3);
	close(a);
	IN_CHILD(show("child", b, 3));
	show("after child", b, 3);
	IN_CHILD(close(b); show("in child", c, 3));
	int other = open(file, O_RDONLY);
	show("opened again", other, 3);
	CHECK(dup2(other, b) == b);
	show("dup2", b, 3);
	show("the other", c, 3);
	CHECK(dup2(0, other) == other);
	CHECK(dup3(c, other, O_CLOEXEC) == other);
	show("dup3", other, 3);
	CHECK(lseek(other, 1, SEEK_SET) == 1);
	show("after lseek", c, 3);

	// Passed on.
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	fflush(stdout);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(other);
		close(b);
		close(c);
		int got = receive_fd(s[1]);
		show("received", got, 3);
		struct stat st;
		CHECK(fstat(got, &st) == 0);
		printf("size %ld\n", (long)st.st_size);
		fflush(stdout);
		_exit(0);
	}
	send_fd(s[0], c);
	finish(pid);
	send_fd(s[0], c); // on its way while nobody has it
	close(c);
	close(other);
	c = receive_fd(s[1]);
	show("it was on its way", c, 3);

	// Over exec, and not.
	char script[256];
	CHECK(fcntl(c, F_SETFD, 0) == 0);
	snprintf(script, sizeof script, "cat <&%d", c);
	IN_CHILD(execl("/bin/sh", "sh", "-c", script, NULL));
	printf("\n");
	CHECK(lseek(c, 0, SEEK_SET) == 0);
	CHECK(fcntl(c, F_SETFD, FD_CLOEXEC) == 0);
	snprintf(script, sizeof script, "cat <&%d 2>/dev/null || echo closed", c);
	IN_CHILD(execl("/bin/sh", "sh", "-c", script, NULL));

	// A table of one's own.
	CHECK(lseek(c, 0, SEEK_SET) == 0);
	IN_CHILD(CHECK(unshare(CLONE_FILES) == 0); show("unshared", c, 3));
	IN_CHILD(CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0); show("close_range", c, 3));
	show("here", c, 3);

	// What the kernel does with the descriptor, and what it cannot.
	struct stat st, st2;
	CHECK(fstat(c, &st) == 0);
	printf("fstat: %o %ld\n", st.st_mode & S_IFMT, (long)st.st_size);
	a = open(file, O_RDONLY);
	CHECK(fstat(a, &st2) == 0);
	printf("flock: %d\n", flock(a, 2 | 4));
	close(a);
	int p[2];
	CHECK(pipe(p) == 0);
	CHECK(recv(c, script, 1, MSG_DONTWAIT) == -1);
	printf("recv: %s\n", strerror(errno));
	CHECK(readlink("/proc/self/fd/0", script, sizeof script) > 0);

	// What waits.
	int r = open(fifo, O_RDONLY | O_NONBLOCK), w = open(fifo, O_WRONLY);
	CHECK(r >= 0 && w >= 0);
	int r2 = dup(r), ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = r}, e2 = {.events = EPOLLIN, .data.fd = r2};
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, r, &e) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, r2, &e2) == 0);
	struct epoll_event got[4];
	printf("epoll, empty: %d\n", epoll_wait(ep, got, 4, 0));
	IN_CHILD(CHECK(write(w, "abc", 3) == 3));
	printf("epoll, written: %d\n", epoll_wait(ep, got, 4, -1));
	printf("epoll, once more: %d\n", epoll_wait(ep, got, 4, 0));
	CHECK(write(w, "d", 1) == 1);
	printf("epoll, written again: %d\n", epoll_wait(ep, got, 4, -1));
	close(r); // r2 has the description still, and so has the epoll set
	CHECK(write(w, "e", 1) == 1);
	printf("epoll, closed: %d\n", epoll_wait(ep, got, 4, -1));
	show("fifo", r2, 60);
	printf("epoll, read: %d\n", epoll_wait(ep, got, 4, 0));
	IN_CHILD(int x = dup(r2); close(r2); CHECK(write(w, "f", 1) == 1); show("in child", x, 60));
	printf("epoll, read by child: %d\n", epoll_wait(ep, got, 4, 0));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(r2);
		close(w);
		close(ep);
		r2 = receive_fd(s[1]);
		CHECK(fcntl(r2, F_SETFL, 0) == 0);
		show("waited for", r2, 60);
		_exit(0);
	}
	send_fd(s[0], r2);
	CHECK(write(w, "g", 1) == 1);
	finish(pid);
	printf("flags: %#x\n", fcntl(r2, F_GETFL) & O_NONBLOCK);
	int on = 1;
	printf("FIONBIO: %d\n", ioctl(r2, 0x5421, &on));
	show("nonblocking", r2, 1);
	close(w);
	struct pollfd f = {.fd = r2, .events = POLLIN};
	printf("poll, writer gone: %d, %d\n", poll(&f, 1, -1), !!(f.revents & POLLHUP));
	show("end", r2, 1);
	return 0;
}
