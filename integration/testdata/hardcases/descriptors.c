/* Descriptors of every kind, each shown once more by a call that takes it. What they stand
 * for changes meanwhile: files are renamed, sockets bound and connected. It works in its
 * directory. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static int show(int fd)
{
	fcntl(fd, F_GETFD);
	return fd;
}

static void files(void)
{
	show(open("/dev/null", O_RDWR));
	int dir = show(open("/tmp", O_DIRECTORY));
	int fd = show(open("f", O_CREAT | O_RDWR, 0600));
	rename("f", "g");
	show(fd);
	unlink("g");
	close(show(fd));
	fd = show(open("we\"ird>\n", O_CREAT | O_RDWR, 0600));
	unlink("we\"ird>\n");
	close(show(fd));
	mkdir("d", 0700);
	fd = open("d/x", O_CREAT | O_RDWR, 0600);
	chdir("d");
	rename("../d", "../e");
	openat(AT_FDCWD, "nope", O_RDONLY);
	close(show(fd));
	chdir("..");
	unlink("e/x");
	rmdir("e");
	close(show(open("/tmp", O_PATH)));
	openat(dir, "nope", O_RDONLY);
	close(77);
}

static void kinds(void)
{
	int p[2];
	pipe(p);
	show(p[0]);
	close(show(p[1]));
	dup2(show(eventfd(3, EFD_CLOEXEC)), 50);
	show(50);
	show(epoll_create1(0));
	show(timerfd_create(CLOCK_MONOTONIC, 0));
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	show(signalfd(-1, &set, 0));
	show(inotify_init1(0));
	show(memfd_create("memory", 0));
	show(syscall(SYS_pidfd_open, getpid(), 0));
	show(open("/proc/self/ns/net", O_RDONLY));
	close_range(3, 60, 0);
	show(50);
}

static void unix_sockets(void)
{
	int p[2];
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	show(p[0]);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	show(p[1]);
	int l = show(socket(AF_UNIX, SOCK_STREAM, 0)), c = show(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un a = {AF_UNIX, "so\"ck"};
	bind(l, (struct sockaddr *)&a, sizeof a);
	listen(show(l), 5);
	connect(c, (struct sockaddr *)&a, sizeof a);
	show(c);
	int s = accept(show(l), NULL, NULL);
	show(c);
	/* One that the kernel gives a name when it connects. */
	int n = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;
	setsockopt(n, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	connect(n, (struct sockaddr *)&a, sizeof a);
	accept(l, NULL, NULL);
	show(n);
	close(l);
	show(s);
	unlink("so\"ck");
}

static void inet_sockets(int family)
{
	struct sockaddr_storage a = {.ss_family = family};
	socklen_t len = sizeof(struct sockaddr_in);
	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else {
		((struct sockaddr_in6 *)&a)->sin6_addr = in6addr_loopback;
		len = sizeof(struct sockaddr_in6);
	}
	int l = show(socket(family, SOCK_STREAM, 0));
	if (bind(l, (struct sockaddr *)&a, len))
		return;
	listen(show(l), 5);
	getsockname(show(l), (struct sockaddr *)&a, &len);
	int c = show(socket(family, SOCK_STREAM, 0));
	connect(c, (struct sockaddr *)&a, len);
	show(c);
	int s = show(accept(l, NULL, NULL));
	shutdown(c, SHUT_RDWR);
	show(c);
	close(s);
	close(show(c));
	int u = show(socket(family, SOCK_DGRAM, 0));
	bind(u, (struct sockaddr *)&a, len);
	u = show(dup(u));
	int d = socket(family, SOCK_DGRAM, 0);
	connect(d, (struct sockaddr *)&a, len);
	show(d);
}

int main(void)
{
	files();
	kinds();
	unix_sockets();
	inet_sockets(AF_INET);
	inet_sockets(AF_INET6);
	int n = show(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	struct sockaddr_nl a = {.nl_family = AF_NETLINK};
	bind(n, (struct sockaddr *)&a, sizeof a);
	show(n);
	return 0;
}
