package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// TestNarrow decodes calls of i386: narrow longs, 64-bit values in two
// registers, arguments in memory.
func TestNarrow(t *testing.T) {
	// The decoder's addresses must fit into 32 bits.
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_32BIT)
	if err != nil {
		t.Skip("no memory below 4 GiB:", err)
	}
	defer unix.Munmap(mem)
	base := bytesAt(mem)
	put := func(off int, n ...uint32) uint64 {
		for i, x := range n {
			le.PutUint32(mem[off+4*i:], x)
		}
		return base + uint64(off)
	}
	copy(mem[3000:], "abc\x00")
	abc := uint32(base + 3000)
	perm := func(off int, rest ...uint32) uint64 { // struct ipc64_perm, with rubbish above the mode
		return put(off, append([]uint32{19266, 1, 2, 3, 4, 0xbad<<20 | 0620, 0, 0, 0}, rest...)...)
	}
	tests := []struct {
		want, name string
		res        table.Result
		args       []uint64
	}{
		{`nanosleep({tv_sec=0, tv_nsec=1000}, NULL) = 0`, "nanosleep", ok(0), []uint64{put(0, 0, 1000), 0}},
		{`writev(3, [{iov_base="abc", iov_len=3}], 1) = 3`, "writev", ok(3), []uint64{3, put(16, abc, 3), 1}},
		{`ftruncate64(3, 21474836480) = 0`, "ftruncate64", ok(0), []uint64{3, 0, 5}},
		{`pread64(3, "abc", 3, 21474836480) = 3`, "pread64", ok(3), []uint64{3, uint64(abc), 3, 0, 5}},
		{`_llseek(3, 21474836480, [7], SEEK_SET) = 0`, "_llseek", ok(0), []uint64{3, 5, 0, put(32, 7, 0), 0}},
		{`socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 7`, "socketcall", ok(7), []uint64{1, put(48, 2, 1, 0)}},
		{`send(7, "abc", 3, MSG_NOSIGNAL) = 3`, "socketcall", ok(3), []uint64{9, put(64, 7, abc, 3, 0x4000)}},
		{`socketcall(SYS_SEND, 0x8) = -1 EFAULT (Bad address)`, "socketcall", failed(unix.EFAULT), []uint64{9, bad}},
		{`mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0xf7000000`, "mmap", ok(0xf7000000), []uint64{put(96, 0, 4096, 1, 2, 3, 0)}},
		{`mmap2(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0x22000) = 0xf7000000`, "mmap2", ok(0xf7000000), []uint64{0, 4096, 1, 2, 3, 0x22}},
		{`stat64("abc", {st_mode=S_IFREG|0644, st_size=5, ...}) = 0`, "stat64", ok(0), []uint64{uint64(abc), put(128, 0, 0, 0, 0, unix.S_IFREG|0644, 1, 0, 0, 0, 0, 0, 5)}},
		{`rt_sigaction(SIGUSR1, {sa_handler=SIG_IGN, sa_mask=[HUP], sa_flags=SA_RESTART}, NULL, 8) = 0`, "rt_sigaction", ok(0), []uint64{10, put(256, 1, 0x10000000, 0, 1, 0), 0, 8}},
		{`clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 7`, "clone", ok(7), []uint64{0x1000011, 0, 0, 0, 0x7f}},
		{`execve("abc", ["abc"], NULL) = 0`, "execve", ok(0), []uint64{uint64(abc), put(300, abc, 0), 0}},
		{`msgctl(7, IPC_64|IPC_STAT, {msg_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, msg_stime=11, msg_rtime=12, msg_ctime=13, msg_qnum=14, msg_qbytes=16384, msg_lspid=15, msg_lrpid=16}) = 0`, "ipc", ok(0), []uint64{14, 7, 0x102, 0, perm(400, 11, 0, 12, 0, 13, 0, 9, 14, 16384, 15, 16, 0, 0)}},
		{`msgctl(7, IPC_64|IPC_SET, {msg_perm={uid=1, gid=2, mode=0620}, msg_qbytes=16384}) = 0`, "msgctl", ok(0), []uint64{7, 0x101, base + 400}},
		{`shmctl(7, IPC_64|IPC_STAT, {shm_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, shm_segsz=8192, shm_cpid=14, shm_lpid=15, shm_nattch=16, shm_atime=11, shm_dtime=12, shm_ctime=13}) = 0`, "ipc", ok(0), []uint64{24, 7, 0x102, 0, perm(500, 8192, 11, 0, 12, 0, 13, 0, 14, 15, 16, 0, 0)}},
		{`shmctl(0, IPC_64|SHM_INFO, {used_ids=1, shm_tot=4294967295, shm_rss=0, shm_swp=0, swap_attempts=0, swap_successes=0}) = 62`, "shmctl", ok(62), []uint64{0, 0x10e, put(600, 1, 1<<32-1, 0, 0, 0, 0)}},
		{`semctl(7, 0, IPC_64|IPC_STAT, {sem_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, sem_otime=11, sem_ctime=12, sem_nsems=2}) = 0`, "ipc", ok(0), []uint64{3, 7, 0, 0x102, put(800, uint32(perm(700, 11, 0, 12, 0, 2, 0, 0)))}},
		{`msgrcv(7, NULL, 0, -2, IPC_NOWAIT) = -1 ENOMSG (No message of desired type)`, "ipc", failed(unix.ENOMSG), []uint64{1<<16 | 12, 7, 0, 04000, 0, 1<<32 - 2}},
		{`shmat(7, NULL, SHM_RDONLY) = 0xf7000000`, "ipc", ok(0), []uint64{21, 7, 010000, put(820, 0xf7000000), 0}},
		{`shmat(7, NULL, SHM_RDONLY) = -1 EINVAL (Invalid argument)`, "ipc", failed(unix.EINVAL), []uint64{21, 7, 010000, base + 820, 0}},
		{`ipc(42<<16|10, 0, 0, 0, 0, 0) = -1 ENOSYS (Function not implemented)`, "ipc", failed(unix.ENOSYS), []uint64{42<<16 | 10, 0, 0, 0, 0, 0}},
		{`readdir(3, {d_ino=7, d_off=8, d_reclen=3, d_name="abc"}) = 1`, "readdir", ok(1), []uint64{3, put(840, 7, 8, 3|'a'<<16|'b'<<24, 'c'), 1}},
		{`ioctl(3, VIDIOC_DQBUF, {type=V4L2_BUF_TYPE_VIDEO_CAPTURE, index=2, memory=V4L2_MEMORY_MMAP, m.offset=0x1000, length=8, bytesused=7, flags=V4L2_BUF_FLAG_MAPPED|V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC|V4L2_BUF_FLAG_TSTAMP_SRC_EOF, timestamp={tv_sec=5, tv_usec=6}, ...}) = 0`, "ioctl", ok(0), []uint64{3, 0xc04c5611, put(1300, 2, 1, 7, 0x2001, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 1, 0x1000, 8, 0, 0)}},
		{`ioctl(3, DRM_IOCTL_VERSION, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0xc0246400, 900}},
		{`ioctl(3, _IOC(_IOC_READ|_IOC_WRITE, 0x64, 0, 0x40), 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0xc0406400, 900}},
		{`ioctl(3, MIXER_WRITE(0) or MTRRIOC_ADD_ENTRY, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0x400c4d00, 900}},
		{`ioctl(3, MIXER_WRITE(0), 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0x40104d00, 900}},
		{`ioctl(3, BC_INCREFS_DONE, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0x40106308, 900}},
		{`ioctl(3, MTRRIOC_GET_ENTRY, 0) = 0`, "ioctl", ok(0), []uint64{3, 0xc0104d03, 0}}, // x86-64's MEMWRITEOOB
		{`ioctl(3, USBDEVFS_BULK32, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0xc0105502, 900}},
		{`ioctl(3, _IOC(_IOC_WRITE, 0x66, 0x2, 0x8), [FS_SYNC_FL]) = 0`, "ioctl", ok(0), []uint64{3, 0x40086602, put(1400, 8)}},
		{`ioctl(3, _IOC(_IOC_WRITE, 0x70, 0xc, 0x8), 0x40) = 0`, "ioctl", ok(0), []uint64{3, 0x4008700c, 64}},
		{`ioctl(3, VIDIOC_DQBUF_TIME32, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0xc0445611, 900}},
		{`ioctl(3, VIDIOC_DQEVENT, 0x384) = 0`, "ioctl", ok(0), []uint64{3, 0x80805659, 900}},
		{`readdir(3, 0x8) = 0`, "readdir", ok(0), []uint64{3, bad, 1}},
		{`rt_sigprocmask(SIG_BLOCK, [HUP], NULL, 4) = -1 EINVAL (Invalid argument)`, "rt_sigprocmask", failed(unix.EINVAL), []uint64{0, put(860, 1), 0, 4}},
		{`fcntl(3, F_SETLK64, 0x8) = -1 EINVAL (Invalid argument)`, "fcntl", failed(unix.EINVAL), []uint64{3, 13, bad}},
		{`oldstat("abc", {st_mode=S_IFREG|0644, st_size=5, ...}) = 0`, "oldstat", ok(0), []uint64{uint64(abc), put(880, 0, unix.S_IFREG|0644, 1, 0, 5, 0, 0, 0)}},
		{`clone3({flags=CLONE_SETTLS, exit_signal=0, stack=NULL, stack_size=0, tls={entry_number=12, base_addr=0xf7000000, limit=0x0fffff, seg_32bit=1, contents=0, read_exec_only=0, limit_in_pages=1, seg_not_present=0, useable=1}}, 64) = 7`, "clone3", ok(7),
			[]uint64{put(1000, 0x80000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, uint32(put(1100, 12, 0xf7000000, 0xfffff, 0x51)), 0), 64}},
		{`bpf(BPF_LINK_CREATE, {link_create={prog_fd=3, target_fd=4, attach_type=BPF_TRACE_KPROBE_MULTI, flags=0, kprobe_multi={flags=0, cnt=2, syms=["abc", NULL], addrs=NULL, cookies=NULL}}}, 48) = 0`, "bpf", ok(0),
			[]uint64{28, put(1500, 3, 4, 42, 0, 0, 2, uint32(put(1600, abc, 0)), 0, 0, 0, 0, 0), 48}},
		{`ioctl(3, BLKBSZGET, [512]) = 0`, "ioctl", ok(0), []uint64{3, 0x80041270, put(1200, 512)}},
		{`ioctl(3, _IOC(_IOC_READ, 0x12, 0x70, 0x8), 0x8) = -1 ENOTTY (Inappropriate ioctl for device)`, "ioctl", failed(unix.ENOTTY), []uint64{3, 0x80081270, bad}},
		{`ioctl(3, FS_IOC32_GETFLAGS, 0x8) = -1 EBADF (Bad file descriptor)`, "ioctl", failed(unix.EBADF), []uint64{3, 0x80046601, bad}},
		{`ioctl(3, RTC_IRQP_SET, 64) = 0`, "ioctl", ok(0), []uint64{3, 0x4004700c, 64}},
		{`ioctl(3, BLKGETSIZE, [7]) = 0`, "ioctl", ok(0), []uint64{3, 0x1260, put(1208, 7)}},
		{`readdir(3, 0x8, 5) = -1 EFAULT (Bad address)`, "readdir", failed(unix.EFAULT), []uint64{3, bad, 5}},
		{`readdir(3, {d_ino=7, d_off=8, d_reclen=9, d_name="abc"}, 2) = 1`, "readdir", ok(1), []uint64{3, put(1700, 7, 8, 9|'a'<<16|'b'<<24, 'c'), 2}},
		{`vm86(0x1, 0, 0x3, 0x4, 0x5) = -1 ENOSYS (Function not implemented)`, "vm86", failed(unix.ENOSYS), []uint64{1, 0, 3, 4, 5}},
		{`msgrcv(7, 0x8, 4, IPC_NOWAIT) = -1 EFAULT (Bad address)`, "ipc", failed(unix.EFAULT), []uint64{12, 7, 4, 04000, bad, 0}},
		{`semctl(7, 1, GETVAL, [0x5]) = 0`, "ipc", ok(0), []uint64{3, 7, 1, 12, put(1800, 5)}},
		{`semctl(7, 1, GETVAL, 0x8) = -1 EFAULT (Bad address)`, "ipc", failed(unix.EFAULT), []uint64{3, 7, 1, 12, bad}},
		{`shmat(7, NULL, SHM_RDONLY) = ?`, "ipc", ok(0), []uint64{21, 7, 010000, 0, 0}},
		{`times({tms_utime=1 /* 0.01 s */, tms_stime=18446744073709551615 /* 184467440737095516.15 s */, tms_cutime=0, tms_cstime=0}) = 5`, "times", ok(5), []uint64{put(1810, 1, 1<<32-1, 0, 0)}},
		{`signal(SIGINT, 0xffffffff) = 0 (SIG_DFL)`, "signal", ok(0), []uint64{2, 1<<32 - 1}},
		{`olduname(0) = -1 EFAULT (Bad address)`, "olduname", failed(unix.EFAULT), []uint64{0}},
		{`clone(child_stack=NULL, flags=CLONE_SETTLS|SIGCHLD, tls=0x736) = -1 EINVAL (Invalid argument)`, "clone", failed(unix.EINVAL), []uint64{0x80011, 0, 0, 0x736, 0}},
		{`rt_sigsuspend([HUP RT_2], 5) = -1 EINVAL (Invalid argument)`, "rt_sigsuspend", failed(unix.EINVAL), []uint64{put(1900, 1, 2), 5}},
		{`rt_sigsuspend(0x8, 3) = -1 EINVAL (Invalid argument)`, "rt_sigsuspend", failed(unix.EINVAL), []uint64{bad, 3}},
		{`getuid() = 65534`, "getuid", ok(65534), nil},
		{`chown("abc", -1, 5) = 0`, "chown", ok(0), []uint64{uint64(abc), 0xffff, 5}},
	}
	for _, tt := range tests {
		if got := show(t, Options{}, table.I386, tt.name, tt.res, tt.args...); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
