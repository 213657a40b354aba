package handlers

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/k42trace/k42trace/table"
)

// A peer is the address that a call names, as the kernel is to get it.
type peer struct {
	family uint16
	bytes  []byte // the whole sockaddr
	ip     netip.AddrPort
}

// Sizes of what the kernel reads of an address.
const (
	sizeFamily   = 2
	sizeIPv4     = 16  // struct sockaddr_in
	sizeIPv6     = 24  // struct sockaddr_in6 without its scope (SIN6_LEN_RFC2133)
	sizeSockaddr = 128 // struct sockaddr_storage
)

// readPeer reads an address of n bytes. ok is false for none, and what the kernel refuses.
func readPeer(m table.Memory, addr, n uint64) (p peer, ok bool) {
	if addr == 0 || n < sizeFamily || n > sizeSockaddr {
		return p, false
	}
	b := make([]byte, n)
	if got, err := m.ReadMemory(addr, b); err != nil || got < len(b) {
		return p, false
	}
	return parsePeer(b), true
}

// parsePeer takes an address apart.
func parsePeer(b []byte) peer {
	p := peer{family: binary.NativeEndian.Uint16(b), bytes: b}
	switch {
	case p.family == unix.AF_INET && len(b) >= sizeIPv4:
		p.ip = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
	case p.family == unix.AF_INET6 && len(b) >= sizeIPv6:
		p.ip = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), binary.BigEndian.Uint16(b[2:]))
	}
	return p
}

// A message is a struct msghdr, or mmsghdr, in the program's memory (sendmsg(2)).
type message struct {
	word   int
	header []byte
}

func messageSize(c *table.Call) int {
	if c.ABI().PointerBits() == 32 {
		return 28
	}
	return 56
}

// readMessage reads a msghdr.
func readMessage(c *table.Call, addr uint64) (message, error) {
	m := message{c.ABI().PointerBits() / 8, make([]byte, messageSize(c))}
	n, err := c.ReadMemory(addr, m.header)
	if err == nil && n < len(m.header) {
		err = unix.EFAULT
	}
	return m, err
}

func (m *message) name() uint64 { return get(m.header[:m.word]) }
func (m *message) size() uint64 { return get(m.header[m.word : m.word+4]) }

// address makes the message point to an address that the program cannot change.
func (m *message) address(c *table.Call, addr []byte) error {
	const scratch = 5 // an argument that sendmsg and sendmmsg have not
	old := c.RawArg(scratch)
	if err := c.Pin(scratch, addr); err != nil {
		return err
	}
	m.setName(c.RawArg(scratch), uint64(len(addr)))
	c.SetArg(scratch, old)
	return nil
}

// setName makes the message point to another address.
func (m *message) setName(addr, size uint64) {
	put(m.header[:m.word], addr)
	put(m.header[m.word:m.word+4], size)
}
