package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A traced is a k42trace that runs, in a process group of its own.
type traced struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startTraced runs a shell script under k42trace; its first line of output must
// be "ready PID".
func startTraced(t *testing.T, script string) (tr *traced, pid int) {
	t.Helper()
	cmd := exec.Command("k42trace", "-o", filepath.Join(t.TempDir(), "t"), "sh", "-c", "echo ready $$\n"+script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
	})
	tr = &traced{t, cmd, in, bufio.NewReader(out)}
	if _, err := fmt.Sscanf(tr.line(), "ready %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	return tr, pid
}

func (tr *traced) line() string {
	tr.t.Helper()
	s, err := tr.out.ReadString('\n')
	if err != nil {
		tr.t.Fatalf("reading: %q, %v", s, err)
	}
	return s
}

func (tr *traced) expect(want string) {
	tr.t.Helper()
	if got := tr.line(); got != want+"\n" {
		tr.t.Fatalf("got %q, want %q", got, want)
	}
}

func (tr *traced) say(text string) {
	tr.t.Helper()
	if _, err := io.WriteString(tr.in, text+"\n"); err != nil {
		tr.t.Fatal(err)
	}
}

// wait returns how k42trace ended.
func (tr *traced) wait() unix.WaitStatus {
	tr.t.Helper()
	_, _ = io.Copy(io.Discard, tr.out)
	_ = tr.cmd.Wait()
	return unix.WaitStatus(tr.cmd.ProcessState.Sys().(syscall.WaitStatus))
}

func (tr *traced) kill(pid int, sig unix.Signal) {
	tr.t.Helper()
	if err := unix.Kill(pid, sig); err != nil {
		tr.t.Fatal(err)
	}
}

// tellSignals is a program that tells each signal that it gets, until it can read
// a line. A shell would not do: it can miss one between two commands.
func tellSignals() {
	got := make(chan os.Signal, 100)
	signal.Notify(got, told...)
	fmt.Println("set")
	line := make(chan bool)
	go func() {
		_, _ = fmt.Scanln()
		close(line)
	}()
	for {
		select {
		case sig := <-got:
			fmt.Println(sig)
		case <-line:
			fmt.Println("end")
			os.Exit(6)
		}
	}
}

var told = []os.Signal{unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGTERM, unix.SIGALRM, unix.SIGWINCH, unix.SIGUSR2}

// A signal to k42trace reaches the program once, whether it was sent to k42trace
// alone or to the process group.
func TestSignalsPassedOnOnce(t *testing.T) {
	for _, group := range []bool{false, true} {
		tr, _ := startTraced(t, "exec tell-signals")
		tr.expect("set")
		target := tr.cmd.Process.Pid
		if group {
			target = -target
		}
		for _, sig := range told[:len(told)-1] {
			tr.kill(target, sig.(unix.Signal))
			tr.expect(sig.String())
			// Signals are passed on in order: a second one would be here before this.
			tr.kill(tr.cmd.Process.Pid, unix.SIGUSR2)
			tr.expect(unix.SIGUSR2.String())
		}
		tr.say("")
		tr.expect("end")
		if s := tr.wait(); s.ExitStatus() != 6 {
			t.Errorf("group: %v, status %d", group, s.ExitStatus())
		}
	}
}

// What a signal does to the program it does to k42trace, afterwards.
func TestSignalsEndBoth(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGHUP, unix.SIGTERM, unix.SIGQUIT, unix.SIGUSR1} {
		tr, pid := startTraced(t, "read x")
		tr.kill(tr.cmd.Process.Pid, sig)
		if s := tr.wait(); !s.Signaled() || s.Signal() != sig {
			t.Errorf("%v: status %#x", sig, s)
		}
		if err := unix.Kill(pid, 0); err != unix.ESRCH {
			t.Errorf("%v: the program is still there: %v", sig, err)
		}
	}
}

