package integration

import (
	"strings"
	"testing"
)

// stressors are those of stress-ng(1) that exercise what a tracer can get wrong, and
// verify what the kernel answers; of the first ones each is another kind of call.
var stressors = []string{
	"signest", "clone", "context", "timerfd", "pidfd", "sigfd", "vfork", "zombie",
	"access", "bad-altstack", "close", "dup", "eventfd", "fault", "fcntl", "fork", "get", "getdent", "kill",
	"mprotect", "msg", "nanosleep", "pipe", "poll", "pthread", "rename", "revio", "seal", "sem-sysv", "sigabrt", "sigfpe", "sigpending",
	"sigq", "sigrt", "sigsegv", "sigsuspend", "sigtrap", "sockpair", "splice", "switch", "userfaultfd", "vm-rw", "wait", "x86syscall",
}

// Each stressor, two of it at a time, finds natively and traced what it expects.
func TestStressors(t *testing.T) {
	stress := lookTool(t, "stress-ng")
	some := stressors
	if testing.Short() {
		some = some[:8]
	}
	for _, s := range some {
		t.Run(s, func(t *testing.T) {
			p := program{
				Path: stress, Args: []string{"--" + s, "2", "--" + s + "-ops", "200", "--timeout", "20", "--verify", "--temp-path", t.TempDir()},
				// All else are times and ids.
				Normalize: func(text string) (failures string) {
					for line := range strings.Lines(text) {
						if strings.Contains(line, "fail:") || strings.Contains(line, "error:") {
							failures += line
						}
					}
					return failures
				},
			}
			p.compare(t).mustExit(t, 0)
		})
	}
}
