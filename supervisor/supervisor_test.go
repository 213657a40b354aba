package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// self returns a Cmd that runs one of programs, and what it prints.
func self(t *testing.T, program string) (*supervisor.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := supervisor.Command(exe)
	cmd.Env = append(os.Environ(), programVar+"="+program)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

func run(t *testing.T, cmd *supervisor.Cmd) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

func TestEmptyTable(t *testing.T) {
	cmd := supervisor.Command("echo", "hello")
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.WantRusage = true
	run(t, cmd)
	if out.String() != "hello\n" {
		t.Errorf("output %q", out.String())
	}
	if !cmd.ProcessState.Success() || cmd.ProcessState.Rusage().Maxrss == 0 {
		t.Errorf("state %v, rusage %+v", cmd.ProcessState, cmd.ProcessState.Rusage())
	}
}

func TestExitStatus(t *testing.T) {
	for _, test := range []struct {
		script string
		code   int
		signal syscall.Signal
	}{
		{"exit 3", 3, 0},
		{"kill -TERM $$", -1, syscall.SIGTERM},
		{"kill -KILL $$", -1, syscall.SIGKILL},
		{"sleep 0.01 & exit 7", 7, 0},
	} {
		err := supervisor.Command("sh", "-c", test.script).Run()
		exit, ok := errors.AsType[*supervisor.ExitError](err)
		if !ok {
			t.Errorf("%q: %v", test.script, err)
			continue
		}
		if exit.ExitCode() != test.code {
			t.Errorf("%q: exit code %d", test.script, exit.ExitCode())
		}
		if test.signal != 0 && exit.WaitStatus().Signal() != test.signal {
			t.Errorf("%q: %v", test.script, exit)
		}
	}
}

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	plain := dir + "/plain"
	os.WriteFile(plain, []byte("x"), 0o644)
	garbage := dir + "/garbage"
	os.WriteFile(garbage, []byte("\x7fELFgarbage"), 0o755)
	for _, test := range []struct {
		path string
		want error
	}{
		{"no-such-command-anywhere", exec.ErrNotFound},
		{dir + "/none", os.ErrNotExist},
		{plain, os.ErrPermission},
		{dir, os.ErrPermission},
		{garbage, unix.ENOEXEC},
	} {
		if err := supervisor.Command(test.path).Run(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.path, err, test.want)
		}
	}
}

func init() {
	programs["getppid"] = func() { fmt.Println(syscall.Getppid()) }
}

func TestAnswer(t *testing.T) {
	tbl := table.New()
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result { return table.Return(4242) })
	cmd, out := self(t, "getppid")
	cmd.Table = tbl
	run(t, cmd)
	if out.String() != "4242\n" {
		t.Errorf("program saw %q", out)
	}
}

func TestRewriteResultAndArgument(t *testing.T) {
	tbl := table.New()
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		if r := c.Native(); r.Value() != int64(os.Getpid()) {
			return table.Return(-2)
		}
		// Another call by number, with a result of its own.
		nr, _ := table.Number(c.ABI(), "getpgid")
		c.SetNr(nr)
		c.SetArg(0, 0)
		r := c.Native()
		return table.Return(r.Value() + 1)
	})
	cmd, out := self(t, "getppid")
	cmd.Table = tbl
	run(t, cmd)
	if want := strconv.Itoa(unix.Getpgrp()+1) + "\n"; out.String() != want {
		t.Errorf("program saw %q, want %q", out, want)
	}
}

// TestInject runs calls before, after and instead of the program's own.
func TestInject(t *testing.T) {
	tbl := table.New()
	var before, native, after table.Result
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		before = c.Inject("getpid")
		native = c.Native()
		after = c.Inject("getpgid", 0)
		if r := c.Inject("no such call"); r.Errno() != unix.ENOSYS {
			t.Errorf("injecting an unknown call: %v", r.Err())
		}
		if r := c.Inject("fork"); c.ABI() == table.AMD64 && r.Errno() != unix.EINVAL {
			t.Errorf("injecting fork: %v", r.Err())
		}
		return native
	})
	// The injected calls reach no handler, though they have one.
	tbl.HandleFunc("getpgid", func(c *table.Call) table.Result { return table.Return(-7) })
	cmd, out := self(t, "getppid")
	cmd.Table = tbl
	run(t, cmd)
	if before.Value() != int64(cmd.Process.PID()) || after.Value() != int64(unix.Getpgrp()) {
		t.Errorf("getpid %d, getpgid %d", before.Value(), after.Value())
	}
	if want := fmt.Sprintln(os.Getpid()); out.String() != want {
		t.Errorf("program saw %q, want %q", out, want)
	}
}

