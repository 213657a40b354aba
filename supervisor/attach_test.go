package supervisor_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

func init() {
	// It does what it is asked for, line by line, with system calls that Go's
	// runtime does not make again by itself, and tells the result.
	programs["servant"] = func() {
		var buf [4096]byte // a command with a path
		for {
			// A read of its own: what it returns is what is told.
			n, _, e := unix.Syscall(unix.SYS_READ, 0, uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)))
			if e != 0 || n == 0 {
				fmt.Println("read:", e)
				return
			}
			word, arg, _ := strings.Cut(strings.TrimSpace(string(buf[:n])), " ")
			switch word {
			case "read":
				fmt.Println(n)
			case "getppid":
				v, _, e := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
				if e != 0 {
					fmt.Println(e)
					break
				}
				fmt.Println(v)
			case "open":
				fd, err := unix.Open(arg, unix.O_RDONLY, 0)
				if err == nil {
					unix.Close(fd)
				}
				fmt.Println(err)
			case "filter":
				fmt.Println(killsUnknown())
			}
		}
	}
}

// killsUnknown installs a filter that kills for a call without a number.
func killsUnknown() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, K: 1 << 30, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return e
	}
	return nil
}

// A servant is a process that runs by itself.
type servant struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func newServant(t *testing.T) *servant {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &servant{t: t, cmd: exec.Command(exe)}
	s.cmd.Env = append(os.Environ(), programVar+"=servant", "GODEBUG=asyncpreemptoff=1")
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill(); s.cmd.Wait() })
	s.out = bufio.NewReader(out)
	s.native()
	return s
}

func (s *servant) pid() int { return s.cmd.Process.Pid }

func (s *servant) ask(line string) { fmt.Fprintln(s.in, line) }

