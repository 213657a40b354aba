package process

import (
	"encoding/binary"
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Here the kernel's state is this process's own, and what is told of it comes in an order
// that leaves open what the kernel did first.

// two returns the states of two threads that share everything.
func two() (a, b *Thread) {
	tree := NewTree(true)
	a, b = tree.NewThread(os.Getpid()), tree.NewThread(os.Getpid())
	b.setFDs(a.fds)
	b.setFS(a.fs)
	b.setSignals(a.signals)
	return a, b
}

// begin tells that a thread begins a call.
func begin(t *testing.T, th *Thread, name string, mem table.Memory, args ...uint64) *Op {
	t.Helper()
	nr, ok := table.Number(table.AMD64, name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	var a [6]uint64
	copy(a[:], args)
	op := new(Op)
	th.Begin(op, table.AMD64, nr, a, mem)
	return op
}

// action is memory that has a struct sigaction with a handler everywhere.
func action(handler uint64) noise {
	b := make([]byte, 32)
	binary.NativeEndian.PutUint64(b, handler)
	return b
}

func setUmask(t *testing.T, mask int) {
	old := unix.Umask(mask)
	t.Cleanup(func() { unix.Umask(old) })
}

// The call that returns last need not be the one that the kernel has done last.
func TestDispositionSetByTwo(t *testing.T) {
	const sig = unix.SIGUSR2
	a, b := two()
	if d, _ := a.Signals().Get(int(sig)); d.Handler == table.SIGIGN {
		t.Skip("ignored from the start")
	}
	opA := begin(t, a, "rt_sigaction", action(table.SIGIGN), uint64(sig), 4096, 0, 8)
	opB := begin(t, b, "rt_sigaction", action(table.SIGDFL), uint64(sig), 4096, 0, 8)
	signal.Ignore(sig) // B's before
	t.Cleanup(func() { signal.Reset(sig) })
	a.End(opA, table.Return(0), action(table.SIGIGN))
	b.End(opB, table.Return(0), action(table.SIGDFL))
	if d, _ := a.Signals().Get(int(sig)); d.Handler != table.SIGIGN {
		t.Errorf("the handler is %#x, but the signal is ignored", d.Handler)
	}
}

// A thread that ends in a call may have got what it wanted, or not.
func TestEndedInCalls(t *testing.T) {
	setUmask(t, 0o31)
	a, b := two()
	if got := a.FS().Umask(); got != 0o31 {
		t.Fatalf("%#o", got)
	}
	a.FS().Cwd()
	umask := begin(t, b, "umask", nil, 0o77)
	b.End(umask, table.Gone(), nil)
	if got := a.FS().Umask(); got != 0o31 {
		t.Errorf("the mask is %#o, which it never was", got)
	}
	dir := t.TempDir()
	chdir := begin(t, b, "chdir", strs{dir}, 4096)
	t.Chdir(dir)
	b.End(chdir, table.Gone(), strs{dir})
	if want, err := os.Readlink("/proc/self/cwd"); a.FS().Cwd() != want || err != nil {
		t.Errorf("the directory is %q, want %q, %v", a.FS().Cwd(), want, err)
	}
	const sig = unix.SIGUSR2
	a.Signals().Get(int(sig))
	ignore := begin(t, b, "rt_sigaction", action(table.SIGIGN), uint64(sig), 4096, 0, 8)
	signal.Ignore(sig)
	t.Cleanup(func() { signal.Reset(sig) })
	b.End(ignore, table.Gone(), action(table.SIGIGN))
	if d, _ := a.Signals().Get(int(sig)); d.Handler != table.SIGIGN {
		t.Errorf("the handler is %#x, but the signal is ignored", d.Handler)
	}
	a.FDs().(*FDs).numbers()
	open := begin(t, b, "open", strs{"/dev/null"}, 4096)
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	b.End(open, table.Gone(), nil)
	found := false
	for d := range a.FDs().All() {
		found = found || d.Number == fd
	}
	if !found {
		t.Errorf("descriptor %d is open, and not among all", fd)
	}
}

// What the kernel has copied for one is what the other has changed only after that, though it
// has ended since.
func TestCopiedFromOneThatHasEnded(t *testing.T) {
	setUmask(t, 0o31)
	for _, name := range []string{"unshare", "fork"} {
		t.Run(name, func(t *testing.T) {
			a, b := two()
			var unshare *Op
			if name == "unshare" {
				unshare = begin(t, a, "unshare", nil, unix.CLONE_FS)
			}
			// Here the kernel makes the copy.
			umask := begin(t, b, "umask", nil, 0o77)
			b.End(umask, table.Return(0o31), nil)
			b.Forget()
			th := a
			if name == "unshare" {
				a.End(unshare, table.Return(0), nil)
			} else {
				th = a.tree.NewThread(os.Getpid())
				th.ownFS(a.fs)
			}
			if got := th.FS().Umask(); got != 0o31 {
				t.Errorf("the mask is %#o", got)
			}
		})
	}
	// Whose beginning is seen when it has been alone needs to ask nobody.
	a, b := two()
	b.Forget()
	begin(t, a, "umask", nil, 0)
	if a.fs.shared() || a.fds.shared() {
		t.Error("it shares what it has, with nobody")
	}
}
