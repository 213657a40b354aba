package decode

import "testing"

// Calls that strace 6.1 does not know.
func TestNewerCalls(t *testing.T) {
	checkGolden(t, Options{}, []golden{
		{`file_getattr(AT_FDCWD, "f", {fa_xflags=FS_XFLAG_IMMUTABLE, fa_extsize=0, fa_nextents=1, fa_projid=7, fa_cowextsize=0}, 24, 0) = 0`, "file_getattr", ok(0), []uint64{1<<32 - 100, cstr("f"), ints(8, 0, 0, 1, 7, 0), 24, 0}},
		{`cachestat(3, {off=0, len=4096}, {nr_cache=1, nr_dirty=2, nr_writeback=3, nr_evicted=4, nr_recently_evicted=5}, 0) = 0`, "cachestat", ok(0), []uint64{3, words(0, 4096), words(1, 2, 3, 4, 5), 0}},
		{`listmount({size=24, mnt_id=0xffffffffffffffff, param=0}, [0x80000001], 8, 0) = 1`, "listmount", ok(1), []uint64{words(24, 1<<64-1, 0), words(0x80000001), 8, 0}},
		{`setxattrat(AT_FDCWD, "f", 0, "user.a", {value=0x7000, size=3, flags=XATTR_CREATE}, 16) = 0`, "setxattrat", ok(0), []uint64{1<<32 - 100, cstr("f"), 0, cstr("user.a"), words(0x7000, 3|1<<32), 16}},
		{`futex_wake(0x7000, 0xffffffff, 1, FUTEX2_SIZE_U32|FUTEX2_PRIVATE) = 1`, "futex_wake", ok(1), []uint64{0x7000, 1<<32 - 1, 1, 0x82}},
		{`fchmodat2(AT_FDCWD, "f", 0600, AT_SYMLINK_NOFOLLOW) = 0`, "fchmodat2", ok(0), []uint64{1<<32 - 100, cstr("f"), 0600, 0x100}},
		{`file_setattr(AT_FDCWD, "f", {fa_xflags=0, fa_extsize=0, fa_nextents=0, fa_projid=7, fa_cowextsize=0}, 24, AT_SYMLINK_NOFOLLOW) = 0`, "file_setattr", ok(0), []uint64{1<<32 - 100, cstr("f"), ints(0, 0, 0, 0, 7, 0), 24, 0x100}},
		{`mseal(0x7f0000000000, 4096, 0) = 0`, "mseal", ok(0), []uint64{0x7f0000000000, 4096, 0}},
	})
}
