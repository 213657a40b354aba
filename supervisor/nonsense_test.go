package supervisor_test

import (
	"fmt"
	"strings"
	"testing"

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
