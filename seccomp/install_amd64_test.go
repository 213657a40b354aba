package seccomp

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A caller makes a system call with its own instruction. Go's register ABI has
// the number where the kernel wants it, and the first argument where i386 does.
type caller func(nr, arg uintptr) uintptr

// callers returns one for the syscall instruction, at offset 0 of a new page, and
// one for int 0x80, at offset 3, and the page's address.
func callers(t *testing.T) (syscall, int80 caller, addr uint64) {
	t.Helper()
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	copy(page, "\x0f\x05\xc3"+"\xcd\x80\xc3")
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		t.Skipf("executable memory: %v", err)
	}
	at := func(offset int) caller {
		// A func value points to a word that holds the address of the code.
		word := &[]*byte{&page[offset]}[0]
		return *(*caller)(unsafe.Pointer(&word))
	}
	return at(0), at(3), uint64(uintptr(unsafe.Pointer(&page[0])))
}

func TestKernelForeignABIs(t *testing.T) {
	if !inChild(t) {
		return
	}
	runtime.LockOSThread()
	_, int80, _ := callers(t)
	prog, err := ruled().Assemble()
	if err != nil {
		t.Fatal(err)
	}
	install(t, withErrnos(prog), false)

	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID|table.X32Bit, 0, 0, 0); errno != errTraced {
		t.Errorf("x32 getppid: %v, want %v", errno, errTraced)
	}
	// Most kernels have no x32; then it is theirs to refuse.
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPID|table.X32Bit, 0, 0, 0); errno != 0 && errno != unix.ENOSYS {
		t.Errorf("x32 getpid: %v", errno)
	}

	if _, err := os.Stat("/proc/sys/abi/vsyscall32"); err != nil {
		t.Skipf("a kernel without i386 calls: %v", err)
	}
	const getpid, getppid, clone, prctl = 20, 64, 120, 172 // i386's
	for _, c := range []struct {
		name    string
		nr, arg uintptr
		want    int32
	}{
		{"getpid", getpid, 0, int32(os.Getpid())},
		{"getppid", getppid, 0, -int32(errTraced)},
		{"-1", ^uintptr(0), 0, -int32(errTraced)},
		{"x32's bit", getpid | table.X32Bit, 0, -int32(errTraced)},
		{"clone", clone, unix.CLONE_THREAD, -int32(unix.EINVAL)},
		{"clone UNTRACED", clone, unix.CLONE_THREAD | unix.CLONE_UNTRACED, -int32(errTraced)},
		{"prctl PR_GET_SECCOMP", prctl, unix.PR_GET_SECCOMP, -int32(errTraced)},
	} {
		if got := int32(int80(c.nr, c.arg)); got != c.want {
			t.Errorf("int 0x80, %s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestKernelExemptAddress(t *testing.T) {
	if !inChild(t) {
		return
	}
	runtime.LockOSThread()
	syscall, int80, addr := callers(t)
	p := ruled()
	p.ExemptSet = setOf(table.AMD64, unix.SYS_GETPPID)
	p.Exempt = []AddressRange{{addr, addr + 3}}
	prog, err := p.Assemble()
	if err != nil {
		t.Fatal(err)
	}
	install(t, withErrnos(prog), false)
	if got := int(syscall(unix.SYS_GETPPID, 0)); got <= 0 {
		t.Errorf("getppid at an exempt address: %d", got)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); errno != errTraced {
		t.Errorf("getppid elsewhere: %v", errno)
	}
	if got := int32(syscall(unix.SYS_GETPPID|table.X32Bit, 0)); got != -int32(errTraced) {
		t.Errorf("x32 getppid at an exempt address: %d", got)
	}
	if got := int32(syscall(5000, 0)); got != -int32(errTraced) {
		t.Errorf("number 5000 at an exempt address: %d", got)
	}
	if _, err := os.Stat("/proc/sys/abi/vsyscall32"); err == nil {
		if got := int32(int80(64, 0)); got != -int32(errTraced) {
			t.Errorf("i386 getppid at an exempt address: %d", got)
		}
	}
}
