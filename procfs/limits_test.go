package procfs

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

func TestUnlimited(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var before unix.Rlimit
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_AS, nil, &before); err != nil {
		t.Fatal(err)
	}
	for _, cur := range []uint64{before.Max, 1 << 32} {
		if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: cur, Max: before.Max}, nil); err != nil {
			t.Fatal(err)
		}
		got, err := Unlimited(cmd.Process.Pid, "Max address space")
		if want := cur == unix.RLIM_INFINITY; err != nil || got != want {
			t.Errorf("with a limit of %#x: %v, %v, want %v", cur, got, err, want)
		}
	}
	if _, err := Unlimited(cmd.Process.Pid, "Max nonsense"); err == nil {
		t.Error("a limit that there is not: no error")
	}
}
