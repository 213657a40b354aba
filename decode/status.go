package decode

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// appendStatus appends a wait status in terms of the macros of wait(2).
func appendStatus(dst []byte, status uint32) []byte {
	w := unix.WaitStatus(status)
	dst = append(dst, '{')
	switch {
	case w.Continued():
		dst = append(dst, "WIFCONTINUED(s)"...)
		status &^= 0xffff
	case w.Exited():
		dst = append(dst, "WIFEXITED(s) && WEXITSTATUS(s) == "...)
		dst = strconv.AppendInt(dst, int64(w.ExitStatus()), 10)
		status &^= 0xff00
	case w.Signaled():
		dst = append(dst, "WIFSIGNALED(s) && WTERMSIG(s) == "...)
		dst = appendSignal(dst, int(w.Signal()))
		if w.CoreDump() {
			dst = append(dst, " && WCOREDUMP(s)"...)
		}
		status &^= 0xff
	case w.Stopped():
		dst = append(dst, "WIFSTOPPED(s) && WSTOPSIG(s) == "...)
		sig := int(w.StopSignal())
		dst = appendSignal(dst, sig&0x7f)
		if sig&0x80 != 0 { // PTRACE_O_TRACESYSGOOD
			dst = append(dst, " | 0x80"...)
		}
		status &^= 0xffff
	default:
		return appendHex(dst[:len(dst)-1], uint64(status))
	}
	dst = append(dst, '}')
	if status>>16 != 0 {
		event := status >> 16
		dst = append(dst, '|')
		if event < uint32(len(ptraceEvents)) && ptraceEvents[event] != "" {
			dst = append(dst, ptraceEvents[event]...)
		} else {
			dst = appendHex(dst, uint64(event))
			dst = append(dst, " /* PTRACE_EVENT_??? */"...)
		}
		dst = append(dst, "<<16"...)
		status &= 0xffff
	}
	if status != 0 {
		dst = append(dst, '|')
		dst = appendHex(dst, uint64(status))
	}
	return dst
}

var ptraceEvents = [256]string{
	unix.PTRACE_EVENT_FORK:       "PTRACE_EVENT_FORK",
	unix.PTRACE_EVENT_VFORK:      "PTRACE_EVENT_VFORK",
	unix.PTRACE_EVENT_CLONE:      "PTRACE_EVENT_CLONE",
	unix.PTRACE_EVENT_EXEC:       "PTRACE_EVENT_EXEC",
	unix.PTRACE_EVENT_VFORK_DONE: "PTRACE_EVENT_VFORK_DONE",
	unix.PTRACE_EVENT_EXIT:       "PTRACE_EVENT_EXIT",
	unix.PTRACE_EVENT_SECCOMP:    "PTRACE_EVENT_SECCOMP",
	unix.PTRACE_EVENT_STOP:       "PTRACE_EVENT_STOP",
}
