package handlers

import (
	"bytes"
	"regexp"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

func number(t *testing.T, name string) int {
	t.Helper()
	nr, ok := table.Number(table.AMD64, name)
	if !ok {
		t.Fatal(name)
	}
	return nr
}

func TestCountTable(t *testing.T) {
	n := NewCount()
	read, poll, restart := number(t, "read"), number(t, "poll"), number(t, "restart_syscall")
	us := time.Microsecond
	n.add(table.AMD64, read, 1, table.Return(1), 10*us)
	n.add(table.AMD64, read, 1, table.Errno(unix.EAGAIN), 5*us)
	// One poll, interrupted twice: one call, no error.
	n.add(table.AMD64, poll, 1, table.Errno(table.ERESTART_RESTARTBLOCK), 100*us)
	n.add(table.AMD64, read, 2, table.Return(0), 0) // another thread's
	n.add(table.AMD64, restart, 1, table.Errno(table.ERESTART_RESTARTBLOCK), 100*us)
	n.add(table.AMD64, restart, 1, table.Return(0), 100*us)
	// A handler ran: the program sees EINTR, and makes another call.
	n.add(table.AMD64, poll, 2, table.Errno(table.ERESTART_RESTARTBLOCK), 100*us)
	n.add(table.AMD64, number(t, "rt_sigreturn"), 2, table.Errno(unix.EINTR), us)
	n.add(table.AMD64, 5000, 1, table.Errno(unix.ENOSYS), 0)
	n.add(table.AMD64, number(t, "exit_group"), 1, table.Gone(), time.Hour)

	var out bytes.Buffer
	if _, err := n.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	check(t, &out, `
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 96.15    0.000400         200         2         1 poll
  3.61    0.000015           5         3         1 read
  0.24    0.000001           1         1         1 rt_sigreturn
  0.00    0.000000           0         1         1 syscall_0x1388
------ ----------- ----------- --------- --------- ----------------
100.00    0.000416          59         7         4 total
`)
}

func TestCountABIs(t *testing.T) {
	n := NewCount()
	n.Launched()
	nr, _ := table.Number(table.I386, "getpid")
	n.add(table.I386, nr, 1, table.Return(1), 0)
	var out bytes.Buffer
	if _, err := n.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	want := `(?s)^% time .* 1 +execve\n.*total\nSystem call usage summary for 32 bit mode:\n% time.* 1 +getpid\n.*total\n$`
	if !regexp.MustCompile(want).MatchString(out.String()) {
		t.Errorf("%s", &out)
	}
}

func TestCountHandles(t *testing.T) {
	n := NewCount()
	s := &script{t: t, handler: n.Wrap(Answer(table.Return(7))), pid: 1}
	if r := s.thread(1).call("getpid", table.Return(1), nil); r.Value() != 7 {
		t.Errorf("result %d", r.Value())
	}
	if got := n.tally(table.AMD64, number(t, "getpid")); got.calls != 1 || got.errors != 0 {
		t.Errorf("%+v", got)
	}
}

func TestCountTallies(t *testing.T) {
	n := NewCount()
	read := number(t, "read")
	n.add(table.AMD64, read, 1, table.Return(1), 10)
	n.Tally(table.AMD64, read, 5, 2, 100)
	n.Tally(table.AMD64, number(t, "close"), 0, 0, 0)
	if got, want := *n.tally(table.AMD64, read), (tally{nr: read, calls: 6, errors: 2, spent: 110, min: 10, max: 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var out bytes.Buffer
	if _, err := n.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("close")) {
		t.Errorf("shows what never happened:\n%s", &out)
	}
}
