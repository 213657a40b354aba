package handlers

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNetlinkFamily asks about sockets of this process, one of which has no address at
// first.
func TestNetlinkFamily(t *testing.T) {
	open := func(domain, typ, protocol int) int {
		fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	netlink, other := open(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC), open(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	n, thread := new(Netlink), &fakeThread{tid: os.Getpid()}
	check := func(what string, fd, family int, ok bool) {
		t.Helper()
		if f, is := n.Family(thread, fd); f != family || is != ok {
			t.Errorf("%s: %d, %t, want %d, %t", what, f, is, family, ok)
		}
	}
	check("unbound", netlink, -1, true)
	check("of AF_UNIX", other, -1, false)
	if err := unix.Bind(netlink, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	check("bound", netlink, unix.NETLINK_GENERIC, true)
	check("of AF_UNIX, again", other, -1, false)
	check("none", 1<<20, 0, false)
}
