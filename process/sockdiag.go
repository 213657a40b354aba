package process

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/procfs"
)

// What the kernel tells of sockets over sock_diag(7): their addresses and peers. It tells
// it of the supervisor's own network namespace.

const (
	sockDiagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	allStates        = ^uint32(0)
	netlinkAll       = 255 // NDIAG_PROTO_ALL

	unixShowName, unixShowPeer = 1, 4 // UDIAG_SHOW_NAME, UDIAG_SHOW_PEER
	unixName, unixPeer         = 0, 2 // UNIX_DIAG_NAME, UNIX_DIAG_PEER
)

// ne is the byte order of everything in netlink but addresses and ports.
var ne = binary.NativeEndian

// diag sends a request and gives the payloads of the answers to f until that returns true.
func diag(request []byte, dump bool, f func(payload []byte) bool) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return fmt.Errorf("sock_diag: %w", err)
	}
	defer unix.Close(fd)
	flags := uint16(unix.NLM_F_REQUEST)
	if dump {
		flags |= unix.NLM_F_DUMP
	}
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(request))
	ne.PutUint32(message, uint32(unix.NLMSG_HDRLEN+len(request)))
	ne.PutUint16(message[4:], sockDiagByFamily)
	ne.PutUint16(message[6:], flags)
	if err := unix.Sendto(fd, append(message, request...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sock_diag: %w", err)
	}
	buf := make([]byte, 32<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("sock_diag: %w", err)
		}
		for b := buf[:n]; len(b) >= unix.NLMSG_HDRLEN; {
			length := int(ne.Uint32(b))
			if length < unix.NLMSG_HDRLEN || length > len(b) {
				return nil
			}
			switch ne.Uint16(b[4:]) {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				return nil
			case sockDiagByFamily:
				if f(b[unix.NLMSG_HDRLEN:length]) || !dump {
					return nil
				}
			}
			b = b[min((length+3)&^3, len(b)):]
		}
	}
}

// unixDetail returns what is known of a UNIX socket, "" if it has neither name nor peer.
func unixDetail(ino uint64) (detail string) {
	// struct unix_diag_req
	request := make([]byte, 24)
	request[0] = unix.AF_UNIX
	ne.PutUint32(request[4:], allStates)
	ne.PutUint32(request[8:], uint32(ino))
	ne.PutUint32(request[12:], unixShowName|unixShowPeer)
	ne.PutUint64(request[16:], ^uint64(0)) // whatever its cookie
	_ = diag(request, false, func(b []byte) bool {
		const size = 16 // of struct unix_diag_msg
		if len(b) < size || ne.Uint32(b[4:]) != uint32(ino) {
			return false
		}
		var peer uint32
		var name []byte
		for b = b[size:]; len(b) >= 4; {
			length := int(ne.Uint16(b))
			if length < 4 || length > len(b) {
				break
			}
			switch ne.Uint16(b[2:]) {
			case unixName:
				name = b[4:length]
			case unixPeer:
				if length >= 8 {
					peer = ne.Uint32(b[4:])
				}
			}
			b = b[min((length+3)&^3, len(b)):]
		}
		if peer == 0 && len(name) == 0 {
			return true
		}
		detail = fmt.Sprint(ino)
		if peer != 0 {
			detail += fmt.Sprintf("->%d", peer)
		}
		if len(name) > 0 {
			detail += "," + quoteUnix(name)
		}
		return true
	})
	return detail
}

// quoteUnix returns the name of a UNIX socket as strace shows it.
func quoteUnix(name []byte) string {
	at := ""
	if name[0] == 0 {
		at, name = "@", name[1:]
	}
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	var s strings.Builder
	s.WriteString(at + `"`)
	for i, c := range name {
		switch c {
		case '"', '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case '\t', '\n', '\v', '\f', '\r':
			s.WriteByte('\\')
			s.WriteByte("tnvfr"[c-'\t'])
		default:
			switch {
			case c >= ' ' && c < 0x7f:
				s.WriteByte(c)
			case i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9':
				fmt.Fprintf(&s, "\\%03o", c)
			default:
				fmt.Fprintf(&s, "\\%o", c)
			}
		}
	}
	s.WriteByte('"')
	return s.String()
}

// inetDetail returns the addresses of an IP socket, "" if it has none.
func inetDetail(family, protocol uint8, ino uint64) (detail string) {
	// struct inet_diag_req_v2
	request := make([]byte, 56)
	request[0], request[1] = family, protocol
	ne.PutUint32(request[4:], allStates)
	_ = diag(request, true, func(b []byte) bool {
		// struct inet_diag_msg: family, state, timer, retrans; ports, addresses,
		// interface, cookie; expires, queues, uid, inode
		if len(b) < 72 || ne.Uint32(b[68:]) != uint32(ino) || b[0] != family {
			return false
		}
		address := func(at int) string {
			if family == unix.AF_INET {
				return netip.AddrFrom4([4]byte(b[at:])).String()
			}
			return "[" + inet6(netip.AddrFrom16([16]byte(b[at:]))) + "]"
		}
		from, to := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
		detail = fmt.Sprintf("%s:%d", address(8), from)
		if to != 0 || [16]byte(b[24:]) != [16]byte{} {
			detail += fmt.Sprintf("->%s:%d", address(24), to)
		}
		return true
	})
	return detail
}

// inet6 returns an address as inet_ntop(3) does.
func inet6(a netip.Addr) string {
	if a.Is4In6() {
		return "::ffff:" + a.Unmap().String()
	}
	return a.String()
}

// netlinkNames are the protocols of netlink(7), by number.
var netlinkNames = map[byte]string{
	0: "ROUTE", 1: "UNUSED", 2: "USERSOCK", 3: "FIREWALL", 4: "SOCK_DIAG", 5: "NFLOG", 6: "XFRM", 7: "SELINUX", 8: "ISCSI",
	9: "AUDIT", 10: "FIB_LOOKUP", 11: "CONNECTOR", 12: "NETFILTER", 13: "IP6_FW", 14: "DNRTMSG", 15: "KOBJECT_UEVENT",
	16: "GENERIC", 18: "SCSITRANSPORT", 19: "ECRYPTFS", 20: "RDMA", 21: "CRYPTO", 22: "SMC",
}

// netlinkDetail returns protocol and address of a netlink socket, "" if it has none.
func netlinkDetail(ino uint64) (detail string) {
	// struct netlink_diag_req
	request := make([]byte, 20)
	request[0], request[1] = unix.AF_NETLINK, netlinkAll
	_ = diag(request, true, func(b []byte) bool {
		// struct netlink_diag_msg: family, type, protocol, state; portid, dst_portid,
		// dst_group, inode, cookie
		if len(b) < 28 || ne.Uint32(b[16:]) != uint32(ino) {
			return false
		}
		name, ok := netlinkNames[b[2]]
		if !ok {
			name = fmt.Sprint(b[2])
		}
		detail = fmt.Sprintf("%s:%d", name, ne.Uint32(b[4:]))
		return true
	})
	return detail
}

// protocolName returns the kernel's name of the protocol of descriptor fd of thread tid.
func protocolName(tid, fd int) string {
	var buf [32]byte
	n, err := unix.Getxattr(procfs.FDPath(tid, fd), "system.sockprotoname", buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(buf[:n]), "\x00")
}
