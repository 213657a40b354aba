package procfs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A Status is a thread's /proc/TID/status. In the sets signal n is bit n-1.
type Status struct {
	State         byte // 'R', 'S', 't', 'Z', ...
	TGID, PPID    int
	TracerPID     int    // the thread that traces it; 0: none
	UID           int    // the real one
	Seccomp       int    // 0: no filters, 1: strict mode, 2: filters
	KernelThread  bool   // as far as the kernel tells: since Linux 6.10
	Pending       uint64 // SigPnd: for the thread alone
	SharedPending uint64 // ShdPnd: for its process
	Blocked       uint64 // SigBlk
	Ignored       uint64 // SigIgn
	Caught        uint64 // SigCgt
}

// ReadStatus reads /proc/TID/status. It fails with ENOENT or ESRCH if there is no
// such thread.
func ReadStatus(tid int) (Status, error) {
	// The list of groups can have 65536 entries of 11 bytes; few have any.
	buf := make([]byte, 4096)
	name := Path(tid, "status")
	for {
		b, err := read(name, buf)
		if err != nil {
			return Status{}, err
		}
		if len(b) == len(buf) && len(buf) < 1<<20 {
			buf = make([]byte, 1<<20)
			continue
		}
		s, ok := parseStatus(b)
		if !ok {
			return Status{}, fmt.Errorf("%s: %w", name, errFormat)
		}
		s.TGID, s.PPID, s.TracerPID = Here(s.TGID), Here(s.PPID), Here(s.TracerPID)
		return s, nil
	}
}

// parseStatus fails if a field is missing. The name in the first line cannot
// contain a line's end: the kernel escapes it (fs/proc/array.c, proc_task_name).
func parseStatus(b []byte) (s Status, ok bool) {
	found := 0
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		text := string(bytes.TrimSpace(value))
		var err error
		number := func(to *int) {
			*to, err = strconv.Atoi(text)
			found++
		}
		set := func(to *uint64) {
			*to, err = strconv.ParseUint(text, 16, 64)
			found++
		}
		switch string(name) {
		case "State":
			if len(text) > 0 {
				s.State = text[0]
			}
		case "Tgid":
			number(&s.TGID)
		case "PPid":
			number(&s.PPID)
		// What follows is not everywhere, or not counted on.
		case "TracerPid":
			s.TracerPID, err = strconv.Atoi(text)
		case "Uid":
			real, _, _ := strings.Cut(text, "\t")
			s.UID, err = strconv.Atoi(real)
		case "Seccomp":
			s.Seccomp, err = strconv.Atoi(text)
		case "Kthread":
			s.KernelThread = text == "1"
		case "SigPnd":
			set(&s.Pending)
		case "ShdPnd":
			set(&s.SharedPending)
		case "SigBlk":
			set(&s.Blocked)
		case "SigIgn":
			set(&s.Ignored)
		case "SigCgt":
			set(&s.Caught)
		}
		if err != nil {
			return s, false
		}
	}
	const fields = 7
	return s, found == fields
}
