package ptrace

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Memory that is gone, as its process was killed after it had been opened, is an error that
// says so: to a supervisor it is no failure of its own.
func TestMemoryOfTheDead(t *testing.T) {
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	mem, err := OpenMemory(pid)
	if err != nil {
		t.Error(err)
	} else {
		defer mem.Close()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	// It is still known when it is dead, and is not when it has been waited for.
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Error(err)
	}
	for _, when := range []string{"before", "after"} {
		if _, err := OpenMemory(pid); !Gone(err) {
			t.Errorf("memory opened %s the wait: %v", when, err)
		}
		if _, err := FindSite(pid, NativeABI); !Gone(err) {
			t.Errorf("site found %s the wait: %v", when, err)
		}
		_ = cmd.Wait()
	}
	if mem == nil {
		return
	}
	var b [16]byte
	if n, err := mem.ReadAt(b[:], pageSize); n != 0 || !Gone(err) {
		t.Errorf("%d bytes read, %v", n, err)
	}
	if n, err := mem.WriteAt(b[:], pageSize); n != 0 || !Gone(err) {
		t.Errorf("%d bytes written, %v", n, err)
	}
}
