package decode

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Addresses of families that few programs use.

func init() {
	addressFamilies[unix.AF_AX25] = addressFamily{16, ax25Address}
	addressFamilies[unix.AF_IPX] = addressFamily{16, ipxAddress}
	addressFamilies[unix.AF_X25] = addressFamily{18, x25Address}
	addressFamilies[unix.AF_MCTP] = addressFamily{12, mctpAddress}
	addressFamilies[unix.AF_IEEE802154] = addressFamily{20, ieee802154Address}
	addressFamilies[unix.AF_RXRPC] = addressFamily{36, rxrpcAddress}
	addressFamilies[unix.AF_NFC] = addressFamily{16, nfcAddress}
	addressFamilies[unix.AF_BLUETOOTH] = addressFamily{6, bluetoothAddress}
}

// hexBytes emits bytes as numbers.
func (e *Event) hexBytes(name string, b []byte) {
	outer := e.begin(name, Array)
	for _, c := range b {
		e.num("", Mask, 8, uint64(c))
	}
	e.close(outer)
}

// ax25Call emits a call sign, whose letters are shifted to the left by a bit.
func (e *Event) ax25Call(name string, b []byte) {
	call, valid := make([]byte, 0, 10), true
	for i, c := range b[:6] {
		switch c >>= 1; {
		case c == ' ' && i > 0:
		case c > ' ' && c <= '~' && len(call) == i:
			call = append(call, c)
		default:
			valid = false
		}
	}
	outer := e.begin(name, Noted)
	inner := e.begin("", Struct)
	e.emit(Value{Name: "ax25_call", Kind: Bytes, Raw: true, Text: b[:7], Size: 7})
	e.close(inner)
	if valid {
		ssid := b[6] >> 1 & 0xf
		call = append(call, '-')
		if ssid >= 10 {
			call = append(call, '1')
		}
		e.emit(Value{Kind: Symbol, Symbol: string(append(call, '0'+ssid%10))})
	}
	e.close(outer)
}

func ax25Address(e *Event, r *reader) {
	const size, digipeaters = 16, 8
	outer := e.begin("fsa_ax25", Struct)
	e.ax25Call("sax25_call", r.b[2:])
	n := uint64(le.Uint32(r.b[12:]))
	e.num("sax25_ndigis", Int, 32, n)
	e.close(outer)
	rest := r.b[size:]
	if n > 0 && len(rest) > 0 {
		outer := e.begin("fsa_digipeater", Array)
		shown := min(n, digipeaters, uint64(len(rest)/7))
		for range shown {
			e.ax25Call("", rest)
			rest = rest[7:]
		}
		if n > shown {
			e.cut()
		}
		e.close(outer)
	}
	if len(rest) > 0 {
		e.cut()
	}
}

func ipxAddress(e *Event, r *reader) {
	e.num("sipx_port", Port, 16, uint64(binary.BigEndian.Uint16(r.b[2:])))
	outer := e.begin("sipx_network", Macro)
	e.values[e.parent].Symbol = "htonl"
	e.num("", Hex, 32, uint64(binary.BigEndian.Uint32(r.b[4:])))
	e.close(outer)
	e.hexBytes("sipx_node", r.b[8:14])
	e.num("sipx_type", Mask, 8, uint64(r.b[14]))
	if zero := r.b[15]; zero != 0 {
		e.num("sipx_zero", Mask, 8, uint64(zero))
	}
}

func x25Address(e *Event, r *reader) {
	outer := e.begin("sx25_addr", Struct)
	e.textField("x25_addr", r.b[2:18])
	e.close(outer)
}

func mctpAddress(e *Event, r *reader) {
	pad, network, addr, typ, tag, pad1 := r.u16(), r.u32(), r.u8(), r.u8(), r.u8(), r.u8()
	if pad != 0 {
		e.num("__smctp_pad0", Hex, 16, pad)
	}
	e.enum("smctp_network", 32, network, setMCTPNetworks)
	outer := e.begin("smctp_addr", Struct)
	e.enum("s_addr", 8, addr, setMCTPAddresses)
	e.close(outer)
	e.num("smctp_type", Hex, 8, typ)
	e.num("smctp_tag", Hex, 8, tag)
	if pad1 != 0 {
		e.num("__smctp_pad1", Hex, 8, pad1)
	}
}

var (
	setMCTPNetworks  = SetByName("mctp_network")
	setMCTPAddresses = SetByName("mctp_address")
	setIEEE802154    = SetByName("ieee802154_address")
)

