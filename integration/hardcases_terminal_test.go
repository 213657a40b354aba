package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// terminal is a pseudoterminal with bash on it, interactive and with job
// control. What comes from it is collected in said.
type terminal struct {
	t      *testing.T
	master *os.File
	shell  *exec.Cmd
	mark   string
	said   strings.Builder
	unread string // of said, what no expect has consumed
	lines  chan string
}

const prompt = "READY> "

// startTerminal starts the shell in dir, where ./prog is the program: itself
// natively, behind the tracer's command otherwise, so that the shell's messages are the
// same. (The script is executed away: the tracer or program is the shell's child.)
func startTerminal(t *testing.T, tracer, prog string) *terminal {
	t.Helper()
	bash := lookTool(t, "bash")
	dir := t.TempDir()
	script := "#!/bin/sh\nexec " + tracer + prog + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "prog"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudoterminals: %v", err)
	}
	var slave *os.File
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	control := func(f func(fd int) error) {
		t.Helper()
		var ferr error
		if err := raw.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil || ferr != nil {
			t.Fatal(errors.Join(err, ferr))
		}
	}
	control(func(fd int) error { return unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0) })
	control(func(fd int) error {
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		if err != nil {
			return err
		}
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
		return err
	})
	control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	})

	x := &terminal{t: t, master: master, lines: make(chan string, 1000)}
	x.mark = fmt.Sprintf("%s=%08d.%08d", markVariable, os.Getpid(), runs.Add(1))
	x.shell = exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i")
	x.shell.Dir = dir
	x.shell.Env = []string{"PATH=" + os.Getenv("PATH"), "PS1=" + prompt, "TERM=dumb", "LC_ALL=C", "HISTFILE=", x.mark}
	x.shell.Stdin, x.shell.Stdout, x.shell.Stderr = slave, slave, slave
	x.shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.shell.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go func() {
		defer close(x.lines)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if n > 0 {
				x.lines <- string(buf[:n])
			}
			if err != nil {
				return // EIO: the last who had it open has closed it
			}
		}
	}()
	t.Cleanup(x.end)
	x.expect(prompt)
	x.command("stty -echo; ulimit -c 0", "")
	x.said.Reset()
	return x
}

func (x *terminal) end() {
	processesOf(x.mark, 0).kill()
	_ = x.shell.Process.Kill()
	_ = x.shell.Wait()
	x.master.Close()
	for range x.lines {
	}
	if left := processSet(nil).stillThere(x.mark, patience); len(left) > 0 {
		x.t.Errorf("left processes behind\n%s", left.report())
	}
}

// expect waits for text to come.
func (x *terminal) expect(text string) {
	x.t.Helper()
	deadline := time.After(patience)
	for {
		if before, after, found := strings.Cut(x.unread, text); found {
			x.unread = after
			_ = before
			return
		}
		select {
		case more, ok := <-x.lines:
			if !ok {
				x.t.Fatalf("the terminal was closed before %q; it said:\n%s", text, x.said.String())
			}
			x.said.WriteString(more)
			x.unread += more
		case <-deadline:
			x.t.Fatalf("no %q; the terminal said:\n%s\n%s", text, x.said.String(), processesOf(x.mark, 0).report())
		}
	}
}

func (x *terminal) keys(s string) {
	x.t.Helper()
	if _, err := x.master.WriteString(s); err != nil {
		x.t.Fatal(err)
	}
}

// command types a line and waits for text, and for the next prompt if text is "".
func (x *terminal) command(line, text string) {
	x.t.Helper()
	x.keys(line + "\n")
	if text == "" {
		text = prompt
	}
	x.expect(text)
}

// status waits for the prompt and asks for the status of the last command.
func (x *terminal) status(want int) {
	x.t.Helper()
	x.expect(prompt)
	x.command("echo status $?", fmt.Sprintf("status %d\r\n", want))
	x.expect(prompt)
}

func (x *terminal) resize(rows, columns uint16) {
	x.t.Helper()
	raw, err := x.master.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			if err := unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
				x.t.Error(err)
			}
		})
	}
	if err != nil {
		x.t.Fatal(err)
	}
}

const (
	ctrlC         = "\x03"
	ctrlD         = "\x04"
	ctrlZ         = "\x1a"
	ctrlBackslash = "\x1c"
)

// The ids in the shell's messages.
var jobID = regexp.MustCompile(`(?m)^(\[\d+\][+-]?) +\d+\r$`)

// played returns what a terminal says over a play.
func played(t *testing.T, tracer, prog string, play func(*terminal)) string {
	x := startTerminal(t, tracer, prog)
	play(x)
	return jobID.ReplaceAllString(x.said.String(), "$1 ID\r")
}

