package decode

import (
	"bytes"
	"sync"

	"golang.org/x/sys/unix"
)

// Generic netlink's families have no fixed numbers. The kernel tells them (linux/genetlink.h).

// genericFamilies are the names of those families that there are. It is asked for once:
// few come later.
var genericFamilies = sync.OnceValue(func() *ConstSet {
	set := &ConstSet{Name: "generic families", Prefix: "GENERIC_FAMILY_"}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	if err != nil {
		return set
	}
	defer unix.Close(fd)
	const size = nlHeader + 4                               // with struct genlmsghdr
	request := le.AppendUint32(make([]byte, 0, size), size) // CTRL_CMD_GETFAMILY, of all
	request = le.AppendUint16(request, unix.GENL_ID_CTRL)
	request = le.AppendUint16(request, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request = append(request, make([]byte, size-len(request))...)
	request[nlHeader], request[nlHeader+1] = unix.CTRL_CMD_GETFAMILY, 1
	if unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return set
	}
	b := make([]byte, maxNL)
	for {
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil || n < nlHeader {
			return set
		}
		for s := (span{0, b[:n], n}); s.n >= nlHeader; s = s.after(s.u(0, 4), nlHeader) {
			if s.u(4, 2) != unix.GENL_ID_CTRL {
				return set // the end, or an error
			}
			set.addFamily(s.first(int(s.u(0, 4))).from(size))
		}
	}
})

// addFamily adds the family that the attributes in s are about.
func (set *ConstSet) addFamily(s span) {
	c := Const{}
	for ; s.n >= nlaHeader; s = s.after(s.u(0, 2), nlaHeader) {
		value := s.first(int(s.u(0, 2))).from(nlaHeader)
		switch s.u(2, 2) &^ nlaFlags {
		case unix.CTRL_ATTR_FAMILY_ID:
			c.Value = value.u(0, 2)
		case unix.CTRL_ATTR_FAMILY_NAME:
			c.Name = string(bytes.TrimRight(value.b, "\x00"))
		}
	}
	if c.Name != "" && c.Value >= nlControl {
		set.Consts = append(set.Consts, c)
	}
}