func TestPinnedPath(t *testing.T) {
	tbl := table.New()
	tbl.HandleFunc("open,openat", func(c *table.Call) table.Result {
		i := 0
		if c.Name() == "openat" {
			i = 1
		}
		if p, err := c.Path(i); err == nil && p == "/no/such/file" {
			if err := c.PinPath(i, "/etc/passwd"); err != nil {
				t.Errorf("PinPath: %v", err)
			}
		}
		return c.Native()
	})
	cmd := supervisor.Command("cat", "/no/such/file", "/no/such/file")
	var out bytes.Buffer
	cmd.Table, cmd.Stdout = tbl, &out
	run(t, cmd)
	want, _ := os.ReadFile("/etc/passwd")
	if out.String() != string(want)+string(want) {
		t.Errorf("cat printed %q", out.String())
	}
}

func init() {
	programs["two threads"] = func() {
		// One thread's getppid is parked until another's getpgid is seen.
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			// Not syscall.Getppid, of which the runtime thinks that it does not wait: on
			// one core no other goroutine would run meanwhile.
			ppid, _, _ := syscall.Syscall(syscall.SYS_GETPPID, 0, 0, 0)
			fmt.Println(ppid)
			done <- true
		}()
		for {
			syscall.Getpgid(0)
			select {
			case <-done:
				return
			default:
			}
		}
	}
}

// TestPark: a parked call waits for a goroutine while another thread goes on.
func TestPark(t *testing.T) {
	tbl := table.New()
	var once sync.Once
	parked, other := make(chan bool), make(chan bool)
	isParked := false
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		isParked = true
		close(parked)
		if err := c.Park(func(context.Context) { <-other }); err != nil {
			t.Errorf("Park: %v", err)
		}
		return table.Return(5)
	})
	tbl.HandleFunc("getpgid", func(c *table.Call) table.Result {
		if isParked {
			once.Do(func() { close(other) })
		}
		return c.Native()
	})
	cmd, out := self(t, "two threads")
	cmd.Table = tbl
	run(t, cmd)
	if out.String() != "5\n" {
		t.Errorf("program saw %q", out)
	}
}

// TestParkOften loses no wake-up in many quick ones.
func TestParkOften(t *testing.T) {
	tbl := table.New()
	n := 0
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		n++
		if err := c.Park(func(context.Context) {}); err != nil {
			t.Errorf("Park: %v", err)
		}
		return table.Return(int64(n))
	})
	cmd, out := self(t, "getppid 1000")
	cmd.Table = tbl
	run(t, cmd)
	if out.String() != "1000\n" {
		t.Errorf("program saw %q", out)
	}
}

func init() {
	programs["getppid 1000"] = func() {
		n := 0
		for range 1000 {
			n = syscall.Getppid()
		}
		fmt.Println(n)
	}
}

// TestParkKilled: the death of a parked thread ends its Park.
func TestParkKilled(t *testing.T) {
	tbl := table.New()
	var parkErr error
	var native table.Result
	cmd, _ := self(t, "getppid")
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		parkErr = c.Park(func(ctx context.Context) {
			cmd.Process.Kill()
			<-ctx.Done()
		})
		native = c.Native()
		return native
	})
	cmd.Table = tbl
	if err := cmd.Run(); err == nil || !cmd.ProcessState.WaitStatus().Signaled() {
		t.Errorf("Run: %v", err)
	}
	if !errors.Is(parkErr, unix.ESRCH) || !native.Gone() {
		t.Errorf("Park: %v, then Native: %v", parkErr, native)
	}
}

func TestPanicFailsClosed(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(c *table.Call) table.Result
	}{
		{"panic", func(*table.Call) table.Result { panic("boom") }},
		{"after Native", func(c *table.Call) table.Result { c.Native(); panic("boom") }},
		{"in Park", func(c *table.Call) table.Result {
			c.Park(func(context.Context) { panic("boom") })
			return c.Native()
		}},
		{"Goexit", func(*table.Call) table.Result { runtime.Goexit(); panic("boom") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			tbl := table.New()
			tbl.HandleFunc("getppid", test.do)
			cmd, out := self(t, "getppid")
			cmd.Table = tbl
			err := cmd.Run()
			p, ok := errors.AsType[*supervisor.PanicError](err)
			if !ok {
				t.Fatalf("Run: %v", err)
			}
			if test.name != "Goexit" && !strings.Contains(fmt.Sprint(p.Value), "boom") {
				t.Errorf("panic value %v", p.Value)
			}
			if !strings.Contains(err.Error(), "supervisor_test.go") {
				t.Errorf("no stack of the handler in: %v", err)
			}
			if out.Len() > 0 {
				t.Errorf("the program went on: %q", out)
			}
		})
	}
}

