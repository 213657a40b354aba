package decode

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// appendInterface appends the index of a network interface, by its name where
// this process has one for it, which need not be what the child would see.
func (t *Text) appendInterface(dst []byte, index uint32) []byte {
	name := interfaceName(index)
	if name == "" {
		return strconv.AppendUint(dst, uint64(index), 10)
	}
	dst = append(dst, "if_nametoindex(\""...)
	dst = t.appendText(dst, []byte(name), false)
	return append(dst, "\")"...)
}

// interfaceName asks the kernel each time: interfaces come and go, and traces
// that show one are rare (netdevice(7), SIOCGIFNAME).
func interfaceName(index uint32) string {
	if index == 0 {
		return ""
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("")
	if err != nil {
		return ""
	}
	ifr.SetUint32(index)
	if unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr) != nil {
		return ""
	}
	return ifr.Name()
}
