package supervisor_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// After a call whose exit stop is left out, a handler can do all it can do after others.
func TestAfterReturning(t *testing.T) {
	const trapped = `trap 'echo caught' USR1; kill -USR1 $$; exec /bin/sh -c 'echo executed'`
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		for _, name := range []string{"rt_sigreturn", "execve"} {
			cmd := supervisor.Command("/bin/sh", "-c", trapped)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, os.Stderr
			cmd.Route, cmd.Table = route, table.New()
			calls := 0
			cmd.Table.HandleFunc(name, func(c *table.Call) table.Result {
				var before, after table.Registers
				_ = registers(c, &before)
				r := c.Native()
				calls++
				if got := c.Inject("getpid"); got.Value() != int64(c.Process().PID()) {
					t.Errorf("getpid after %s returns %v, want %d", name, got, c.Process().PID())
				}
				if err := registers(c, &after); err != nil || name == "rt_sigreturn" && after == before {
					t.Errorf("registers after %s: %v, error %v", name, after, err)
				}
				if name == "execve" {
					if again := c.Native(); again.Errno() != unix.EFAULT {
						t.Errorf("execve again, with pointers of the program before: %v", again)
					}
				}
				return r
			})
			run(t, cmd)
			if got := out.String(); got != "caught\nexecuted\n" || calls == 0 {
				t.Errorf("route %v, %s handled: output %q after %d calls", route, name, got, calls)
			}
		}
	}
}

func registers(c *table.Call, to *table.Registers) error {
	return c.Thread().(table.RegisterReader).Registers(to)
}

// rt_sigreturn returns what the call did that the signal has interrupted.
func TestSigreturnResult(t *testing.T) {
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		cmd := supervisor.Command("/bin/sh", "-c", `trap : USR1; kill -USR1 $$; :`)
		cmd.Route, cmd.Table = route, table.New()
		const result = 4242
		cmd.Table.HandleFunc("kill", func(c *table.Call) table.Result {
			c.Native()
			return table.Return(result)
		})
		var results []int64
		cmd.Table.HandleFunc("rt_sigreturn", func(c *table.Call) table.Result {
			r := c.Native()
			results = append(results, r.Raw())
			return r
		})
		run(t, cmd)
		if !slices.Equal(results, []int64{result}) {
			t.Errorf("route %v: rt_sigreturn has returned %v, want %d", route, results, result)
		}
	}
}
