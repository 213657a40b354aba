package supervisor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
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
	programs["reads"] = func() {
		// It says when it has read many bytes, and waits for more.
		runtime.LockOSThread()
		var b [1]byte
		for i := 1; ; i++ {
			n, err := unix.Read(0, b[:])
			if n == 0 {
				return
			}
			if err != nil {
				os.Exit(1)
			}
			if i%readMany == 0 {
				fmt.Println(i)
			}
		}
	}
	programs["reads and computes"] = func() {
		runtime.LockOSThread()
		var b [1]byte
		for range readMany {
			unix.Read(0, b[:])
		}
		fmt.Println(readMany)
		unix.Read(0, b[:])
		for n := 0; n >= 0; n++ { // without a call, until it is killed
		}
	}
	programs["ids by another"] = func() {
		runtime.LockOSThread()
		for range 2 {
			id := 0
			for range 200 {
				id = unix.Geteuid()
			}
			fmt.Println(id)
			unix.Getppid()
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

// readMany is how many bytes "reads" reads before it says so.
const readMany = 200

// A changed is what looks at the calls of "reads" before or after the table changes.
type changed struct {
	seen    int           // calls
	entered int           // calls that have begun and not returned
	inForce chan struct{} // closed when it gets its calls
	once    sync.Once
}

func newChanged() *changed { return &changed{inForce: make(chan struct{})} }

func (h *changed) Handle(c *table.Call) table.Result { h.seen++; return c.Native() }
func (h *changed) WantsTimes() bool                  { h.once.Do(func() { close(h.inForce) }); return false }

type changedRecorder struct{ *changed }

func (h changedRecorder) Entered(*table.Call, time.Time) { h.entered++ }
func (h changedRecorder) Limits() (text, elements int)   { return 32, 32 }
func (h changedRecorder) Returned(c *table.Call, res table.Result, _, _ time.Time) {
	h.seen++
	h.entered = 0 // it is told of one thread's calls
}

// (It is a Recorder too, so that it is asked whether it wants times.)
type changedTallier struct{ changedRecorder }

func (h changedTallier) Tally(_ table.ABI, _ int, calls, _ uint64, _ time.Duration) {
	h.seen += int(calls)
}

// A call is told, or counted, to the handler that was in force when it began, even if
// the table has changed since.
func TestChangeDuringACall(t *testing.T) {
	for name, wrap := range map[string]func(*changed) table.Handler{
		"recorder": func(h *changed) table.Handler { return changedRecorder{h} },
		"tallier":  func(h *changed) table.Handler { return changedTallier{changedRecorder{h}} },
	} {
		for _, then := range []string{"another", "none"} {
			t.Run(name+"/"+then, func(t *testing.T) {
				before, after := newChanged(), newChanged()
				cmd, _ := direct(t, "reads")
				in, stdin := pipe(t)
				stdout, out := pipe(t)
				cmd.Stdin, cmd.Stdout = in, out
				cmd.Table.Handle("read", wrap(before))
				cmd.Table.Handle("getppid", wrap(newChanged()))
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				_ = in.Close()
				_ = out.Close()
				lines := bufio.NewScanner(stdout)
				feed := func() {
					if _, err := stdin.Write(make([]byte, readMany)); err != nil {
						t.Fatal(err)
					}
					if !lines.Scan() {
						t.Fatal("the program has ended")
					}
				}
				feed()
				waitForRead(t, cmd.Process.PID())
				now := wrap(after)
				if then == "another" {
					cmd.Table.Handle("read", now)
					<-after.inForce
					// It was asked before it was in force. The next one may be asked
					// with it, since getppid comes after read; not so the one after that.
					for range 2 {
						next := newChanged()
						cmd.Table.Handle("getppid", wrap(next))
						<-next.inForce
					}
				} else {
					cmd.Table.Handle("read", nil)
				}
				feed()
				_ = stdin.Close()
				if err := cmd.Wait(); err != nil {
					t.Fatal(err)
				}
				if then == "another" && after.seen != readMany {
					t.Errorf("after the change %d calls began, want %d", after.seen, readMany)
				}
				// What the runtime reads for itself is the first one's too.
				if before.seen < readMany+1 {
					t.Errorf("before the change %d calls began, want %d at least", before.seen, readMany+1)
				}
				if before.entered != 0 || after.entered != 0 {
					t.Errorf("%d and %d calls have begun and not ended", before.entered, after.entered)
				}
			})
		}
	}
}

// A computer waits for the last call of "reads and computes".
type computer struct{ returned chan bool }

func (h computer) Handle(c *table.Call) table.Result { return c.Native() }
func (h computer) WantsTimes() bool                  { return false }
func (h computer) Limits() (text, elements int)      { return 32, 32 }
func (h computer) Entered(*table.Call, time.Time)    {}
func (h computer) Returned(c *table.Call, res table.Result, _, _ time.Time) {
	if b, err := c.Bytes(1, 1); err == nil && res.Value() == 1 && b[0] == 'z' {
		close(h.returned)
	}
}

// The end of a call that has blocked long is told, though the thread makes no other,
// nor anybody else.
func TestEndOfAQuietThreadsCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd, _ := direct(t, "reads and computes")
	inner := supervisor.CommandContext(ctx, cmd.Path)
	inner.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1")
	inner.Route, inner.Table, inner.Warn = cmd.Route, cmd.Table, cmd.Warn
	in, stdin := pipe(t)
	stdout, out := pipe(t)
	inner.Stdin, inner.Stdout = in, out
	h := computer{make(chan bool)}
	inner.Table.Handle("read", h)
	if err := inner.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	_ = out.Close()
	if _, err := stdin.Write(make([]byte, readMany)); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(stdout).Scan() {
		t.Fatal("the program has ended")
	}
	waitForRead(t, inner.Process.PID())
	// By then nobody looks for what comes. (If somebody does, this shows nothing.)
	time.Sleep(200 * time.Millisecond)
	if _, err := stdin.Write([]byte("z")); err != nil {
		t.Fatal(err)
	}
	<-h.returned
	cancel()
	if err := inner.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
}

// waitForRead waits until the process is blocked in read(2).
func waitForRead(t *testing.T, pid int) {
	t.Helper()
	for {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		if err != nil || len(tasks) == 0 {
			t.Fatal("no threads: ", err)
		}
		for _, task := range tasks {
			b, err := os.ReadFile(task)
			if errors.Is(err, unix.EPERM) {
				t.Skip("may not look at the program's calls: ", err)
			}
			if strings.HasPrefix(string(b), fmt.Sprint(unix.SYS_READ, " ")) {
				return
			}
		}
		runtime.Gosched()
	}
}

// pipe returns the two ends of a pipe, which are closed when the test is over.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	return r, w
}

// A call that a handler injects changes what is remembered as the program's own would.
func TestRememberedIDsChangedByAHandler(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changing ids takes root")
	}
	cmd, out := direct(t, "ids by another")
	h := &rememberer{}
	cmd.Table.Handle("geteuid", h)
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result {
		const keep = ^uint64(0)
		if r := c.Inject("setresuid", keep, 12345, keep); r.Failed() {
			t.Error(r.Err())
		}
		return c.Native()
	})
	run(t, cmd)
	if want := "0\n12345"; out() != want {
		t.Errorf("the program got %q, want %q", out(), want)
	}
	if h.calls > 350 {
		t.Errorf("%d of 400 calls trapped", h.calls)
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
		if c.SP() == 0 {
			wrong++
		}
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