func TestContextKillsTheTree(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd := supervisor.CommandContext(ctx, "sh", "-c", "sleep 1000 & (sleep 1000; true) & setsid sleep 1000 & wait")
	tbl := table.New()
	sleeps := 0
	tbl.HandleFunc("nanosleep,clock_nanosleep", func(c *table.Call) table.Result {
		if sleeps++; sleeps == 3 {
			cancel()
		}
		return c.Native()
	})
	cmd.Table = tbl
	if err := cmd.Run(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestSeveralCmds(t *testing.T) {
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			tbl := table.New()
			tbl.HandleFunc("getppid", func(c *table.Call) table.Result { return table.Return(int64(1000 + i)) })
			cmd, out := self(t, "getppid")
			cmd.Table = tbl
			if err := cmd.Run(); err != nil {
				t.Errorf("Run: %v", err)
			}
			if want := fmt.Sprintln(1000 + i); out.String() != want {
				t.Errorf("program %d saw %q", i, out)
			}
		})
	}
	// The embedding program's own children are left alone.
	for range 8 {
		group.Go(func() {
			if err := exec.Command("sh", "-c", "exit 0").Run(); err != nil {
				t.Errorf("own child: %v", err)
			}
		})
	}
	group.Wait()
}

func init() {
	programs["wait for 42"] = func() {
		for syscall.Getppid() != 42 {
		}
		fmt.Println("seen")
	}
	programs["wait for 42 asleep"] = func() {
		fmt.Println("waiting")
		var p [2]int
		unix.Pipe(p[:])
		fds := []unix.PollFd{{Fd: int32(p[0]), Events: unix.POLLIN}}
		ep, _ := unix.EpollCreate1(0)
		unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, p[0], &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p[0])})
		go func() {
			for syscall.Getppid() != 42 {
			}
			unix.Write(p[1], []byte("x"))
		}()
		if _, err := unix.EpollWait(ep, make([]unix.EpollEvent, 1), -1); err != nil {
			fmt.Println("epoll_wait:", err)
		}
		n, err := unix.Poll(fds, -1)
		fmt.Println("seen", n, err)
	}
}

// TestRouteAdded: a call that had no handler at the start gets one while the
// program runs; the program notices nothing else.
func TestRouteAdded(t *testing.T) {
	for _, program := range []string{"wait for 42", "wait for 42 asleep"} {
		t.Run(program, func(t *testing.T) {
			tbl := table.New()
			cmd, out := self(t, program)
			cmd.Table = tbl
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			tbl.HandleFunc("getppid", func(c *table.Call) table.Result { return table.Return(42) })
			if err := cmd.Wait(); err != nil {
				t.Errorf("Wait: %v", err)
			}
			if !strings.Contains(out.String(), "seen") || strings.Contains(out.String(), "epoll_wait") {
				t.Errorf("program printed %q", out)
			}
		})
	}
}

func TestRouteRemoved(t *testing.T) {
	tbl := table.New()
	tbl.HandleFunc("getppid", func(c *table.Call) table.Result {
		tbl.Handle("getppid", nil)
		return table.Return(42)
	})
	cmd, out := self(t, "getppid 1000")
	cmd.Table = tbl
	run(t, cmd)
	if want := fmt.Sprintln(os.Getpid()); out.String() != want {
		t.Errorf("program saw %q, want %q", out, want)
	}
}

func init() {
	programs["read memory"] = func() {
		// write(1, p, n) with pointers of all kinds.
		for _, p := range []uintptr{0, 1, ^uintptr(0), 1 << 46, 1 << 63} {
			unix.RawSyscall(unix.SYS_WRITE, 1, p, 16)
			unix.RawSyscall(unix.SYS_OPENAT, 0, p, 0)
		}
	}
}

