package procfs

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A thread can be called anything.
func TestStatWithHostileName(t *testing.T) {
	runtime.LockOSThread() // never unlocked: the thread ends with its name
	for _, name := range []string{"x", ") Z 1 2 3", "a b) R (", "\n0 (x)"} {
		p, err := unix.BytePtrFromString(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(p)), 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		s, err := ReadStat(unix.Gettid())
		if err != nil {
			t.Fatal(err)
		}
		if s.State != 'R' || s.Processor < 0 || s.Processor >= 4096 || s.StartStack == 0 {
			t.Errorf("%q: %+v", name, s)
		}
		st, err := ReadStatus(unix.Gettid())
		if err != nil || st.TGID != os.Getpid() || st.PPID != os.Getppid() {
			t.Errorf("%q: %+v, %v", name, st, err)
		}
	}
}

func TestStatusSignals(t *testing.T) {
	cmd := exec.Command("sh", "-c", `trap "" HUP; trap : USR1; kill -STOP $$`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := cmd.Process.Pid
	var ws unix.WaitStatus
	if _, err := unix.Wait4(pid, &ws, unix.WUNTRACED, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStatus(pid)
	if err != nil {
		t.Fatal(err)
	}
	bit := func(sig unix.Signal) uint64 { return 1 << (sig - 1) }
	if s.PPID != os.Getpid() || s.TGID != pid {
		t.Errorf("%+v", s)
	}
	if s.Ignored&bit(unix.SIGHUP) == 0 || s.Ignored&bit(unix.SIGUSR1) != 0 {
		t.Errorf("ignored %#x", s.Ignored)
	}
	if s.Caught&bit(unix.SIGUSR1) == 0 || s.Caught&bit(unix.SIGHUP) != 0 {
		t.Errorf("caught %#x", s.Caught)
	}
	if s.SharedPending != bit(unix.SIGUSR1) || s.Pending != 0 {
		t.Errorf("pending %#x, shared %#x", s.Pending, s.SharedPending)
	}
	stat, err := ReadStat(pid)
	if err != nil || stat.State != 'T' {
		t.Errorf("state %c, %v", stat.State, err)
	}
}

func TestAlive(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	// Left as a zombie.
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	if Alive(pid) {
		t.Error("a zombie is alive")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadStatus(pid); !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESRCH) {
		t.Errorf("of nobody: %v", err)
	}
	if !Alive(os.Getpid()) {
		t.Error("we are not alive")
	}
}

func TestMalformed(t *testing.T) {
	for _, s := range []string{"", "1", "1 (x)", "1 (x) R 1 2", ")", "1 (x) R" + " x", "\x00"} {
		if _, ok := parseStat([]byte(s)); ok {
			t.Errorf("stat %q is accepted", s)
		}
	}
	for _, s := range []string{"", "Name:\tx\n", "Tgid:\t1\nPPid:\tx\n", "Tgid", ":"} {
		if _, ok := parseStatus([]byte(s)); ok {
			t.Errorf("status %q is accepted", s)
		}
	}
}

func TestSched(t *testing.T) {
	if n := Runnable(); n < 1 {
		t.Errorf("%d threads run, not even this one", n)
	}
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("no schedstat")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, _ := Schedstat("thread-self")
	for begin := time.Now(); time.Since(begin) < 20*time.Millisecond; {
	}
	if after, _ := Schedstat("thread-self"); after <= before {
		t.Errorf("had a core for %v, then for %v", before, after)
	}
	if ran, waited := Schedstat("0"); ran != 0 || waited != 0 {
		t.Errorf("nobody: %v, %v", ran, waited)
	}
}
