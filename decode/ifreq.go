package decode

import "strconv"

// Requests about network interfaces (netdevice(7)): struct ifreq is a name, and a
// union that the request chooses from.

const (
	siocGIfName = 0x8910 // SIOCGIFNAME
	siocGIfConf = 0x8912 // SIOCGIFCONF
)

// An ifreq is what a request does with the union.
type ifreq struct {
	get  bool   // the kernel fills it
	name string // of the member
	kind ifreqKind
}

type ifreqKind uint8

const (
	ifreqInt ifreqKind = iota
	ifreqFlags
	ifreqAddress
	ifreqHardware
	ifreqMap
	ifreqString
	ifreqBridged // the index of an interface, and no name
)

var ifreqs = map[uint64]ifreq{
	0x8913: {true, "ifr_flags", ifreqFlags}, 0x8914: {false, "ifr_flags", ifreqFlags},
	0x8915: {true, "ifr_addr", ifreqAddress}, 0x8916: {false, "ifr_addr", ifreqAddress},
	0x8917: {true, "ifr_dstaddr", ifreqAddress}, 0x8918: {false, "ifr_dstaddr", ifreqAddress},
	0x8919: {true, "ifr_broadaddr", ifreqAddress}, 0x891a: {false, "ifr_broadaddr", ifreqAddress},
	0x891b: {true, "ifr_netmask", ifreqAddress}, 0x891c: {false, "ifr_netmask", ifreqAddress},
	0x891d: {true, "ifr_metric", ifreqInt}, 0x891e: {false, "ifr_metric", ifreqInt},
	0x8921: {true, "ifr_mtu", ifreqInt}, 0x8922: {false, "ifr_mtu", ifreqInt},
	0x8923: {false, "ifr_newname", ifreqString},                                               // SIOCSIFNAME
	0x8924: {false, "ifr_hwaddr", ifreqHardware}, 0x8927: {true, "ifr_hwaddr", ifreqHardware}, // SIOCSIFHWADDR, SIOCGIFHWADDR
	0x8929: {true, "ifr_slave", ifreqString}, 0x8930: {false, "ifr_slave", ifreqString}, // SIOCGIFSLAVE, SIOCSIFSLAVE
	0x8931: {false, "ifr_hwaddr", ifreqHardware}, 0x8932: {false, "ifr_hwaddr", ifreqHardware}, // SIOCADDMULTI, SIOCDELMULTI
	0x8933: {true, "ifr_ifindex", ifreqInt},                                     // SIOCGIFINDEX
	0x8942: {true, "ifr_qlen", ifreqInt}, 0x8943: {false, "ifr_qlen", ifreqInt}, // SIOCGIFTXQLEN, SIOCSIFTXQLEN
	0x8937: {false, "ifr_hwaddr", ifreqHardware},                                               // SIOCSIFHWBROADCAST
	0x89a2: {false, "ifr_ifindex", ifreqBridged}, 0x89a3: {false, "ifr_ifindex", ifreqBridged}, // SIOCBRADDIF, SIOCBRDELIF
	0x8970: {true, "ifr_map", ifreqMap}, 0x8971: {false, "ifr_map", ifreqMap},
}

const ifNameSize = 16 // IFNAMSIZ

// hardwareSizes are how long addresses are, by ARPHRD_ (linux/if_arp.h).
var hardwareSizes = map[uint64]int{
	0: 7, 1: 6, 3: 7, 6: 6, 7: 1, 15: 2, 27: 8, 270: 5, 271: 5, 290: 1, 768: 4, 772: 6, 773: 1, 774: 6, 776: 4, 777: 4, 778: 4, 779: 4,
	780: 6, 783: 4, 801: 6, 802: 6, 803: 6, 804: 8, 805: 8, 820: 1, 821: 1, 822: 1, 825: 8, 826: 8,
}

// ifreqSize is sizeof(struct ifreq): the largest member is struct ifmap, which has
// two longs.
func ifreqSize(e *Event) int { return ifNameSize + 8 + 2*e.abi.PointerBits()/8 }

var (
	setIfFlags = SetByName("iff")
	ifmapRows  = []field{
		{"mem_start", Hex, pointer, nil}, {"mem_end", Hex, pointer, nil},
		{"base_addr", Hex, 2, nil}, {"irq", Hex, 1, nil}, {"dma", Hex, 1, nil}, {"port", Hex, 1, nil},
	}
)

