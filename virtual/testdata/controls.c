// What fcntl and ioctl do with FIFOs and regular files, the kernel's or virtual ones.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, long n) {
	printf("%s: %ld %s\n", what, n, n < 0 ? strerror(errno) : "");
	fflush(stdout);
}

static volatile sig_atomic_t ready;
static void on_io(int sig) { ready = sig; }

// others shows what another process finds locked, with as wide a struct as the macro says.
#define OTHERS(type, command) do { \
	fflush(stdout); \
	pid_t pid = fork(); \
	if (pid == 0) { \
		struct type l = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -100, .l_len = 0}; \
		lseek(f, 1, SEEK_SET); \
		show("too early", fcntl(f, command, &l)); \
		l.l_start = -30; \
		show(#command, fcntl(f, command, &l)); \
		printf("type %d whence %d from %ld length %ld by parent %d\n", l.l_type, l.l_whence, (long)l.l_start, (long)l.l_len, l.l_pid == getppid()); \
		l = (struct type){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -1, .l_len = 1}; \
		show(#command, fcntl(f, command, &l)); \
		printf("type %d whence %d from %ld length %ld\n", l.l_type, l.l_whence, (long)l.l_start, (long)l.l_len); \
		fflush(stdout); \
		_exit(0); \
	} \
	waitpid(pid, NULL, 0); \
} while (0)

static void locks(int f) {
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 2};
	struct flock64 w = {.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = 3, .l_len = 4};
	show("lock from the end", fcntl(f, F_SETLK, &l));
	printf("the lock's own: %d %ld\n", l.l_whence, (long)l.l_start);
	OTHERS(flock, F_GETLK);
	l.l_type = F_UNLCK;
	show("unlock from the end", fcntl(f, F_SETLK, &l));
	lseek(f, 5, SEEK_SET);
	show("lock from here", fcntl(f, F_SETLKW64, &w));
	OTHERS(flock64, F_GETLK64);
	w.l_type = F_UNLCK, w.l_pid = 0;
	lseek(f, 5, SEEK_SET);
	show("unlock from here", fcntl(f, F_SETLK64, &w));
	w = (struct flock64){.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = -6};
	show("lock before all", fcntl(f, F_SETLK64, &w));
	w = (struct flock64){.l_type = F_RDLCK, .l_whence = 7};
	show("lock from nowhere", fcntl(f, F_SETLK64, &w));
	w = (struct flock64){.l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = 2, .l_len = -3};
	show("lock backwards", fcntl(f, F_OFD_SETLK, &w));
	OTHERS(flock64, F_OFD_GETLK);
	show("lock of bad memory", fcntl(f, F_SETLK, (void *)8));
}

int main(int argc, char **argv) {
	char buf[16];
	int n = -1, on = 1, off = 0;
	int r = open(argv[1], O_RDONLY | O_NONBLOCK), w = open(argv[1], O_WRONLY), f = open(argv[2], O_RDONLY);
	show("FIONREAD", ioctl(f, FIONREAD, &n));
	printf("%d\n", n);
	lseek(f, 7, SEEK_SET);
	show("FIONREAD", ioctl(f, FIONREAD, &n));
	printf("%d\n", n);
	lseek(f, 100, SEEK_SET);
	show("FIONREAD", ioctl(f, FIONREAD, &n));
	printf("%d\n", n);
	show("FIONREAD of bad memory", ioctl(f, FIONREAD, 8));
	lseek(f, 0, SEEK_SET);
	locks(f);

	signal(SIGIO, on_io);
	show("F_SETOWN", fcntl(r, F_SETOWN, getpid()));
	show("FIOASYNC", ioctl(r, FIOASYNC, &on));
	show("flags", fcntl(r, F_GETFL) & (O_ASYNC | O_NONBLOCK));
	show("write", write(w, "x", 1));
	for (int i = 0; !ready && i < 10000; i++)
		usleep(1000);
	show("SIGIO", ready);
	show("FIOASYNC", ioctl(r, FIOASYNC, &off));
	show("flags", fcntl(r, F_GETFL) & (O_ASYNC | O_NONBLOCK));
	show("FIOASYNC of bad memory", ioctl(r, FIOASYNC, 8));

	show("readahead", readahead(r, 0, 1));
	show("readahead", readahead(f, 0, 1));
	show("fadvise", posix_fadvise(r, 0, 0, POSIX_FADV_SEQUENTIAL));
	show("fadvise", posix_fadvise(f, 0, 0, POSIX_FADV_SEQUENTIAL));

	show("recv", recv(r, buf, 1, 0));
#ifdef __i386__
	unsigned long args[4] = {r, (unsigned long)buf, 1, 0};
	show("socketcall recv", syscall(SYS_socketcall, 10, args));
	args[0] = f;
	show("socketcall recv", syscall(SYS_socketcall, 10, args));
	unsigned long pair[4] = {AF_UNIX, SOCK_STREAM, 0, (unsigned long)args};
	show("socketcall socketpair", syscall(SYS_socketcall, 8, pair));
	unsigned long make[3] = {r, 99, 99}; // a family, not a descriptor
	show("socketcall socket", syscall(SYS_socketcall, 1, make));
	show("socketcall of bad memory", syscall(SYS_socketcall, 10, 8));
#else
	show("recv", recv(r, buf, 1, 0));
	show("recv", recv(f, buf, 1, 0));
	show("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
	show("socket", socket(r, 99, 99));
	errno = EFAULT, show("of bad memory", -1);
#endif
	show("read", read(r, buf, 1));
	return 0;
}
