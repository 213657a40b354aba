package ptrace

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// launched starts cat, seized and at its first instruction, for the test's thread.
func launched(t *testing.T) int {
	t.Helper()
	runtime.LockOSThread()
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Skipf("starting cat: %v", err)
	}
	pid := cmd.Process.Pid
	t.Cleanup(func() {
		unix.Kill(pid, unix.SIGKILL)
		for {
			if e, err := Wait(pid, nil); err != nil || e.Dead() {
				break
			}
		}
		cmd.Process.Release()
		runtime.UnlockOSThread()
	})
	if err := SeizeExeced(pid, DefaultOptions); err != nil {
		t.Fatal(err)
	}
	return pid
}

// step is a StepFunc for a process of one thread.
func step(pid int) StepFunc {
	return func(how Resumption) (Event, error) {
		if err := Resume(pid, how, 0); err != nil {
			return Event{}, err
		}
		e, err := Wait(pid, nil)
		if err == nil && e.Dead() {
			err = unix.ESRCH
		}
		return e, err
	}
}

// TestEnter makes calls in a program that has not begun, and restores it.
func TestEnter(t *testing.T) {
	pid := launched(t)
	site, err := FindSite(pid, NativeABI)
	if err != nil {
		t.Fatal(err)
	}
	var before, after Regs
	if err := before.Get(pid); err != nil {
		t.Fatal(err)
	}
	call := func(name string, args ...uint64) table.Result {
		t.Helper()
		nr, _ := table.Number(NativeABI, name)
		var a [6]uint64
		copy(a[:], args)
		r, err := Enter(pid, before, NativeABI, site, nr, a, step(pid))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return r
	}
	if r := call("getpid"); r.Value() != int64(pid) {
		t.Errorf("getpid: %d, want %d", r.Value(), pid)
	}
	if r := call("close", 1<<20); r.Errno() != unix.EBADF {
		t.Errorf("close of nothing: %v", r.Err())
	}
	r := call("mmap", 0, 8192, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
	if r.Failed() {
		t.Fatalf("mmap: %v", r.Err())
	}
	addr := uint64(r.Value())
	if _, err := WriteMemory(pid, addr, []byte("x")); err != unix.EFAULT {
		t.Errorf("writing a read-only page: %v", err)
	}
	if err := ForceWrite(pid, addr+4090, []byte("over the edge")); err != nil {
		t.Errorf("ForceWrite: %v", err)
	}
	call("munmap", addr+4096, 4096)

	// What can be read ends with the page, however it is read.
	for name, read := range map[string]func(int, uint64, []byte) (int, error){"ReadMemory": ReadMemory, "PeekMemory": PeekMemory} {
		buf := make([]byte, 64)
		n, err := read(pid, addr+4090, buf)
		if err != nil || !bytes.Equal(buf[:n], []byte("over t")) {
			t.Errorf("%s at the end of a page: %q, %v", name, buf[:n], err)
		}
		for _, bad := range []uint64{0, 1, addr + 4096, 1 << 47, 1 << 63, ^uint64(0)} {
			if n, err := read(pid, bad, buf); err == nil {
				t.Errorf("%s at %#x: %d bytes", name, bad, n)
			}
		}
	}
	ranges := []table.Range{
		{Addr: addr + 4090, Buf: make([]byte, 4)},
		{Addr: 8, Buf: make([]byte, 4)},
		{Addr: addr + 4092, Buf: make([]byte, 100)},
		{Addr: addr, Buf: nil},
		{Addr: before.SP(), Buf: make([]byte, 8)},
	}
	ReadRanges(pid, ranges)
	for i, want := range []int{4, 0, 4, 0, 8} {
		if ranges[i].N != want {
			t.Errorf("range %d: %d bytes, want %d", i, ranges[i].N, want)
		}
	}

	if err := before.Set(pid); err != nil {
		t.Fatal(err)
	}
	if err := after.Get(pid); err != nil {
		t.Fatal(err)
	}
	if a, b := (*[unsafe.Sizeof(before)]byte)(unsafe.Pointer(&before)), (*[unsafe.Sizeof(after)]byte)(unsafe.Pointer(&after)); *a != *b {
		t.Errorf("registers before %+v, after %+v", before, after)
	}
}

// TestTampered: a call that is not the one prepared does not pass.
func TestTampered(t *testing.T) {
	pid := launched(t)
	site, err := FindSite(pid, NativeABI)
	if err != nil {
		t.Fatal(err)
	}
	var regs Regs
	if err := regs.Get(pid); err != nil {
		t.Fatal(err)
	}
	getpid, _ := table.Number(NativeABI, "getpid")
	getppid, _ := table.Number(NativeABI, "getppid")
	done := step(pid)
	first := true
	_, err = Enter(pid, regs, NativeABI, site, getpid, [6]uint64{}, func(how Resumption) (Event, error) {
		if first {
			// As if another thread had changed the code.
			first = false
			r := regs
			r.SetEntry(NativeABI, site, getppid, [6]uint64{})
			if err := r.Set(pid); err != nil {
				return Event{}, err
			}
		}
		return done(how)
	})
	if !errors.Is(err, ErrTampered) {
		t.Errorf("Enter: %v", err)
	}
}

func TestErrors(t *testing.T) {
	const nobody = 1 << 30
	if err := Seize(nobody, 0); !Gone(err) {
		t.Errorf("seizing nobody: %v", err)
	}
	if _, err := ReadMemory(nobody, 4096, make([]byte, 8)); !Gone(err) {
		t.Errorf("reading nobody's memory: %v", err)
	}
	f := &Feature{Name: "time travel", Since: "9.9", probe: func() bool { return false }}
	err := f.Err()
	if !errors.Is(err, ErrUnsupported) || !bytes.Contains([]byte(err.Error()), []byte("needs Linux 9.9")) {
		t.Errorf("a missing feature: %v", err)
	}
	for _, f := range Features() {
		if err := f.Err(); err != nil {
			t.Logf("%s: %v", f.Name, err)
		}
	}
	if err := permissionError(os.Getpid(), unix.EPERM); !errors.Is(err, ErrPermission) || !errors.Is(err, unix.EPERM) {
		t.Errorf("permission error: %v", err)
	}
}

// TestLaunchBlocked: a program that begins with SIGCONT blocked stops too, and keeps
// its mask.
func TestLaunchBlocked(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const sigcont = 1 << (unix.SIGCONT - 1)
	var old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &unix.Sigset_t{Val: [16]uint64{sigcont}}, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	pid := launched(t)
	mask, err := GetSigmask(pid)
	if err != nil {
		t.Fatal(err)
	}
	if mask&sigcont == 0 {
		t.Errorf("the mask is %#x, without SIGCONT", mask)
	}
}
