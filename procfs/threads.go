package procfs

import (
	"os"
	"strconv"
	"strings"
)

// Threads returns the ids of a process's threads. It fails with ENOENT if there is
// no such process.
func Threads(pid int) ([]int, error) {
	d, err := os.Open(Path(pid, "task"))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	tids := make([]int, 0, len(names))
	for _, name := range names {
		if there, err := strconv.Atoi(name); err == nil {
			if tid := Here(there); tid > 0 {
				tids = append(tids, tid)
			}
		}
	}
	return tids, nil
}

// FirstChildren returns the ids of the children of this process's first thread, those that it
// has inherited among them; nothing where the kernel does not tell (CONFIG_PROC_CHILDREN).
func FirstChildren() []int {
	self := os.Getpid()
	list, err := readAll(Path(self, "task/"+strconv.Itoa(ID(self))+"/children"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(list)) {
		if there, err := strconv.Atoi(field); err == nil {
			pids = append(pids, Here(there))
		}
	}
	return pids
}
