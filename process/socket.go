package process

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
	"github.com/k42trace/k42trace/table"
)

// protocols are those of whose sockets strace shows more than the inode, by the kernel's
// names; those of families whose addresses are not asked for have no function.
var protocols = map[string]func(ino uint64) string{
	"UNIX":        unixDetail,
	"UNIX-STREAM": unixDetail,
	"NETLINK":     netlinkDetail,
	"TCP":         inet(unix.AF_INET, unix.IPPROTO_TCP),
	"UDP":         inet(unix.AF_INET, unix.IPPROTO_UDP),
	"RAW":         inet(unix.AF_INET, unix.IPPROTO_RAW),
	"TCPv6":       inet(unix.AF_INET6, unix.IPPROTO_TCP),
	"UDPv6":       inet(unix.AF_INET6, unix.IPPROTO_UDP),
	"UDPLITEv6":   inet(unix.AF_INET6, unix.IPPROTO_UDPLITE),
	"RAWv6":       inet(unix.AF_INET6, unix.IPPROTO_RAW),
}

func inet(family, protocol uint8) func(uint64) string {
	return func(ino uint64) string { return inetDetail(family, protocol, ino) }
}

// Detail returns what is known of a descriptor beyond its name, as strace -yy shows it:
// of a socket its protocol and addresses, of a pidfd its process; "" if nothing is. What
// addresses a socket has is asked for until it has some, and not again.
func (f *FDs) Detail(fd int) string {
	file := f.File(fd)
	if file == nil {
		return ""
	}
	if file.details == nil {
		file.details = &details{}
	}
	switch d := file.details; {
	case d.detail != "" || f.tree.past && d.detailed != "":
	case file.kind == table.KindSocket:
		file.askSocket(f.users.any(), fd)
	case file.kind == table.KindPidfd:
		if pid, err := procfs.PidOf(f.users.any(), fd); err == nil {
			d.detail = fmt.Sprintf("pid:%d", pid)
		}
	}
	if file.details.detail != "" {
		return file.details.detail
	}
	return file.details.detailed
}

// askSocket asks what there is to know of f, a socket, which is descriptor fd of thread
// tid.
func (f *File) askSocket(tid, fd int) {
	d := f.details
	if d.protocol == "" && !f.tree.past {
		d.protocol = protocolName(tid, fd)
	}
	ask := protocols[d.protocol]
	if ask == nil {
		return
	}
	d.detailed = fmt.Sprintf("%s:[%d]", d.protocol, f.id.Ino)
	if addresses := ask(f.id.Ino); addresses != "" {
		d.detail = d.protocol + ":[" + addresses + "]"
	}
}

// detailNow asks for the details of a socket at once, where later would be too late.
func (t *Thread) detailNow(fds *FDs, fd int) {
	if t.tree.eager && t.tree.details {
		fds.Detail(fd)
	}
}

// accepted asks for the details of those who may have got a peer: clients of UNIX sockets
// have none before they are accepted.
func (t *Thread) accepted() {
	if !t.tree.eager || !t.tree.details || len(t.tree.files) > maxNames {
		return
	}
	for _, files := range t.tree.files {
		for _, f := range files {
			// One that has bound itself to a name has had something to tell before.
			if d := f.details; d != nil && d.protocol == "UNIX-STREAM" && !strings.Contains(d.detail, "->") {
				f.askSocket(0, 0)
			}
		}
	}
}

// endAddress ends a call after which a socket may have another address or state.
func endAddress(t *Thread, op *Op, _ table.Result) { t.detailNow(op.fds, op.fd(0)) }
