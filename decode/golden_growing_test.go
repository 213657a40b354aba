package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func TestUringSetup(t *testing.T) {
	params := func(flags, cpu, wq, resv uint32) []uint32 {
		p := make([]uint32, 30)
		p[2], p[3], p[4], p[6], p[8] = flags, cpu, 5, wq, resv
		return p
	}
	checkGolden(t, Options{}, []golden{
		{`io_uring_setup(8, {flags=IORING_SETUP_SQPOLL|IORING_SETUP_ATTACH_WQ, sq_thread_cpu=0x1, sq_thread_idle=5, wq_fd=3}) = -1 EINVAL (Invalid argument)`, "io_uring_setup", failed(unix.EINVAL), []uint64{8, ints(params(0x22, 1, 3, 0)...)}},
		{`io_uring_setup(8, {flags=0, sq_thread_cpu=0x1, sq_thread_idle=5, resv=[0, 0x7, 0]}) = -1 EINVAL (Invalid argument)`, "io_uring_setup", failed(unix.EINVAL), []uint64{8, ints(params(0, 1, 3, 7)...)}},
		{`io_uring_setup(8, 0x8) = -1 EFAULT (Bad address)`, "io_uring_setup", failed(unix.EFAULT), []uint64{8, bad}},
		{`io_uring_enter(3, 0, 0, IORING_ENTER_GETEVENTS, [HUP], 8) = 0`, "io_uring_enter", ok(0), []uint64{3, 0, 0, 1, words(1), 8}},
		{`io_uring_enter(3, 0, 1, IORING_ENTER_GETEVENTS|IORING_ENTER_EXT_ARG, $4, 24) = -1 ETIME (Timer expired)`, "io_uring_enter", failed(unix.ETIME), []uint64{3, 0, 1, 9, words(1, 2, 3), 24}},
	})
	// The kernel fills in what it has made.
	p := params(0, 0, 0, 0)
	p[4] = 0
	e, c := event(t, Options{}, table.AMD64, "io_uring_setup", 8, at((*[30]uint32)(p)))
	e.Entry(c)
	copy(p, []uint32{8, 16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4, 16, 24, 36, 32, 320, 0, 0, 0, 8, 12, 20, 28, 44, 64, 40})
	e.Exit(c, ok(3))
	want := `io_uring_setup(8, {flags=0, sq_thread_cpu=0, sq_thread_idle=0, sq_entries=8, cq_entries=16, features=IORING_FEAT_SINGLE_MMAP|IORING_FEAT_NODROP, sq_off={head=0, tail=4, ring_mask=16, ring_entries=24, flags=36, dropped=32, array=320}, cq_off={head=8, tail=12, ring_mask=20, ring_entries=28, overflow=44, cqes=64, flags=40}}) = 3`
	if got := line(e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUringRegister(t *testing.T) {
	ebadf := failed(unix.EBADF)
	fds, iov := ints(0, 1<<32-1, 2), words(0x7000, 64, 0x8000, 32)
	const register = "io_uring_register"
	checkGolden(t, Options{}, []golden{
		{`io_uring_register(3, IORING_REGISTER_BUFFERS, [{iov_base=0x7000, iov_len=64}, {iov_base=0x8000, iov_len=32}], 2) = 0`, register, ok(0), []uint64{3, 0, iov, 2}},
		{`io_uring_register(3, IORING_UNREGISTER_BUFFERS, NULL, 0) = 0`, register, ok(0), []uint64{3, 1, 0, 0}},
		{`io_uring_register(3, IORING_REGISTER_FILES, [0, -1, 2], 3) = 0`, register, ok(0), []uint64{3, 2, fds, 3}},
		{`io_uring_register(3, IORING_REGISTER_EVENTFD, 0x8, 1) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 4, bad, 1}},
		{`io_uring_register(3, IORING_REGISTER_FILES_UPDATE, {offset=1, fds=[0, -1]}, 2) = 2`, register, ok(2), []uint64{3, 6, words(1, fds), 2}},
		{`io_uring_register(3, IORING_REGISTER_FILES_UPDATE, {offset=1, resv=0x5, fds=[0, -1]}, 2) = 2`, register, ok(2), []uint64{3, 6, words(1|5<<32, fds), 2}},
		{`io_uring_register(3, IORING_REGISTER_USE_REGISTERED_RING|IORING_UNREGISTER_FILES, $2, 2) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 1<<31 | 3, words(0), 2}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, {last_op=200 /* IORING_OP_??? */, ops_len=1, ops=[{op=IORING_OP_READV, flags=IO_URING_OP_SUPPORTED}]} => {last_op=200 /* IORING_OP_??? */, ops_len=1, ops=[{op=IORING_OP_READV, flags=IO_URING_OP_SUPPORTED}]}, 1) = 0`, register, ok(0), []uint64{3, 8, words(200|1<<8, 0, 1|1<<16), 1}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, {last_op=IORING_OP_NOP, ops_len=2, ops=[{op=IORING_OP_NOP, resv=0x3, flags=0, resv2=0x4}]}, 1) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 8, words(2<<8, 0, 3<<8|4<<32), 1}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, {last_op=IORING_OP_NOP, ops_len=0, ops=[]}, 2) = 0`, register, ok(0), []uint64{3, 8, words(0, 0, 0, 0), 2}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, $2, 2) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 8, words(0, 0, 0, 0), 2}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, 0x10, 300) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 8, 16, 300}},
		{`io_uring_register(3, IORING_REGISTER_FILES_UPDATE2, {offset=0, data=[IORING_REGISTER_FILES_SKIP, 4], tags=NULL, nr=2, /* bytes 32..39 */ "\x01\x00\x00\x00\x00\x00\x00\x00"}, 40) = 2`, register, ok(2), []uint64{3, 14, words(0, ints(1<<32-2, 4), 0, 2, 1), 40}},
		{`io_uring_register(3, IORING_REGISTER_RESTRICTIONS, [{opcode=0x9 /* IORING_RESTRICTION_??? */ /* op: 0x7 */, resv=0x1}], 1) = 0`, register, ok(0), []uint64{3, 11, words(9|7<<16|1<<24, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_SYNC_CANCEL, {addr=0x7, fd=4, flags=IORING_ASYNC_CANCEL_ALL|IORING_ASYNC_CANCEL_FD, timeout={tv_sec=1, tv_nsec=2}}, 1) = 0`, register, ok(0), []uint64{3, 24, words(7, 4|3<<32, 1, 2, 0, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_SYNC_CANCEL, 0x10, 2) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 24, 16, 2}},
		{`io_uring_register(3, IORING_REGISTER_FILE_ALLOC_RANGE, {off=2, len=3, resv=0x4}, 0) = 0`, register, ok(0), []uint64{3, 25, words(2|3<<32, 4), 0}},
		{`io_uring_register(3, IORING_REGISTER_PBUF_STATUS, {buf_group=2, head=3}, 1) = 0`, register, ok(0), []uint64{3, 26, words(2|3<<32, 0, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_NAPI, {busy_poll_to=50, prefer_busy_poll=1, opcode=IO_URING_NAPI_REGISTER_OP, op_param=IO_URING_NAPI_TRACKING_STATIC}, 1) = 0`, register, ok(0), []uint64{3, 27, words(50|1<<32, 1), 1}},
		{`io_uring_register(3, IORING_UNREGISTER_NAPI, {busy_poll_to=50, prefer_busy_poll=1}, 1) = 0`, register, ok(0), []uint64{3, 28, words(50|1<<32, 1), 1}},
		{`io_uring_register(3, IORING_REGISTER_CLOCK, {clockid=CLOCK_MONOTONIC}, 0) = 0`, register, ok(0), []uint64{3, 29, words(1, 0), 0}},
		{`io_uring_register(3, IORING_REGISTER_CLONE_BUFFERS, {src_fd=5, flags=IORING_REGISTER_DST_REPLACE, src_off=1, dst_off=2, nr=3}, 1) = 0`, register, ok(0), []uint64{3, 30, words(5|2<<32, 1|2<<32, 3, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_ZCRX_IFQ, {if_idx=0, if_rxq=1, rq_entries=64, flags=0, area_ptr=0x1000, region_ptr=0x2000, offsets={head=0, tail=0, rqes=0}, zcrx_id=0}, 1) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 32, words(1<<32, 64, 0x1000, 0x2000, 0, 0, 0, 0, 0, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_RESIZE_RINGS, {sq_entries=8, cq_entries=16, flags=IORING_SETUP_CQSIZE}, 1) = 0`, register, ok(0), []uint64{3, 33, words(8|16<<32, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_MEM_REGION, {region_uptr={user_addr=0x1000, size=4096, flags=0x1, id=0, mmap_offset=0}, flags=IORING_MEM_REGION_REG_WAIT_ARG}, 1) = 0`, register, ok(0), []uint64{3, 34, words(words(0x1000, 4096, 1, 0, 0, 0, 0, 0), 1, 0, 0), 1}},
		{`io_uring_register(-1, IORING_REGISTER_QUERY, {next_entry=NULL, query_data=0x1000, query_op=IO_URING_QUERY_OPCODES, size=40, result=-22}, 0) = 0`, register, ok(0), []uint64{1<<32 - 1, 35, words(0, 0x1000, 40<<32, 1<<32-22, 0), 0}},
		{`io_uring_register(3, IORING_REGISTER_PBUF_RING, {ring_addr=0x1000, ring_entries=8, bgid=1, flags=IOU_PBUF_RING_MMAP}, 1) = 0`, register, ok(0), []uint64{3, 22, words(0x1000, 8|1<<32|1<<48, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_PBUF_RING, {ring_addr=0x1000, ring_entries=8, bgid=1, pad=0x11}, 1) = 0`, register, ok(0), []uint64{3, 22, words(0x1000, 8|1<<32|0x11<<48, 0, 0, 0), 1}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_MAX_WORKERS, [], 0) = 0`, register, ok(0), []uint64{3, 19, ints(8, 0), 0}},
		{`io_uring_register(3, IORING_REGISTER_PROBE, 0x8, 3) = -1 EFAULT (Bad address)`, register, failed(unix.EFAULT), []uint64{3, 8, bad, 3}},
		{`io_uring_register(3, IORING_REGISTER_RESTRICTIONS, [{opcode=IORING_RESTRICTION_REGISTER_OP, register_op=IORING_UNREGISTER_EVENTFD}, {opcode=IORING_RESTRICTION_SQE_OP, sqe_op=IORING_OP_POLL_ADD}, {opcode=IORING_RESTRICTION_SQE_FLAGS_ALLOWED, sqe_flags=IOSQE_FIXED_FILE|IOSQE_IO_DRAIN}], 3) = -1 EBADFD (File descriptor in bad state)`, register, failed(unix.EBADFD), []uint64{3, 11, words(5<<16, 0, 1|6<<16, 0, 2|3<<16, 0), 3}},
		{`io_uring_register(3, IORING_REGISTER_FILES2, {nr=2, flags=0, data=[0, -1], tags=NULL}, 32) = 0`, register, ok(0), []uint64{3, 13, words(2, 0, fds, 0), 32}},
		{`io_uring_register(3, IORING_REGISTER_FILES2, $2, 31) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 13, words(2, 0, fds, 0), 31}},
		{`io_uring_register(3, IORING_REGISTER_BUFFERS2, {nr=1, flags=IORING_RSRC_REGISTER_SPARSE, resv2=0x9, data=[{iov_base=0x7000, iov_len=64}], tags=[0x7]}, 32) = 0`, register, ok(0), []uint64{3, 15, words(1|1<<32, 9, iov, words(7)), 32}},
		{`io_uring_register(3, IORING_REGISTER_BUFFERS_UPDATE, {offset=0, data=[{iov_base=0x7000, iov_len=64}], tags=NULL, nr=1}, 32) = 1`, register, ok(1), []uint64{3, 16, words(0, iov, 0, 1), 32}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_AFF, [0 1], 8) = 0`, register, ok(0), []uint64{3, 17, words(3), 8}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_AFF, [], 0) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 17, words(3), 0}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_MAX_WORKERS, [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=0] => [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=0], 2) = 0`, register, ok(0), []uint64{3, 19, ints(8, 0), 2}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_MAX_WORKERS, [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=0] => $2, 2) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 19, ints(8, 0), 2}},
		{`io_uring_register(3, IORING_REGISTER_IOWQ_MAX_WORKERS, 0x8, 2) = -1 EBADF (Bad file descriptor)`, register, ebadf, []uint64{3, 19, bad, 2}},
		{`io_uring_register(3, IORING_REGISTER_RING_FDS, [{offset=-1, data=3}], 1) = 1`, register, ok(1), []uint64{3, 20, words(1<<32-1, 3), 1}},
		{`io_uring_register(3, IORING_UNREGISTER_RING_FDS, [{offset=0, data=0x3}], 1) = -1 EINVAL (Invalid argument)`, register, failed(unix.EINVAL), []uint64{3, 21, words(0, 3), 1}},
		{`io_uring_register(3, IORING_REGISTER_PBUF_RING, {ring_addr=0x1000, ring_entries=8, bgid=1, resv=[0x10, 0, 0x9]}, 1) = -1 EFAULT (Bad address)`, register, failed(unix.EFAULT), []uint64{3, 22, words(0x1000, 8|1<<32, 16, 0, 9), 1}},
	})
}

func TestFsconfig(t *testing.T) {
	einval := failed(unix.EINVAL)
	long := cstr(strings.Repeat("k", 256))
	checkGolden(t, Options{}, []golden{
		{`fsconfig(3, FSCONFIG_SET_FLAG, "ro", NULL, 0) = 0`, "fsconfig", ok(0), []uint64{3, 0, cstr("ro"), 0, 0}},
		{`fsconfig(3, FSCONFIG_SET_STRING, "source", "tmpfs", 0) = 0`, "fsconfig", ok(0), []uint64{3, 1, cstr("source"), cstr("tmpfs"), 0}},
		{`fsconfig(3, FSCONFIG_SET_BINARY, "key", "\x61\x00", 2) = -1 EINVAL (Invalid argument)`, "fsconfig", einval, []uint64{3, 2, cstr("key"), bytesAt([]byte{'a', 0}), 2}},
		{`fsconfig(3, FSCONFIG_SET_BINARY, "key", $3, 2000000) = -1 EINVAL (Invalid argument)`, "fsconfig", einval, []uint64{3, 2, cstr("key"), long, 2000000}},
		{`fsconfig(3, FSCONFIG_SET_PATH, "dir", "/tmp", AT_FDCWD) = 0`, "fsconfig", ok(0), []uint64{3, 3, cstr("dir"), cstr("/tmp"), cwd}},
		{`fsconfig(3, FSCONFIG_SET_FD, 0x8, NULL, 5) = -1 EINVAL (Invalid argument)`, "fsconfig", einval, []uint64{3, 5, bad, 0, 5}},
		{`fsconfig(3, FSCONFIG_CMD_CREATE, NULL, NULL, 0) = 0`, "fsconfig", ok(0), []uint64{3, 6, 0, 0, 0}},
		{`fsconfig(3, FSCONFIG_CMD_CREATE, $2, 0x8, -1) = 0`, "fsconfig", ok(0), []uint64{3, 6, long, bad, 1<<32 - 1}},
	})
	limit := Options{StringLimit: 300}
	checkGolden(t, limit, []golden{
		{`fsconfig(3, FSCONFIG_SET_FLAG, "` + strings.Repeat("k", 256) + `"..., NULL, 0) = 0`, "fsconfig", ok(0), []uint64{3, 0, long, 0, 0}},
	})
}

func TestLandlock(t *testing.T) {
	enoent := failed(unix.ENOENT)
	checkGolden(t, Options{}, []golden{
		{`landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) = 7`, "landlock_create_ruleset", ok(7), []uint64{0, 0, 1}},
		{`landlock_create_ruleset({handled_access_fs=LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_WRITE_FILE}, 8, 0) = 5`, "landlock_create_ruleset", ok(5), []uint64{words(3), 8, 0}},
		{`landlock_create_ruleset({handled_access_fs=0x10000000000 /* LANDLOCK_ACCESS_FS_??? */, handled_access_net=LANDLOCK_ACCESS_NET_BIND_TCP}, 16, 0) = 5`, "landlock_create_ruleset", ok(5), []uint64{words(1<<40, 1), 16, 0}},
		{`landlock_create_ruleset({handled_access_fs=0, handled_access_net=0, scoped=LANDLOCK_SCOPE_SIGNAL, ...}, 100, 0) = -1 E2BIG (Argument list too long)`, "landlock_create_ruleset", failed(unix.E2BIG), []uint64{words(0, 0, 2), 100, 0}},
		{`landlock_create_ruleset($0, 4, 0) = -1 EINVAL (Invalid argument)`, "landlock_create_ruleset", failed(unix.EINVAL), []uint64{words(3), 4, 0}},
		{`landlock_add_rule(5, LANDLOCK_RULE_PATH_BENEATH, {allowed_access=LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE, parent_fd=8}, 0) = 0`, "landlock_add_rule", ok(0), []uint64{5, 1, words(5, 8), 0}},
		{`landlock_add_rule(5, LANDLOCK_RULE_NET_PORT, {allowed_access=LANDLOCK_ACCESS_NET_BIND_TCP, port=80}, 0) = 0`, "landlock_add_rule", ok(0), []uint64{5, 2, words(1, 80), 0}},
		{`landlock_add_rule(-1, 0x7 /* LANDLOCK_RULE_??? */, $2, 0x5) = -1 EINVAL (Invalid argument)`, "landlock_add_rule", failed(unix.EINVAL), []uint64{1<<32 - 1, 7, words(1, 80), 5}},
		{`mount_setattr(-1, "/nope", AT_EMPTY_PATH, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=MOUNT_ATTR_NOSUID, propagation=MS_PRIVATE, userns_fd=3}, 32) = -1 ENOENT (No such file or directory)`, "mount_setattr", enoent, []uint64{1<<32 - 1, cstr("/nope"), 0x1000, words(1, 2, 1<<18, 3), 32}},
		{`mount_setattr(-1, "/nope", 0, {attr_set=MOUNT_ATTR_IDMAP, attr_clr=0, propagation=0 /* MS_??? */, userns_fd=4294967295}, 32) = -1 ENOENT (No such file or directory)`, "mount_setattr", enoent, []uint64{1<<32 - 1, cstr("/nope"), 0, words(0x100000, 0, 0, 1<<32-1), 32}},
		{`mount_setattr(AT_FDCWD, "/nope", 0, {attr_set=0, attr_clr=0, propagation=0 /* MS_??? */, userns_fd=18446744073709551615, /* bytes 32..39 */ "\x09\x00\x00\x00\x00\x00\x00\x00"}, 40) = -1 ENOENT (No such file or directory)`, "mount_setattr", enoent, []uint64{cwd, cstr("/nope"), 0, words(0, 0, 0, 1<<64-1, 9), 40}},
		{`mount_setattr(AT_FDCWD, "/nope", 0, $3, 16) = -1 ENOENT (No such file or directory)`, "mount_setattr", enoent, []uint64{cwd, cstr("/nope"), 0, words(0, 0, 0, 0), 16}},
	})
}

// TestGrowing: structs that are longer than what is known of them.
func TestGrowing(t *testing.T) {
	e2big := failed(unix.E2BIG)
	zeros := make([]byte, 8192)
	long := make([]byte, 8192)
	long[100] = 1
	dots := strings.Repeat(`\x00`, 32)
	checkGolden(t, Options{}, []golden{
		{`openat2(AT_FDCWD, "/nope", {flags=O_RDONLY, resolve=0}, 8192) = -1 E2BIG (Argument list too long)`, "openat2", e2big, []uint64{cwd, cstr("/nope"), bytesAt(zeros), 8192}},
		{`openat2(AT_FDCWD, "/nope", {flags=O_RDONLY, resolve=0, /* bytes 24..4095 */ "` + dots + `"...}, 8192) = -1 E2BIG (Argument list too long)`, "openat2", e2big, []uint64{cwd, cstr("/nope"), bytesAt(long), 8192}},
		{`openat2(AT_FDCWD, "/nope", $2, 23) = -1 EINVAL (Invalid argument)`, "openat2", failed(unix.EINVAL), []uint64{cwd, cstr("/nope"), bytesAt(long), 23}},
		{`clone3({flags=0, exit_signal=0, stack=NULL, stack_size=0, /* bytes 88..127 */ "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01` + dots[:4*19] + `"...}, 128) = -1 E2BIG (Argument list too long)`, "clone3", e2big, []uint64{bytesAt(long), 128}},
	})
}

func TestFutexWaitv(t *testing.T) {
	einval := failed(unix.EINVAL)
	checkGolden(t, Options{}, []golden{
		{`futex_waitv([{val=0x1, uaddr=0x7000, flags=FUTEX_32}, {val=0x3, uaddr=NULL, flags=FUTEX_32|FUTEX_PRIVATE_FLAG|0x7d, __reserved=0x1}], 2, 0, NULL, CLOCK_MONOTONIC) = -1 EINVAL (Invalid argument)`, "futex_waitv", einval, []uint64{words(1, 0x7000, 2, 3, 0, 0xff|1<<32), 2, 0, 0, 1}},
		{`futex_waitv([], 0, 0x1, NULL, CLOCK_REALTIME) = -1 EINVAL (Invalid argument)`, "futex_waitv", einval, []uint64{words(1), 0, 1, 0, 0}},
	})
}
