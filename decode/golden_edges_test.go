package decode

import (
	"fmt"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// guarded returns the address of b where memory ends right behind it.
func guarded(t *testing.T, b []byte) uint64 {
	t.Helper()
	const page = 4096
	m, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(m) })
	if err := unix.Mprotect(m[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	copy(m[page-len(b):], b)
	return bytesAt(m[page-len(b):])
}

// TestWhereMemoryEnds: of what is cut, one element or byte more is looked at. The lines
// are of strace 6.1.
func TestWhereMemoryEnds(t *testing.T) {
	words := func(n ...uint64) []byte {
		var b []byte
		for _, x := range n {
			b = le.AppendUint64(b, x)
		}
		return b
	}
	three := guarded(t, words(1, 2, 3))
	text := guarded(t, []byte("XXXX"))
	efault := failed(unix.EFAULT)
	checkGolden(t, Options{StringLimit: 3}, []golden{
		{`move_pages(1, 0, [], [], [], 0) = -1 EPERM (Operation not permitted)`, "move_pages", failed(unix.EPERM), []uint64{1, 0, three, three, three, 0}},
		{fmt.Sprintf(`move_pages(1, 4, [0x1, 0x2, 0x3, ... /* %#x */], NULL, $4, 0) = -1 EFAULT (Bad address)`, three+24), "move_pages", efault, []uint64{1, 4, three, 0, bad, 0}},
		{`move_pages(1, 3, [0x1, 0x2, 0x3], NULL, $4, 0) = -1 EFAULT (Bad address)`, "move_pages", efault, []uint64{1, 3, three, 0, bad, 0}},
		{`write(1, "XXX"..., 4) = 4`, "write", ok(4), []uint64{1, text, 4}},
		{`write(1, $1, 5) = -1 EFAULT (Bad address)`, "write", efault, []uint64{1, text + 1, 5}},
	})
	checkGolden(t, Options{StringLimit: 30}, []golden{
		{`prctl(PR_SET_NAME, "123456789abcdef"...) = 0`, "prctl", ok(0), []uint64{unix.PR_SET_NAME, guarded(t, []byte("123456789abcdef"))}},
		{`prctl(PR_SET_NAME, $1) = -1 EFAULT (Bad address)`, "prctl", efault, []uint64{unix.PR_SET_NAME, guarded(t, []byte("123456789abcde"))}},
	})
}

// TestOddResults: what calls return and fill in rare cases.
func TestOddResults(t *testing.T) {
	attr := ints(1)
	checkGolden(t, Options{}, []golden{
		{`modify_ldt(1, NULL, 0) = 4294967258 ENOSYS (Function not implemented)`, "modify_ldt", ok(1<<32 - 38), []uint64{1, 0, 0}},
		{`rt_sigpending([HUP], 4) = 0`, "rt_sigpending", ok(0), []uint64{ints(1), 4}},
		{`sched_setattr(0, {size=1} => {size=1}, 0) = -1 E2BIG (Argument list too long)`, "sched_setattr", failed(unix.E2BIG), []uint64{0, attr, 0}},
		{`select(1, [], NULL, NULL, NULL) = 1 ()`, "select", ok(1), []uint64{1, join(uint64(0)), 0, 0, 0}},
		{`prctl(PR_SVE_GET_VL) = 0x10000 (0x10000|0)`, "prctl", ok(0x10000), []uint64{unix.PR_SVE_GET_VL}},
		{`prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 7, 0 /* PIDTYPE_PID */, [0x5]) = 0`, "prctl", ok(0), []uint64{unix.PR_SCHED_CORE, 0, 7, 0, join(uint64(5))}},
		{`syslog(8 /* SYSLOG_ACTION_CONSOLE_LEVEL */, NULL, 8 /* LOGLEVEL_DEBUG+1 */) = 0`, "syslog", ok(0), []uint64{8, 0, 8}},
	})
}

// TestWholeNumbers: numbers with several names in the other styles.
func TestWholeNumbers(t *testing.T) {
	for _, tt := range []struct{ call, raw, both string }{
		{"set_mempolicy", `set_mempolicy(0x8001, NULL, 0)`, `set_mempolicy(0x8001 /* MPOL_PREFERRED|MPOL_F_STATIC_NODES */, NULL, 0)`},
		{"prctl", `prctl(0x32, 0x20001)`, `prctl(0x32 /* PR_SVE_SET_VL */, 0x20001 /* PR_SVE_VL_INHERIT|0x1 */)`},
		{"quotactl", `quotactl(2147484416, NULL)`, `quotactl(2147484416 /* QCMD(Q_QUOTAOFF, USRQUOTA) */, NULL)`},
	} {
		args := map[string][]uint64{"set_mempolicy": {0x8001, 0, 0}, "prctl": {unix.PR_SVE_SET_VL, 0x20001}, "quotactl": {0x80000300, 0, 0, 0}}[tt.call]
		e, c := event(t, Options{}, host, tt.call, args...)
		e.Entry(c)
		e.Exit(c, ok(0))
		for style, want := range map[ConstStyle]string{ConstRaw: tt.raw, ConstBoth: tt.both} {
			text := Text{Consts: style}
			if got := string(text.AppendExit(text.AppendEntry(nil, e), e)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
}

// TestOthersDescriptor: the descriptor that pidfd_getfd copies is not the caller's.
func TestOthersDescriptor(t *testing.T) {
	opts := Options{FDName: func(table.Thread, int) (FDName, bool) { return FDName{Path: "/dev/full"}, true }}
	checkGolden(t, opts, []golden{
		{`pidfd_getfd(0</dev/full>, 0, 0) = -1 EBADF (Bad file descriptor)`, "pidfd_getfd", failed(unix.EBADF), []uint64{0, 0, 0}},
	})
	opts.OtherFD = func(_ table.Thread, pidfd, fd int) (FDName, bool) {
		return FDName{Path: fmt.Sprintf("/%d/%d", pidfd, fd), Note: "<char 1:7>"}, true
	}
	opts.ProcessFD = opts.OtherFD
	checkGolden(t, opts, []golden{
		{`kcmp(2, 3, KCMP_FILE, 4</2/4<char 1:7>>, 5</3/5<char 1:7>>) = 0`, "kcmp", ok(0), []uint64{2, 3, 0, 4, 5}},
		{`kcmp(-2, 3, KCMP_FILE, 4, -1) = -1 ESRCH (No such process)`, "kcmp", failed(unix.ESRCH), []uint64{1<<64 - 2, 3, 0, 4, 1<<64 - 1}},
		{`pidfd_getfd(3</dev/full>, 4</3/4<char 1:7>>, 0) = 5</dev/full>`, "pidfd_getfd", ok(5), []uint64{3, 4, 0}},
		{`pidfd_getfd(-1, 4, 0) = -1 EBADF (Bad file descriptor)`, "pidfd_getfd", failed(unix.EBADF), []uint64{0xffffffff, 4, 0}},
	})
}

// TestDeletedNames: what only ends like the name of something deleted is shown as it is.
func TestDeletedNames(t *testing.T) {
	for exists, want := range map[bool]string{false: `fsync(3</a>(deleted)) = 0`, true: `fsync(3</a (deleted)>) = 0`} {
		opts := Options{FDName: func(table.Thread, int) (FDName, bool) { return FDName{Path: "/a (deleted)", Exists: exists}, true }}
		checkGolden(t, opts, []golden{{want, "fsync", ok(0), []uint64{3}}})
	}
}
