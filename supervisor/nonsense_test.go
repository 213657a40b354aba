package supervisor_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func init() {
	programs["nonsense"] = func() {
		n, err := unix.Pread(100, make([]byte, 10), 0)
		fmt.Println(n, err)
	}
}

// Results that a call cannot have are refused, with a message that names the handler.
func TestNonsenseIsRefused(t *testing.T) {
	for _, test := range []struct {
		result  table.Result
		want    string
		message string
	}{
		{table.Return(10), "10 <nil>\n", ""},
		{table.Return(11), "-1 input/output error\n", "11, of 10 bytes"},
		{table.Return(-5000), "-1 input/output error\n", "-5000, of 10 bytes"},
		{table.Errno(200), "-1 input/output error\n", "errno 200"},
		{table.Errno(200).Exactly(), "-1 errno 200\n", ""},
		{table.Errno(unix.EBADF), "-1 bad file descriptor\n", ""},
	} {
		cmd, out := self(t, "nonsense")
		cmd.Table = table.New()
		cmd.Table.HandleFunc("pread64", func(c *table.Call) table.Result {
			if c.FD(0) != 100 {
				return c.Native()
			}
			return test.result
		})
		message := ""
		cmd.Warn = func(err error) { message += err.Error() }
		run(t, cmd)
		if out.String() != test.want {
			t.Errorf("%v: the program got %q, not %q", test.result, out, test.want)
		}
		if (message != "") != (test.message != "") || !strings.Contains(message, test.message) ||
			message != "" && !strings.Contains(message, "TestNonsenseIsRefused") {
			t.Errorf("%v: message %q", test.result, message)
		}
	}
}

func init() {
	programs["too many"] = func() {
		for _, call := range [][4]uintptr{{unix.SYS_PPOLL, 0, 2, 0}, {unix.SYS_EPOLL_PWAIT, 100, 0, 2}, {unix.SYS_RECVMMSG, 100, 0, 2}, {unix.SYS_RECVFROM, 100, 0, 2}} {
			n, _, e := unix.RawSyscall6(call[0], call[1], call[2], call[3], 0, 0, 0)
			fmt.Println(int(n), e)
		}
		n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, 100, 0, 2, unix.MSG_TRUNC, 0, 0)
		fmt.Println(int(n), e)
	}
}

// So are more structs than the program has room for.
func TestTooManyAreRefused(t *testing.T) {
	cmd, out := self(t, "too many")
	cmd.Table = table.New()
	for _, name := range []string{"ppoll", "epoll_pwait", "recvmmsg", "recvfrom"} {
		cmd.Table.HandleFunc(name, func(c *table.Call) table.Result {
			if name == "ppoll" && (c.Arg(0) != 0 || c.Arg(1) != 2) || name != "ppoll" && c.FD(0) != 100 {
				return c.Native()
			}
			return table.Return(3)
		})
	}
	run(t, cmd)
	const refused = "-1 input/output error\n"
	if want := strings.Repeat(refused, 4) + "3 errno 0\n"; out.String() != want {
		t.Errorf("%q, want %q", out, want)
	}
}

// vectorCalls are made with two buffers of 5 bytes together, with one of 5 bytes, or of none.
var vectorCalls = []string{"readv", "preadv", "writev", "recvmsg", "fgetxattr", "flistxattr", "copy_file_range"}

func init() {
	programs["vectors"] = func() {
		buf := make([]byte, 5)
		iov := []unix.Iovec{{Base: &buf[0], Len: 2}, {Base: &buf[2], Len: 3}}
		msg := unix.Msghdr{Iov: &iov[0], Iovlen: 2}
		vec, at, hdr := uintptr(unsafe.Pointer(&iov[0])), uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&msg))
		for _, fd := range []uintptr{1005, 1006} {
			for _, call := range [][5]uintptr{{unix.SYS_READV, vec, 2}, {unix.SYS_PREADV, vec, 2}, {unix.SYS_WRITEV, vec, 2}, {unix.SYS_RECVMSG, hdr},
				{unix.SYS_RECVMSG, hdr, unix.MSG_TRUNC}, {unix.SYS_FGETXATTR, at, at, 5}, {unix.SYS_FGETXATTR, at, at, 0}, {unix.SYS_FLISTXATTR, at, 5},
				{unix.SYS_COPY_FILE_RANGE, 0, 0, 0, 5}, {unix.SYS_READV, 8, 2}} {
				n, _, e := unix.RawSyscall6(call[0], fd, call[1], call[2], call[3], call[4], 0)
				fmt.Print(int(n), " ", int(e), ",")
			}
			fmt.Println()
		}
		runtime.KeepAlive(iov)
		runtime.KeepAlive(&msg)
	}
}

// So are more bytes than there is room for in several buffers, and in those whose size only
// sometimes counts.
func TestVectorsAreNotOverrun(t *testing.T) {
	cmd, out := self(t, "vectors")
	cmd.Table = table.New()
	for _, name := range vectorCalls {
		cmd.Table.HandleFunc(name, func(c *table.Call) table.Result {
			if c.FD(0) < 1000 {
				return c.Native()
			}
			return table.Return(int64(c.FD(0) - 1000))
		})
	}
	run(t, cmd)
	// In memory that cannot be read nobody finds how much there is room for.
	const want = "5 0,5 0,5 0,5 0,5 0,5 0,5 0,5 0,5 0,5 0,\n-1 5,-1 5,-1 5,-1 5,6 0,-1 5,6 0,-1 5,-1 5,6 0,\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out, want)
	}
}
