package supervisor

import (
	"github.com/k42trace/k42trace/execso"
	"github.com/k42trace/k42trace/ptrace"
)

// There is no direct route on arm64, and so nothing to translate.

func frameOf(*ptrace.Regs) execso.Frame { return execso.Frame{} }

func setFrame(*ptrace.Regs, *execso.Frame) {}

func noCall(*ptrace.Regs) {}

func enterSetup(*ptrace.Regs, execso.Setup, uint64, uint64, int, uint32) {}

func leaveSetup(*ptrace.Regs) (near uint64, opened, ok bool) { return 0, false, false }
