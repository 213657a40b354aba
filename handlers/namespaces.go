package handlers

import (
	"encoding/binary"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// Namespaces returns the remark that tells which namespaces (namespaces(7)) a call has put a
// process into: strace --namespace=new.
func Namespaces() *Remark {
	const signal = 0xff // of clone's flags
	return newRemark(map[string]func(*table.Call, table.Result) string{
		"clone": func(c *table.Call, res table.Result) string {
			return childNamespaces(c, res, c.Arg(0)&^signal)
		},
		"clone3": func(c *table.Call, res table.Result) string {
			var flags [8]byte // struct clone_args begins with them
			if n, err := c.Thread().ReadMemory(c.Arg(0), flags[:]); err != nil || n < len(flags) {
				return ""
			}
			return childNamespaces(c, res, binary.NativeEndian.Uint64(flags[:]))
		},
		"unshare": func(c *table.Call, _ table.Result) string {
			return namespacesOf(c.Thread().TID(), c.Arg(0))
		},
		"setns": func(c *table.Call, _ table.Result) string {
			return namespacesOf(c.Thread().TID(), c.Arg(1))
		},
	})
}

// namespaceLinks are the names below /proc/PID/ns, in the order in which they are shown.
var namespaceLinks = []struct {
	flags uint64
	name  string
}{
	{unix.CLONE_NEWCGROUP, "cgroup"},
	{unix.CLONE_NEWIPC, "ipc"},
	{unix.CLONE_NEWNS, "mnt"},
	{unix.CLONE_NEWNET, "net"},
	{unix.CLONE_NEWPID, "pid"},
	{unix.CLONE_NEWTIME, "time"},
	{unix.CLONE_NEWUTS, "uts"},
	{unix.CLONE_NEWUSER, "user"},
}

// childNamespaces returns those of a new process.
func childNamespaces(c *table.Call, res table.Result, flags uint64) string {
	var any uint64
	for _, l := range namespaceLinks {
		any |= l.flags
	}
	if flags&any == 0 {
		return ""
	}
	child := PIDHere(c.Thread().TID(), int(res.Value()))
	if child == 0 {
		return ""
	}
	if flags&unix.CLONE_INTO_CGROUP != 0 {
		flags |= unix.CLONE_NEWCGROUP
	}
	return namespacesOf(child, flags)
}

// namespacesOf returns the namespaces of a thread that flags name.
func namespacesOf(tid int, flags uint64) string {
	var all []string
	for _, l := range namespaceLinks {
		if flags&l.flags == 0 {
			continue
		}
		if link, err := os.Readlink(procfs.Path(tid, "ns/"+l.name)); err == nil {
			all = append(all, link)
		}
	}
	return strings.Join(all, ", ")
}
