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
