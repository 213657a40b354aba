//go:build amd64

package integration

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Row 1: int 0x80 from a 64-bit process.
func TestInt80FromA64BitProcess(t *testing.T) {
	compareTraced(t, compileC(t, "int80")).mustExit(t, 0)
}

// Row 1: the trace names i386 calls by i386's table: 20 is getpid there and
// writev here, 4 is write there and stat here.
func TestInt80IsTracedWithItsOwnNumbers(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "int80"), "trace")
		o.mustExit(t, 0)
		if n := len(callLines(lines, "getpid")); n != 3 {
			t.Errorf("%d lines of getpid, want 3", n)
		}
		writes := callLines(lines, "write")
		if len(writes) != 1 || !strings.Contains(writes[0], "write(-1, ") || !strings.Contains(writes[0], "EBADF") {
			t.Errorf("lines of write: %q, want one of fd -1 that fails with EBADF", writes)
		}
		if wrong := slices.Concat(callLines(lines, "writev"), callLines(lines, "stat")); len(wrong) > 0 {
			t.Errorf("i386 numbers read as x86-64 ones: %q", wrong)
		}
	})
}

// Row 2: the x32 bit, numbers beyond the table, -1, the upper half of rax.
func TestNumbersOutsideTheTable(t *testing.T) {
	o := compareTraced(t, compileC(t, "numbers"))
	o.mustExit(t, 0)
	if !strings.Contains(o.Stdout, "main 0xffffffffffffffff: ENOSYS") {
		t.Errorf("number -1 natively:\n%s", o.Stdout)
	}
}

// Row 2: such calls are in the trace, with their result.
func TestNumbersOutsideTheTableAreTraced(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "numbers"))
		o.mustExit(t, 0)
		enosys := 0
		for _, line := range lines {
			if strings.HasSuffix(line, "= -1 ENOSYS (Function not implemented)") {
				enosys++
			}
		}
		// 3000 rounds of -1, and the list twice, most of whose entries fail so.
		if enosys < 3050 {
			t.Errorf("%d calls of the trace end in ENOSYS, want at least 3050", enosys)
		}
	})
}

func needVsyscall(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(maps), "[vsyscall]") {
		t.Skip("this kernel runs with vsyscall=none")
	}
}

// Row 3: the vsyscall page.
func TestVsyscallPage(t *testing.T) {
	needVsyscall(t)
	compareTraced(t, compileC(t, "vsyscall")).mustExit(t, 0)
}

// Row 3: an emulated vsyscall has a seccomp stop and no exit stop. A tracer
// that takes the next stop for its exit loses step. (strace without
// --seccomp-bpf never sees the call of time.)
func TestVsyscallsKeepTheTraceInStep(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		needVsyscall(t)
		o, lines := traceOf(t, r, compileC(t, "vsyscall"), "trace")
		o.mustExit(t, 0)
		for _, name := range []string{"time", "getppid", "getpgid"} {
			calls := callLines(lines, name)
			if len(calls) != 20 {
				t.Errorf("%d lines of %s, want 20", len(calls), name)
			}
			for _, line := range calls {
				if strings.Contains(line, "unfinished") || strings.HasSuffix(line, "= ?") {
					t.Errorf("without a result: %s", line)
				}
			}
		}
	})
}

// Row 4: a 32-bit ELF runs, and executes both kinds.
func Test32BitProgram(t *testing.T) {
	compareTraced(t, compileC(t, "abi32", "-m32")).mustExit(t, 0)
	compareTraced(t, compileC(t, "abi32", "-m32", "-static")).mustExit(t, 0)
}

// Row 4: it is traced with 32-bit numbers: 20 and 199 are writev and
// fremovexattr to x86-64.
func Test32BitProgramIsTracedWithItsOwnNumbers(t *testing.T) {
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, compileC(t, "abi32", "-m32"), "trace")
		o.mustExit(t, 0)
		for name, want := range map[string]int{"getpid": 2, "getuid32": 1, "fremovexattr": 0, "writev": 0} {
			if n := len(callLines(lines, name)); n != want {
				t.Errorf("%d lines of %s, want %d", n, name, want)
			}
		}
	})
}

// Rows 1 and 4: the architecture belongs to each call, not to the process. A
// 32-bit program can make x86-64 calls, and mixes them here.
func Test32BitProgramMakes64BitCalls(t *testing.T) {
	path := compileC(t, "two_modes", "-m32", "-no-pie", "-fno-pie")
	compareTraced(t, path).mustExit(t, 0)
	onEachRoute(t, func(t *testing.T, r route) {
		o, lines := traceOf(t, r, path, "trace")
		o.mustExit(t, 0)
		for name, want := range map[string]int{"getppid": 2, "getpgid": 1, "iopl": 0, "utime": 0} {
			if n := len(callLines(lines, name)); n != want {
				t.Errorf("%d lines of %s, want %d", n, name, want)
			}
		}
	})
}