func ieee802154Address(e *Event, r *reader) {
	const none, short, long = 0, 2, 3
	typ, pan := uint64(le.Uint32(r.b[4:])), uint64(le.Uint16(r.b[8:]))
	outer := e.begin("addr", Struct)
	defer e.close(outer)
	inner := e.begin("addr_type", Noted)
	e.num("", Hex, 32, typ)
	if name := setIEEE802154.name(typ); name != "" {
		e.emit(Value{Kind: Symbol, Symbol: name})
	} else {
		e.emit(Value{Kind: Symbol, Symbol: "IEEE802154_ADDR_???"})
	}
	e.close(inner)
	e.num("pan_id", Hex, 16, pan)
	switch typ {
	case none:
	case short:
		e.num("short_addr", Hex, 16, uint64(le.Uint16(r.b[10:])))
	default:
		e.emit(Value{Name: "hwaddr", Kind: HWAddr, Text: r.b[10:18]})
	}
}

func rxrpcAddress(e *Event, r *reader) {
	service, typ, n := r.u16(), r.u16(), r.u16()
	e.enum("srx_service", 16, service, &ConstSet{Prefix: "???_SERVICE"})
	e.enum("transport_type", 16, typ, setSockTypes)
	e.num("transport_len", Uint, 16, n)
	outer := e.begin("transport", Struct)
	e.enum("family", 16, r.u16(), setFamily)
	if n > 2 {
		rest := r.b[r.off:]
		rest = rest[:min(int(n)-2, len(rest))]
		e.emit(Value{Kind: Bytes, Text: rest, Size: uint64(len(rest))})
	}
	e.close(outer)
}

func nfcAddress(e *Event, r *reader) {
	const long = 96 // sizeof struct sockaddr_nfc_llcp
	r.at(4)
	e.fields(r, []field{{"dev_idx", Uint, 4, nil}, {"target_idx", Hex, 4, nil}, {"nfc_protocol", Enum, 4, SetByName("nfc_proto")}})
	if len(r.b) < long {
		if len(r.b) > 16 {
			e.cut()
		}
		return
	}
	e.fields(r, []field{{"dsap", Hex, 1, nil}, {"ssap", Hex, 1, nil}})
	name := upToNUL(r.bytes(63))
	e.emit(Value{Name: "service_name", Kind: Bytes, Text: name, Size: uint64(len(name))})
	e.num("service_name_len", Uint, 64, r.at(88).u64())
}

// bluetoothAddress: only its length tells what kind of a socket it is for.
func bluetoothAddress(e *Event, r *reader) {
	address := func(name string) {
		b := r.bytes(6)
		e.emit(Value{Name: name, Kind: HWAddr, Text: b})
	}
	switch len(r.b) {
	case 6: // struct sockaddr_hci
		e.num("hci_dev", Uint, 16, r.u16())
		e.enum("hci_channel", 16, r.u16(), SetByName("hci_channel"))
	case 8: // struct sockaddr_sco
		address("sco_bdaddr")
	case 10: // struct sockaddr_rc
		address("rc_bdaddr")
		e.num("rc_channel", Uint, 8, r.u8())
	case 14: // struct sockaddr_l2
		psm := r.u16()
		e.l2cap("l2_psm", psm, 0x1001, "L2CAP_PSM_DYN_START", SetByName("l2cap_psm"))
		address("l2_bdaddr")
		e.l2cap("l2_cid", r.u16(), 0x40, "L2CAP_CID_DYN_START", SetByName("l2cap_cid"))
		e.enum("l2_bdaddr_type", 8, r.u8(), SetByName("bdaddr_type"))
	default:
		e.emit(Value{Name: "sa_data", Kind: Bytes, Text: r.b[2:], Size: uint64(len(r.b) - 2)})
	}
}

// l2cap emits a number of which those from start on are given out.
func (e *Event) l2cap(name string, num, start uint64, symbol string, names *ConstSet) {
	outer := e.begin(name, Macro)
	e.values[e.parent].Symbol = "htobs"
	switch {
	case num < start:
		e.enum("", 16, num, names)
	case num == start:
		e.emit(Value{Kind: Symbol, Symbol: symbol})
	default:
		inner := e.begin("", Sum)
		e.emit(Value{Kind: Symbol, Symbol: symbol})
		e.num("", Uint, 16, num-start)
		e.close(inner)
	}
	e.close(outer)
}
