package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// processor returns the CPU that the thread last ran on: field 39 of
// /proc/TID/stat (proc(5)), 0 if it cannot be read.
func processor(tid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", tid))
	if err != nil {
		return 0
	}
	s := string(b)
	// The second field is the name in parentheses, which may contain anything.
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	const field = 39 - 3
	if len(fields) <= field {
		return 0
	}
	cpu, _ := strconv.Atoi(fields[field])
	return cpu
}
