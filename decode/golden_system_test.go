package decode

import (
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// TestTimex: what adjtimex gives back, and whatever it is given.
func TestTimex(t *testing.T) {
	tx := words(append([]uint64{1, 7, 1<<64 - 5, 16000000, 16000000, 0x40, 2, 1, 32768000, 1795301764, 162220, 10000}, make([]uint64, 14)...)...)
	checkGolden(t, Options{}, []golden{
		{`adjtimex({modes=ADJ_OFFSET, offset=7, freq=-5, maxerror=16000000, esterror=16000000, status=STA_UNSYNC, constant=2, precision=1, tolerance=32768000, time={tv_sec=1795301764, tv_usec=162220}, tick=10000, ppsfreq=0, jitter=0, shift=0, stabil=0, jitcnt=0, calcnt=0, errcnt=0, stbcnt=0, tai=0}) = 5 (TIME_ERROR)`, "adjtimex", ok(5), []uint64{tx}},
		{`adjtimex($0) = -1 EINVAL (Invalid argument)`, "adjtimex", failed(unix.EINVAL), []uint64{tx}},
		{`adjtimex(NULL) = -1 EFAULT (Bad address)`, "adjtimex", failed(unix.EFAULT), []uint64{0}},
		{`clock_adjtime(CLOCK_REALTIME, 0x8) = -1 EFAULT (Bad address)`, "clock_adjtime", failed(unix.EFAULT), []uint64{0, bad}},
	})
}

func TestSchedAttr(t *testing.T) {
	attr := func(size, policy uint32, flags uint64, nice, prio uint32, rest ...uint64) uint64 {
		all := []any{size, policy, flags, nice, prio}
		for _, n := range append(rest, make([]uint64, 12)...) {
			all = append(all, n)
		}
		return join(all...)
	}
	einval := failed(unix.EINVAL)
	checkGolden(t, Options{}, []golden{
		{`sched_getattr(0, {size=56, sched_policy=SCHED_OTHER, sched_flags=0, sched_nice=0, sched_priority=0, sched_runtime=1400000, sched_deadline=0, sched_period=0, sched_util_min=0, sched_util_max=0}, 56, 0) = 0`, "sched_getattr", ok(0), []uint64{0, attr(56, 0, 0, 0, 0, 1400000), 56, 0}},
		{`sched_getattr(0, {size=48, sched_policy=SCHED_OTHER, sched_flags=0, sched_nice=0, sched_priority=0, sched_runtime=1400000, sched_deadline=0, sched_period=0}, 48, 0) = 0`, "sched_getattr", ok(0), []uint64{0, attr(48, 0, 0, 0, 0, 1400000), 48, 0}},
		{`sched_getattr(0, 0x8, 48, 0) = -1 EFAULT (Bad address)`, "sched_getattr", failed(unix.EFAULT), []uint64{0, bad, 48, 0}},
		{`sched_setattr(0, {size=48, sched_policy=SCHED_BATCH, sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_nice=5, sched_priority=0, sched_runtime=0, sched_deadline=0, sched_period=0}, 0) = 0`, "sched_setattr", ok(0), []uint64{0, attr(48, 3, 1, 5, 0), 0}},
		{`sched_setattr(-5, {size=100, sched_flags=SCHED_FLAG_KEEP_POLICY|SCHED_FLAG_KEEP_PARAMS|SCHED_FLAG_UTIL_CLAMP_MIN, sched_util_min=1, sched_util_max=2, ...}, 0) = -1 EINVAL (Invalid argument)`, "sched_setattr", einval, []uint64{1<<32 - 5, attr(100, 3, 0x38, 5, 0, 0, 0, 0, 1|2<<32), 0}},
		{`sched_setattr(0, {size=0, sched_policy=SCHED_BATCH, sched_flags=0, sched_nice=0, sched_priority=0, sched_runtime=0, sched_deadline=0, sched_period=0}, 0) = -1 EINVAL (Invalid argument)`, "sched_setattr", einval, []uint64{0, attr(0, 3, 0, 0, 0), 0}},
		{`sched_setattr(-5, {size=10}, 0) = -1 EINVAL (Invalid argument)`, "sched_setattr", einval, []uint64{1<<32 - 5, attr(10, 3, 0, 0, 0), 0}},
		{`sched_setattr(-1, {size=56, sched_policy=0x4d /* SCHED_??? */, sched_flags=0xff80 /* SCHED_FLAG_??? */, sched_nice=5, sched_priority=0, sched_runtime=1, sched_deadline=2, sched_period=3, sched_util_min=1, sched_util_max=2}, 0) = -1 EINVAL (Invalid argument)`, "sched_setattr", einval, []uint64{1<<32 - 1, attr(56, 77, 0xff80, 5, 0, 1, 2, 3, 1|2<<32), 0}},
		{`sched_setattr(0, 0x8, 0) = -1 EFAULT (Bad address)`, "sched_setattr", failed(unix.EFAULT), []uint64{0, bad, 0}},
	})
}

func TestMqAttr(t *testing.T) {
	attr := words(unix.O_NONBLOCK, 4, 32, 1, 0, 0, 0, 0)
	checkGolden(t, Options{}, []golden{
		{`mq_open("k42q", O_RDWR|O_CREAT, 0600, {mq_flags=0x800, mq_maxmsg=4, mq_msgsize=32, mq_curmsgs=1}) = 3`, "mq_open", ok(3), []uint64{cstr("k42q"), unix.O_RDWR | unix.O_CREAT, 0600, attr}},
		{`mq_getsetattr(3, NULL, {mq_flags=O_NONBLOCK, mq_maxmsg=4, mq_msgsize=32, mq_curmsgs=1}) = 0`, "mq_getsetattr", ok(0), []uint64{3, 0, attr}},
		{`mq_getsetattr(-1, {mq_flags=O_NONBLOCK, mq_maxmsg=4, mq_msgsize=32, mq_curmsgs=1}, $2) = -1 EBADF (Bad file descriptor)`, "mq_getsetattr", failed(unix.EBADF), []uint64{1<<32 - 1, attr, attr}},
	})
}

func TestFileHandle(t *testing.T) {
	handle := func(size uint32, data string) uint64 { return join(size, uint32(1), data) }
	id, data := ints(27), "\x0c\x40\x12\x00\xf6\xbd\x66\x85"
	long := make([]byte, 256)
	le.PutUint32(long, 129)
	dots := ""
	for range maxHandle {
		dots += `\x00`
	}
	checkGolden(t, Options{}, []golden{
		{`open_by_handle_at(6, {handle_bytes=8, handle_type=1, f_handle="\x0c\x40\x12\x00\xf6\xbd\x66\x85"}, O_RDONLY) = 7`, "open_by_handle_at", ok(7), []uint64{6, handle(8, data), 0}},
		{`open_by_handle_at(-1, {handle_bytes=129, handle_type=0, f_handle="` + dots + `"...}, O_RDWR) = -1 EINVAL (Invalid argument)`, "open_by_handle_at", failed(unix.EINVAL), []uint64{1<<32 - 1, bytesAt(long), 2}},
		{`open_by_handle_at(-1, 0x8, O_RDWR) = -1 EFAULT (Bad address)`, "open_by_handle_at", failed(unix.EFAULT), []uint64{1<<32 - 1, bad, 2}},
		{`name_to_handle_at(AT_FDCWD, "/etc", {handle_bytes=8, handle_type=1, f_handle="\x0c\x40\x12\x00\xf6\xbd\x66\x85"}, [27], 0) = 0`, "name_to_handle_at", ok(0), []uint64{cwd, cstr("/etc"), handle(8, data), id, 0}},
		{`name_to_handle_at(AT_FDCWD, "/etc", {handle_bytes=1000}, $3, AT_EMPTY_PATH) = -1 EINVAL (Invalid argument)`, "name_to_handle_at", failed(unix.EINVAL), []uint64{cwd, cstr("/etc"), handle(1000, data), id, 0x1000}},
		{`name_to_handle_at(AT_FDCWD, "/etc", 0x8, 0x8, 0) = -1 EFAULT (Bad address)`, "name_to_handle_at", failed(unix.EFAULT), []uint64{cwd, cstr("/etc"), bad, bad, 0}},
	})
	size := []uint32{128, 1, 0, 0}
	for _, tt := range []struct {
		want string
		res  table.Result
	}{
		{`{handle_bytes=128 => 8, handle_type=1, f_handle="\x00\x00\x00\x00\x00\x00\x00\x00"}`, ok(0)},
		{`{handle_bytes=128 => 8}`, failed(unix.EOVERFLOW)},
		{`{handle_bytes=128}`, failed(unix.ENOENT)},
	} {
		size[0] = 128
		e, c := event(t, Options{}, table.AMD64, "name_to_handle_at", cwd, cstr("/"), at(&size[0]), 0, 0)
		e.Entry(c)
		size[0] = 8
		e.Exit(c, tt.res)
		if got := string(new(Text).appendValue(nil, e, e.arg(2))); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestAIO(t *testing.T) {
	cb := func(op, prio uint16, fd uint32, buf, n, off uint64, flags, resfd uint32) uint64 {
		return join(uint64(0x1234), uint32(0), uint32(0), op, prio, fd, buf, n, off, uint64(0), flags, resfd)
	}
	iov := words(cstr("abc"), 3)
	pwrite := cb(1, 0, 1, cstr("hello\n"), 6, 0, 0, 0)
	list := words(pwrite, cb(0, 0, 99, 0x77, 6, 3, 1, 5), cb(8, 0, 2, iov, 1, 0, 0, 0), cb(7, 3, 2, iov, 1, 0, 2, 0), bad, 0)
	odd := words(cb(2, 0, 0, 9, 9, 9, 0, 0), cb(5, 0, 0, 5, 0, 0, 0, 0), cb(77, 1<<16-1, 3, 0, 0, 0, 0, 0))
	checkGolden(t, Options{}, []golden{
		{`io_setup(4, [0x7f00]) = 0`, "io_setup", ok(0), []uint64{4, words(0x7f00)}},
		{`io_submit(0x7f00, 1, [{aio_data=0, aio_lio_opcode=IOCB_CMD_PWRITE, aio_fildes=3, aio_buf=NULL, aio_nbytes=0, aio_offset=0, aio_resfd=0x7}]) = 1`, "io_submit", ok(1), []uint64{0x7f00, 1, words(words(0, 0, 1|3<<32, 0, 0, 0, 0, 7<<32))}},
		{`io_submit(0x7f00, 2, [{aio_data=0x1234, aio_lio_opcode=IOCB_CMD_PWRITE, aio_fildes=1, aio_buf="hello\n", aio_nbytes=6, aio_offset=0}, {aio_data=0x1234, aio_lio_opcode=IOCB_CMD_PREAD, aio_fildes=99, aio_buf=0x77, aio_nbytes=6, aio_offset=3, aio_flags=IOCB_FLAG_RESFD, aio_resfd=5}]) = 1`, "io_submit", ok(1), []uint64{0x7f00, 2, list}},
		{`io_submit(0x7f00, 2, [0x8, NULL]) = -1 EFAULT (Bad address)`, "io_submit", failed(unix.EFAULT), []uint64{0x7f00, 2, list + 32}},
		{`io_submit(0x7f00, 1, [{aio_data=0x1234, aio_lio_opcode=IOCB_CMD_PWRITEV, aio_fildes=2, aio_buf=[{iov_base="abc", iov_len=3}], aio_offset=0}]) = 1`, "io_submit", ok(1), []uint64{0x7f00, 1, list + 16}},
		{`io_submit(0x7f00, 3, [{aio_data=0x1234, aio_lio_opcode=IOCB_CMD_FSYNC, aio_fildes=0}, {aio_data=0x1234, aio_lio_opcode=IOCB_CMD_POLL, aio_fildes=0, aio_buf=POLLIN|POLLOUT}, {aio_data=0x1234, aio_lio_opcode=77 /* IOCB_CMD_??? */, aio_reqprio=-1, aio_fildes=3}]) = 1`, "io_submit", ok(1), []uint64{0x7f00, 3, odd}},
		{`io_cancel(0x7f00, {aio_data=0x1234, aio_lio_opcode=IOCB_CMD_PWRITE, aio_fildes=1}, $2) = -1 EINVAL (Invalid argument)`, "io_cancel", failed(unix.EINVAL), []uint64{0x7f00, pwrite, words(1)}},
		{`io_cancel(NULL, 0x8, NULL) = -1 EFAULT (Bad address)`, "io_cancel", failed(unix.EFAULT), []uint64{0, bad, 0}},
		{`io_getevents(0x7f00, 0, 4, [{data=0x1234, obj=0x5678, res=6, res2=-1}], {tv_sec=0, tv_nsec=0}) = 1`, "io_getevents", ok(1), []uint64{0x7f00, 0, 4, words(0x1234, 0x5678, 6, 1<<64-1), words(0, 0)}},
		{`io_getevents(0x7f00, 0, 4, [], NULL) = 0`, "io_getevents", ok(0), []uint64{0x7f00, 0, 4, bad, 0}},
		{`io_pgetevents(0x7f00, 0, 4, [], NULL, {sigmask=[CHLD], sigsetsize=8}) = 0`, "io_pgetevents", ok(0), []uint64{0x7f00, 0, 4, bad, 0, words(words(1<<16), 8)}},
	})
}

func TestIPC(t *testing.T) {
	perm := func(rest ...uint64) uint64 {
		p := []any{uint32(19266), uint32(1), uint32(2), uint32(3), uint32(4), uint32(0620), uint64(0), uint64(0), uint64(0)}
		for _, n := range append(rest, make([]uint64, 10)...) {
			p = append(p, n)
		}
		return join(p...)
	}
	msg, shm, sem := perm(11, 12, 13, 0, 14, 16384, 15|16<<32), perm(8192, 11, 12, 13, 14|15<<32, 16), perm(11, 0, 12, 0, 2)
	einval := failed(unix.EINVAL)
	checkGolden(t, Options{}, []golden{
		{`msgctl(7, IPC_STAT, {msg_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, msg_stime=11, msg_rtime=12, msg_ctime=13, msg_qnum=14, msg_qbytes=16384, msg_lspid=15, msg_lrpid=16}) = 0`, "msgctl", ok(0), []uint64{7, 2, msg}},
		{`msgctl(7, IPC_SET, {msg_perm={uid=1, gid=2, mode=0620}, msg_qbytes=16384}) = 0`, "msgctl", ok(0), []uint64{7, 1, msg}},
		{`msgctl(7, IPC_INFO, {msgpool=1, msgmap=2, msgmax=3, msgmnb=4, msgmni=5, msgssz=6, msgtql=7, msgseg=65535}) = 18`, "msgctl", ok(18), []uint64{7, 3, ints(1, 2, 3, 4, 5, 6, 7, 65535)}},
		{`msgctl(7, MSG_STAT, $2) = -1 EINVAL (Invalid argument)`, "msgctl", einval, []uint64{7, 11, msg}},
		{`msgctl(7, IPC_SET, 0x8) = -1 EFAULT (Bad address)`, "msgctl", failed(unix.EFAULT), []uint64{7, 1, bad}},
		{`msgctl(7, 0x63 /* MSG_??? */, $2) = -1 EINVAL (Invalid argument)`, "msgctl", einval, []uint64{7, 99, msg}},
		{`msgctl(7, IPC_RMID, NULL) = 0`, "msgctl", ok(0), []uint64{7, 0, 0}},
		{`shmctl(7, IPC_STAT, {shm_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, shm_segsz=8192, shm_cpid=14, shm_lpid=15, shm_nattch=16, shm_atime=11, shm_dtime=12, shm_ctime=13}) = 0`, "shmctl", ok(0), []uint64{7, 2, shm}},
		{`shmctl(7, IPC_SET, {shm_perm={uid=1, gid=2, mode=0620}}) = 0`, "shmctl", ok(0), []uint64{7, 1, shm}},
		{`shmctl(0, IPC_INFO, {shmmax=18446744073692774399, shmmin=1, shmmni=4096, shmseg=4096, shmall=18446744073692774399}) = 62`, "shmctl", ok(62), []uint64{0, 3, words(18446744073692774399, 1, 4096, 4096, 18446744073692774399, 0, 0, 0, 0)}},
		{`shmctl(0, SHM_INFO, {used_ids=1, shm_tot=2, shm_rss=0, shm_swp=0, swap_attempts=0, swap_successes=0}) = 62`, "shmctl", ok(62), []uint64{0, 14, words(1, 2, 0, 0, 0, 0)}},
		{`shmctl(7, SHM_LOCK, NULL) = 0`, "shmctl", ok(0), []uint64{7, 11, 0}},
		{`semctl(7, 0, SETVAL, 0x7) = 0`, "semctl", ok(0), []uint64{7, 0, 16, 7}},
		{`semctl(7, 0, SETALL, $3) = 0`, "semctl", ok(0), []uint64{7, 0, 17, sem}},
		{`semctl(7, 0, IPC_STAT, {sem_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, sem_otime=11, sem_ctime=12, sem_nsems=2}) = 0`, "semctl", ok(0), []uint64{7, 0, 2, sem}},
		{`semctl(7, 0, IPC_SET, {sem_perm={uid=1, gid=2, mode=0620}}) = 0`, "semctl", ok(0), []uint64{7, 0, 1, sem}},
		{`semctl(0, 0, SEM_INFO, {semmap=1, semmni=2, semmns=3, semmnu=4, semmsl=5, semopm=6, semume=7, semusz=8, semvmx=9, semaem=10}) = 23`, "semctl", ok(23), []uint64{0, 0, 19, ints(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)}},
		{`semctl(7, 0, IPC_STAT, 0x8) = -1 EFAULT (Bad address)`, "semctl", failed(unix.EFAULT), []uint64{7, 0, 2, bad}},
	})
	arm := perm(11, 12, 2)
	if got, want := show(t, Options{}, table.ARM64, "semctl", ok(0), 7, 0, 2, arm), `semctl(7, 0, IPC_STAT, {sem_perm={uid=1, gid=2, mode=0620, key=19266, cuid=3, cgid=4}, sem_otime=11, sem_ctime=12, sem_nsems=2}) = 0`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPages(t *testing.T) {
	checkGolden(t, Options{}, []golden{
		{`mincore(0x5000, 8193, [1, 0, 1]) = 0`, "mincore", ok(0), []uint64{0x5000, 8193, cstr("\x01\x00\x03")}},
		{`mincore(0x5000, 0, []) = 0`, "mincore", ok(0), []uint64{0x5000, 0, cstr("")}},
		{`mincore(0x1, 3, $2) = -1 EINVAL (Invalid argument)`, "mincore", failed(unix.EINVAL), []uint64{1, 3, cstr("")}},
		{`kexec_load(0x1, 2, [{buf=0x77, bufsz=1, mem=0x1000, memsz=4096}, {buf=NULL, bufsz=0, mem=NULL, memsz=0}], KEXEC_ARCH_X86_64|KEXEC_ON_CRASH) = -1 ENOSYS (Function not implemented)`, "kexec_load", failed(unix.ENOSYS), []uint64{1, 2, words(0x77, 1, 0x1000, 4096, 0, 0, 0, 0), 0x3e0001}},
		{`kexec_load(0x1, 17, 0x8, KEXEC_ARCH_DEFAULT) = -1 ENOSYS (Function not implemented)`, "kexec_load", failed(unix.ENOSYS), []uint64{1, 17, bad, 0}},
	})
}