// Row 31: as if the program ran alone at its terminal.
func TestTerminal(t *testing.T) {
	path := compileC(t, "terminal")
	scripts := []struct {
		name string
		prog string
		play func(x *terminal)
	}{
		{"looks", path, func(x *terminal) {
			x.command("./prog looks", "size 24 x 80")
			x.status(0)
		}},
		{"Ctrl-C", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.keys(ctrlC)
			x.status(130)
		}},
		{"Ctrl-backslash", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.keys(ctrlBackslash)
			x.status(131)
		}},
		{"Ctrl-Z and fg", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.keys(ctrlZ)
			x.expect("Stopped")
			x.status(148)
			x.command("jobs", "Stopped")
			x.expect(prompt)
			x.command("fg", "again\r\n") // it says so: now it has the terminal
			x.keys(ctrlZ)
			x.expect("Stopped")
			x.status(148)
			x.command("fg", "again\r\n") // it says so: now it has the terminal
			x.keys(ctrlC)
			x.status(130)
		}},
		{"background kill", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.keys(ctrlZ)
			x.expect("Stopped")
			x.status(148)
			x.command("kill -9 %1; while kill -0 %1 2>/dev/null; do sleep 0.05; done; echo gone", "gone\r\n")
			x.expect(prompt)
		}},
		{"background", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.keys(ctrlZ)
			x.expect("Stopped")
			x.status(148)
			x.command("bg", "again\r\n")
			x.command("jobs -r", "Running")
			x.command("kill %1; wait %1; echo waited $?", "waited 143")
			x.expect(prompt)
		}},
		{"caught", path, func(x *terminal) {
			x.command("./prog catches", "up\r\n")
			x.keys(ctrlC)
			x.expect("signal 2 from the kernel\r\n")
			x.keys(ctrlC)
			x.expect("signal 2 from the kernel\r\n")
			x.keys(ctrlZ)
			x.expect("signal 20 from the kernel\r\n")
			x.resize(50, 132)
			x.expect("window 50 x 132\r\n")
			x.resize(10, 20)
			x.expect("window 10 x 20\r\n")
			x.keys(ctrlBackslash)
			x.expect("signal 3 from the kernel\r\n")
			x.status(13)
		}},
		{"background terminated", path, func(x *terminal) {
			x.command("./prog catches & p=$!", "up\r\n")
			x.command("kill -INT $p; sleep 0.2; kill -TERM $p; wait $p; echo waited $?", "waited 25")
			x.expect(prompt)
		}},
		{"reads over a stop", path, func(x *terminal) {
			x.command("./prog reads", "up\r\n")
			x.keys("one\n")
			x.expect("got <one>")
			x.keys(ctrlZ)
			x.expect("Stopped")
			x.status(148)
			x.command("fg", "./prog reads")
			x.keys("two\n")
			x.expect("got <two>")
			x.keys(ctrlD)
			x.expect("read: 0")
			x.status(20)
		}},
		{"background reader", path, func(x *terminal) {
			x.command("./prog reads &", "up\r\n")
			// It stops of SIGTTIN; the shell says so before its next prompt.
			x.command("until jobs -s | grep -q Stopped; do sleep 0.05; done; jobs -s", "Stopped")
			x.expect(prompt)
			x.command("fg", "./prog reads")
			x.keys("three\n")
			x.expect("got <three>")
			x.keys(ctrlC)
			x.status(130)
		}},
		{"background writer", path, func(x *terminal) {
			x.command("stty tostop; ./prog looks &", prompt)
			x.command("until jobs -s | grep -q Stopped; do sleep 0.05; done; jobs -s", "Stopped")
			x.expect(prompt)
			x.command("fg", "in the foreground 1")
			x.expect("size")
			x.status(0)
		}},
		{"stops itself", path, func(x *terminal) {
			x.command("./prog stops", "stopping\r\n")
			x.expect("Stopped")
			x.status(147)
			x.command("fg", "continued\r\n")
			x.expect("Stopped")
			x.status(148)
			x.command("fg", "continued again\r\n")
			x.status(5)
		}},
		{"raw mode", path, func(x *terminal) {
			x.command("./prog raw", "up\r\n")
			x.keys(ctrlC + ctrlZ + ctrlBackslash + ctrlD)
			x.expect("bytes 3 26 28 4\r\n")
			x.status(6)
		}},
		{"a group of its own", path, func(x *terminal) {
			x.command("./prog shell", "child up\r\n")
			x.keys(ctrlZ)
			x.expect("child stopped by 20\r\n")
			x.expect("child continued\r\n")
			x.keys(ctrlC)
			x.expect("child ended by 2\r\n")
			x.status(7)
		}},
		{"a group of processes", path, func(x *terminal) {
			x.command("./prog group", "up\r\n")
			x.keys(ctrlC)
			x.expect("interrupts: own 1, children's 5\r\n")
			x.status(8)
		}},
		{"pipeline", path, func(x *terminal) {
			x.command("./prog group | (trap '' INT; exec cat)", "up\r\n")
			x.keys(ctrlC)
			x.expect("interrupts: own 1, children's 5\r\n")
			x.expect(prompt)
			x.command("echo ${PIPESTATUS[@]}", "0\r\n")
			x.expect(prompt)
		}},
		{"a shell inside", lookTool(t, "bash"), func(x *terminal) {
			x.command("PS1='INNER> ' ./prog --norc --noprofile --noediting -i", "INNER> ")
			x.command(path+" rests", "up\r\n")
			x.keys(ctrlZ)
			x.expect("INNER> ")
			x.command("jobs", "Stopped")
			x.expect("INNER> ")
			x.command("fg", "again\r\n")
			x.keys(ctrlC)
			x.expect("INNER> ")
			x.command("echo inner status $?", "inner status 130")
			x.command("exit 3", "exit")
			x.status(3)
		}},
		{"hang up", path, func(x *terminal) {
			x.command("./prog rests", "up\r\n")
			x.master.Close()
			if left := processSet(nil).stillThere(x.mark, patience); len(left) > 0 {
				x.t.Errorf("left after the terminal was hung up:\n%s", left.report())
			}
		}},
	}
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			var native string
			t.Run("native", func(t *testing.T) { native = played(t, "", s.prog, s.play) })
			onEachRoute(t, func(t *testing.T, r route) {
				traced := played(t, r.prefix(t), s.prog, s.play)
				// What becomes of a program in the background is told at any time, between the
				// shell's own lines.
				if diff := cmp.Diff(native, traced); diff != "" && !t.Failed() && !strings.HasPrefix(s.name, "background") {
					t.Errorf("what the terminal said natively (-) and traced (+) differs:\n%s", diff)
				}
			})
		})
	}
}