func TestBadPointers(t *testing.T) {
	tbl := table.New()
	faults := 0
	tbl.HandleFunc("write,openat", func(c *table.Call) table.Result {
		if c.Name() == "openat" {
			if _, err := c.Path(1); err == unix.EFAULT {
				faults++
			}
		} else if _, err := c.Bytes(1, c.Arg(2)); err == unix.EFAULT {
			faults++
		}
		return c.Native()
	})
	cmd, _ := self(t, "read memory")
	cmd.Table = tbl
	run(t, cmd)
	if faults != 10 {
		t.Errorf("%d faults, want 10", faults)
	}
}

// observed keeps what an Observer is told.
type observed struct {
	table.NopObserver
	started, exited int
	signals         []int32
}

func (o *observed) ThreadStarted(t, by table.Thread) { o.started++ }
func (o *observed) ThreadExited(t table.Thread, s unix.WaitStatus, superseded bool) {
	o.exited++
}
func (o *observed) SignalDelivered(t table.Thread, info *table.Siginfo) {
	o.signals = append(o.signals, int32(info[0]))
}

func TestObserver(t *testing.T) {
	o := &observed{}
	cmd := supervisor.Command("sh", "-c", "trap : USR1; kill -USR1 $$; true & true & wait; exec true")
	cmd.Observer = o
	run(t, cmd)
	if o.started != 3 || o.exited != 3 {
		t.Errorf("%d started, %d exited, want 3", o.started, o.exited)
	}
	if len(o.signals) == 0 || o.signals[0] != int32(unix.SIGUSR1) {
		t.Errorf("signals %v", o.signals)
	}
}

// TestIdle: a supervisor whose children sleep uses no CPU.
func TestIdle(t *testing.T) {
	cmd := supervisor.Command("sleep", "0.5")
	tbl := table.New()
	tbl.Handle("all", table.Native)
	cmd.Table = tbl
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // let it get there: nothing rests on it
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	t.Logf("used %v of CPU while idle", used)
}

// TestInjectAround injects a call before and after every other: arch_prctl too, which moves
// thread-local memory, and fork, whose child goes on behind the program's instruction.
func TestInjectAround(t *testing.T) {
	tbl := table.New()
	calls := 0
	tbl.HandleFunc("all", func(c *table.Call) table.Result {
		calls++
		c.Inject("getppid")
		res := c.Native()
		if !strings.HasPrefix(c.Name(), "exec") {
			c.Inject("getppid")
		}
		return res
	})
	cmd := supervisor.Command("sh", "-c", "for i in 1 2 3; do /bin/true || exit; done; echo fine")
	var out bytes.Buffer
	cmd.Table, cmd.Stdout = tbl, &out
	run(t, cmd)
	if out.String() != "fine\n" || calls < 50 {
		t.Errorf("output %q after %d calls", out.String(), calls)
	}
}

// TestNoFollow: what the program creates runs natively, and may outlive the Cmd.
func TestNoFollow(t *testing.T) {
	cmd := supervisor.Command("sh", "-c", `cat /proc/$$/status /proc/self/status | grep -E "TracerPid|Seccomp:"; sleep 1000 >/dev/null 2>&1 & echo $!`)
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.NoFollow = true
	callers := map[int]bool{}
	cmd.Table = table.New()
	cmd.Table.HandleFunc("execve", func(c *table.Call) table.Result { t.Error("execve"); return c.Native() })
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result { callers[c.Thread().TID()] = true; return c.Native() })
	cmd.Table.HandleFunc("close", func(c *table.Call) table.Result { callers[c.Thread().TID()] = true; return c.Native() })
	run(t, cmd)
	lines := strings.Fields(out.String())
	if len(lines) != 9 {
		t.Fatalf("it says:\n%s", out.String())
	}
	left, _ := strconv.Atoi(lines[8])
	if err := unix.Kill(left, unix.SIGKILL); err != nil {
		t.Errorf("its child %d is gone: %v", left, err)
	}
	lines[1] = "" // the tracing thread's id
	if got := strings.Join(lines[:8], " "); got != "TracerPid:  Seccomp: 0 TracerPid: 0 Seccomp: 0" {
		t.Errorf("it is %q", got)
	}
	if len(callers) != 1 {
		t.Errorf("calls were seen of %v", callers)
	}

	cmd = supervisor.Command("true")
	cmd.NoFollow, cmd.Enforce = true, true
	if err := cmd.Start(); err == nil {
		t.Error("a policy that children escape")
		_ = cmd.Wait()
	}
}
