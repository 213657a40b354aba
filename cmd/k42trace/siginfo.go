package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// Package os/signal tells that a signal came, not from whom, and whom it came from
// decides whether the program has got it too. So the signals that are passed on
// have a handler of our own, a few instructions of assembly, which writes the
// siginfo into a pipe.

// siginfoPipe is the descriptor that the handler writes to.
//
//lint:ignore U1000 the handler reads it
var siginfoPipe int32

// siginfoHandlerPC and siginfoRestorerPC return the addresses of the handler and
// of the code that returns from it.
func siginfoHandlerPC() uintptr
func siginfoRestorerPC() uintptr

// sigaction is the kernel's struct sigaction (not libc's).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Flags of a sigaction (sigaction(2)).
const (
	saSiginfo  = 0x4
	saOnstack  = 0x08000000
	saRestart  = 0x10000000
	saRestorer = 0x04000000
)

func setAction(sig unix.Signal, sa *sigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(sa)), 0, unsafe.Sizeof(sa.mask), 0, 0)
	if e != 0 {
		return fmt.Errorf("rt_sigaction(%d): %w", sig, e)
	}
	return nil
}

// catch makes sig come through the pipe.
func catch(sig unix.Signal) error {
	return setAction(sig, &sigaction{
		handler:  siginfoHandlerPC(),
		flags:    saSiginfo | saOnstack | saRestart | saRestorer,
		restorer: siginfoRestorerPC(),
	})
}

// openSiginfoPipe opens the pipe and returns the end from which siginfos come. A
// full pipe loses signals, as a full queue of the kernel's does.
func openSiginfoPipe() (*os.File, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, fmt.Errorf("pipe2: %w", err)
	}
	siginfoPipe = int32(p[1])
	return os.NewFile(uintptr(p[0]), "siginfo"), nil
}

// Fields of a siginfo (sigaction(2)).
func siNumber(info *table.Siginfo) unix.Signal {
	return unix.Signal(int32(binary.NativeEndian.Uint32(info[0:])))
}

func siCode(info *table.Siginfo) int32 { return int32(binary.NativeEndian.Uint32(info[8:])) }

// siSender returns the sending process, 0 if it was the kernel.
func siSender(info *table.Siginfo) int {
	if siCode(info) > 0 {
		return 0
	}
	return int(int32(binary.NativeEndian.Uint32(info[16:])))
}

// numSignals is the number of the last signal, SIGRTMAX (signal(7)).
const numSignals = 64
