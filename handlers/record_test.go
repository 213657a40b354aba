package handlers

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// recorded tells tr of a call as the direct route does.
func (f *fakeThread) recorded(tr *Trace, name string, res table.Result, entered, left time.Time, args ...uint64) {
	f.s.t.Helper()
	tr.Returned(f.describe(name, args...), res, entered, left)
}

// describe returns a call as a route describes it.
func (f *fakeThread) describe(name string, args ...uint64) *table.Call {
	f.s.t.Helper()
	var a [6]uint64
	copy(a[:], args)
	c := new(table.Call)
	c.Reset(f, table.AMD64, number(f.s.t, name), a, 0, 0)
	return c
}

// writes counts what goes to it.
type writes struct {
	bytes.Buffer
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.Buffer.Write(p)
}

// Whatever is in a line, it is the same by both routes, and written at once.
func TestRecordedLines(t *testing.T) {
	for _, opts := range []TraceOptions{
		{},
		{PID: PIDAlways},
		{Column: 60},
	} {
		reflected, recorded := opts, opts
		out := &writes{}
		recorded.Out = out
		s, trap, want := newTrace(t, reflected)
		direct := NewTrace(recorded)
		a, b := s.thread(100), s.thread(101)
		for _, tr := range []*Trace{trap, direct} {
			tr.ThreadStarted(a, nil)
			tr.ThreadStarted(b, a)
		}
		calls := 0
		both := func(f *fakeThread, name string, res table.Result, args ...uint64) {
			calls++
			f.call(name, res, nil, args...)
			f.recorded(direct, name, res, present, present, args...)
		}
		both(a, "close", table.Return(0), 3)
		both(a, "getppid", table.Return(99))
		both(b, "openat", table.Errno(unix.ENOENT), 1<<64-100, b.write("/etc/ld.so.preload"), unix.O_CLOEXEC)
		both(a, "read", table.Return(2), 3, a.write("ab"), 10)
		both(a, "read", table.Errno(unix.EFAULT), 3, 0x10, 10)
		both(a, "read", table.Gone(), 0, 0x10, 1)
		both(a, "pause", table.Gone())
		both(a, "nanosleep", table.Errno(table.ERESTART_RESTARTBLOCK), 0x10, 0x10)
		both(a, "restart_syscall", table.Return(0))
		both(b, "mmap", table.Return(0x7f0000001000), 0, 4096, 3, 0x22, 1<<64-1, 0)
		both(b, "exit_group", table.Gone(), 2)
		check(t, &out.Buffer, want.String())
		if out.n != calls {
			t.Errorf("%d writes for %d calls", out.n, calls)
		}
	}
}

// Calls that are told of before they return look like those of the trap route.
func TestRecordedUnfinished(t *testing.T) {
	s, tr, out := newTrace(t, TraceOptions{PID: PIDAlways})
	a, b := s.thread(100), s.thread(101)
	tr.ThreadStarted(a, nil)
	tr.ThreadStarted(b, a)
	read, wait := a.describe("read", 3, a.write("x"), 1), b.describe("pause")
	tr.Entered(read, present)
	b.recorded(tr, "getpid", table.Return(100), present, present)
	tr.Returned(read, table.Return(1), present, present)
	tr.Entered(read, present)
	tr.Returned(read, table.Return(0), present, present)
	tr.Entered(wait, present)
	a.call("getppid", table.Return(7), nil) // by the trap route
	tr.ThreadExited(b, unix.WaitStatus(unix.SIGKILL), false)
	tr.Entered(read, present)
	tr.Returned(read, table.Gone(), present, present)
	check(t, out, `
100   read(3,  <unfinished ...>
101   getpid()                          = 100
100   <... read resumed>"x", 1)         = 1
100   read(3, "", 1)                    = 0
101   pause( <unfinished ...>
100   getppid()                         = 7
101   <... pause resumed>)              = ?
101   +++ killed by SIGKILL +++
100   read(3,  <unfinished ...>)        = ?
`)
}

// The times shown are those of the calls, not of the writing.
func TestRecordedTimes(t *testing.T) {
	begin := time.Unix(1000000000, 123456789)
	at := func(us int) time.Time { return begin.Add(time.Duration(us) * time.Microsecond) }
	tell := func(s *script, tr *Trace) {
		a, b := s.thread(100), s.thread(101)
		a.recorded(tr, "getpid", table.Return(100), at(0), at(3))
		c := a.describe("pause")
		tr.Entered(c, at(1000000))
		b.recorded(tr, "getpid", table.Return(100), at(1000010), at(1000012))
		tr.Returned(c, table.Errno(unix.EINTR), at(1000000), at(3000000))
	}
	for _, test := range []struct {
		opts TraceOptions
		want string
	}{
		{TraceOptions{PID: PIDNever, Clock: ClockEpoch, Column: 1}, `
1000000000.123456 getpid() = 100
1000000001.123456 pause( <unfinished ...>
1000000001.123466 getpid() = 100
1000000003.123456 <... pause resumed>) = -1 EINTR (Interrupted system call)
`},
		{TraceOptions{PID: PIDNever, Relative: true, Column: 1}, `
     0.000000 getpid() = 100
     1.000000 pause( <unfinished ...>
     0.000010 getpid() = 100
     1.999990 <... pause resumed>) = -1 EINTR (Interrupted system call)
`},
		{TraceOptions{PID: PIDNever, Duration: true, Column: 1}, `
getpid() = 100 <0.000003>
pause( <unfinished ...>
getpid() = 100 <0.000002>
<... pause resumed>) = -1 EINTR (Interrupted system call) <2.000000>
`},
	} {
		s, tr, out := newTrace(t, test.opts)
		if !tr.WantsTimes() {
			t.Errorf("%+v wants no times", test.opts)
		}
		tell(s, tr)
		check(t, out, test.want)
	}
	if NewTrace(TraceOptions{}).WantsTimes() {
		t.Error("wants times without an option for one")
	}
}

// A table that only watches can be seen to do so.
func TestWrapWatches(t *testing.T) {
	tr, n := NewTrace(TraceOptions{Out: new(bytes.Buffer)}), NewCount()
	deny := Deny(unix.EPERM)(table.Native)
	tbl := table.New()
	all, _ := table.ParseSet("all")
	tbl.Use(all, tr.Wrap)
	if r, ok := tbl.Lookup(table.AMD64, 0).(table.Recorder); !ok || r != tr {
		t.Error("a traced call has no Recorder")
	}
	if _, ok := tr.Wrap(deny).(table.Recorder); ok {
		t.Error("a denied call has a Recorder")
	}
	if _, ok := n.Wrap(table.Native).(table.Tallier); !ok {
		t.Error("a counted call has no Tallier")
	}
	if _, ok := n.Wrap(tr).(table.Tallier); ok {
		t.Error("a call that is traced and counted has a Tallier")
	}
}
