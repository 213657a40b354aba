/* What arguments of calls.c are to be like, by call and argument. */
struct hint {
	int nr, nr32, arg;
	const u64 *list;
	u64 from, n;
};

static int number_execve, number_execveat;
static int hints32;

#define RANGE(from, n) 0, from, n
#define ONEOF(...) LIST0(__VA_ARGS__), 0, sizeof((u64[]){__VA_ARGS__}) / 8
#define LIST0(...) (const u64[]){__VA_ARGS__}

static const struct hint hints[] = {
	{SYS_prctl, 172, 0, RANGE(0, 80)},
	{SYS_ioctl, 54, 1, ONEOF(0x5401, 0x5402, 0x5405, 0x5406, 0x5413, 0x5414, 0x540f, 0x802c542a, 0x402c542b, 0x8912, 0x8913, 0x8914, 0x8915,
		0x8927, 0x8933, 0x8910, 0x8921, 0xc020660b, 0x80081272, 0x4c04, 0x4c05, 0x801c581f, 0x401c5820, 0xc0185879, 0x1277, 0x5421, 0x541b)},
	{SYS_fcntl, 221, 1, RANGE(0, 18)},
	{SYS_futex, 240, 1, RANGE(0, 16)},
	{SYS_bpf, 357, 0, RANGE(0, 38)},
	{SYS_bpf, 357, 2, RANGE(0, 160)},
	{SYS_keyctl, 288, 0, RANGE(0, 34)},
	{SYS_ptrace, 26, 0, RANGE(0x4200, 0x20)},
	{SYS_setsockopt, 366, 1, ONEOF(0, 1, 6, 17, 41, 132, 255, 263, 270)},
	{SYS_setsockopt, 366, 2, RANGE(0, 80)},
	{SYS_setsockopt, 366, 4, RANGE(0, 40)},
	{SYS_getsockopt, 365, 1, ONEOF(0, 1, 6, 17, 41, 132, 255, 263, 270)},
	{SYS_getsockopt, 365, 2, RANGE(0, 80)},
	{SYS_bind, 361, 2, RANGE(0, 130)},
	{SYS_connect, 362, 2, RANGE(0, 130)},
	{SYS_sendto, 369, 5, RANGE(0, 130)},
	{-1, 102, 0, RANGE(0, 22)},
	{-1, 117, 0, RANGE(0, 26)},
	{SYS_seccomp, 354, 0, RANGE(0, 5)},
	{SYS_clone3, 435, 1, ONEOF(64, 80, 88, 96)},
	{SYS_openat2, 437, 3, ONEOF(24, 32, 20)},
	{SYS_quotactl, 131, 0, ONEOF(0x80000100, 0x80000200, 0x80000301, 0x80000400, 0x80000501, 0x80000602, 0x80000700, 0x80000800, 0x80000900,
		0x580100, 0x580200, 0x580300, 0x580400, 0x580501, 0x580600, 0x580700, 0x580800, 0x580900)},
	{SYS_quotactl_fd, 443, 1, ONEOF(0x80000100, 0x80000200, 0x80000301, 0x80000400, 0x80000501, 0x80000602, 0x80000700, 0x80000800, 0x80000900,
		0x580100, 0x580200, 0x580300, 0x580400, 0x580501, 0x580600, 0x580700, 0x580800, 0x580900)},
	{SYS_shmctl, 396, 1, ONEOF(0, 1, 2, 3, 11, 12, 13, 14, 15, 0x102, 0x10d)},
	{SYS_msgctl, 402, 1, ONEOF(0, 1, 2, 3, 11, 12, 13, 0x102, 0x10b)},
	{SYS_semctl, 394, 2, ONEOF(0, 1, 2, 3, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0x102)},
	{SYS_io_uring_register, 427, 1, RANGE(0, 35)},
	{SYS_perf_event_open, 336, 4, RANGE(0, 20)},
	{SYS_arch_prctl, 384, 0, RANGE(0x1001, 0x30)},
	{SYS_madvise, 219, 2, RANGE(0, 30)},
	{SYS_syslog, 103, 0, RANGE(0, 12)},
	{SYS_sched_setattr, 351, 2, RANGE(0, 1)},
	{SYS_sched_getattr, 352, 2, RANGE(40, 30)},
	{SYS_landlock_add_rule, 445, 1, RANGE(0, 3)},
	{SYS_rt_sigprocmask, 175, 3, ONEOF(8, 8, 8, 4, 16)},
	{SYS_rt_sigaction, 174, 3, ONEOF(8, 8, 8, 4, 16)},
	{SYS_mount_setattr, 442, 4, ONEOF(32, 32, 40, 20)},
	{SYS_mknod, 14, 1, ONEOF(0x21ff, 0x6180, 0x81ff, 0x11ff)},
	{SYS_poll, 168, 1, RANGE(0, 10)},
	{SYS_ppoll, 309, 1, RANGE(0, 10)},
	{SYS_select, 142, 0, RANGE(0, 70)},
	{SYS_pselect6, 308, 0, RANGE(0, 70)},
	{SYS_epoll_wait, 256, 2, RANGE(0, 70)},
	{SYS_socket, 359, 0, RANGE(0, 46)},
};

static void set_hints(int abi32)
{
	hints32 = abi32;
	number_execve = abi32 ? 11 : SYS_execve;
	number_execveat = abi32 ? 358 : SYS_execveat;
}

static const struct hint *hint(int nr, int arg)
{
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if ((hints32 ? hints[i].nr32 : hints[i].nr) == nr && hints[i].arg == arg)
			return &hints[i];
	return 0;
}
