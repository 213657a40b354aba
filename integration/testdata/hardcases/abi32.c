// A 32-bit program: what differs from a 64-bit one is how calls pass 64-bit
// values, sockets, times, signal frames and thread-local storage.
#include "observe.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#if !defined(__i386__)
#error "this program is for -m32"
#endif

static long int80(long nr, long b, long c, long d, long si, long di, long bp) {
	long result;
	long frame[2] = {nr, bp};
	// ebp is the sixth argument, and the compiler's frame pointer.
	__asm__ volatile("push %%ebp\n\tmov 4(%%eax), %%ebp\n\tmov (%%eax), %%eax\n\tint $0x80\n\tpop %%ebp"
		: "=a"(result) : "a"(frame), "b"(b), "c"(c), "d"(d), "S"(si), "D"(di) : "memory", "cc");
	return result;
}

static volatile int handled, value;
static void with_info(int s, siginfo_t *i, void *u) { handled++, value = i->si_value.sival_int; }
static void plain(int s) { handled++; }

static void files(void) {
	signal(SIGXFSZ, SIG_IGN); // where there is a limit, the calls fail the same way
	char path[] = "/tmp/k42-abi32-XXXXXX";
	int fd = must(mkostemp64(path, O_CLOEXEC));
	unlink(path);
	// Offsets above 4 GiB travel in two registers.
	say("pwrite: %s", outcome_of(pwrite64(fd, "far away", 8, 5ll << 32)));
	say("lseek: %lld", (long long)lseek64(fd, -8, SEEK_END));
	char buffer[16] = "";
	say("pread: %s %s", outcome_of(pread64(fd, buffer, 15, 5ll << 32)), buffer);
	say("truncate: %s", outcome_of(ftruncate64(fd, (1ll << 32) + 3)));
	struct stat64 st;
	fstat64(fd, &st);
	say("size: %lld", (long long)st.st_size);
	struct iovec v[2] = {{"ab", 2}, {"cde", 3}};
	say("pwritev: %s", outcome_of(pwritev64(fd, v, 2, 1ll << 32)));
	say("fadvise: %d", posix_fadvise64(fd, 1ll << 33, 1ll << 34, POSIX_FADV_RANDOM));
	say("fallocate of nothing: %s", outcome_of(fallocate64(fd, 0, 1ll << 33, 0)));
	void *p = mmap64(NULL, 4096, PROT_READ, MAP_SHARED, fd, 1ll << 32);
	say("mmap2 at page 2^20: %s", p == MAP_FAILED ? errname(errno) : st.st_size == 0 ? "of nothing" : (char *)p);
	close(fd);
	say("open of a NULL path: %s", outcome_of(syscall(SYS_open, NULL, 0)));
}

static void *in_thread(void *arg) {
	static __thread int local = 40;
	local += (int)(intptr_t)arg;
	return (void *)(intptr_t)local;
}

static void threads(void) {
	pthread_t t[20];
	int sum = 0;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (int i = 0; i < 20; i++)
		check(pthread_create(&t[i], &small, in_thread, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < 20; i++) {
		void *r;
		pthread_join(t[i], &r);
		sum += (int)(intptr_t)r;
	}
	say("thread-local sum: %d", sum);
}

static void signals(void) {
	// sigreturn and rt_sigreturn are two calls here.
	struct sigaction a = {.sa_handler = plain};
	sigaction(SIGUSR1, &a, NULL);
	on_signal(SIGRTMIN + 2, with_info, 0);
	for (int i = 0; i < 200; i++) {
		raise(SIGUSR1);
		sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i * 3});
		check(value == i * 3);
	}
	say("handled: %d", handled);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 0x12345678});
	siginfo_t info;
	struct timespec t = {5, 0};
	int got = sigtimedwait(&set, &info, &t);
	say("sigtimedwait: %d, %#x", got == SIGRTMIN + 3, info.si_value.sival_int);
	handled = 0;
	timer_t timer;
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 99};
	must(timer_create(CLOCK_MONOTONIC, &e, &timer));
	timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1000000}, NULL);
	await(handled == 1);
	say("timer: %d", value);
}

static void sockets(void) {
	int s = must(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path + 1, 100, "k42-abi32-%d", getpid());
	must(bind(s, (void *)&address, sizeof address));
	must(listen(s, 4));
	int c = must(socket(AF_UNIX, SOCK_STREAM, 0));
	must(connect(c, (void *)&address, sizeof address));
	int a = must(accept(s, NULL, NULL));
	say("send: %s", outcome_of(send(c, "hello", 5, 0)));
	struct pollfd p = {a, POLLIN};
	int polled = poll(&p, 1, 5000);
	say("poll: %d %#x", polled, p.revents);
	int e = must(epoll_create1(0));
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0x1122334455667788};
	must(epoll_ctl(e, EPOLL_CTL_ADD, a, &ev));
	memset(&ev, 0, sizeof ev);
	say("epoll: %d", epoll_wait(e, &ev, 1, 5000));
	say("epoll data: %#llx", (unsigned long long)ev.data.u64);
	char b[16];
	struct iovec v = {b, sizeof b};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	say("recvmsg: %s", outcome_of(recvmsg(a, &m, 0)));
	close(s), close(c), close(a), close(e);
}

static void processes(const char *sixty_four) {
	pid_t pid = must(fork());
	if (pid == 0)
		_exit(getppid() > 1 ? 3 : 4);
	say("fork: %s", status_of(wait_for(pid)));
	pid = must(vfork());
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "echo a 64-bit shell; kill -USR2 $$", NULL);
		_exit(127);
	}
	say("exec of 64 bits: %s", status_of(wait_for(pid)));
	pid = must(fork());
	if (pid == 0) {
		execl("/proc/self/exe", "abi32", "again", NULL);
		_exit(127);
	}
	say("exec of 32 bits: %s", status_of(wait_for(pid)));
	pid = must(fork());
	if (pid == 0) {
		*(volatile int *)4 = 1;
		_exit(0);
	}
	say("fault: %s", status_of(wait_for(pid)));
}

static sigjmp_buf out;
static void jump(int s, siginfo_t *i, void *u) { siglongjmp(out, 1); }

int main(int argc, char **argv) {
	if (argc > 1) {
		if (!strcmp(argv[1], "trace")) {
			int80(20, 0, 0, 0, 0, 0, 0);
			int80(20, 0, 0, 0, 0, 0, 0);
			int80(199, 0, 0, 0, 0, 0, 0); // getuid32 here, fremovexattr there
			return 0;
		}
		say("executed %s", argv[1]);
		return 6;
	}
	say("getpid both ways: %d", int80(20, 0, 0, 0, 0, 0, 0) == getpid());
	say("number -1: %s", errname(-int80(-1, 0, 0, 0, 0, 0, 0)));
	say("number 0x40000014: %s", errname(-int80(0x40000014, 0, 0, 0, 0, 0, 0)));
	say("number 500: %s", errname(-int80(500, 0, 0, 0, 0, 0, 0)));
	files();
	threads();
	signals();
	sockets();
	processes(NULL);
	on_signal(SIGSEGV, jump, SA_NODEFER);
	volatile int jumps = 0;
	for (int i = 0; i < 500; i++)
		if (sigsetjmp(out, 1) == 0)
			*(volatile int *)8 = 1;
		else
			jumps++;
	say("jumps out of faults: %d", jumps);
	return 0;
}
