package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// A golden line is what strace 6.1 shows of a call. $0 to $5 stand for the
// addresses that are the arguments.
type golden struct {
	want, name string
	res        table.Result
	args       []uint64
}

func checkGolden(t *testing.T, opts Options, lines []golden) {
	t.Helper()
	for _, g := range lines {
		want := g.want
		for i, a := range g.args {
			want = strings.ReplaceAll(want, fmt.Sprintf("$%d", i), fmt.Sprintf("%#x", a))
		}
		if got := show(t, opts, table.AMD64, g.name, g.res, g.args...); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestNoStrings: strace -s 0.
func TestNoStrings(t *testing.T) {
	checkGolden(t, Options{StringLimit: -1}, []golden{
		{`write(3, ""..., 5) = -1 EBADF (Bad file descriptor)`, "write", failed(unix.EBADF), []uint64{3, cstr("hello"), 5}},
		{`write(3, "", 0) = -1 EBADF (Bad file descriptor)`, "write", failed(unix.EBADF), []uint64{3, cstr(""), 0}},
		{`chdir("/tmp") = 0`, "chdir", ok(0), []uint64{cstr("/tmp")}},
		{`writev(3, [...], 2) = -1 EBADF (Bad file descriptor)`, "writev", failed(unix.EBADF), []uint64{3, words(1, 2, 3, 4), 2}},
		{`poll([...], 1, 0) = 1 ([...])`, "poll", ok(1), []uint64{join(uint32(0), uint16(1), uint16(1)), 1, 0}},
		{`execve("/tmp/s0", [...], NULL) = 0`, "execve", ok(0), []uint64{cstr("/tmp/s0"), words(cstr("a"), 0), 0}},
	})
}

// TestSmall: what has no better place.
func TestSmall(t *testing.T) {
	name := cstr("abc")
	checkGolden(t, Options{}, []golden{
		{`poll([{fd=0, events=POLLIN|POLLHUP|POLLRDNORM}], 1, 0) = 1 ([{fd=0, revents=POLLIN|POLLRDNORM}])`, "poll", ok(1), []uint64{join(uint32(0), uint16(0x51), uint16(0x41)), 1, 0}},
		{`sethostname("abc", 3) = 0`, "sethostname", ok(0), []uint64{name, 3}},
		{`sethostname($0, 4294967295) = -1 EINVAL (Invalid argument)`, "sethostname", failed(unix.EINVAL), []uint64{name, 1<<64 - 1}},
		{`setdomainname($0, 65) = -1 EINVAL (Invalid argument)`, "setdomainname", failed(unix.EINVAL), []uint64{name, 65}},
	})
}
