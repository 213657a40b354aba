package decode

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// File systems and virtual machines.
func TestStorageRequests(t *testing.T) {
	ebadf := failed(unix.EBADF)
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	search := func(n uint32) uint64 {
		const all = uint64(1<<64 - 1)
		return join(uint64(5), uint64(256), all-255, uint64(1), all, uint64(2), all, uint32(1), uint32(12), uint64(n), zeros(32),
			uint64(9), uint64(257), uint64(3), uint32(1), uint32(8), zeros(4000))
	}
	const key = `tree_id=BTRFS_FS_TREE_OBJECTID, `
	const ends = `min_offset=1, max_offset=UINT64_MAX, min_transid=2, max_transid=UINT64_MAX, min_type=BTRFS_INODE_ITEM_KEY, max_type=BTRFS_INODE_REF_KEY, nr_items=1}`
	files := func() uint64 {
		return join(uint64(1), uint64(2), uint32(3), uint32(0), uint64(7), uint64(8), uint64(9), uint64(0), uint64(7), zeros(24), uint64(7), zeros(24))
	}
	segment := strings.Repeat("\x01", 24)
	checkGolden(t, Options{}, []golden{
		request(`BTRFS_IOC_BALANCE_CTL, BTRFS_BALANCE_CTL_CANCEL`+badFD, ebadf, 0x40049421, 2),
		request(`BTRFS_IOC_SNAP_CREATE, {fd=3, name="sub"}`+badFD, ebadf, 0x50009401, join(uint64(3), "sub", zeros(4085))),
		request(`BTRFS_IOC_SUBVOL_CREATE_V2, {fd=3, flags=BTRFS_SUBVOL_RDONLY, name="sub"} => {transid=7}) = 0`, ok(0), 0x50009418, join(uint64(3), uint64(7), uint64(2), zeros(32), "sub", zeros(4037))),
		request(`BTRFS_IOC_TREE_SEARCH, {key={`+key+ends+`} => {key={nr_items=1}, ...}) = 0`, ok(0), 0xd0009411, search(1)),
		request(`BTRFS_IOC_FILE_EXTENT_SAME or FIDEDUPERANGE, {src_offset=1, src_length=2, dest_count=3, info=[{dest_fd=7, dest_offset=8}, {dest_fd=7, dest_offset=0}, ...]} => {info=[{bytes_deduped=9, status=0}, {bytes_deduped=0, status=0}, ...]}) = 0`, ok(0), 0xc0189436, files()),
		request(`KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) = 1`, ok(1), 0xae03, 3),
		request(`KVM_SET_REGS, {rax=0x1, ..., rsp=0x7, rbp=0x8, ..., rip=0x11, rflags=0x12}`+badFD, ebadf, 0x4090ae82, words(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)),
		request(`KVM_GET_SREGS, {cs={base=0x101010101010101, limit=16843009, selector=257, type=1, present=1, dpl=1, db=1, s=1, l=1, g=1, avl=1}, ...}) = 0`, ok(0), 0x8138ae83, join(segment, zeros(288))),
		request(`KVM_SET_CPUID2, {nent=2, entries=[...]}`+badFD, ebadf, 0x4008ae90, join(uint64(2), zeros(80))),
	})
	checkGolden(t, Options{Verbose: true}, []golden{
		request(`BTRFS_IOC_TREE_SEARCH, {key={`+key+`min_objectid=BTRFS_FIRST_FREE_OBJECTID, max_objectid=BTRFS_LAST_FREE_OBJECTID, `+ends+`} => {key={nr_items=1}, buf=[{transid=9, objectid=257, offset=3, type=BTRFS_INODE_ITEM_KEY, len=8}]}) = 0`, ok(0), 0xd0009411, search(1)),
		request(`KVM_SET_CPUID2, {nent=1, entries=[{function=0x1, index=0x2, flags=KVM_CPUID_FLAG_SIGNIFCANT_INDEX, eax=0x4, ebx=0x5, ecx=0x6, edx=0x7}]}`+badFD, ebadf, 0x4008ae90, ints(1, 0, 1, 2, 1, 4, 5, 6, 7, 0, 0, 0)),
	})
}
