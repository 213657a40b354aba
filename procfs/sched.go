package procfs

import (
	"bytes"
	"strconv"
	"time"
)

// Schedstat returns how long a thread has had a core in its life, and how long it
// has waited for one: the first two fields of /proc/THREAD/schedstat, 0 where there
// is none. thread is an id or "thread-self".
func Schedstat(thread string) (ran, waited time.Duration) {
	var buf [128]byte
	b, err := read("/proc/"+thread+"/schedstat", buf[:])
	if err != nil {
		return 0, 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, 0
	}
	r, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	w, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return time.Duration(r), time.Duration(w)
}

// Runnable returns how many threads of the machine have or want a core: the fourth
// field of /proc/loadavg, 0 if it cannot be read.
func Runnable() int {
	var buf [128]byte
	b, err := read("/proc/loadavg", buf[:])
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 4 {
		return 0
	}
	n, _, _ := bytes.Cut(fields[3], []byte("/"))
	count, _ := strconv.Atoi(string(n))
	return count
}