// keepIfreq reads what the program gives: for most requests all that is shown if
// they fail.
func (e *Event) keepIfreq() {
	if e.args[1] == siocGIfConf {
		if b := e.readAll(e.args[2], 4); b != nil {
			e.old, e.hadOld = uint64(le.Uint32(b)), true
		}
		return
	}
	b := e.readAll(e.args[2], ifreqSize(e))
	e.into(2)
	if b == nil {
		e.emitAddr("", e.args[2], true)
		return
	}
	outer := e.begin("", Struct)
	if e.args[1] == siocGIfName {
		e.num("ifr_ifindex", Int, 32, uint64(le.Uint32(b[ifNameSize:])))
	} else if ifreqs[e.args[1]].kind == ifreqBridged {
		e.num("ifr_ifindex", Interface, 32, uint64(le.Uint32(b[ifNameSize:])))
	} else {
		e.ifName("ifr_name", b)
		if q := ifreqs[e.args[1]]; !q.get {
			e.ifreqMember(&q, b)
		}
	}
	e.close(outer)
}

// exitIfreq adds what the kernel filled in.
func (e *Event) exitIfreq() {
	if e.args[1] == siocGIfConf {
		e.ifconf()
		return
	}
	q := ifreqs[e.args[1]]
	if !e.good() || e.arg(2).Kind != Struct || !q.get && e.args[1] != siocGIfName {
		return
	}
	b := e.readAll(e.args[2], ifreqSize(e))
	if b == nil {
		return
	}
	outer := e.parent
	e.parent = argSlot + 2
	if e.args[1] == siocGIfName {
		e.ifName("ifr_name", b)
	} else {
		e.ifreqMember(&q, b)
	}
	e.close(outer)
}

func (e *Event) ifName(name string, b []byte) { e.fixedText(name, b[:ifNameSize]) }

// ifreqMember emits the member of the union in the struct whose bytes are b.
func (e *Event) ifreqMember(q *ifreq, b []byte) {
	u := b[ifNameSize:]
	switch q.kind {
	case ifreqInt:
		e.num(q.name, Int, 32, uint64(le.Uint32(u)))
	case ifreqFlags:
		e.flags(q.name, 16, uint64(le.Uint16(u)), setIfFlags)
	case ifreqAddress:
		e.emitBytesAs(q.name, structs["sockaddr"], u[:16])
	case ifreqHardware:
		family := uint64(le.Uint16(u))
		n, ok := hardwareSizes[family]
		if !ok {
			n = 14
		}
		outer := e.begin(q.name, Struct)
		e.enum("sa_family", 16, family, setArpHardware)
		e.emit(Value{Name: "sa_data", Kind: HWAddr, Text: u[2:16], Size: uint64(n)})
		e.close(outer)
	case ifreqMap:
		outer := e.begin(q.name, Struct)
		e.fields(e.reader(u, 0), ifmapRows)
		e.close(outer)
	case ifreqString:
		e.ifName(q.name, u)
	}
}

// ifconf emits struct ifconf: a length and a buffer, with which SIOCGIFCONF
// returns the addresses of all interfaces.
func (e *Event) ifconf() {
	addr := e.args[2]
	word := e.abi.PointerBits() / 8
	b := e.readAll(addr, 2*word)
	e.into(2)
	if b == nil || !e.hadOld {
		e.emitAddr("", addr, addr != 0)
		return
	}
	now, buf := uint64(le.Uint32(b)), e.word(b[word:])
	size := uint64(ifreqSize(e))
	defer e.close(e.begin("", Struct))
	length := func(name string, long uint64) {
		n := long / size
		if n == 0 || long%size != 0 || long > 1<<31 {
			e.num(name, Int, 32, long)
			return
		}
		outer := e.begin(name, Noted)
		e.num("", Int, 32, long)
		e.emit(Value{Kind: Symbol, Symbol: strconv.FormatUint(n, 10) + " * sizeof(struct ifreq)"})
		e.close(outer)
	}
	if e.good() && now != e.old && buf != 0 {
		outer := e.begin("ifc_len", Change)
		length("", e.old)
		length("", now)
		e.close(outer)
	} else {
		length("ifc_len", now)
	}
	if buf == 0 || !e.good() {
		e.emitAddr("ifc_buf", buf, false)
		return
	}
	e.emitArray("ifc_buf", ifaddr, buf, now/size)
}

// ifaddr is struct ifreq with the address in the union.
var ifaddr = &structType{size: sizesPtr(40, 32), decode: func(e *Event, name string, r *reader) {
	outer := e.begin(name, Struct)
	e.ifName("ifr_name", r.b)
	e.emitBytesAs("ifr_addr", structs["sockaddr"], r.b[ifNameSize:ifNameSize+16])
	e.close(outer)
}}
