package decode

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Addresses of sockets (sockaddr(3type)): what is behind the family.

const sockaddrMax = 128 // sizeof(struct sockaddr_storage)

// An addressFamily decodes the addresses of a family that have least bytes, with
// the two of the family itself.
type addressFamily struct {
	least  int
	decode func(e *Event, r *reader)
}

var addressFamilies = map[uint64]addressFamily{
	unix.AF_UNIX:    {3, unixAddress},
	unix.AF_INET:    {unix.SizeofSockaddrInet4, inetAddress},
	unix.AF_INET6:   {unix.SizeofSockaddrInet6 - 4, inet6Address}, // without sin6_scope_id
	unix.AF_NETLINK: {unix.SizeofSockaddrNetlink, netlinkAddress},
	unix.AF_PACKET:  {unix.SizeofSockaddrLinklayer, packetAddress},
	unix.AF_ALG:     {25, algAddress},
	unix.AF_VSOCK:   {unix.SizeofSockaddrVM, vsockAddress},
	unix.AF_XDP: {unix.SizeofSockaddrXDP, func(e *Event, r *reader) {
		const sharedUmem = 1
		const name = "sxdp_shared_umem_fd"
		e.fields(r, xdpAddress)
		if fd := r.u32(); le.Uint16(r.b[2:])&sharedUmem != 0 {
			e.emitFD(name, fd, false)
		} else if fd != 0 {
			e.num(name, Hex, 32, fd)
		}
	}},
	unix.AF_QIPCRTR: {12, func(e *Event, r *reader) { e.fields(r.at(4), qipcrtrAddress) }},
}

func init() {
	t := register("sockaddr", sizesAll(sockaddrMax), decodeSockaddr)
	t.variable = true
}

// decodeSockaddr decodes the bytes of a socket address; there may be fewer
// than the family has.
func decodeSockaddr(e *Event, name string, r *reader) {
	if len(r.b) < 2 {
		e.emitAddr(name, r.addr, true)
		return
	}
	family := r.u16()
	outer := e.begin(name, Struct)
	defer e.close(outer)
	e.enum("sa_family", 16, family, setFamily)
	if f := addressFamilies[family]; f.decode != nil && len(r.b) >= f.least {
		f.decode(e, r)
	} else if len(r.b) > 2 {
		e.emit(Value{Name: "sa_data", Kind: Bytes, Text: r.b[2:], Size: uint64(len(r.b) - 2)})
	}
}

func unixAddress(e *Event, r *reader) {
	path := r.b[2:min(len(r.b), unix.SizeofSockaddrUnix)]
	if path[0] == 0 { // abstract: all bytes count
		e.emit(Value{Name: "sun_path", Kind: Bytes, Symbol: "@", Text: path[1:], Size: uint64(len(path) - 1)})
		return
	}
	path = upToNUL(path)
	e.emit(Value{Name: "sun_path", Kind: Bytes, Text: path, Size: uint64(len(path))})
}

// upToNUL cuts b before its first NUL.
func upToNUL(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

func inetAddress(e *Event, r *reader) {
	e.num("sin_port", Port, 16, uint64(binary.BigEndian.Uint16(r.b[2:])))
	e.emit(Value{Name: "sin_addr", Kind: IPv4, Text: r.b[4:8]})
}

func inet6Address(e *Event, r *reader) {
	addr := r.b[8:24]
	e.num("sin6_port", Port, 16, uint64(binary.BigEndian.Uint16(r.b[2:])))
	e.num("sin6_flowinfo", NetLong, 32, uint64(binary.BigEndian.Uint32(r.b[4:])))
	e.emit(Value{Name: "sin6_addr", Kind: IPv6, Text: addr})
	if len(r.b) == 24 { // without a scope: so the struct was, once
		return
	}
	var scope [4]byte // there may be less of it
	copy(scope[:], r.b[24:])
	// The scope of what is on one link is the interface.
	kind := Uint
	if addr[0] == 0xfe && addr[1]&0xc0 == 0x80 || addr[0] == 0xff && addr[1]&0x0f == 2 {
		kind = Interface
	}
	e.num("sin6_scope_id", kind, 32, uint64(le.Uint32(scope[:])))
}

func netlinkAddress(e *Event, r *reader) {
	e.reserved("nl_pad", r, 1, 2)
	e.num("nl_pid", PID, 32, r.u32())
	e.num("nl_groups", Mask, 32, r.u32())
}

var (
	setArpHardware = SetByName("arp_hardware")
	setPacketTypes = SetByName("packet_type")
)

func packetAddress(e *Event, r *reader) {
	raw := r.bytes(2)
	proto := le.Uint16(raw)
	outer := e.open(Value{Name: "sll_protocol", Kind: Macro, Symbol: "htons", Bits: 16, Num: uint64(proto), Text: raw})
	e.enum("", 16, uint64(swap16(proto)), setEtherTypes)
	e.close(outer)
	e.num("sll_ifindex", Interface, 32, r.u32())
	e.enum("sll_hatype", 16, r.u16(), setArpHardware)
	e.enum("sll_pkttype", 8, r.u8(), setPacketTypes)
	n := int(r.u8())
	e.num("sll_halen", Uint, 8, uint64(n))
	if n == 0 {
		return
	}
	addr := r.b[r.off:]
	outer = e.begin("sll_addr", Array)
	for _, c := range addr[:min(n, len(addr))] {
		e.num("", Mask, 8, uint64(c))
	}
	if n > len(addr) {
		e.cut()
	}
	e.close(outer)
}

var setCryptoFlags = SetByName("crypto_flags")

// algAddress decodes struct sockaddr_alg (linux/if_alg.h). salg_name has 64 bytes
// in it, and may be longer or shorter.
func algAddress(e *Event, r *reader) {
	text := func(name string, b []byte) {
		s := upToNUL(b)
		cut := len(s) > 0 && len(s) == len(b)
		if cut {
			s = s[:len(s)-1] // where the NUL should be
		}
		e.emit(Value{Name: name, Kind: Bytes, Text: s, Size: uint64(len(s)), Cut: cut})
	}
	text("salg_type", r.bytes(14))
	e.rawFlags("salg_feat", 32, r.u32(), setCryptoFlags)
	e.rawFlags("salg_mask", 32, r.u32(), setCryptoFlags)
	text("salg_name", r.b[r.off:])
}

var (
	setVsockPorts = SetByName("vsock_port")
	setVsockCIDs  = SetByName("vsock_cid")
	setVsockFlags = SetByName("vsock_flags")
)

func vsockAddress(e *Event, r *reader) {
	e.reserved("svm_reserved1", r, 1, 2)
	port, cid := r.u32(), r.u32()
	e.enum("svm_cid", 32, cid, setVsockCIDs)
	e.enum("svm_port", 32, port, setVsockPorts)
	e.flags("svm_flags", 8, r.u8(), setVsockFlags)
	if zero := r.bytes(3); len(bytes.Trim(zero, "\x00")) > 0 {
		e.emit(Value{Name: "svm_zero", Kind: Bytes, Raw: true, Text: zero, Size: 3})
	}
}

var (
	xdpAddress = []field{
		{"sxdp_flags", Flags, 2, SetByName("xdp_flags")}, {"sxdp_ifindex", Interface, 4, nil},
		{"sxdp_queue_id", Uint, 4, nil},
	}
	qipcrtrAddress = []field{{"sq_node", Enum, 4, setNodes}, {"sq_port", Enum, 4, setPorts}}
	setNodes       = SetByName("qrtr_node").withPrefix("")
	setPorts       = SetByName("qrtr_port").withPrefix("")
)
