package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	testscript.Main(foreground{m}, map[string]func(){"k42trace": main, "tell-signals": tellSignals, "no-ptrace": noPtrace, "stops-often": stopsOften})
}

// foreground runs tests whose programs have the usual umask and ignore no signals, even if this was started in the
// background of a shell or by nohup(1): what Go has a handler for is default in them.
type foreground struct{ *testing.M }

func (f foreground) Run() int {
	unix.Umask(0o022)
	for _, sig := range []os.Signal{unix.SIGINT, unix.SIGHUP} {
		if signal.Ignored(sig) {
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	return f.M.Run()
}

// noPtrace is a program that runs its arguments where ptrace(2) fails with EPERM.
func noPtrace() {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_PTRACE, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
		if e != 0 {
			err = e
		}
	}
	path, _ := exec.LookPath(os.Args[1])
	if err == nil {
		err = unix.Exec(path, os.Args[1:], os.Environ())
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			path, err := exec.LookPath("k42trace")
			e.Setenv("K42", path)
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status": status,
			"lines":  lines,
			"mkelf":  makeELF,
		},
	})
}

// status N CMD [ARGS]: CMD ends with N, as the shell sees it: 128+n for death by
// signal n.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N CMD [ARGS]")
	}
	const script = `"$@"; s=$?; echo "status $s"; exit 0`
	ts.Check(ts.Exec("/bin/sh", append([]string{"-c", script, "sh"}, args[1:]...)...))
	out := strings.TrimSpace(ts.ReadFile("stdout"))
	if last := out[strings.LastIndexByte(out, '\n')+1:]; last != "status "+args[0] {
		ts.Fatalf("%s, want %s", last, args[0])
	}
}

// lines N FILE: FILE has N lines.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	text := ts.ReadFile(args[1])
	if n := strings.Count(text, "\n"); strconv.Itoa(n) != args[0] {
		ts.Fatalf("%s has %d lines, not %s:\n%s", args[1], n, args[0], text)
	}
}

// makeELF FILE: FILE is a well-formed executable for a machine that is not ours.
func makeELF(ts *testscript.TestScript, neg bool, args []string) {
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x02\x01" + strings.Repeat("\x00", 9)) // 64 bits, big endian
	for _, v := range []any{
		uint16(2), uint16(22), uint32(1), // ET_EXEC, EM_S390
		uint64(0), uint64(64), uint64(0), uint32(0),
		uint16(64), uint16(56), uint16(0), uint16(64), uint16(0), uint16(0),
	} {
		ts.Check(binary.Write(&b, binary.BigEndian, v))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o755))
}
