package procfs

import (
	"bytes"
	"fmt"
	"strconv"
)

// A Stat is a thread's /proc/TID/stat.
type Stat struct {
	State      byte   // 'R', 'S', 't', 'Z', ...
	StartStack uint64 // where the program's stack began, 0 if we may not know
	Processor  int    // the CPU that it last ran on
}

// The fields that we read, numbered as in proc_pid_stat(5).
const (
	fieldState      = 3
	fieldStartStack = 28
	fieldProcessor  = 39
)

// ReadStat reads /proc/TID/stat. It fails with ENOENT or ESRCH if there is no such
// thread.
func ReadStat(tid int) (Stat, error) {
	var buf [1024]byte
	name := Path(tid, "stat")
	b, err := read(name, buf[:])
	if err != nil {
		return Stat{}, err
	}
	s, ok := parseStat(b)
	if !ok {
		return Stat{}, fmt.Errorf("%s: %w", name, errFormat)
	}
	return s, nil
}

func parseStat(b []byte) (s Stat, ok bool) {
	// The second field is the name in parentheses, which may contain anything.
	rest := b[bytes.LastIndexByte(b, ')')+1:]
	field := fieldState
	for word := range bytes.FieldsSeq(rest) {
		var err error
		switch field {
		case fieldState:
			s.State = word[0]
		case fieldStartStack:
			s.StartStack, err = strconv.ParseUint(string(word), 10, 64)
		case fieldProcessor:
			s.Processor, err = strconv.Atoi(string(word))
			return s, err == nil
		}
		if err != nil {
			return s, false
		}
		field++
	}
	return s, false
}

// Alive reports whether the thread exists and is no zombie.
func Alive(tid int) bool {
	s, err := ReadStat(tid)
	return err == nil && s.State != 'Z' && s.State != 'X'
}
