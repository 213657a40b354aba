/* Every number of the table with hopeless arguments, each in a process of its own:
 * the errno must be the native one, whatever a tracer makes of the arguments. */
#include "say.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Calls left out: they end or stop the caller, wait for ever, reach beyond the
 * process (signals, the machine's state, a flush of all disks), depend on time or
 * memory in a way that differs between any two runs, or are answered differently
 * to a traced process (ptrace, and seccomp's strict mode; see their own tests). */
static const int left_out[] = {
#ifdef __x86_64__
	SYS_rt_sigreturn, SYS_select, SYS_pselect6, SYS_pause, SYS_clone, SYS_fork, SYS_vfork, SYS_exit, SYS_kill, SYS_ptrace,
	SYS_syslog, SYS_vhangup, SYS_pivot_root, SYS_adjtimex, SYS_acct, SYS_settimeofday, SYS_mount, SYS_swapon,
	SYS_swapoff, SYS_reboot, SYS_sethostname, SYS_setdomainname, SYS_iopl, SYS_ioperm, SYS_sync, SYS_syncfs, SYS_tkill, SYS_tgkill,
	SYS_exit_group, SYS_ppoll, SYS_poll, SYS_kexec_load, SYS_seccomp, SYS_clone3, SYS_rt_sigsuspend, SYS_clock_settime,
	SYS_clock_adjtime, SYS_kexec_file_load, SYS_delete_module, SYS_mlockall, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_io_uring_setup,
	SYS_userfaultfd, SYS_brk, SYS_setpriority, SYS_ioprio_set, SYS_alarm, SYS_perf_event_open, SYS_restart_syscall, SYS_munmap, SYS_vmsplice,
	SYS_waitid, SYS_wait4, SYS_close_range, SYS_quotactl, SYS_keyctl, SYS_membarrier, SYS_uselib,
	SYS_arch_prctl, SYS_set_thread_area, SYS_get_thread_area, SYS_mincore, SYS_msgget, SYS_semget, SYS_shmget, SYS_fallocate,
#endif
};

static int is_left_out(int nr)
{
	for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
		if (left_out[i] == nr)
			return 1;
	return 0;
}

int main(void)
{
	static const struct { const char *name; long a[6]; } patterns[] = {
		{"zeros", {0, 0, 0, 0, 0, 0}},
		{"-1", {-1, -1, -1, -1, -1, -1}},
		{"low addresses", {8, 8, 8, 8, 8, 8}},
		{"the sign bit", {1L << 63, 1L << 63, 1L << 63, 1L << 63, 1L << 63, 1L << 63}},
		{"INT_MAX", {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff}},
		{"upper halves", {5L << 32, 5L << 32, 5L << 32, 5L << 32, 5L << 32, 5L << 32}},
		{"the kernel's addresses", {(long)0xffffffff81000000, (long)0xffffffff81000000, (long)0xffffffff81000000,
			(long)0xffffffff81000000, (long)0xffffffff81000000, (long)0xffffffff81000000}},
	};
	int own = must("memfd_create", memfd_create("own", 0));
	struct { long r; int err, done; } *result = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned p = 0; p < sizeof patterns / sizeof *patterns; p++)
		for (int nr = 0; nr < 480; nr++) {
			if (is_left_out(nr))
				continue;
			memset(result, 0, sizeof *result);
			pid_t pid = must("fork", fork());
			if (pid == 0) {
				/* Descriptor 0 is a file that nobody else has: calls will change it. */
				dup2(own, 0);
				alarm(10);
				const long *a = patterns[p].a;
				errno = 0;
				result->r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
				result->err = errno;
				result->done = 1;
				_exit(0);
			}
			int status;
			must("waitpid", waitpid(pid, &status, 0));
			if (!result->done)
				say("%d with %s: wait status %#x", nr, patterns[p].name, status);
			else if (result->r == -1)
				say("%d with %s: %s", nr, patterns[p].name, strerror(result->err));
			else
				say("%d with %s: a result", nr, patterns[p].name);
		}
	return 0;
}
