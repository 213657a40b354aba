/* What descriptors are called, where that can go wrong: through symbolic links and
 * directories that are renamed, of files that are deleted or have never had a name, by
 * working directories, descriptors of directories, and magic links. Each is shown once more
 * by a call that takes it. It works in its directory, many times over. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int show(int fd)
{
	fcntl(fd, F_GETFD);
	return fd;
}

static void gone(int fd) { close(show(fd)); }

static void links(void)
{
	mkdir("real", 0700);
	mkdir("real/sub", 0700);
	symlink("real", "link");
	symlink("link/sub", "further");
	int fd = open("link/file", O_CREAT | O_RDWR, 0600);
	gone(fd);
	gone(open("further/../file", O_RDONLY));
	gone(open("further", O_RDONLY | O_DIRECTORY));
	gone(open("further", O_PATH | O_NOFOLLOW));
	gone(open("link", O_RDONLY | O_DIRECTORY | O_NOFOLLOW)); // fails
	int dir = show(open("link", O_RDONLY | O_DIRECTORY));
	gone(openat(dir, "file", O_RDONLY | O_NOFOLLOW));
	gone(openat(dir, ".", O_RDONLY));
	gone(openat(dir, "..", O_RDONLY | O_DIRECTORY));
	gone(openat(dir, "./sub//", O_RDONLY));
	close(dir);
	link("real/file", "real/hard");
	gone(open("real/hard", O_RDONLY));
	unlink("real/hard");
}

static void renamed(void)
{
	int dir = show(open("real", O_RDONLY | O_DIRECTORY)), fd = show(openat(dir, "file", O_RDWR));
	int sub = show(openat(dir, "sub", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	rename("real", "new");
	show(fd), show(sub);
	gone(openat(dir, "file", O_RDONLY | O_NOFOLLOW));
	gone(openat(sub, ".", O_RDONLY | O_NOFOLLOW));
	renameat(dir, "file", sub, "moved");
	show(fd);
	gone(open("new/sub/moved", O_RDONLY));
	renameat(sub, "moved", dir, "file");
	rename("new", "real");
	show(fd);
	gone(openat(AT_FDCWD, "real/file", O_RDONLY));
	int other = show(open("real/other", O_CREAT | O_RDWR, 0600));
	rename("real/other", "real/file"); // which has a descriptor
	show(fd);
	int one = show(open("real/one", O_CREAT | O_RDWR, 0600));
	renameat2(dir, "one", sub, "..", 0); // fails
	renameat2(dir, "one", dir, "file", RENAME_EXCHANGE);
	show(one), show(other);
	renameat2(dir, "sub", dir, "one", RENAME_EXCHANGE);
	show(one), show(sub);
	renameat2(dir, "sub", dir, "one", RENAME_EXCHANGE);
	unlinkat(dir, "file", 0);
	unlinkat(AT_FDCWD, "real/one", 0);
	close(openat(dir, "file", O_CREAT | O_RDWR, 0600));
	show(one), show(other);
	close(one), close(other), close(fd), close(sub), close(dir);
}

static void moved(void)
{
	char cwd[PATH_MAX];
	int here = show(open(".", O_RDONLY | O_DIRECTORY));
	chdir("link");
	gone(open("file", O_RDONLY));
	rename("../real", "../new");
	gone(open("file", O_RDONLY));
	gone(openat(AT_FDCWD, "sub", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	renameat(AT_FDCWD, "../new", here, "real");
	gone(open("file", O_RDONLY));
	chdir("..");
	rename("real", "new");
	chdir("new");
	renameat(here, "new", here, "real");
	gone(open("file", O_RDONLY));
	chdir("sub");
	gone(open(".", O_RDONLY));
	fchdir(here);
	gone(open("real/file", O_RDONLY));
	close(here);
	if (!getcwd(cwd, sizeof cwd))
		_exit(1);
}

static void nameless(void)
{
	int fd = show(open("deleted", O_CREAT | O_RDWR, 0600));
	unlink("deleted");
	show(fd);
	int again = show(open("deleted", O_CREAT | O_RDWR, 0600));
	show(fd);
	unlink("deleted");
	close(fd), close(again);
	mkdir("shortly", 0700);
	int dir = show(open("shortly", O_RDONLY | O_DIRECTORY));
	rmdir("shortly");
	gone(openat(dir, ".", O_RDONLY));
	gone(openat(dir, "nothing", O_CREAT | O_RDWR, 0600)); // fails
	gone(dir);
	gone(open(".", O_TMPFILE | O_RDWR, 0600));
	gone(memfd_create("memory (deleted)", 0));
	gone(open("odd\n\"<name>\\\001", O_CREAT | O_RDWR, 0600));
	unlink("odd\n\"<name>\\\001");
}

static void magic(void)
{
	char path[64];
	int fd = show(open("real/file", O_RDONLY));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	gone(open(path, O_RDONLY));
	gone(open(path, O_PATH | O_NOFOLLOW));
	gone(open("/proc/self/cwd", O_RDONLY));
	gone(open("/proc/thread-self/comm", O_RDONLY));
	gone(open("/proc/self/exe", O_PATH));
	gone(open("/proc/self/ns/net", O_RDONLY));
	gone(open("/dev/fd", O_RDONLY));
	unlink("real/file");
	gone(open(path, O_RDONLY));
	close(fd);
	int p[2];
	pipe(p);
	snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
	gone(open(path, O_WRONLY));
	gone(p[0]), gone(p[1]);
	gone(openat(999, "file", O_RDONLY)); // fails
	gone(dup2(0, 1000000 % 1000 + 700));
	gone(creat("real/file", 0600));
}

static void sockets(void)
{
	struct sockaddr_un a = {AF_UNIX, "socket"};
	int l = show(socket(AF_UNIX, SOCK_STREAM, 0)), c = show(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	bind(l, (struct sockaddr *)&a, sizeof a);
	listen(l, 5);
	connect(c, (struct sockaddr *)&a, sizeof a);
	int s = accept(l, NULL, NULL);
	show(c), gone(s);
	close(c);
	c = show(socket(AF_UNIX, SOCK_STREAM, 0));
	connect(c, (struct sockaddr *)&a, sizeof a);
	s = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	show(c), gone(s), gone(c), gone(l);
	unlink("socket");
	gone(open("socket", O_RDONLY)); // fails
}

/* Long names, up to where the kernel has none to show. */
static void deep(void)
{
	char name[201];
	int here = open(".", O_RDONLY | O_DIRECTORY), levels = 0;
	memset(name, 'x', 200);
	name[200] = 0;
	for (; levels < 22; levels++) {
		mkdir(name, 0700);
		int dir = show(open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
		fchdir(dir);
		close(dir);
	}
	for (; levels > 0; levels--) {
		chdir("..");
		rmdir(name);
	}
	fchdir(here);
	close(here);
}

static void tidy(void)
{
	unlink("real/file");
	rmdir("real/sub");
	rmdir("real");
	unlink("link");
	unlink("further");
}

/* With another root: what opens there is called what it is called from outside. Only some
 * may. */
static void elsewhere(void)
{
	mkdir("root", 0700);
	int out = show(open(".", O_RDONLY | O_DIRECTORY));
	if (chroot("root") == 0) {
		gone(open("/inside", O_CREAT | O_RDWR, 0600));
		gone(openat(out, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
		chdir("/");
		gone(open("inside", O_RDONLY));
		unlink("inside");
		fchdir(out);
		chroot(".");
		gone(open("root", O_RDONLY | O_DIRECTORY));
	}
	fchdir(out);
	close(out);
	rmdir("root");
}

int main(void)
{
	umask(022);
	for (int i = 0; i < 3; i++) {
		links();
		renamed();
		moved();
		nameless();
		magic();
		sockets();
		tidy();
	}
	deep();
	elsewhere();
	return 0;
}