func (s *servant) answer() string {
	s.t.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.t.Fatalf("no answer: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

// native fails unless the process does what it does without a tracer.
func (s *servant) native() {
	s.t.Helper()
	s.ask("getppid")
	if got := s.answer(); got != strconv.Itoa(os.Getpid()) {
		s.t.Errorf("getppid returned %q natively", got)
	}
	s.ask("read")
	if got := s.answer(); got != "5" {
		s.t.Errorf("read returned %q natively", got)
	}
}

// clean fails if there is memory mapped in the process where the supervisor maps it. The
// process maps some of its own at any time, and its heap begins at a random address
// below 128 TiB: no more is looked at than a few pages of ours need.
func (s *servant) clean() {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", s.pid()))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		from, _, _ := strings.Cut(line, "-")
		if at, _ := strconv.ParseUint(from, 16, 64); at >= 64<<30 && at < 64<<30+1<<20 {
			s.t.Errorf("mapped: %s", line)
		}
	}
}

// attach attaches with one handler.
func (s *servant) attach(calls string, h func(c *table.Call) table.Result) *supervisor.Cmd {
	s.t.Helper()
	cmd := supervisor.Attach(s.pid())
	cmd.Table = table.New()
	cmd.Table.HandleFunc(calls, h)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func detach(t *testing.T, cmd *supervisor.Cmd) {
	t.Helper()
	cmd.Detach()
	if err := cmd.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
}

func TestAttachAnswer(t *testing.T) {
	for _, filter := range []bool{false, true} {
		t.Run(fmt.Sprint("filter=", filter), func(t *testing.T) {
			s := newServant(t)
			if filter {
				s.ask("filter")
				if got := s.answer(); got != "<nil>" {
					t.Fatal(got)
				}
			}
			cmd := s.attach("getppid", func(c *table.Call) table.Result { return table.Return(4242) })
			for range 10 {
				s.ask("getppid")
				if got := s.answer(); got != "4242" {
					t.Errorf("getppid returned %q", got)
				}
			}
			detach(t, cmd)
			s.native()
		})
	}
}

func TestAttachInjectAndChange(t *testing.T) {
	s := newServant(t)
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tid := int64(0)
	cmd := s.attach("openat", func(c *table.Call) table.Result {
		tid = c.Inject("gettid").Value() - int64(c.Thread().TID())
		if err := c.PinPath(1, there); err != nil {
			return table.Errno(unix.EFAULT)
		}
		return c.Native()
	})
	for range 3 {
		s.ask("open /not/there")
		if got := s.answer(); got != "<nil>" {
			t.Errorf("open returned %q", got)
		}
	}
	detach(t, cmd)
	if tid != 0 {
		t.Errorf("an injected gettid was wrong by %d", tid)
	}
	s.clean()
	s.native()
}

// TestDetachDuringChangedCall detaches while the kernel runs a call with other
// arguments than the program's.
func TestDetachDuringChangedCall(t *testing.T) {
	s := newServant(t)
	entered := make(chan struct{}, 100)
	cmd := s.attach("read", func(c *table.Call) table.Result {
		if c.FD(0) != 0 {
			return c.Native()
		}
		c.SetArg(2, 3)
		entered <- struct{}{}
		return c.Native()
	})
	<-entered
	waitBlocked(t, s.pid(), unix.SYS_READ, 3)
	detach(t, cmd)
	s.native()
}

// TestDetachDuringPinned does so with a path that only the supervisor's memory has.
func TestDetachDuringPinned(t *testing.T) {
	s := newServant(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	other := fifo + "2"
	for _, name := range []string{fifo, other} {
		if err := unix.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entered := make(chan struct{}, 100)
	cmd := s.attach("openat", func(c *table.Call) table.Result {
		if err := c.PinPath(1, other); err != nil {
			return table.Errno(unix.EFAULT)
		}
		entered <- struct{}{}
		return c.Native()
	})
	s.ask("open " + fifo)
	<-entered
	waitBlocked(t, s.pid(), unix.SYS_OPENAT, -1)
	detach(t, cmd)
	w, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got := s.answer(); got != "<nil>" {
		t.Errorf("open returned %q", got)
	}
	s.clean()
	s.native()
}

// waitBlocked waits until a thread of the process waits in a call, with the third
// argument if that is not negative.
func waitBlocked(t *testing.T, pid, nr, third int) {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(time.Millisecond) {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			f := strings.Fields(string(text))
			if len(f) > 3 && f[0] == strconv.Itoa(nr) && (third < 0 || f[3] == fmt.Sprintf("%#x", third)) {
				return
			}
		}
	}
	t.Fatal("no thread waits in the call")
}

// TestDetachDuringPark detaches while a handler waits, before anything has run in the
// thread, and after another call has.
func TestDetachDuringPark(t *testing.T) {
	for _, inject := range []bool{false, true} {
		t.Run(fmt.Sprint("inject=", inject), func(t *testing.T) {
			s := newServant(t)
			entered := make(chan struct{}, 100)
			cmd := s.attach("getppid", func(c *table.Call) table.Result {
				if inject {
					c.Inject("gettid")
				}
				c.Park(func(ctx context.Context) {
					entered <- struct{}{}
					<-ctx.Done()
				})
				return table.Return(4242)
			})
			s.ask("getppid")
			<-entered
			detach(t, cmd)
			if got := s.answer(); got != strconv.Itoa(os.Getpid()) {
				t.Errorf("getppid returned %q", got)
			}
			s.native()
		})
	}
}

// TestDetachDuringBlock detaches while a call waits that its handler has sent to wait.
func TestDetachDuringBlock(t *testing.T) {
	for _, inject := range []bool{false, true} {
		s := newServant(t)
		entered := make(chan struct{}, 100)
		cmd := s.attach("getppid", func(c *table.Call) table.Result {
			if inject {
				c.Inject("gettid")
			}
			entered <- struct{}{}
			return table.Block(table.Wait{Deadline: time.Now().Add(time.Hour)})
		})
		s.ask("getppid")
		<-entered
		waitBlocked(t, s.pid(), unix.SYS_PPOLL, -1)
		detach(t, cmd)
		if got := s.answer(); got != strconv.Itoa(os.Getpid()) {
			t.Errorf("getppid returned %q", got)
		}
		s.clean()
		s.native()
	}
}

// TestAttachPanic: a handler's panic is not the process's end.
func TestAttachPanic(t *testing.T) {
	for _, inject := range []bool{false, true} {
		s := newServant(t)
		cmd := s.attach("getppid", func(c *table.Call) table.Result {
			if inject {
				c.Inject("gettid")
			}
			panic("oops")
		})
		s.ask("getppid")
		if got := s.answer(); got != strconv.Itoa(os.Getpid()) {
			t.Errorf("getppid returned %q", got)
		}
		var p *supervisor.PanicError
		if err := cmd.Wait(); !errors.As(err, &p) || p.Value != "oops" {
			t.Errorf("Wait: %v", err)
		}
		s.native()
	}
}

func TestAttachContext(t *testing.T) {
	s := newServant(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := supervisor.AttachContext(ctx, s.pid())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := cmd.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	s.native()
}

// TestAttachBesides: a program is started by the Cmd that attaches, and lives on.
func TestAttachBesides(t *testing.T) {
	s := newServant(t)
	cmd, out := self(t, "getppid twice")
	in, w := io.Pipe()
	cmd.Stdin = in
	cmd.Attach = []int{s.pid()}
	cmd.Table = table.New()
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result { return table.Return(4242) })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.ask("getppid")
	if got := s.answer(); got != "4242" {
		t.Errorf("getppid returned %q", got)
	}
	cmd.Detach()
	// It is let go before the program has ended.
	for got := "4242"; got == "4242"; got = s.answer() {
		s.ask("getppid")
	}
	s.native()
	w.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if out.String() != "4242\n" {
		t.Errorf("the program saw %q", out)
	}
	s.native()
}

func init() {
	programs["getppid twice"] = func() {
		io.Copy(io.Discard, os.Stdin)
		fmt.Println(os.Getppid())
	}
}

// TestAttachEnd: the end of the processes ends it all.
func TestAttachEnd(t *testing.T) {
	s := newServant(t)
	cmd := s.attach("none", nil)
	s.in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if cmd.ProcessState != nil {
		t.Errorf("a state of no program: %v", cmd.ProcessState)
	}
}

func TestAttachErrors(t *testing.T) {
	s := newServant(t)
	first := s.attach("getppid", func(c *table.Call) table.Result { return table.Return(4242) })
	for _, test := range []struct {
		pid  int
		want error
	}{
		{1 << 22, unix.ESRCH}, {-1, unix.ESRCH}, {0, unix.ESRCH},
		{os.Getpid(), unix.EPERM}, {s.pid(), ptrace.ErrTraced}, {2, ptrace.ErrPermission},
	} {
		if err := supervisor.Attach(test.pid).Start(); !errors.Is(err, test.want) {
			t.Errorf("process %d: %v, want %v", test.pid, err, test.want)
		}
	}
	// One that can be attached to is not let down for one that cannot.
	other := newServant(t)
	var warned error
	cmd := supervisor.Attach(1<<22, other.pid(), other.pid())
	cmd.Warn = func(err error) { warned = err }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	detach(t, cmd)
	if !errors.Is(warned, unix.ESRCH) {
		t.Errorf("warned of %v", warned)
	}
	other.native()
	s.ask("getppid")
	if got := s.answer(); got != "4242" {
		t.Errorf("getppid returned %q", got)
	}
	detach(t, first)
	s.native()
}
