package seccomp

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// inChild reports whether this is the process that is to put itself under a
// filter. If not it runs the same test in such a process.
func inChild(t *testing.T) bool {
	t.Helper()
	const mark = "K42TRACE_SECCOMP_TEST_CHILD"
	if os.Getenv(mark) != "" {
		return true
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("child: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("child skipped:\n%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("child did not run the test:\n%s", out)
	}
	return false
}

// install puts the calling thread (or all threads) under prog, and skips the test
// where that is not permitted. The caller has locked its thread.
func install(t *testing.T, prog Program, allThreads bool) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skipf("no_new_privs: %v", err)
	}
	code := prog.Bytes()
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&code[0])
	header := prog.Header(native(), uint64(uintptr(unsafe.Pointer(&code[0]))))
	for _, flags := range Flags(allThreads) {
		r, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, SetModeFilter, uintptr(flags), uintptr(unsafe.Pointer(&header[0])))
		switch {
		case errno == unix.EINVAL:
			continue
		case errno == unix.ENOSYS, errno == unix.EACCES, errno == unix.EPERM:
			t.Skipf("seccomp(2): %v", errno)
		case errno != 0 || r != 0:
			t.Fatalf("seccomp(2) = %d, %v", r, errno)
		}
		return
	}
	t.Fatal("seccomp(2): EINVAL with all choices of flags")
}

// Errnos for reported calls in programs that have to do without a tracer; no
// kernel function that the tests reach returns them.
const (
	errTraced  = unix.EXFULL
	errForeign = unix.EBADE
)

// withErrnos returns prog with errnos as verdicts in the place of RET_TRACE.
func withErrnos(prog Program) Program {
	var p Program
	for _, i := range prog {
		switch i {
		case bpf.RawInstruction{Op: opRet, K: retTrace}:
			i.K = unix.SECCOMP_RET_ERRNO | uint32(errTraced)
		case bpf.RawInstruction{Op: opRet, K: retForeign}:
			i.K = unix.SECCOMP_RET_ERRNO | uint32(errForeign)
		}
		p = append(p, i)
	}
	return p
}

func native() table.ABI {
	if runtime.GOARCH == "arm64" {
		return table.ARM64
	}
	return table.AMD64
}

// ruled is a policy that reports getppid, numbers without a meaning, and the
// calls of TreeRules and FilterRules.
func ruled() *Policy {
	p := &Policy{Native: native(), Trace: &table.Set{}, Rules: append(TreeRules(), FilterRules()...)}
	for abi := range table.NumABI {
		if nr, ok := table.Number(abi, "getppid"); ok {
			p.Trace.Add(abi, nr)
		}
		p.Trace.AddUnknown(abi)
	}
	return p
}

// Without a tracer the kernel answers RET_TRACE with ENOSYS (seccomp(2)).
func TestKernelTakesProgram(t *testing.T) {
	if !inChild(t) {
		return
	}
	runtime.LockOSThread()
	prog, err := ruled().Assemble()
	if err != nil {
		t.Fatal(err)
	}
	install(t, prog, false)
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != unix.ENOSYS {
		t.Errorf("getppid: %v, want ENOSYS", errno)
	}
	if pid, _, errno := unix.RawSyscall(unix.SYS_GETPID, 0, 0, 0); errno != 0 || int(pid) != os.Getpid() {
		t.Errorf("getpid: %d, %v", pid, errno)
	}
}

func TestKernelVerdicts(t *testing.T) {
	if !inChild(t) {
		return
	}
	runtime.LockOSThread()
	prog, err := ruled().Assemble()
	if err != nil {
		t.Fatal(err)
	}
	install(t, withErrnos(prog), false)
	// A clone that the kernel refuses.
	const clone = unix.CLONE_THREAD
	for _, c := range []struct {
		name    string
		nr, arg uint64
		want    unix.Errno
	}{
		{"getppid", unix.SYS_GETPPID, 0, errTraced},
		{"getppid, upper half of the register set", unix.SYS_GETPPID | 1<<32, 0, errTraced},
		{"getpid", unix.SYS_GETPID, 0, 0},
		{"-1", ^uint64(0), 0, errTraced},
		{"smallest number", 1 << 31, 0, errTraced},
		{"largest number that is not x32", table.X32Bit - 1, 0, errTraced},
		{"5000", 5000, 0, errTraced},
		{"1024", 1024, 0, errTraced},
		{"clone", unix.SYS_CLONE, clone, unix.EINVAL},
		{"clone, bit in the upper half", unix.SYS_CLONE, clone | unix.CLONE_UNTRACED<<32, unix.EINVAL},
		{"clone UNTRACED", unix.SYS_CLONE, clone | unix.CLONE_UNTRACED, errTraced},
		{"clone UNTRACED, upper half set", unix.SYS_CLONE, clone | unix.CLONE_UNTRACED | 1<<40, errTraced},
		{"clone3", unix.SYS_CLONE3, 0, errTraced},
		{"seccomp", unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, errTraced},
		{"prctl PR_GET_SECCOMP", unix.SYS_PRCTL, unix.PR_GET_SECCOMP, errTraced},
		{"prctl PR_SET_SECCOMP, upper half set", unix.SYS_PRCTL, unix.PR_SET_SECCOMP | 1<<32, errTraced},
		{"prctl PR_GET_DUMPABLE", unix.SYS_PRCTL, unix.PR_GET_DUMPABLE, 0},
	} {
		_, _, errno := unix.RawSyscall(uintptr(c.nr), uintptr(c.arg), 0, 0)
		if errno == 0 && c.want == 0 || errno == c.want {
			continue
		}
		t.Errorf("%s: %v, want %v", c.name, errno, c.want)
	}
}

// One thread's filter is its own unless it is given to all.
func TestKernelThreads(t *testing.T) {
	if !inChild(t) {
		return
	}
	runtime.LockOSThread()
	p := &Policy{Native: native(), Trace: setOf(native(), unix.SYS_GETPPID)}
	prog, err := p.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	ask, answer := make(chan bool), make(chan unix.Errno)
	go func() {
		runtime.LockOSThread()
		answer <- 0 // the thread exists
		for range ask {
			_, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
			answer <- errno
		}
	}()
	defer close(ask)
	<-answer
	install(t, withErrnos(prog), false)
	ask <- true
	if errno := <-answer; errno != 0 {
		t.Errorf("getppid in the other thread: %v", errno)
	}
	install(t, withErrnos(prog), true)
	ask <- true
	if errno := <-answer; errno != errTraced {
		t.Errorf("getppid in the other thread, all under the filter: %v", errno)
	}
}

func TestHeader(t *testing.T) {
	p := make(Program, 0x102)
	for abi, want := range map[table.ABI]string{
		table.AMD64: "\x02\x01\x00\x00\x00\x00\x00\x00\xf0\xde\xbc\x9a\x78\x56\x34\x12",
		table.ARM64: "\x02\x01\x00\x00\x00\x00\x00\x00\xf0\xde\xbc\x9a\x78\x56\x34\x12",
		table.I386:  "\x02\x01\x00\x00\xf0\xde\xbc\x9a",
		table.X32:   "\x02\x01\x00\x00\xf0\xde\xbc\x9a",
	} {
		if got := p.Header(abi, 0x123456789abcdef0); string(got) != want {
			t.Errorf("%v: %x", abi, got)
		}
	}
}
