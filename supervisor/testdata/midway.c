// What a program notices if the region is mapped in the middle of it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// How many descriptors are open.
static int descriptors(void) {
	int n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static volatile int got;

static void handler(int sig) { got++; }

// Signals that only the mask of epoll_pwait lets in.
static int waits(int before) {
	for (int i = 0; i < before; i++)
		syscall(SYS_getppid);
	struct sigaction act = {.sa_handler = handler};
	sigaction(SIGUSR1, &act, NULL);
	sigset_t usr1, none;
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	int ep = epoll_create1(0);
	for (int i = 0; i < 200; i++) {
		struct epoll_event ev;
		kill(getpid(), SIGUSR1);
		if (epoll_pwait(ep, &ev, 1, 10000, &none) != -1 || got != i + 1)
			return printf("%d signals of %d\n", got, i + 1), 1;
	}
	printf("%d signals\n", got);
	return 0;
}

int main(int argc, char **argv) {
	if (!strcmp(argv[1], "waits"))
		return waits(atoi(argv[2]));
	int before = descriptors();
	for (int i = 0; i < 300; i++)
		if (!strcmp(argv[1], "openat"))
			close(open("/dev/null", O_RDONLY));
		else
			munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	printf("%d more\n", descriptors() - before);
	return 0;
}
