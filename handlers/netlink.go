package handlers

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
	"golang.org/x/sys/unix"
)

// Netlink finds out which netlink sockets there are. Its Family is a value for
// decode.Options.Netlink. A socket is looked up once: its inode number, by which
// it is known, is its own for as long as the machine runs.
type Netlink struct {
	mu       sync.Mutex
	families map[string]int // by the name in /proc/PID/fd; -1: no netlink socket
}

// Family returns the netlink family (netlink(7)) of a descriptor of a thread; -1 for a
// netlink socket that has no address yet, of which the kernel does not tell.
func (n *Netlink) Family(t table.Thread, fd int) (family int, ok bool) {
	proc := procfs.Dir(t.TID())
	name, err := os.Readlink(proc + "/fd/" + strconv.Itoa(fd))
	if err != nil || !strings.HasPrefix(name, "socket:[") {
		return 0, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	family, known := n.families[name]
	if !known {
		if n.families == nil || len(n.families) > maxSockets {
			n.families = map[string]int{}
		}
		family = netlinkFamily(proc, strings.Trim(name, "socket:[]"))
		if family < 0 && isNetlink(proc, fd) {
			return -1, true
		}
		n.families[name] = family
	}
	return family, family >= 0
}

// isNetlink reports whether a socket is of netlink, by the name that its kind has in the
// kernel.
func isNetlink(proc string, fd int) bool {
	var kind [16]byte
	n, err := unix.Getxattr(proc+"/fd/"+strconv.Itoa(fd), "system.sockprotoname", kind[:])
	return err == nil && n > 0 && n <= len(kind) && strings.TrimRight(string(kind[:n]), "\x00") == "NETLINK"
}

// maxSockets bounds what is remembered of programs that open sockets all day.
const maxSockets = 10000

// netlinkFamily looks for an inode in the table of netlink sockets of a thread's
// network namespace: the second column is the family, the last the inode.
func netlinkFamily(proc, inode string) int {
	data, err := os.ReadFile(proc + "/net/netlink")
	if err != nil {
		return -1
	}
	for line := range bytes.Lines(data) {
		columns := bytes.Fields(line)
		if len(columns) < 10 || string(columns[9]) != inode {
			continue
		}
		if family, err := strconv.Atoi(string(columns[1])); err == nil {
			return family
		}
	}
	return -1
}
