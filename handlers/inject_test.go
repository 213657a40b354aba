package handlers

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// injecting returns a script whose calls are traced and injected into.
func injecting(t *testing.T, specs ...string) (*script, table.Observer, *bytes.Buffer) {
	t.Helper()
	s, tr, out := newTrace(t, TraceOptions{Column: 1, PID: PIDNever})
	var list []Injection
	for _, spec := range specs {
		in, err := ParseInjection(spec)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, in)
	}
	n := NewInject(list...)
	s.handler = tr.Wrap(n.Wrap(table.Native))
	return s, n.Observe(tr), out
}

// Every thread counts for itself, and a thread that executes a program takes its
// counts with it.
func TestInjectCounts(t *testing.T) {
	s, o, out := injecting(t, "getpid,getppid:error=EPERM:when=2")
	a, b := s.thread(100), s.thread(101)
	o.ThreadStarted(a, nil)
	o.ThreadStarted(b, a)
	a.call("getpid", table.Return(1), nil)
	b.call("getpid", table.Return(2), nil)
	a.call("getppid", table.Return(3), nil)
	o.ThreadExited(a, status(0), true)
	b.tid = 100
	o.ProcessExeced(b, 101)
	b.call("getpid", table.Return(4), nil)
	b.call("getpid", table.Return(5), nil)
	o.ThreadExited(b, status(0), false)
	b.call("getpid", table.Return(6), nil)
	b.call("getpid", table.Return(7), nil)
	check(t, out, `
getpid() = 1
getpid() = 2
getppid() = 3
+++ superseded by execve in pid 101 +++
getpid() = -1 EPERM (Operation not permitted) (INJECTED)
getpid() = 5
+++ exited with 0 +++
getpid() = 6
getpid() = -1 EPERM (Operation not permitted) (INJECTED)
`)
}

// The last injection that means an invocation is done, and a call that is answered
// does not run.
func TestInjectLast(t *testing.T) {
	s, _, out := injecting(t, "close:error=EIO", "close:retval=5:when=2", "close:delay_exit=1:when=3..4", "close:error=EBADF:when=4")
	f := s.thread(100)
	ran := 0
	for range 5 {
		f.call("close", table.Return(0), func() { ran++ }, 3)
	}
	check(t, out, `
close(3) = -1 EIO (Input/output error) (INJECTED)
close(3) = 5 (INJECTED)
close(3) = 0 (DELAYED)
close(3) = -1 EBADF (Bad file descriptor) (INJECTED)
close(3) = -1 EIO (Input/output error) (INJECTED)
`)
	if ran != 1 || f.parks != 1 {
		t.Errorf("%d calls ran, %d were late", ran, f.parks)
	}
}

// An engine that cannot tamper is not told to have done so.
func TestInjectCannot(t *testing.T) {
	s, _, out := injecting(t, "close:poke_enter=@arg1=00:signal=USR1")
	s.thread(100).call("close", table.Errno(unix.EBADF), nil, 3)
	check(t, out, "close(3) = -1 EBADF (Bad file descriptor)\n")
}
