package procfs

import (
	"bytes"
	"fmt"
)

// Unlimited reports whether a process has no limit of the kind, by its name in
// /proc/PID/limits. Other than prlimit(2) it may be asked of every process.
func Unlimited(pid int, kind string) (bool, error) {
	name := Path(pid, "limits")
	b, err := read(name, make([]byte, 4096))
	if err != nil {
		return false, err
	}
	for line := range bytes.Lines(b) {
		// Max address space         unlimited            unlimited            bytes
		if value, ok := bytes.CutPrefix(line, []byte(kind)); ok {
			return bytes.HasPrefix(bytes.TrimLeft(value, " "), []byte("unlimited")), nil
		}
	}
	return false, fmt.Errorf("%s: no %q: %w", name, kind, errFormat)
}