// A program that stops itself stops k42trace, so that a shell can see it; SIGCONT to
// k42trace continues both.
func TestStopAndContinue(t *testing.T) {
	for _, sig := range []string{"STOP", "TSTP"} {
		tr, _ := startTraced(t, "kill -"+sig+" $$; echo continued; read x; exit 4")
		if s := tr.waitStopped(); !s.Stopped() {
			t.Fatalf("SIG%s: status %#x", sig, s)
		}
		tr.kill(tr.cmd.Process.Pid, unix.SIGCONT)
		tr.expect("continued")
		tr.say("")
		if s := tr.wait(); s.ExitStatus() != 4 {
			t.Errorf("status %#x", s)
		}
	}
}

// waitStopped waits until k42trace has stopped.
func (tr *traced) waitStopped() unix.WaitStatus {
	tr.t.Helper()
	var s unix.WaitStatus
	if _, err := unix.Wait4(tr.cmd.Process.Pid, &s, unix.WUNTRACED, nil); err != nil {
		tr.t.Fatal(err)
	}
	return s
}

// A terminal's Ctrl-Z reaches the whole process group.
func TestStopOfGroup(t *testing.T) {
	tr, pid := startTraced(t, "read x; echo got $x; exit 5")
	for range 3 {
		tr.kill(-tr.cmd.Process.Pid, unix.SIGTSTP)
		if s := tr.waitStopped(); !s.Stopped() {
			t.Fatalf("status %#x", s)
		}
		// Its own stop may be still to come: while k42trace comes back from the last
		// one, the next stops it by SIGTSTP's default action, at once.
		for s := state(t, pid); s != "T" && s != "t"; s = state(t, pid) {
			runtime.Gosched()
		}
		tr.kill(-tr.cmd.Process.Pid, unix.SIGCONT)
		// It sleeps in its read again: a stop that comes before it has seen the
		// SIGCONT takes that back.
		for s := state(t, pid); s != "S"; s = state(t, pid) {
			runtime.Gosched()
		}
	}
	tr.say("it")
	tr.expect("got it")
	if s := tr.wait(); s.ExitStatus() != 5 {
		t.Errorf("status %#x", s)
	}
}

// If other processes of the tree run on, k42trace does too: one of them is going to
// continue the program.
func TestStopContinuedFromInside(t *testing.T) {
	tr, _ := startTraced(t, `
(until grep -q '^State:.[Tt]' /proc/$$/status; do :; done; kill -CONT $$) &
kill -STOP $$
echo continued
wait
exit 3
`)
	tr.expect("continued")
	if s := tr.wait(); s.ExitStatus() != 3 {
		t.Errorf("status %#x", s)
	}
}

func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	s := string(stat)
	return strings.Fields(s[strings.LastIndexByte(s, ')')+1:])[0]
}

// The program gets the dispositions that we have got.
func TestIgnoredStaysIgnored(t *testing.T) {
	const show = `trap "" HUP INT TSTP TTOU; exec "$@" grep SigIgn /proc/self/status`
	native, err := exec.Command("sh", "-c", show, "sh", "env").Output()
	if err != nil {
		t.Fatal(err)
	}
	traced, err := exec.Command("sh", "-c", show, "sh", "k42trace", "-o", "/dev/null").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(native) != string(traced) {
		t.Errorf("native %straced %s", native, traced)
	}
}

// After the program's end what it has left behind can be ended.
func TestAbandon(t *testing.T) {
	tr, _ := startTraced(t, "sleep 1000 & exit 2")
	tr.kill(tr.cmd.Process.Pid, unix.SIGTERM)
	// The signal may have come before the program's own end, and ended that: then
	// another one is for what is left.
	for unix.Kill(tr.cmd.Process.Pid, unix.SIGTERM) == nil {
		if s := state(t, tr.cmd.Process.Pid); s == "Z" {
			break
		}
	}
	// sleep has our pipe too: wait returns when it is gone.
	if s := tr.wait(); s.ExitStatus() != 2 && s.Signal() != unix.SIGTERM {
		t.Errorf("status %#x", s)
	}
}
