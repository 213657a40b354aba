// Threads, processes and programs that come and go. After each round of them it writes
// a line, and waits for one.
//   lives ROUNDS THREADS FORKS EXECS    how many of each in a round
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

/* A handful of calls: what a thread or a forked process makes in its life. */
static void few(int rounds)
{
	for (int i = 0; i < rounds; i++)
		check(syscall(SYS_getppid) >= 0, "getppid");
}

/* As many as make a program worth rewriting, from many places. */
static void many(void)
{
	char c;
	int p[2];
	struct stat st;
	struct utsname u;
	struct timeval tv = {0, 0};
	struct iovec v = {&c, 1};
	for (int i = 0; i < 6; i++) {
		few(6);
		check(pipe(p) == 0, "pipe");
		check(write(p[1], "ab", 2) == 2 && read(p[0], &c, 1) == 1 && readv(p[0], &v, 1) == 1, "pipes");
		check(writev(p[1], &v, 1) == 1 && fstat(p[0], &st) == 0 && fcntl(p[0], F_GETFD) >= 0, "pipes");
		close(p[0]), close(p[1]);
		int fd = open("/dev/null", O_RDWR);
		check(fd >= 0 && pread(fd, &c, 1, 0) == 0 && pwrite(fd, &c, 1, 0) == 1 && lseek(fd, 0, SEEK_SET) == 0, "/dev/null");
		close(dup(fd)), close(fd);
		check(stat("/", &st) == 0 && lstat("/", &st) == 0 && access("/", F_OK) == 0 && uname(&u) == 0, "/");
		check(select(0, NULL, NULL, NULL, &tv) == 0 && kill(getpid(), 0) == 0, "select");
		char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(m != MAP_FAILED && munmap(m, 4096) == 0, "mmap");
		getuid(), geteuid(), getgid(), getegid(), getppid(), getpgid(0), getsid(0), umask(022);
	}
}

static void *thread(void *rounds)
{
	few((int)(long)rounds);
	return NULL;
}

/* Some at the same time, so that ends and beginnings overlap. */
static void threads(int count)
{
	enum { ALIVE = 4 };
	pthread_t t[ALIVE];
	for (int i = 0; i < count; i++) {
		if (i >= ALIVE)
			pthread_join(t[i % ALIVE], NULL);
		check(pthread_create(&t[i % ALIVE], NULL, thread, (void *)6L) == 0, "pthread_create");
	}
	for (int i = 0; i < ALIVE && i < count; i++)
		pthread_join(t[i], NULL);
}

static void end(pid_t pid)
{
	int status;
	check(waitpid(pid, &status, 0) == pid && status == 0, "the end of a child");
}

static void forks(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();
		check(pid >= 0, "fork");
		if (pid == 0) {
			few(6);
			if (i % 16 == 0) { /* a thread among them, and a site of its own */
				threads(1);
				for (int n = 0; n < 6; n++)
					check(sched_getscheduler(0) >= 0, "sched_getscheduler");
			}
			_exit(0);
		}
		end(pid);
	}
}

static void execs(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = i % 2 ? vfork() : fork();
		check(pid >= 0, "fork");
		if (pid == 0) {
			execl("/proc/self/exe", "lives", "leaf", NULL);
			_exit(2);
		}
		end(pid);
	}
}

int main(int argc, char **argv)
{
	many();
	if (argc < 5)
		return 0;
	for (int i = 0, rounds = atoi(argv[1]); i < rounds; i++) {
		threads(atoi(argv[2]));
		forks(atoi(argv[3]));
		execs(atoi(argv[4]));
		char c;
		check(write(1, "\n", 1) == 1, "stdout");
		check(read(0, &c, 1) == 1, "stdin");
	}
	return 0;
}
