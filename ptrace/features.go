package ptrace

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Feature is something that not every kernel has.
type Feature struct {
	Name  string
	Since string // the kernel version that brought it

	// probe asks the kernel; nil where only the first use can tell.
	probe   func() bool
	missing atomic.Bool // the first use told
}

// Err returns nil if the kernel has the feature, else an *UnsupportedError.
// A feature that only its first use can prove counts as there until then.
func (f *Feature) Err() error {
	if f.usable() {
		return nil
	}
	return &UnsupportedError{Feature: f.Name, Since: f.Since}
}

func (f *Feature) usable() bool {
	if f.missing.Load() {
		return false
	}
	if f.probe != nil && !f.probe() {
		f.missing.Store(true)
		return false
	}
	return true
}

// The features that tracing rests on, and those that make it better.
var (
	// SeizeFeature: without it group-stops cannot be told from signals.
	SeizeFeature = &Feature{Name: "PTRACE_SEIZE", Since: "3.4"}
	// GetSyscallInfoFeature: a call's number, arguments and architecture.
	GetSyscallInfoFeature = &Feature{Name: "PTRACE_GET_SYSCALL_INFO", Since: "5.3"}
	// SetSyscallInfo saves a request per changed call. Not needed.
	SetSyscallInfo = &Feature{Name: "PTRACE_SET_SYSCALL_INFO", Since: "6.16"}
	// SeccompTrace: filters that report to the tracer, and the order of events
	// in which the filter runs after the entry stop.
	SeccompTrace = &Feature{Name: "SECCOMP_RET_TRACE", Since: "4.14", probe: probeSeccompTrace}
	// Mseal seals the memory that holds checked arguments. Not needed.
	Mseal = &Feature{Name: "mseal", Since: "6.10", probe: probeMseal}
	// CrossMemory: process_vm_readv. Without it memory is read word by word.
	CrossMemory = &Feature{Name: "process_vm_readv", Since: "3.2"}
)

// Features lists all features.
func Features() []*Feature {
	return []*Feature{SeizeFeature, GetSyscallInfoFeature, SetSyscallInfo, SeccompTrace, Mseal, CrossMemory}
}

func probeSeccompTrace() bool {
	action := uint32(unix.SECCOMP_RET_TRACE)
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	// A sandbox around us may forbid the question; the launch will tell then.
	return e == 0 || e == unix.EPERM || e == unix.EACCES
}

func probeMseal() bool {
	// Zero bytes at address 0: success where the call exists.
	_, _, e := unix.RawSyscall(unix.SYS_MSEAL, 0, 0, 0)
	return e != unix.ENOSYS
}
