package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"
)

// marked starts a command in a process group of its own, with a mark in its
// environment by which all that comes from it can be found. Whatever is left at
// the test's end is killed.
func marked(t testing.TB, cmd *exec.Cmd) (mark string) {
	t.Helper()
	mark = fmt.Sprintf("%s=%08d.%08d", markVariable, os.Getpid(), runs.Add(1))
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		processesOf(mark, 0).kill()
		_ = cmd.Process.Kill()
	})
	return mark
}

// goneFor says who of a run is left when, within limit, not all have gone. One
// scan of /proc may miss a process in the middle of its exec, so it takes three.
func goneFor(mark string, limit time.Duration) processSet {
	for i := 0; i < 3; i++ {
		if left := processSet(nil).stillThere(mark, limit); len(left) > 0 {
			return left
		}
	}
	return nil
}

// Row 30: whenever the supervisor is killed, no child survives it and none is
// left stopped.
func TestKilledSupervisorLeavesNobody(t *testing.T) {
	onEachRoute(t, killedSupervisorLeavesNobody)
}

func killedSupervisorLeavesNobody(t *testing.T, r route) {
	tree, tracer := compileC(t, "busytree"), r.tracer(t, os.DevNull)
	times := 100
	if testing.Short() {
		times = 20
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 30))
	for i := range times {
		// Half of the moments lie around the launch, which takes milliseconds.
		moment := time.Duration(random.Int64N(int64(100 * time.Millisecond)))
		if i%2 == 0 {
			moment /= 20
		}
		cmd := exec.Command(tracer[0], append(slices.Clip(tracer[1:]), tree)...)
		mark := marked(t, cmd)
		time.Sleep(moment) // the random moment itself, not a synchronisation
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if left := goneFor(mark, patience); len(left) > 0 {
			t.Fatalf("killed %v after its start (seed %d, round %d), the supervisor left\n%s", moment, seed, i, left.report())
		}
	}
}

// Row 20 and 30: the program's whole process group is killed, supervisor and
// all, as a shell or a timeout does it.
func TestKilledGroupLeavesNobody(t *testing.T) {
	onEachRoute(t, killedGroupLeavesNobody)
}

func killedGroupLeavesNobody(t *testing.T, r route) {
	tree, tracer := compileC(t, "busytree"), r.tracer(t, os.DevNull)
	for i := range 10 {
		var out bytes.Buffer
		cmd := exec.Command(tracer[0], append(slices.Clip(tracer[1:]), tree)...)
		cmd.Stdout = &out
		mark := marked(t, cmd)
		time.Sleep(time.Duration(i) * 10 * time.Millisecond) // different moments
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		if left := goneFor(mark, patience); len(left) > 0 {
			t.Fatalf("left behind\n%s", left.report())
		}
	}
}

// The first process is killed: the tracer goes on while others live, and ends
// with them.
func TestKilledChildrenEndTheRun(t *testing.T) {
	onEachRoute(t, killedChildrenEndTheRun)
}

func killedChildrenEndTheRun(t *testing.T, r route) {
	tree, tracer := compileC(t, "busytree"), r.tracer(t, os.DevNull)
	for range 10 {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(tracer[0], append(slices.Clip(tracer[1:]), tree)...)
		cmd.Stdout = in
		var errs bytes.Buffer
		cmd.Stderr = &errs
		mark := marked(t, cmd)
		in.Close()
		line := make([]byte, len("all started\n"))
		if _, err := out.Read(line); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		// Whoever is alive makes new ones: again and again, until the tracer has ended.
		for done := false; !done; {
			for _, pid := range processesOf(mark, 0) {
				if pid != cmd.Process.Pid {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			select {
			case <-ended:
				done = true
			case <-time.After(10 * time.Millisecond):
			}
		}
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Errorf("the tracer ended with %s, want its program's death by SIGKILL\n%s", describe(status), tail(errs.String()))
		}
		if left := goneFor(mark, patience); len(left) > 0 {
			t.Fatalf("left behind\n%s", left.report())
		}
		out.Close()
	}
}
