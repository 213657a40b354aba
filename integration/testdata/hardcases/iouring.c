/* io_uring by its bare calls: a NOP, a write, a read, an openat, a linked timeout, polling. */
#include "cases.h"
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static int ring;
static unsigned *sq_head, *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
static struct io_uring_sqe *sqes;
static struct io_uring_cqe *cqes;

static void setup(unsigned entries)
{
	struct io_uring_params p = {0};
	ring = syscall(SYS_io_uring_setup, entries, &p);
	if (ring < 0)
		skip("io_uring_setup");
	char *sq = mmap(0, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	char *cq = mmap(0, p.cq_off.cqes + p.cq_entries * sizeof *cqes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqes = mmap(0, p.sq_entries * sizeof *sqes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		must("mmap", -1);
	sq_head = (unsigned *)(sq + p.sq_off.head);
	sq_tail = (unsigned *)(sq + p.sq_off.tail);
	sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
	sq_array = (unsigned *)(sq + p.sq_off.array);
	cq_head = (unsigned *)(cq + p.cq_off.head);
	cq_tail = (unsigned *)(cq + p.cq_off.tail);
	cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
	cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
}

static struct io_uring_sqe *next(unsigned char op, int fd, const void *addr, unsigned len)
{
	unsigned tail = *sq_tail, i = tail & *sq_mask;
	memset(&sqes[i], 0, sizeof sqes[i]);
	sqes[i].opcode = op;
	sqes[i].fd = fd;
	sqes[i].addr = (unsigned long)addr;
	sqes[i].len = len;
	sqes[i].user_data = op;
	sq_array[i] = i;
	__atomic_store_n(sq_tail, tail + 1, __ATOMIC_RELEASE);
	return &sqes[i];
}

static int submit(unsigned n, unsigned wait)
{
	return syscall(SYS_io_uring_enter, ring, n, wait, IORING_ENTER_GETEVENTS, 0, 0);
}

static int reap(const char *what)
{
	unsigned head = *cq_head;
	if (head == __atomic_load_n(cq_tail, __ATOMIC_ACQUIRE))
		must("reap", submit(0, 1));
	struct io_uring_cqe c = cqes[head & *cq_mask];
	__atomic_store_n(cq_head, head + 1, __ATOMIC_RELEASE);
	if (c.user_data == IORING_OP_OPENAT && c.res >= 0)
		say("%s: op %llu a descriptor", what, (unsigned long long)c.user_data);
	else
		say("%s: op %llu res %d %s", what, (unsigned long long)c.user_data, c.res, c.res < 0 ? strerror(-c.res) : "");
	return c.res;
}

static void work(void)
{
	setup(8);
	next(IORING_OP_NOP, -1, 0, 0);
	outcome("enter", submit(1, 1));
	reap("nop");

	int pair[2];
	must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	char buffer[32] = {0};
	next(IORING_OP_RECV, pair[0], buffer, sizeof buffer);
	outcome("enter", submit(1, 0));
	next(IORING_OP_SEND, pair[1], "through the ring", 16);
	outcome("enter", submit(1, 2));
	reap("first");
	reap("second");
	say("%s", buffer);

	next(IORING_OP_OPENAT, AT_FDCWD, "/etc/passwd", 0)->open_flags = O_RDONLY;
	must("enter", submit(1, 1));
	int fd = reap("openat");
	next(IORING_OP_READ, fd, buffer, 4);
	must("enter", submit(1, 1));
	reap("read");
	next(IORING_OP_OPENAT, AT_FDCWD, "/nonexistent", 0)->open_flags = O_RDONLY;
	next(IORING_OP_OPENAT, AT_FDCWD, (void *)8, 0)->open_flags = O_RDONLY;
	must("enter", submit(2, 2));
	reap("openat fails");
	reap("openat of nowhere");
	next(IORING_OP_POLL_ADD, pair[0], 0, 0)->poll32_events = POLLIN;
	must("enter", submit(1, 0));
	must("write", write(pair[1], "y", 1));
	reap("poll");
	struct __kernel_timespec ts = {0, 1000000};
	next(IORING_OP_TIMEOUT, -1, &ts, 1);
	must("enter", submit(1, 1));
	reap("timeout");
	next(IORING_OP_CLOSE, fd, 0, 0);
	must("enter", submit(1, 1));
	reap("close");
	outcome("closed", close(fd));
	/* A thread of the kernel's (io-wq) does what would block. */
	int pipefd[2];
	must("pipe", pipe(pipefd));
	next(IORING_OP_READ, pipefd[0], buffer, 3)->flags = IOSQE_ASYNC;
	must("enter", submit(1, 0));
	must("write", write(pipefd[1], "abc", 3));
	reap("by a worker");
}

static void errors(void)
{
	struct io_uring_params p = {0};
	outcome("setup 0", syscall(SYS_io_uring_setup, 0, &p));
	outcome("setup nowhere", syscall(SYS_io_uring_setup, 4, 8));
	outcome("enter of nothing", syscall(SYS_io_uring_enter, -1, 1, 0, 0, 0, 0));
	outcome("enter of a file", syscall(SYS_io_uring_enter, 1, 1, 0, 0, 0, 0));
	outcome("register", syscall(SYS_io_uring_register, -1, 0, 0, 0));
}

/* The kernel's polling thread is a thread of this process that never makes a call. */
static void sqpoll(void)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10};
	ring = syscall(SYS_io_uring_setup, 4, &p);
	if (ring < 0)
		skip("SQPOLL");
	say("set up");
	/* It ends with the process, and the process's end must not wait for it. */
}

int main(int argc, char **argv)
{
	struct one_case cases[] = {{"work", work}, {"errors", errors}, {"sqpoll", sqpoll}};
	return RUN_CASE(argc, argv, cases);
}
