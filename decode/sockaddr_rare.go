package decode

import (
	"bytes"
	"encoding/binary"
	"strconv"

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
	addressFamilies[unix.AF_BLUETOOTH] = addressFamily{4, bluetoothAddress}
}

// hexBytes emits bytes as numbers.
func (e *Event) hexBytes(name string, b []byte) {
	outer := e.begin(name, Array)
	for _, c := range b {
		e.num("", Mask, 8, uint64(c))
	}
	e.close(outer)
}

// ax25Call emits a call sign, whose letters are shifted to the left by a bit: the sign, if
// it is one, else its bytes, with what they look like behind them.
func (e *Event) ax25Call(name string, b []byte) {
	call, sound, text := make([]byte, 0, 10), true, true
	for _, c := range b[:6] {
		sound = sound && c&1 == 0
		c >>= 1
		text = text && c >= ' ' && c <= '~' && c != '*' && c != '/' // nothing that ends a comment
		call = append(call, c)
	}
	call = bytes.TrimRight(call, " ")
	for _, c := range call {
		sound = sound && (c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
	}
	const ssid = 0x1e // the bits of a station's number
	sound = sound && b[6]&^ssid == 0
	if blank := len(call) == 0; blank && b[6]&ssid == 0 {
		call = append(call, '*')
	} else {
		sound = sound && !blank
		call = strconv.AppendUint(append(call, '-'), uint64(b[6]&ssid>>1), 10)
	}
	kind := Meaning
	if !sound {
		kind = Noted
	}
	defer e.close(e.begin(name, kind))
	inner := e.begin("", Struct)
	e.emit(Value{Name: "ax25_call", Kind: Bytes, Raw: true, Text: b[:7], Size: 7})
	e.close(inner)
	if text {
		if sound {
			e.emit(Value{Kind: Symbol, Symbol: string(call)})
		} else {
			e.comment(string(call))
		}
	}
}

func ax25Address(e *Event, r *reader) {
	const size, call, most = 16, 7, 8
	n := int64(int32(le.Uint32(r.b[12:])))
	rest := r.b[size:]
	if n == 0 && len(rest) == 0 {
		e.ax25Call("sax25_call", r.b[2:])
		e.num("sax25_ndigis", Int, 32, uint64(uint32(n)))
		return
	}
	outer := e.begin("fsa_ax25", Struct)
	e.ax25Call("sax25_call", r.b[2:])
	e.num("sax25_ndigis", Int, 32, uint64(uint32(n)))
	e.close(outer)
	if n > 0 {
		outer := e.begin("fsa_digipeater", Array)
		shown := min(n, most, int64(len(rest)/call))
		for range shown {
			e.ax25Call("", rest)
			rest = rest[call:]
		}
		if shown < min(n, most) {
			e.cut()
		}
		e.close(outer)
	}
	if behind := len(r.b) - size; behind%call != 0 || behind > most*call {
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

	setIEEE802154PAN   = SetByName("ieee802154_pan")
	setIEEE802154Short = SetByName("ieee802154_short")
)

func ieee802154Address(e *Event, r *reader) {
	const none, short, long = 0, 2, 3
	typ, pan := uint64(le.Uint32(r.b[4:])), uint64(le.Uint16(r.b[8:]))
	outer := e.begin("addr", Struct)
	defer e.close(outer)
	e.rawEnum("addr_type", 32, typ, setIEEE802154)
	e.rawEnum("pan_id", 16, pan, setIEEE802154PAN)
	switch typ {
	case none:
	case short:
		e.rawEnum("short_addr", 16, uint64(le.Uint16(r.b[10:])), setIEEE802154Short)
	default:
		e.emit(Value{Name: "hwaddr", Kind: HWAddr, Text: r.b[10:18]})
	}
}

func rxrpcAddress(e *Event, r *reader) {
	service, typ, n := r.u16(), r.u16(), int(r.u16())
	e.rawEnum("srx_service", 16, service, setRxrpcServices)
	e.enum("transport_type", 16, typ, setSockTypes)
	e.num("transport_len", Uint, 16, uint64(n))
	outer := e.begin("transport", Struct)
	defer e.close(outer)
	b := r.b[r.off:]
	family := uint64(le.Uint16(b))
	const in6 = unix.SizeofSockaddrInet6
	if family == unix.AF_INET6 && n > in6-4 {
		n = max(n, in6) // a scope is whole
	}
	b = b[:min(max(n, 2), len(b))]
	of := func(member, name string, least int, rest func(e *Event, r *reader)) {
		outer := e.begin(member, Struct)
		e.enum(name, 16, family, setFamily)
		if len(b) >= least {
			rest(e, e.reader(b, 0))
		} else if len(b) > 2 {
			e.emit(Value{Kind: Bytes, Text: b[2:], Size: uint64(len(b) - 2)})
		}
		e.close(outer)
	}
	switch family {
	case unix.AF_INET:
		of("sin", "sin_family", 16, inetAddress)
	case unix.AF_INET6:
		of("sin6", "sin6_family", 24, inet6Address)
	default:
		e.enum("family", 16, family, setFamily)
		if len(b) > 2 {
			e.emit(Value{Kind: Bytes, Text: b[2:], Size: uint64(len(b) - 2)})
		}
	}
}

var setRxrpcServices = SetByName("rxrpc_service")

func nfcAddress(e *Event, r *reader) {
	word := r.abi.PointerBits() / 8
	long := 88 + (word-4)*2 // sizeof struct sockaddr_nfc_llcp, which ends with a size_t
	r.at(4)
	e.fields(r, []field{{"dev_idx", Interface, 4, nil}, {"target_idx", Hex, 4, nil}, {"nfc_protocol", Enum, 4, SetByName("nfc_proto")}})
	if len(r.b) < long {
		if len(r.b) > 16 {
			e.cut()
		}
		return
	}
	e.rawEnum("dsap", 8, r.u8(), setLLCPServices)
	e.rawEnum("ssap", 8, r.u8(), setLLCPServices)
	name, n := r.bytes(63), r.at(long-word).ptr()
	shown := name[:min(n, uint64(len(name)))]
	e.emit(Value{Name: "service_name", Kind: Bytes, Text: shown, Size: uint64(len(shown))})
	e.num("service_name_len", Uint, 64, n)
}

var setLLCPServices = SetByName("nfc_llcp_sap")

// bluetoothAddress: only its length tells what kind of a socket it is for.
func bluetoothAddress(e *Event, r *reader) {
	address := func(name string) {
		b := r.bytes(6)
		e.emit(Value{Name: name, Kind: HWAddr, Text: b})
	}
	switch len(r.b) {
	case 4, 6: // struct sockaddr_hci, which has grown
		dev := r.u16()
		outer := e.open(Value{Name: "hci_dev", Kind: Macro, Symbol: "htobs"})
		e.num("", Uint, 16, dev)
		e.close(outer)
		if len(r.b) == 6 {
			e.enum("hci_channel", 16, r.u16(), SetByName("hci_channel"))
		}
	case 8: // struct sockaddr_sco
		address("sco_bdaddr")
	case 10: // struct sockaddr_rc
		address("rc_bdaddr")
		e.num("rc_channel", Uint, 8, r.u8())
	case 12, 14: // struct sockaddr_l2, which has grown
		psm := r.u16()
		e.l2cap("l2_psm", psm, 0x1001, setL2capPSM)
		address("l2_bdaddr")
		e.l2cap("l2_cid", r.u16(), 0x40, setL2capCID)
		if len(r.b) == 14 {
			e.enum("l2_bdaddr_type", 8, r.u8(), SetByName("bdaddr_type"))
		}
	default:
		e.emit(Value{Name: "sa_data", Kind: Bytes, Text: r.b[2:], Size: uint64(len(r.b) - 2)})
	}
}

var (
	setL2capPSM = SetByName("l2cap_psm")
	setL2capCID = SetByName("l2cap_cid")
)

// l2cap emits a number of which those from start on are given out.
func (e *Event) l2cap(name string, num, start uint64, names *ConstSet) {
	outer := e.begin(name, Macro)
	e.values[e.parent].Symbol = "htobs"
	if num <= start || names.name(num) != "" {
		e.enum("", 16, num, names)
	} else {
		inner := e.open(Value{Kind: Sum, Bits: 16, Num: num, Whole: true})
		e.enum("", 16, start, names)
		e.num("", Uint, 16, num-start)
		e.close(inner)
	}
	e.close(outer)
}
