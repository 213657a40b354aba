package supervisor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// twice injects two calls.
func twice(c *table.Call) {
	c.Inject("getpid")
	c.Inject("gettid")
}

// Ten thousand signals, standard and real-time with values, reach a program whose
// reads are all handled, with two more calls injected into each: none is lost or
// doubled, all are in order, each has its siginfo.
func TestSignalStorm(t *testing.T) {
	bin := compileC(t, "storm")
	for _, test := range []struct {
		name string
		read table.HandlerFunc
	}{
		{"before", func(c *table.Call) table.Result { twice(c); return c.Native() }},
		{"after", func(c *table.Call) table.Result { r := c.Native(); twice(c); return r }},
		{"around", func(c *table.Call) table.Result { c.Inject("getpid"); r := c.Native(); c.Inject("gettid"); return r }},
		{"blocked", func(c *table.Call) table.Result {
			twice(c)
			return table.Block(table.Wait{FD: c.FD(0), Events: unix.POLLIN, Again: func(c *table.Call, _ table.Woken) table.Result {
				twice(c)
				return c.Native()
			}})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := supervisor.Command("timeout", "100", bin, "storm", "10000")
			cmd.Table = table.New()
			cmd.Table.Handle("read", test.read)
			var out strings.Builder
			cmd.Stdout = &out
			if err := cmd.Run(); err != nil {
				t.Error(err)
			}
			if want := "10000 signals, 1000 standard, 0 wrong\n"; out.String() != want {
				t.Errorf("%q, want %q", out.String(), want)
			}
		})
	}
}

// afterGate makes the handler of a call wait, in a call that it injects, until the
// program has sent its signals.
func afterGate(c *table.Call) table.Result {
	const await, begun = 100, 103 // pipes' ends in the program
	sp := c.SP() - 1024           // under the red zone
	c.Inject("write", begun, sp, 1)
	twice(c)
	c.Inject("read", await, sp, 1)
	twice(c)
	r := c.Native()
	twice(c)
	return r
}

// Signals that have come while a call was handled come after it, in the kernel's
// order, or stay pending if it has blocked them.
func TestDeferredSignals(t *testing.T) {
	bin := compileC(t, "storm")
	// The thread's own come before the process's.
	const delivered = `signal 10 code -6 from me 1 value 0
signal 102 code -1 from me 1 value 7
signal 103 code -1 from me 1 value 10
signal 103 code -1 from me 1 value 11
signal 103 code -1 from me 1 value 12
signal 12 code 0 from me 1 value 0
`
	// sigwaitinfo(3) shows SI_TKILL as SI_USER.
	taken := strings.Replace(delivered, "-6", "0", 1)
	for _, test := range []struct{ mode, call, want string }{
		{"plain", "getppid", delivered + "call 1\n"},
		{"masked", "rt_sigprocmask", "pending 1 1\n" + taken},
		{"exec", "execve", "blocked 1\n" + taken},
		{"killed", "getppid", ""},
	} {
		t.Run(test.mode, func(t *testing.T) {
			cmd := supervisor.Command(bin, test.mode)
			cmd.Table = table.New()
			calls := 0
			cmd.Table.HandleFunc(test.call, func(c *table.Call) table.Result {
				if c.Thread().TID() != c.Process().PID() {
					return c.Native()
				}
				if test.call == "rt_sigprocmask" {
					// Only the one that blocks them and does not ask for the old mask.
					if c.Arg(0) != unix.SIG_BLOCK || c.Arg(2) != 0 || c.Arg(1) == 0 {
						return c.Native()
					}
				}
				if calls++; calls > 1 {
					return c.Native()
				}
				return afterGate(c)
			})
			var out strings.Builder
			cmd.Stdout = &out
			err := cmd.Run()
			if test.mode == "killed" {
				if e, ok := errors.AsType[*supervisor.ExitError](err); !ok || e.WaitStatus().Signal() != unix.SIGKILL {
					t.Errorf("killed: %v", err)
				}
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
