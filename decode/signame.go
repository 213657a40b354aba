package decode

import "strconv"

// numSignals is the number of the last signal, SIGRTMAX (_NSIG).
const numSignals = 64

// SignalName returns the name of signal n: SIGHUP, and SIGRT_1 for the first
// real-time signal behind SIGRTMIN as the kernel counts (libc, which keeps some
// for itself, begins later). It is empty for what is no signal.
func SignalName(n int) string {
	if n < 0 || n >= len(signalNames) {
		return ""
	}
	return signalNames[n]
}

var signalNames = func() (names [numSignals + 1]string) {
	// signal(7), the numbers of x86 and arm.
	for i, name := range [...]string{
		1: "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
		"SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",
		"TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR",
		"SYS", "RTMIN",
	} {
		if name != "" {
			names[i] = "SIG" + name
		}
	}
	const rtMin = 32
	for i := rtMin + 1; i <= numSignals; i++ {
		names[i] = "SIGRT_" + strconv.Itoa(i-rtMin)
	}
	return names
}()
