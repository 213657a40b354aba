package supervisor_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// compileC compiles a C program of testdata.
func compileC(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	out, err := exec.Command("gcc", "-O1", "-Wall", "-Wno-unused-result", "-pthread", "-D_GNU_SOURCE", "-o", bin, "testdata/"+name+".c").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no gcc")
	}
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return bin
}

// sleeper answers nanosleep, pause and epoll_wait by table.Block. nap is how long a
// nanosleep takes that begins at now.
func sleeper(nap func(c *table.Call) time.Duration) *table.Table {
	tbl := table.New()
	tbl.HandleFunc("nanosleep", func(c *table.Call) table.Result {
		return table.Block(table.Wait{Deadline: time.Now().Add(nap(c)), Signal: table.Resumes})
	})
	tbl.HandleFunc("pause", func(c *table.Call) table.Result {
		return table.Block(table.Wait{Signal: table.FailsAfterHandler})
	})
	tbl.HandleFunc("epoll_wait", func(c *table.Call) table.Result {
		wait := table.Wait{FD: c.FD(0), Events: unix.POLLIN, Signal: table.Fails}
		wait.Again = func(c *table.Call, why table.Woken) table.Result {
			r := c.Inject("epoll_wait", c.Arg(0), c.Arg(1), c.Arg(2), 0)
			if r.Raw() == 0 {
				return table.Block(wait)
			}
			return r
		}
		return table.Block(wait)
	})
	return tbl
}

// requested returns the time that a nanosleep asks for.
func requested(c *table.Call) time.Duration {
	b, _ := c.Bytes(0, 16)
	return time.Duration(binary.NativeEndian.Uint64(b))*time.Second + time.Duration(binary.NativeEndian.Uint64(b[8:]))
}

// Signals and stops end calls that wait in table.Block as they end the kernel's.
func TestBlockInterrupted(t *testing.T) {
	bin := compileC(t, "sleeps")
	native, err := exec.Command("timeout", "60", bin).CombinedOutput()
	if err != nil {
		t.Fatalf("natively: %v\n%s", err, native)
	}
	for _, route := range []supervisor.Routing{supervisor.RouteTrap, supervisor.RouteAuto} {
		cmd := supervisor.Command("timeout", "20", bin)
		cmd.Table, cmd.Route = sleeper(requested), route
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			t.Errorf("routing %d: %v", route, err)
		}
		if diff := cmp.Diff(string(native), out.String()); diff != "" {
			t.Errorf("routing %d: native and emulated differ:\n%s", route, diff)
		}
	}
}

// A call that is resumed after a stop keeps its deadline; one that a handler has
// interrupted does not give it to the next. Waits are canceled at any moment.
func TestBlockResumed(t *testing.T) {
	bin := compileC(t, "sleeps")
	// By process: whether its first nanosleep was seen; and how it was.
	naps := map[int]int{}
	tbl := sleeper(func(c *table.Call) time.Duration {
		pid := c.Process().PID()
		naps[pid]++
		switch {
		case len(naps) == 1 && naps[pid] == 1:
			return 500 * time.Millisecond
		case len(naps) == 1:
			return time.Hour // must not count: it has a deadline
		case naps[pid] <= 6:
			return time.Hour
		}
		return time.Millisecond
	})
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		return table.Block(table.Wait{Context: ctx, Again: func(_ *table.Call, why table.Woken) table.Result {
			if why != table.Canceled {
				return table.Errno(unix.EPROTO)
			}
			return table.Return(2)
		}})
	})
	cmd := supervisor.Command("timeout", "60", bin, "more")
	cmd.Table = tbl
	var out strings.Builder
	cmd.Stdout = &out
	run(t, cmd)
	const want = `canceled 600
nanosleep: 0 Success
nanosleep, flags 0, 5 stops: status 0
nanosleep: -1 Interrupted system call
nanosleep: 0 Success
nanosleep, flags 0, 5 stops: status 0
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
