package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/ptrace"
	"github.com/k42trace/k42trace/supervisor"
	"github.com/k42trace/k42trace/table"
)

// The loop makes the calls that it says, all on one thread, and tells its time.
func TestLoopRole(t *testing.T) {
	const count = 1000
	calls := 0
	threads := map[int]bool{}
	var out bytes.Buffer
	cmd := supervisor.Command(os.Args[0], "loop", "getppid", strconv.Itoa(count))
	cmd.Stdout = &out
	cmd.Table = table.New()
	cmd.Table.HandleFunc("getppid", func(c *table.Call) table.Result {
		calls++
		threads[c.Thread().TID()] = true
		return table.Return(1)
	})
	if err := cmd.Run(); errors.Is(err, ptrace.ErrPermission) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	if calls != warmUp+count || len(threads) != 1 {
		t.Errorf("%d calls on %d threads, want %d on one", calls, len(threads), warmUp+count)
	}
	if out.Len() != 8 || binary.LittleEndian.Uint64(out.Bytes()) == 0 {
		t.Errorf("wrote %x, want a time", out.Bytes())
	}
}

func TestSwitchRole(t *testing.T) {
	for _, how := range []string{"coroutine", "goroutine"} {
		out, err := exec.Command(os.Args[0], "switch", how, "100").Output()
		if err != nil || len(out) != 8 || binary.LittleEndian.Uint64(out) == 0 {
			t.Errorf("%s: wrote %x, %v, want a time", how, out, err)
		}
	}
}

func TestPlacement(t *testing.T) {
	allowed := func(p placement) string {
		t.Helper()
		var out bytes.Buffer
		cmd := exec.Command("cat", "/proc/self/status")
		cmd.Stdout = &out
		if err := p.start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	field := func(status, name string) string {
		_, rest, _ := strings.Cut(status, name+":")
		value, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(value)
	}
	if got, want := field(allowed(oneCore), "Cpus_allowed_list"), strconv.Itoa(core()); got != want {
		t.Errorf("on one core: Cpus_allowed_list %s, want %s", got, want)
	}
	// Neither touches those that are started later.
	free := allowed(scheduled)
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	if set.Count() > 1 && field(free, "Cpus_allowed_list") == strconv.Itoa(core()) {
		t.Error("left to the scheduler, but on one core")
	}
	if !maySetPolicy() {
		return
	}
	for p, want := range map[placement]bool{unfollowed: false, followed: true} {
		caps, err := strconv.ParseUint(field(allowed(p), "CapEff"), 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := caps&(1<<unix.CAP_SYS_NICE) != 0; got != want {
			t.Errorf("%s: CAP_SYS_NICE is %v", p, got)
		}
	}
}
