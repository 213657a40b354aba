package handlers

import (
	"bytes"
	"encoding/binary"
	"io"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// newTrace returns a trace of a script and where its text goes.
func newTrace(t *testing.T, opts TraceOptions) (*script, *Trace, *bytes.Buffer) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the script makes x86-64 calls")
	}
	out := new(bytes.Buffer)
	if opts.Out == nil {
		opts.Out = out
	}
	tr := NewTrace(opts)
	return &script{t: t, handler: tr, pid: 100}, tr, out
}

func check(t *testing.T, got *bytes.Buffer, want string) {
	t.Helper()
	if d := cmp.Diff(strings.TrimPrefix(want, "\n"), got.String()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func status(code int) unix.WaitStatus { return unix.WaitStatus(code << 8) }

const coreFlag = 0x80

func info(sig unix.Signal, code int32, fields ...uint32) *table.Siginfo {
	var i table.Siginfo
	for at, v := range append([]uint32{uint32(sig), 0, uint32(code), 0}, fields...) {
		binary.NativeEndian.PutUint32(i[at*4:], v)
	}
	return &i
}

func TestLines(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{})
	a := s.thread(100)
	tr.ThreadStarted(a, nil)
	a.call("close", table.Return(0), nil, 3)
	a.call("close", table.Errno(unix.EBADF), nil, 99)
	a.call("access", table.Errno(unix.ENOENT), nil, a.write("/etc/ld.so.preload"), unix.R_OK)
	a.call("read", table.Errno(table.ERESTARTSYS), nil, 3, 0x7ffc2b6b5d7f, 1)
	a.call("getpid", table.Return(100), nil)
	// 40 columns are full, just not full, and over.
	a.call("mkdir", table.Return(0), nil, a.write("/12345678901234567890"), 0o755)
	a.call("mkdir", table.Return(0), nil, a.write("/123456789012345678901"), 0o755)
	a.call("mkdir", table.Return(0), nil, a.write("/1234567890123456789012"), 0o755)
	a.call("exit_group", table.Gone(), nil, 2)
	tr.ThreadExited(a, status(2), false)
	check(t, out, `
close(3)                                = 0
close(99)                               = -1 EBADF (Bad file descriptor)
access("/etc/ld.so.preload", R_OK)      = -1 ENOENT (No such file or directory)
read(3, 0x7ffc2b6b5d7f, 1)              = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
getpid()                                = 100
mkdir("/12345678901234567890", 0755)    = 0
mkdir("/123456789012345678901", 0755)   = 0
mkdir("/1234567890123456789012", 0755)  = 0
exit_group(2)                           = ?
+++ exited with 2 +++
`)
}

func TestUnfinished(t *testing.T) {
	for _, test := range []struct {
		name string
		opts TraceOptions
		want string
	}{
		{"shared", TraceOptions{}, `
[pid   100] read(3,  <unfinished ...>
[pid   101] write(4, "x", 1 <unfinished ...>
[pid   100] <... read resumed>"x", 1)   = 1
[pid   101] <... write resumed>)        = 1
[pid   101] getpid()                    = 100
`},
		{"always", TraceOptions{PID: PIDAlways}, `
100   read(3,  <unfinished ...>
101   write(4, "x", 1 <unfinished ...>
100   <... read resumed>"x", 1)         = 1
101   <... write resumed>)              = 1
101   getpid()                          = 100
`},
		{"never", TraceOptions{PID: PIDNever, Column: 20}, `
read(3,  <unfinished ...>
write(4, "x", 1 <unfinished ...>
<... read resumed>"x", 1) = 1
<... write resumed>) = 1
getpid()            = 100
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, tr, out := newTrace(t, test.opts)
			a, b := s.thread(100), s.thread(101)
			tr.ThreadStarted(a, nil)
			tr.ThreadStarted(b, a)
			read := a.write("x")
			written := b.write("x")
			// As two coroutines are interleaved: b's call begins within a's,
			// and ends after it.
			inB, endA, done := make(chan bool), make(chan bool), make(chan bool)
			a.native = nil
			go func() {
				a.call("read", table.Return(1), func() { close(inB); <-endA }, 3, read, 1)
				close(done)
			}()
			<-inB
			b.call("write", table.Return(1), func() { close(endA); <-done }, 4, written, 1)
			b.call("getpid", table.Return(100), nil)
			check(t, out, test.want)
		})
	}
}

func TestKilledInCall(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
	a, b, c := s.thread(100), s.thread(101), s.thread(102)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	tr.ThreadStarted(c, a)
	a.call("read", table.Gone(), nil, 0, 0x1000, 1)
	b.call("pause", table.Gone(), func() { a.call("getpid", table.Return(100), nil) })
	c.call("read", table.Gone(), func() { a.call("getpid", table.Return(100), nil) }, 0, 0x1000, 1)
	// A result after the end is of no interest.
	b.call("pause", table.Gone(), func() { tr.ThreadExited(b, status(0), false) })
	tr.ThreadExited(c, unix.WaitStatus(unix.SIGKILL), false)
	tr.ThreadExited(a, unix.WaitStatus(unix.SIGSEGV)|coreFlag, false)
	check(t, out, `
100   read(0,  <unfinished ...>)        = ?
101   pause( <unfinished ...>
100   getpid()                          = 100
101   <... pause resumed>)              = ?
102   read(0,  <unfinished ...>
100   getpid()                          = 100
102   <... read resumed> <unfinished ...>) = ?
101   pause()                           = ?
101   +++ exited with 0 +++
102   +++ killed by SIGKILL +++
100   +++ killed by SIGSEGV (core dumped) +++
`)
}

// A withRegisters is a thread whose registers can be read.
type withRegisters struct{ *fakeThread }

func (withRegisters) Registers(to *table.Registers) error {
	to.IP = 0x1234
	return nil
}

func TestSignals(t *testing.T) {
	play := func(s *script, tr *Trace) {
		a := s.thread(100)
		tr.ThreadStarted(a, nil)
		tr.SignalDelivered(a, info(unix.SIGCHLD, 1, 7, 0, 3, 0, 0, 0, 0, 0))
		tr.SignalDelivered(a, info(unix.SIGSTOP, 0, 7, 0))
		tr.GroupStopped(a, unix.SIGSTOP)
		tr.SignalDelivered(a, info(40, 0, 7, 0))
		tr.ThreadExited(a, unix.WaitStatus(unix.SIGTERM), false)
	}
	s, tr, out := newTrace(t, TraceOptions{})
	play(s, tr)
	check(t, out, `
--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
--- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=7, si_uid=0} ---
--- stopped by SIGSTOP ---
--- SIGRT_8 {si_signo=SIGRT_8, si_code=SI_USER, si_pid=7, si_uid=0} ---
+++ killed by SIGTERM +++
`)
	// With addresses, those at which the signals arrive.
	_, tr, out = newTrace(t, TraceOptions{IP: true})
	b := withRegisters{s.thread(100)}
	tr.ThreadStarted(b, nil)
	tr.SignalDelivered(b, info(unix.SIGSTOP, 0, 7, 0))
	tr.ThreadExited(b, unix.WaitStatus(unix.SIGSTOP), false)
	check(t, out, `
[0000000000001234] --- SIGSTOP {si_signo=SIGSTOP, si_code=SI_USER, si_pid=7, si_uid=0} ---
[????????????????] +++ killed by SIGSTOP +++
`)
	var only SignalSet
	only.Add(unix.SIGCHLD)
	s, tr, out = newTrace(t, TraceOptions{Signals: &only})
	play(s, tr)
	check(t, out, `
--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=7, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
`)
}

// Another thread than the first calls execve: the lines of strace 6.1.
func TestExecOfAnotherThread(t *testing.T) {
	for _, leaderEnd := range []bool{true, false} {
		s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
		a, b := s.thread(100), s.thread(102)
		tr.ThreadStarted(a, nil)
		tr.ThreadStarted(b, a)
		path := b.write("/bin/true")
		a.call("pause", table.Gone(), func() {
			b.call("execve", table.Return(0), func() {
				if leaderEnd {
					tr.ThreadExited(a, status(0), true)
				}
				b.tid = 100
				tr.ProcessExeced(b, 102)
			}, path, 0, 0)
			b.call("getpid", table.Return(100), nil)
		})
		check(t, out, `
100   pause( <unfinished ...>
102   execve("/bin/true", NULL, NULL <unfinished ...>
100   <... pause resumed>)              = ?
100   +++ superseded by execve in pid 102 +++
100   <... execve resumed>)             = 0
100   getpid()                          = 100
`)
	}
}

func TestRestart(t *testing.T) {
	s, _, out := newTrace(t, TraceOptions{})
	a := s.thread(100)
	a.call("restart_syscall", table.Return(0), nil)
	a.call("pause", table.Errno(table.ERESTART_RESTARTBLOCK), nil)
	a.call("restart_syscall", table.Errno(table.ERESTART_RESTARTBLOCK), nil)
	a.call("restart_syscall", table.Return(0), nil)
	a.callNumber(0x7fffffff, table.Errno(unix.ENOSYS), nil)
	a.call("restart_syscall", table.Errno(unix.EINTR), nil)
	check(t, out, `
restart_syscall(<... resuming interrupted system call ...>) = 0
pause()                                 = ? ERESTART_RESTARTBLOCK (Interrupted by signal)
restart_syscall(<... resuming interrupted pause ...>) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)
restart_syscall(<... resuming interrupted pause ...>) = 0
syscall_0x7fffffff(0, 0, 0, 0, 0, 0)    = -1 ENOSYS (Function not implemented)
restart_syscall(<... resuming interrupted system call ...>) = -1 EINTR (Interrupted system call)
`)
}

func TestLaunch(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{Launch: &Launch{
		Path: "/bin/ls", Args: []string{"ls", "a \"b\"\n"}, Env: []string{"A=1", "B=2"},
	}})
	tr.ThreadStarted(s.thread(1<<30), nil)
	got := regexp.MustCompile(`0x7ff[0-9a-f]+`).ReplaceAllString(out.String(), "0x7ff")
	want := `execve("/bin/ls", ["ls", "a \"b\"\n"], 0x7ff /* 2 vars */) = 0` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestMessages(t *testing.T) {
	out := new(bytes.Buffer)
	s, tr, _ := newTrace(t, TraceOptions{Out: out, Messages: out})
	a, b := s.thread(100), s.thread(101)
	tr.ThreadStarted(a, nil)
	a.call("fork", table.Return(101), func() { tr.ThreadStarted(b, a) })
	tr.ThreadExited(b, status(0), false)
	a.call("getpid", table.Return(100), nil)
	check(t, out, `
fork( <unfinished ...>
k42trace: Process 101 attached
[pid   100] <... fork resumed>)         = 101
[pid   101] +++ exited with 0 +++
getpid()                                = 100
`)
}

func TestQuiet(t *testing.T) {
	out := new(bytes.Buffer)
	s, tr, _ := newTrace(t, TraceOptions{Out: out, Messages: out,
		Quiet: QuietAttach | QuietExit | QuietExec | QuietPersonality})
	a, b := s.thread(100), s.thread(101)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	b.tid = 100
	tr.ProcessExeced(b, 101)
	tr.ThreadExited(b, status(0), false)
	check(t, out, "")
}

func TestPersonality(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
	a := s.thread(100)
	tr.ThreadStarted(a, nil)
	a.native = func(*table.Call) table.Result { return table.Return(100) }
	for _, abi := range []table.ABI{table.AMD64, table.I386, table.I386, table.AMD64} {
		c := new(table.Call)
		nr, _ := table.Number(abi, "getpid")
		c.Reset(a, abi, nr, [6]uint64{}, 0, 0)
		tr.Handle(c)
	}
	check(t, out, `
100   getpid()                          = 100
100   [ Process PID=100 runs in 32 bit mode. ]
100   getpid()                          = 100
100   getpid()                          = 100
100   [ Process PID=100 runs in 64 bit mode. ]
100   getpid()                          = 100
`)
}

// The line of a call that does not return ends when something else is to be written, and not
// when its thread is told to have ended, which may be much later.
func TestExitLine(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
	a, b := s.thread(100), s.thread(102)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	path := b.write("/bin/true")
	a.call("exit", table.Gone(), func() {
		b.call("execve", table.Return(0), func() {
			b.tid = 100
			tr.ProcessExeced(b, 102)
		}, path, 0, 0)
	}, 7)
	tr.ThreadExited(b, status(0), false)
	check(t, out, `
100   exit(7)                           = ?
102   execve("/bin/true", NULL, NULL <pid changed to 100 ...>
100   +++ superseded by execve in pid 102 +++
100   <... execve resumed>)             = 0
100   +++ exited with 0 +++
`)
}

type namedFile struct {
	bytes.Buffer
	closed bool
}

func (f *namedFile) Close() error { f.closed = true; return nil }

func TestPerThread(t *testing.T) {
	files := map[int]*namedFile{}
	s, tr, shared := newTrace(t, TraceOptions{PID: PIDAlways, PerThread: func(tid int) io.WriteCloser {
		files[tid] = new(namedFile)
		return files[tid]
	}})
	a, b := s.thread(100), s.thread(101)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	a.call("wait4", table.Return(101), func() {
		b.call("getpid", table.Return(101), nil)
		tr.ThreadExited(b, status(0), false)
	}, 101, 0, 0, 0)
	tr.ThreadExited(a, status(0), false)
	check(t, shared, "")
	check(t, &files[100].Buffer, `
wait4(101, NULL, 0, NULL)               = 101
+++ exited with 0 +++
`)
	check(t, &files[101].Buffer, `
getpid()                                = 101
+++ exited with 0 +++
`)
	if !files[100].closed || !files[101].closed {
		t.Error("files are still open")
	}
}

// The caller of execve goes on in the file of the id that it gets.
func TestPerThreadExec(t *testing.T) {
	files := map[int]*namedFile{}
	s, tr, _ := newTrace(t, TraceOptions{PerThread: func(tid int) io.WriteCloser {
		files[tid] = new(namedFile)
		return files[tid]
	}})
	a, b := s.thread(100), s.thread(102)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	path := b.write("/bin/true")
	a.call("pause", table.Gone(), func() {
		b.call("execve", table.Return(0), func() {
			b.tid = 100
			tr.ProcessExeced(b, 102)
		}, path, 0, 0)
	})
	tr.ThreadExited(b, status(0), false)
	check(t, &files[100].Buffer, `
pause()                                 = ?
+++ superseded by execve in pid 102 +++
<... execve resumed>)                   = 0
+++ exited with 0 +++
`)
	check(t, &files[102].Buffer, `
execve("/bin/true", NULL, NULL <pid changed to 100 ...>
`)
	if !files[100].closed || !files[102].closed {
		t.Error("files are still open")
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		opts TraceOptions
		want string
	}{
		{TraceOptions{Clock: ClockTime, ClockPrecision: Seconds}, `^\d\d:\d\d:\d\d getpid\(\) {23}= 100\n`},
		{TraceOptions{Clock: ClockTime}, `^\d\d:\d\d:\d\d\.\d{6} getpid\(\) {16}= 100\n`},
		{TraceOptions{Clock: ClockEpoch}, `^\d{10}\.\d{6} getpid\(\) {14}= 100\n`},
		{TraceOptions{Relative: true}, `^     0\.000000 getpid\(\) {18}= 100\n     0\.\d{6} getpid`},
		{TraceOptions{Relative: true, Clock: ClockTime}, `^\d\d:\d\d:\d\d\.\d{6} \(\+     0\.000000\) getpid\(\) = 100\n`},
		{TraceOptions{Duration: true}, `^getpid\(\) {32}= 100 <0\.\d{6}>\n`},
		{TraceOptions{Duration: true, PID: PIDAlways, Clock: ClockTime, ClockPrecision: Seconds}, `^100   \d\d:\d\d:\d\d getpid\(\) {17}= 100 <0\.\d{6}>\n`},
	} {
		s, _, out := newTrace(t, test.opts)
		a := s.thread(100)
		a.call("getpid", table.Return(100), nil)
		a.call("getpid", table.Return(100), nil)
		if !regexp.MustCompile(test.want).MatchString(out.String()) {
			t.Errorf("%q does not match %s", out, test.want)
		}
	}
}

func TestAppendSeconds(t *testing.T) {
	for _, test := range []struct {
		d     time.Duration
		width int
		want  string
	}{
		{0, 0, "0.000000"},
		{12*time.Microsecond + 999, 0, "0.000012"},
		{-5, 6, "     0.000000"},
		{3*time.Hour + 7*time.Nanosecond, 6, " 10800.000000"},
		{1234567 * time.Second, 6, "1234567.000000"},
	} {
		if got := string(appendSeconds(nil, test.d, test.width, Micros)); got != test.want {
			t.Errorf("%v: %q, want %q", test.d, got, test.want)
		}
	}
}
