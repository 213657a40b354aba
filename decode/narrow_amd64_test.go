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
		{`getuid() = 65534`, "getuid", ok(65534), nil},
		{`chown("abc", -1, 5) = 0`, "chown", ok(0), []uint64{uint64(abc), 0xffff, 5}},
	}
	for _, tt := range tests {
		if got := show(t, Options{}, table.I386, tt.name, tt.res, tt.args...); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
