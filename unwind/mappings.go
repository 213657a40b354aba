package unwind

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strconv"

	"github.com/k42trace/k42trace/procfs"
)

// A mapping is a line of /proc/PID/maps of memory that can be executed.
type mapping struct {
	start, end uint64
	offset     uint64 // in the file
	device     string
	inode      uint64 // 0: of no file
	path       string // as the kernel shows it: "[vdso]", "/bin/x (deleted)", ""
	module     *module
	opened     bool // module has been looked for
}

// space is what is known of a process's memory.
type space struct {
	pid      int
	size     string // of /proc/PID/statm, when mappings were read
	mappings []mapping
}

// refresh reads the mappings again if they may have changed: if the process has not the
// size that it had.
func (s *space) refresh() {
	statm, _ := os.ReadFile(procfs.Path(s.pid, "statm"))
	size, _, _ := bytes.Cut(statm, []byte(" "))
	if s.mappings != nil && s.size == string(size) {
		return
	}
	s.size = string(size)
	text, _ := os.ReadFile(procfs.Path(s.pid, "maps"))
	s.mappings = parseMappings(text)
}

func parseMappings(text []byte) []mapping {
	found := []mapping{}
	for line := range bytes.Lines(text) {
		if m, ok := parseMapping(bytes.TrimSuffix(line, []byte("\n"))); ok {
			found = append(found, m)
		}
	}
	slices.SortFunc(found, func(a, b mapping) int { return cmp.Compare(a.start, b.start) })
	return found
}

// parseMapping parses a line (proc_pid_maps(5)); false for what cannot be executed.
func parseMapping(line []byte) (m mapping, ok bool) {
	var fields [5][]byte
	for i := range fields {
		fields[i], line, _ = bytes.Cut(line, []byte(" "))
	}
	if len(fields[1]) < 3 || fields[1][2] != 'x' {
		return m, false
	}
	from, to, _ := bytes.Cut(fields[0], []byte("-"))
	var errs [4]error
	m.start, errs[0] = strconv.ParseUint(string(from), 16, 64)
	m.end, errs[1] = strconv.ParseUint(string(to), 16, 64)
	m.offset, errs[2] = strconv.ParseUint(string(fields[2]), 16, 64)
	m.inode, errs[3] = strconv.ParseUint(string(fields[4]), 10, 64)
	for _, err := range errs {
		if err != nil {
			return m, false
		}
	}
	m.device = string(fields[3])
	m.path = printable(string(bytes.TrimLeft(line, " ")))
	return m, m.end > m.start
}

func (s *space) find(addr uint64) *mapping {
	i, ok := slices.BinarySearchFunc(s.mappings, addr, func(m mapping, a uint64) int { return cmp.Compare(m.start, a) })
	if !ok {
		i--
	}
	if i < 0 || addr >= s.mappings[i].end {
		return nil
	}
	return &s.mappings[i]
}

// printable replaces what would not stay on one line of a terminal.
func printable(s string) string {
	clean := []byte(s)
	for i, b := range clean {
		if b < ' ' || b == 0x7f {
			clean[i] = '?'
		}
	}
	return string(clean)
}
