package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// asked is how often the program makes the call that is asked about.
const asked = 20000

// program "asks" makes the same call again and again, in several threads one after
// the other, and tells which results it got how often.
func init() {
	programs["asks"] = func() {
		results := map[int]int{}
		done := make(chan bool)
		for range 4 {
			go func() {
				runtime.LockOSThread()
				for range asked / 4 {
					results[unix.Getppid()]++
				}
				done <- true
			}()
			<-done
		}
		for v, n := range results {
			fmt.Println(v, n)
		}
	}
	programs["ids"] = func() {
		// Ids change, and what is remembered of them must.
		runtime.LockOSThread()
		ids := func() (s string) {
			for range 200 {
				s = fmt.Sprint(unix.Getuid(), unix.Geteuid(), unix.Getpid() == os.Getpid(), unix.Gettid() > 0)
			}
			return s
		}
		fmt.Println(ids())
		if err := unix.Setresuid(-1, 12345, -1); err != nil {
			fmt.Println(err)
		}
		fmt.Println(ids())
		if err := unix.Setresuid(0, 0, 0); err != nil {
			fmt.Println(err)
		}
		fmt.Println(ids())
	}
}

// direct returns a Cmd that takes the direct route, or skips the test.
func direct(t *testing.T, program string) (*supervisor.Cmd, func() string) {
	t.Helper()
	if err := supervisor.DirectSupported(); err != nil {
		t.Skip("no direct route: ", err)
	}
	cmd, out := self(t, program)
	cmd.Route = supervisor.RouteDirect
	cmd.Table = table.New()
	cmd.Warn = func(err error) { t.Error("warning: ", err) }
	return cmd, func() string { return strings.TrimSpace(out.String()) }
}

// A counter counts how often it is called.
type counter struct{ calls, direct int }

func (n *counter) see(c *table.Call) {
	n.calls++
	if c.Route() == table.RouteDirect {
		n.direct++
	}
}

type constant struct{ counter }

func (h *constant) Handle(c *table.Call) table.Result { h.see(c); return table.Return(4242) }
func (h *constant) Answer() table.Result              { return table.Return(4242) }

func TestConstantInProcess(t *testing.T) {
	cmd, out := direct(t, "asks")
	h := &constant{}
	cmd.Table.Handle("getppid", h)
	run(t, cmd)
	if want := fmt.Sprint(4242, " ", asked); out() != want {
		t.Errorf("the program got %q, want %q", out(), want)
	}
	if h.calls == 0 || h.calls > asked/2 {
		t.Errorf("%d of %d calls trapped", h.calls, asked)
	}
}

type rememberer struct{ counter }

func (h *rememberer) Handle(c *table.Call) table.Result { h.see(c); return c.Native() }
func (h *rememberer) Remembers()                        {}

func TestRememberedIDs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changing ids takes root")
	}
	cmd, out := direct(t, "ids")
	h := &rememberer{}
	cmd.Table.Handle("getuid,geteuid,getpid,gettid", h)
	run(t, cmd)
	if want := "0 0 true true\n0 12345 true true\n0 0 true true"; out() != want {
		t.Errorf("the program got %q, want %q", out(), want)
	}
	if h.calls == 0 || h.calls > 1500 {
		t.Errorf("%d of 2400 calls trapped", h.calls)
	}
}

type tallier struct {
	counter
	tallied, errors uint64
}

func (h *tallier) Handle(c *table.Call) table.Result { h.see(c); return c.Native() }
func (h *tallier) WantsTimes() bool                  { return false }
func (h *tallier) Tally(abi table.ABI, nr int, calls, errors uint64, spent time.Duration) {
	h.tallied += calls
	h.errors += errors
}

func TestCountInProcess(t *testing.T) {
	cmd, _ := direct(t, "asks")
	h := &tallier{}
	cmd.Table.Handle("getppid", h)
	run(t, cmd)
	if h.calls+int(h.tallied) != asked || h.errors != 0 {
		t.Errorf("%d calls trapped and %d were counted (%d failed); want %d in all", h.calls, h.tallied, h.errors, asked)
	}
	if h.tallied == 0 {
		t.Error("none was counted in the program")
	}
}

// Handlers that are asked through shared memory can do all that others can.
func TestRequests(t *testing.T) {
	cmd, out := direct(t, "asks")
	var h counter
	var pid int
	wrong := 0
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result {
		h.see(c)
		switch {
		case h.calls%100 == 0:
			if err := c.Park(func(context.Context) {}); err != nil {
				wrong++
			}
		case h.calls%10 == 0:
			if r := c.Native(); r.Value() != int64(pid) {
				wrong++
			}
		case h.calls%7 == 0:
			if r := c.Inject("getpid"); r.Value() != int64(c.Process().PID()) {
				wrong++
			}
		}
		return table.Return(77)
	})
	pid = os.Getpid()
	run(t, cmd)
	if want := fmt.Sprint(77, " ", asked); out() != want {
		t.Errorf("the program got %q, want %q", out(), want)
	}
	if h.calls != asked || wrong != 0 {
		t.Errorf("the handler saw %d calls, want %d; %d answers were wrong", h.calls, asked, wrong)
	}
	t.Logf("%d of %d calls came directly", h.direct, h.calls)
}
