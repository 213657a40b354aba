/* What programs share that mean harm to a tracer with memory in them: its layout
 * (execso/layout.go), and children whose end is sure, whatever becomes of them. */
#ifndef HOSTILE_H
#define HOSTILE_H
#include "cases.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define REGION 0x70000000ul
#define CODE (REGION + 0x2000)
#define CODE_END (REGION + 0x5000)
#define SETUP (REGION + 0x10000)
#define SITES (SETUP + 16 * SITE_SIZE)
#define SITE_SIZE 64
#define SLOTS (REGION + 0x1000000)
#define SLOT_SIZE 0x20000
#define AREA_LIMIT 0x08
#define AREA_HEAD 0x40
#define AREA_REQUEST 0x100
#define RING 0x8000
#define RING_SIZE 0x10000

static inline uint64_t *word(uint64_t at) { return (uint64_t *)at; }

/* need_gs ends the program where the instructions about GS are not to be had. */
static inline void need_gs(void)
{
	if (!(getauxval(AT_HWCAP2) & 2 /* HWCAP2_FSGSBASE */)) {
		errno = ENOSYS;
		skip("no FSGSBASE");
	}
}

/* here reports whether there is memory at the address. */
static inline int here(uint64_t address)
{
	int p[2];
	must("pipe", pipe(p));
	int there = write(p[1], (void *)address, 1) == 1;
	close(p[0]), close(p[1]);
	return there;
}

/* own_area returns the calling thread's. */
static inline uint64_t own_area(void)
{
	uint64_t base;
	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* A child that is led to code that nobody meant it to run may do anything: fork, wait
 * for ever, block all signals. So it has a group of its own, the orphans come to us,
 * and when it has ended, or has had its time, all of them are killed. */
static inline pid_t child(void)
{
	must("prctl", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid_t pid = must("fork", fork());
	setpgid(pid, pid);
	return pid;
}

/* Kills all children: who has jumped anywhere may have made some that are not of its group, or
 * are ours (CLONE_PARENT). */
static inline void kill_children(void)
{
	char name[64], list[4096];
	snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
	int fd = open(name, O_RDONLY);
	if (fd < 0)
		return;
	ssize_t n = read(fd, list, sizeof list - 1);
	close(fd);
	list[n > 0 ? n : 0] = 0;
	for (char *at = list, *next; *at; at = next) {
		pid_t pid = strtol(at, &next, 10);
		if (next == at)
			break;
		kill(pid, SIGKILL);
	}
}

/* Returns the status with which it exited. */
static inline int end_of(pid_t pid, int milliseconds)
{
	int status = 0;
	pid_t ended = 0;
	for (int i = 0; i < milliseconds && ended == 0; i++) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		ended = must("waitpid", waitpid(pid, &status, WNOHANG));
	}
	kill(-pid, SIGKILL);
	for (pid_t left; (left = waitpid(-1, NULL, WNOHANG)) >= 0;)
		if (left == 0) {
			kill_children();
			nanosleep(&(struct timespec){0, 1000000}, NULL);
		}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static uint64_t chance;
static inline uint64_t next_chance(void)
{
	chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
	return chance;
}
#endif
