// Calls of many kinds, for traces by every flag: what succeeds and what fails, paths,
// descriptors, data, structs, flags, signals, and waiting. One process, one thread.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void handler(int sig) { (void)sig; }

static void files(void) {
	char buf[64];
	struct stat st;
	for (int i = 0; i < 4; i++) {
		if (chdir("/") != 0 && chdir("/tmp") != 0) continue;
		syscall(SYS_getppid);
	}
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	(void)!read(fd, buf, 10);
	lseek(fd, 0, SEEK_SET);
	(void)!pread(fd, buf, 3, 1);
	fstat(fd, &st);
	stat("/etc/passwd", &st);
	stat("/nonexistent", &st);
	access("/etc/passwd", R_OK | W_OK);
	int dup1 = dup(fd);
	fcntl(dup1, F_SETFD, FD_CLOEXEC);
	fcntl(dup1, F_GETFL);
	mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	close(dup1);
	close(fd);
	close(99);
	umask(022);
	openat(-1, "x", O_WRONLY | O_CREAT | O_EXCL, 0640);
	(void)!readlink("/etc/passwd", buf, sizeof buf);
	rename("/nonexistent/a", "/nonexistent/b");
}

static void data(void) {
	char buf[99];
	int p[2], s[2];
	(void)!pipe2(p, O_NONBLOCK);
	(void)!write(p[1], "a \"quoted\" line\tand\nan odd \1\377 one\n", 34);
	(void)!read(p[0], buf, 12);
	(void)!read(p[0], buf, sizeof buf);
	(void)!read(p[0], buf, sizeof buf);
	struct iovec v[2] = {{"one", 3}, {"two two two two two two two two two two two two", 47}};
	struct iovec w[2] = {{buf, 5}, {buf + 5, 90}};
	(void)!writev(p[1], v, 2);
	(void)!readv(p[0], w, 2);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s);
	send(s[0], "hello", 5, MSG_NOSIGNAL);
	recv(s[1], buf, sizeof buf, MSG_DONTWAIT);
	recv(s[1], buf, sizeof buf, MSG_DONTWAIT);
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	sendmsg(s[0], &m, 0);
	m.msg_iov = w;
	recvmsg(s[1], &m, 0);
	struct sockaddr_un name = {AF_UNIX, "/nonexistent/socket"};
	connect(s[0], (struct sockaddr *)&name, sizeof name);
	struct pollfd fds[2] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}};
	poll(fds, 2, 0);
	fd_set set;
	FD_ZERO(&set);
	FD_SET(p[1], &set);
	struct timeval none = {0, 0};
	select(p[1] + 1, 0, &set, 0, &none);
	int e = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = 7};
	epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev);
}

static void others(void) {
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigaction(SIGUSR1, &sa, 0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, 0);
	sigprocmask(SIG_UNBLOCK, &set, 0);
	raise(SIGUSR1);
	kill(0, 0);
	kill(-1, 99);
	struct rlimit lim;
	getrlimit(RLIMIT_NOFILE, &lim);
	struct timespec ts = {0, 1000};
	nanosleep(&ts, 0);
	struct utsname u;
	uname(&u);
	void *mem = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(mem, 4096, PROT_NONE);
	madvise(mem, 4096, MADV_DONTNEED);
	munmap(mem, 8192);
	syscall(SYS_mprotect, 1, 2, 3);
	syscall(SYS_read, -1, 8, 10);
	syscall(SYS_openat, AT_FDCWD, 8, O_RDWR);
}

int main(void) {
	files();
	data();
	others();
	return 0;
}
